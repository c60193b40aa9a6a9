package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// need is what a method of a path outside the formats takes, as GitLab's pages on
// its REST API say.
type need struct {
	family family
	role   int    // the least role on the project or group of the path
	signed bool   // somebody must have signed in, even where anybody may look
	admin  bool   // administrators of the instance only
	action string // of the packages API
}

type family int

const (
	open       family = iota + 1 // whoever asks
	packages                     // GitLab's packages API ("family A")
	management                   // projects, groups, members, tokens, settings
)

// needs has a row for every path that is served and is no format's: one that is
// missing fails the matrix.
func needs() map[string]need {
	look, mine := need{family: management}, need{family: management, signed: true}
	role := func(least int) need { return need{family: management, role: least, signed: true} }
	admins := need{family: management, admin: true, signed: true}
	read, destroy := need{family: packages, action: "read_package"}, need{family: packages, action: "destroy_package"}
	everybody := need{family: open}
	all := map[string]need{
		"GET /-/liveness": everybody, "GET /-/readiness": everybody, "GET /-/login/:id": everybody,
		// From the machine itself; elsewhere for administrators: TestServer has that.
		"GET /-/plugins": everybody, "GET /-/routes": everybody,

		"GET /api/v4/groups/:id/packages":                                                       {family: packages, action: "read_package"},
		"GET /api/v4/projects/:id/packages":                                                     read,
		"GET /api/v4/projects/:id/packages/:package_id":                                         read,
		"DELETE /api/v4/projects/:id/packages/:package_id":                                      destroy,
		"GET /api/v4/projects/:id/packages/:package_id/package_files":                           read,
		"DELETE /api/v4/projects/:id/packages/:package_id/package_files/:package_file_id":       destroy,
		"GET /api/v4/projects/:id/packages/:package_id/package_files/:package_file_id/download": read,
		"GET /api/v4/projects/:id/packages/protection/rules":                                    role(maintain),
		"POST /api/v4/projects/:id/packages/protection/rules":                                   role(maintain),
		"PATCH /api/v4/projects/:id/packages/protection/rules/:rule_id":                         role(maintain),
		"DELETE /api/v4/projects/:id/packages/protection/rules/:rule_id":                        role(maintain),

		"GET /api/v4/projects": look, "POST /api/v4/projects": mine,
		"GET /api/v4/projects/:id": look, "PUT /api/v4/projects/:id": role(maintain), "DELETE /api/v4/projects/:id": role(owner),
		"POST /api/v4/projects/:id/archive": role(owner), "POST /api/v4/projects/:id/unarchive": role(owner),
		"GET /api/v4/groups": look, "POST /api/v4/groups": mine,
		"GET /api/v4/groups/:id": look, "PUT /api/v4/groups/:id": role(owner), "DELETE /api/v4/groups/:id": role(owner),
		"GET /api/v4/groups/:id/subgroups": look, "GET /api/v4/groups/:id/projects": look,
		"GET /api/v4/user": mine, "GET /api/v4/users": mine, "POST /api/v4/users": admins,
		"GET /api/v4/users/:user_id": mine, "PUT /api/v4/users/:user_id": admins, "DELETE /api/v4/users/:user_id": admins,
		"POST /api/v4/users/:user_id/block": admins, "POST /api/v4/users/:user_id/unblock": admins,
		"POST /api/v4/users/:user_id/personal_access_tokens": admins,
		"GET /api/v4/personal_access_tokens":                 mine, "GET /api/v4/personal_access_tokens/:token_id": mine,
		"DELETE /api/v4/personal_access_tokens/:token_id": mine, "POST /api/v4/personal_access_tokens/:token_id/rotate": mine,
		"GET /api/v4/deploy_tokens": admins,
		"GET /api/v4/applications":  admins, "POST /api/v4/applications": admins, "DELETE /api/v4/applications/:application_id": admins,
		"POST /api/v4/applications/:application_id/renew-secret": admins,
		"GET /api/v4/features": admins, "GET /api/v4/features/definitions": admins,
		"POST /api/v4/features/:name": admins, "DELETE /api/v4/features/:name": admins,
		"GET /api/v4/audit_events": admins, "GET /api/v4/audit_events/:audit_event_id": admins,
		"GET /api/v4/projects/:id/packages/:package_id/pipelines":                       read,
		"GET /api/v4/projects/:id/job_token_scope":                                      role(maintain),
		"PATCH /api/v4/projects/:id/job_token_scope":                                    role(maintain),
		"GET /api/v4/projects/:id/job_token_scope/allowlist":                            role(maintain),
		"POST /api/v4/projects/:id/job_token_scope/allowlist":                           role(maintain),
		"GET /api/v4/projects/:id/job_token_scope/groups_allowlist":                     role(maintain),
		"POST /api/v4/projects/:id/job_token_scope/groups_allowlist":                    role(maintain),
		"GET /api/v4/projects/:id/trusted_publishers":                                   role(maintain),
		"POST /api/v4/projects/:id/trusted_publishers":                                  role(maintain),
		"GET /api/v4/projects/:id/trusted_publishers/:publisher_id":                     role(maintain),
		"PUT /api/v4/projects/:id/trusted_publishers/:publisher_id":                     role(maintain),
		"DELETE /api/v4/projects/:id/trusted_publishers/:publisher_id":                  role(maintain),
		"DELETE /api/v4/projects/:id/job_token_scope/allowlist/:target_project_id":      role(maintain),
		"DELETE /api/v4/projects/:id/job_token_scope/groups_allowlist/:target_group_id": role(maintain),

		"GET /api/v4/projects/:id/audit_events": role(developer), "GET /api/v4/projects/:id/audit_events/:audit_event_id": role(maintain),
		"GET /api/v4/groups/:id/audit_events": role(developer), "GET /api/v4/groups/:id/audit_events/:audit_event_id": role(owner),
	}
	for place, least := range map[string]int{"/api/v4/projects/:id": maintain, "/api/v4/groups/:id": owner} {
		for path, methods := range map[string]map[string]need{
			"/access_tokens":                  {"GET": role(least), "POST": role(least)},
			"/access_tokens/:token_id":        {"GET": role(least), "DELETE": role(least)},
			"/access_tokens/:token_id/rotate": {"POST": role(least)},
			"/deploy_tokens":                  {"GET": role(least), "POST": role(least)},
			"/deploy_tokens/:token_id":        {"GET": role(least), "DELETE": role(least)},
			"/package_settings":               {"GET": role(least), "PUT": role(least)},
			"/package_settings/:format":       {"GET": role(least), "PUT": role(least)},
			"/members":                        {"GET": mine, "POST": role(least)},
			"/members/all":                    {"GET": mine},
			"/members/all/:user_id":           {"GET": mine},
			// Everybody may leave, and so may ask to; whom they may take out is decided with the body.
			"/members/:user_id": {"GET": mine, "PUT": role(least), "DELETE": mine},
		} {
			for method, n := range methods {
				all[method+" "+place+path] = n
			}
		}
	}
	return all
}

// nobodyThere is who a deploy token is outside of the formats, and a job outside
// of those and the packages API: nobody.
func nobodyThere(i *identity, f family) *identity {
	if i.kind != deploy && (i.kind != job || f == packages) {
		return i
	}
	return &identity{name: i.name, kind: anonymous}
}

// apiVerdict is what a path answers to an identity that asks about s. place is
// where its token stood.
func apiVerdict(i *identity, n need, method, path, place string, s *spot) verdict {
	if n.family == open {
		return passes
	}
	if v, ok := credentialFirst(i); ok {
		return v
	}
	if n.family == packages && i.kind == deploy && place == "Bearer" {
		return unauthorized // where a person's token is looked for, it is none
	}
	ofGroup := strings.HasPrefix(path, "/api/v4/groups/:id")
	if (n.family == management || ofGroup) && i.kind == job && place == "Bearer" {
		return unauthorized // likewise
	}
	writes := method != http.MethodGet
	if i.grants != nil {
		if n.family != packages {
			return refused // granular tokens are for packages
		}
	} else if i.kind == somebody && !slices.Contains(i.scopes, "api") && (writes || !slices.Contains(i.scopes, "read_api")) {
		return refused // insufficient_scope, whatever there is
	}
	if n.family == packages && ofGroup {
		return groupPackagesVerdict(nobodyThere(i, management), s)
	}
	i = nobodyThere(i, n.family)
	if n.family == packages {
		// The one family that answers somebody unknown 403 and 404, never 401.
		switch m := standingIn(i, s, s); {
		case m.may(n.action) && i.givenByAPI(method, path):
			return passes
		case m.sees, i.kind == job && !s.absent:
			return refused
		}
		return hidden
	}
	return managementVerdict(i, n, path, writes, s)
}

// groupPackagesVerdict is what the list of a group's packages answers: who sees the
// group or anything in it gets a list, of nothing perhaps.
func groupPackagesVerdict(i *identity, s *spot) verdict {
	m := standingIn(i, s, s)
	switch {
	case !m.sees && !seesGroup(i, s.visibility, s.absent, i.onGroup(s, s)):
		return hidden
	case i.grants != nil && (!m.reads || !i.given("read_package")):
		return refused
	}
	return passes
}

// givenByAPI reports whether a granular token has what the packages API asks for.
func (i *identity) givenByAPI(method, path string) bool {
	switch {
	case i.grants == nil:
		return true
	case method == http.MethodDelete:
		return i.given("delete_package")
	case strings.HasSuffix(path, "/download"):
		return i.given("download_package")
	}
	return i.given("read_package")
}

func managementVerdict(i *identity, n need, path string, writes bool, s *spot) verdict {
	sees, member := true, true
	switch {
	case strings.HasPrefix(path, "/api/v4/projects/:id"):
		sees, member = standingIn(i, s, s).sees, i.on(s, s)
	case strings.HasPrefix(path, "/api/v4/groups/:id"):
		// Whoever sees a project sees the group it is in.
		member = i.onGroup(s, s)
		sees = standingIn(i, s, s).sees || seesGroup(i, s.visibility, s.absent, member)
	}
	reaches := i.role == admin || (n.role <= i.role && member) || n.role == noAccess
	switch {
	case i.kind == anonymous && (n.signed || n.role > noAccess || writes):
		return unauthorized
	case !sees:
		return hidden
	case !reaches, n.admin && i.role != admin:
		return refused
	}
	return passes
}

// apiRequests are those to everything that is no format's. What would be written
// comes with a body that is none: whoever may is told so, and nothing is done.
func (w *world) apiRequests(t *testing.T, all *served) []probe {
	t.Helper()
	var probes []probe
	rows := needs()
	for _, p := range all.Paths {
		if !strings.HasPrefix(p.Path, "/api/v4/") && !strings.HasPrefix(p.Path, "/-/") {
			// Pages for people with a session, and OAuth's endpoints for applications, with
			// credentials of their own: TestOAuth and TestGuessesEnd have these.
			continue
		}
		for _, method := range p.Methods {
			if strings.HasSuffix(p.Path, "/oidc/token") {
				continue // what is shown there is an ID token, and none of the registry's: TestExchange has them
			}
			if method == http.MethodHead || (p.Path == "/-/login/:id" && method == http.MethodPost) {
				continue // HEAD is a GET; a sign-in on a page that does not exist is package weblogin's
			}
			row, ok := rows[method+" "+p.Path]
			delete(rows, method+" "+p.Path)
			if !ok {
				t.Errorf("%s %s has no row in needs: who may have it?", method, p.Path)
				continue
			}
			about := w.spots
			if !strings.Contains(p.Path, "/:id") || row.family == open {
				about = w.spots[:1]
			}
			for n, who := range w.identities {
				for _, s := range picks(about, method+p.Path, n) {
					probes = append(probes, w.apiProbe(method, p.Path, row, who, s, len(probes)))
				}
			}
		}
	}
	for row := range rows {
		t.Errorf("%s is not served any more", row)
	}
	return probes
}

func (w *world) apiProbe(method, path string, row need, who *identity, s *spot, n int) probe {
	id := s.project
	if strings.HasPrefix(path, "/api/v4/groups/") {
		id = s.group
	}
	called := fmt.Sprint(id.id)
	if n%2 == 1 {
		called = id.escaped()
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		switch {
		case segment == ":id":
			segments[i] = called
		case segment == ":format":
			segments[i] = "npm"
		case segment == ":name":
			segments[i] = "absent"
		case strings.HasPrefix(segment, ":"):
			segments[i] = fmt.Sprint(nowhere)
		}
	}
	p := probe{route: method + " " + path, who: who, about: s, method: method, url: w.URL + strings.Join(segments, "/"), place: who.place(n)}
	p.want = apiVerdict(who, row, method, path, p.place, s)
	if row.family == management && method != http.MethodGet {
		p.body, p.headers = "{", map[string]string{"Content-Type": "application/json"}
	}
	p.check = func(a answer) string {
		return wrongOfRefusal(a, who, s, p.want, func(a answer) string { return wrongOfAPI(a, p, row) })
	}
	return p
}

// wrongOfAPI says what is wrong with an answer.
func wrongOfAPI(a answer, p probe, row need) string {
	if len(a.header.Values("WWW-Authenticate")) != 0 {
		// Differs: an expired or revoked token is answered as one that never was.
		return fmt.Sprintf("the REST API challenges: %q", a.header.Values("WWW-Authenticate"))
	}
	missing := "Project Not Found"
	if strings.HasPrefix(p.route[strings.Index(p.route, " ")+1:], "/api/v4/groups/") {
		missing = "Group Not Found"
	}
	var status int
	var sentence string
	switch p.want {
	case unauthorized:
		status, sentence = http.StatusUnauthorized, "Unauthorized"
	case refused:
		status, sentence = http.StatusForbidden, "Forbidden"
		if p.who.kind == somebody && p.who.grants == nil && !slices.Contains(p.who.scopes, "api") && p.method != http.MethodGet {
			return wrongScope(a, "api")
		}
	case hidden, hiddenOrAsk:
		status, sentence = http.StatusNotFound, missing
	case passes:
		if row.family == management && p.method != http.MethodGet && a.status != http.StatusBadRequest {
			return fmt.Sprintf("%d %s; its body is none", a.status, a.body)
		}
		return wrongOfPassed(a)
	}
	if a.status != status {
		return fmt.Sprintf("%d %s", a.status, a.body)
	}
	return wrongBody(a, "message", sentence)
}

// wrongScope: a token that does not reach as far is told what does.
func wrongScope(a answer, scope string) string {
	var document struct{ Error, Scope string }
	if err := json.Unmarshal([]byte(a.body), &document); err != nil || a.status != http.StatusForbidden || document.Error != "insufficient_scope" || document.Scope != scope {
		return fmt.Sprintf("%d %s", a.status, a.body)
	}
	return ""
}

// wrongGranular: a granular token is told what it was not given.
func wrongGranular(a answer) string {
	var document struct{ Error string }
	if err := json.Unmarshal([]byte(a.body), &document); err != nil || a.status != http.StatusForbidden || document.Error != "insufficient_granular_scope" {
		return fmt.Sprintf("%d %s", a.status, a.body)
	}
	return ""
}
