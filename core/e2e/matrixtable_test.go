package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What GitLab answers, written down from its documentation and its code, and not
// from ours: this file knows nothing of package authz. Where we differ on
// purpose it says so ("Differs").

// verdict is what an answer must be.
type verdict int

const (
	passes       verdict = iota // whatever it is, nobody was kept from anything
	unauthorized                // 401
	refused                     // 403
	hidden                      // 404, as if there were nothing of that name
	hiddenOrAsk                 // passes, but a 404 of somebody unknown must be a 401
	twice                       // 400: two credentials
)

func (v verdict) String() string {
	return [...]string{"passes", "401", "403", "404 as if it did not exist", "passes, or 401 instead of 404", "400 of two credentials"}[v]
}

// standing is what somebody may do in a project.
type standing struct{ sees, reads, creates, destroys bool }

// abilities are the roles' (docs: "Permissions and roles", package registry; in
// the code, guests pull and maintainers delete).
func abilities(role int) standing {
	switch {
	case role >= maintain:
		return standing{true, true, true, true}
	case role >= developer:
		return standing{true, true, true, false}
	case role >= guest:
		return standing{true, true, false, false}
	}
	return standing{}
}

// standingIn is what an identity that asks about s may in project q.
func standingIn(i *identity, s, q *spot) standing {
	if q.absent {
		return standing{}
	}
	may := membership(i, s, q)
	// Visibility: public to everybody, internal to whoever has signed in.
	// Differs: an internal project is not shown to a deploy token from elsewhere,
	// which is no person, and would read the whole instance with one project's token.
	open := q.visibility == "public" || (q.visibility == "internal" && (i.kind == somebody || i.kind == job))
	may.sees = may.sees || open || q.access == "public"
	if i.grants != nil && !i.on(s, q) {
		// A granular token is for what it names. Elsewhere it knows that what is public is there, and no more.
		return standing{sees: q.visibility == "public" || q.access == "public"}
	}
	// The registry's own level, beside the project's.
	switch q.access {
	case "disabled":
		return standing{sees: may.sees}
	case "enabled":
		may.reads = may.reads || open
	case "public": // "anyone on the internet may pull"
		may.reads = true
	}
	if q.archived { // create, update and destroy are withdrawn, reading stays
		may.creates, may.destroys = false, false
	}
	switch {
	case i.grants != nil:
		// Who may download may read what leads there; the packages API keeps them apart.
		may.reads, may.creates, may.destroys = may.reads && i.givenFor("read_package"), may.creates && i.givenFor("create_package"), may.destroys && i.givenFor("destroy_package")
	case i.kind == somebody && !slices.Contains(i.scopes, "api"): // read_api: GET and HEAD only
		may.creates, may.destroys = false, false
	}
	return may
}

// given reports whether a granular token has a permission.
func (i *identity) given(permission string) bool { return slices.Contains(i.grants, permission) }

func (i *identity) givenFor(action string) bool {
	switch action {
	case "create_package":
		return i.given("upload_package")
	case "destroy_package":
		return i.given("delete_package")
	}
	return i.given("read_package") || i.given("download_package")
}

func membership(i *identity, s, q *spot) standing {
	switch {
	case i.kind == somebody && i.role == admin:
		return standing{true, true, true, true}
	case (i.kind == somebody || i.kind == job) && i.on(s, q):
		return abilities(i.role)
	case i.kind == deploy && i.on(s, q):
		// write_package_registry implies reading and destroying.
		write := slices.Contains(i.scopes, "write_package_registry")
		return standing{true, true, write, write}
	}
	return standing{}
}

func (m standing) may(action string) bool {
	return map[string]bool{"read_package": m.reads, "create_package": m.creates, "destroy_package": m.destroys}[action]
}

// ofProject is what a format's route about a project answers: somebody unknown
// is asked who they are; others get 404 where there is nothing for them to see,
// and 403 where there is, and this not theirs to do.
func ofProject(i *identity, s *spot, action string) verdict {
	m := standingIn(i, s, s)
	switch {
	case m.may(action):
		return passes
	case i.kind == anonymous:
		return unauthorized
	case m.sees, i.kind == job && !s.absent:
		return refused // a job is told that it is not let in
	}
	return hidden
}

// ofGroup is likewise of one about a group with these projects in it. Whoever
// may see the group, or anything of it, may ask; the answer is about what they
// may read. What is to be changed is not known before it is found.
func ofGroup(i *identity, s *spot, projects []*spot, seen bool, action string) verdict {
	reads, hides := false, false
	for _, q := range projects {
		m := standingIn(i, s, q)
		reads = reads || m.reads
		// Whoever sees a project sees the group it is in. (Somebody unknown does not
		// by one that they cannot read: they are asked who they are.)
		seen = seen || (m.sees && i.kind != anonymous)
		hides = hides || (!m.reads && !q.absent && q.access != "disabled")
	}
	switch {
	case i.grants != nil && seen && !reads, i.grants != nil && reads && !i.givenFor(action):
		return refused // there is nothing in it that the token is for
	case i.kind == anonymous && !seen && !reads:
		return unauthorized
	case i.kind == anonymous && action != "read_package":
		return unauthorized
	case !seen && !reads:
		return hidden
	case i.kind == anonymous && hides:
		// Differs: clients that send credentials only when asked for them find what is in a
		// private project of a public group.
		return hiddenOrAsk
	}
	return passes
}

// seesGroup: a group is as visible as a project, and to those who have a role on it.
func seesGroup(i *identity, visibility string, absent, member bool) bool {
	if absent {
		return false
	}
	if i.grants != nil { // a granular token is for its project
		return visibility == "public"
	}
	return visibility == "public" || (visibility == "internal" && (i.kind == somebody || i.kind == job)) ||
		(i.kind == somebody && i.role == admin) || member
}

// credentialFirst is what is answered whatever the request is about: a credential
// that is there and no good is 401, never nobody's; a blocked user is 403.
func credentialFirst(i *identity) (verdict, bool) {
	switch i.kind {
	case invalid:
		return unauthorized, true
	case blocked:
		return refused, true
	case anonymous, somebody, deploy, job:
	}
	return passes, false
}

// formatVerdict is what a format's route at a level answers to a request about s.
func formatVerdict(i *identity, r *servedRoute, level string, s *spot) verdict {
	if len(r.BodyCredentials) > 0 {
		return unauthorized // those in the matrix's body are wrong, and what stands elsewhere does not count
	}
	opens := r.Action == "none" && !r.Authenticated
	if v, ok := credentialFirst(i); ok && (!opens || i.kind == blocked) {
		return v // whoever asks for a new token may show the old one, even if it is over
	}
	if r.Authenticated && i.kind == anonymous {
		return unauthorized
	}
	if r.Action == "none" {
		return passes
	}
	var v verdict
	switch {
	case level == "group":
		v = ofGroup(i, s, []*spot{s}, seesGroup(i, s.visibility, s.absent, i.onGroup(s, s)), r.Action)
	case level == "project":
		v = ofProject(i, s, r.Action)
	case r.Convention.Names == "root_group":
		v = ofGroup(i, s, s.root.spots, seesGroup(i, s.visibility, s.absent, i.onRoot(s, s)), r.Action)
	default:
		v = ofProject(i, s, r.Action)
		if r.Convention.OrNothing && v != unauthorized {
			return passes // a search that finds nothing
		}
	}
	if v == unauthorized && answers404(r, level) {
		return hidden
	}
	return v
}

// answers404: of npm's routes, somebody unknown gets 404 for a tarball where they
// get 401 for everything else.
func answers404(r *servedRoute, level string) bool {
	return r.format.Format == "npm" && r.Method == http.MethodGet && strings.HasSuffix(r.Pattern, "/-/{file:file}") && level == "project"
}

// unusualActions are the routes that ask for less than their method does
// elsewhere: reading with GET, creating with PUT and POST, destroying with DELETE.
func unusualActions() map[string]string {
	// Sign-ins, and questions about the client and its token: nothing of a project is in the answer.
	all := map[string]string{
		"npm ping": "none", "npm whoami": "none", "npm login_user": "none", "npm login_web": "none", "npm login_done": "none",
		// Questions that are too long for a URL.
		"npm audit_bulk": "read_package", "npm audit_quick": "read_package", "npm audit_bulk_instance": "none", "npm audit_quick_instance": "none",
		// They are there to say 405.
		"npm unpublish_above": "none", "npm unpublish_versions_above": "none", "npm unpublish_tarball_above": "none",
	}
	for _, protocol := range []string{"v1", "v2"} {
		for _, id := range []string{"ping", "authenticate", "check_credentials"} {
			all["conan "+id+"_"+protocol] = "none"
		}
	}
	return all
}

// wantActions: what a route asks for is what the rest of the matrix is derived
// from, and so it is held against its method.
func wantActions(t *testing.T, all *served) {
	t.Helper()
	unusual := unusualActions()
	for _, f := range all.Formats {
		for _, r := range f.Routes {
			// A change may ask for more: unpublishing is a PUT, too.
			want := map[string][]string{
				"GET": {"read_package"}, "PUT": {"create_package", "destroy_package"}, "POST": {"create_package", "destroy_package"}, "DELETE": {"destroy_package"},
			}[r.Method]
			if one, ok := unusual[f.Format+" "+r.ID]; ok {
				want = []string{one}
			}
			if !slices.Contains(want, r.Action) {
				t.Errorf("%s %s, %s: asks for %s, want one of %v", f.Format, r.ID, r.Method, r.Action, want)
			}
		}
	}
}

// challengeOf is what a 401 carries in WWW-Authenticate. npm's clients print
// "Incorrect or missing password." when they see one; sbt matches this one to
// the letter.
func challengeOf(format string) []string {
	if format == "npm" {
		return nil
	}
	return []string{`Basic realm="GitLab Packages Registry"`}
}
