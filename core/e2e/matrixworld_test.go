package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/sdk/registrytest"
)

// spot is a project of the matrix with the groups around it: a root group, in it
// a group that has this project only, all of the project's visibility.
type spot struct {
	visibility string // private, internal, public
	access     string // disabled, private, enabled, public
	archived   bool
	absent     bool // there is no such project, nor its groups
	project    box
	group      box
	root       *root
	seed       seed
}

// registryProject is the project as the other tests' helpers take one.
func registryProject(s *spot) registrytest.Project {
	return registrytest.Project{ID: s.project.id, Path: s.project.path}
}

type box struct {
	id   int64
	path string
}

// root is a root group, with all projects of one visibility in it.
type root struct {
	box
	visibility string
	absent     bool
	spots      []*spot
}

func (s *spot) String() string {
	if s.absent {
		return "no project"
	}
	text := "a project (" + s.visibility + ", package access " + s.access
	if s.archived {
		text += ", archived"
	}
	return text + ")"
}

// world is a registry with a project of every kind, and what is needed to have
// everybody there is ask about them.
type world struct {
	*registrytest.Registry

	t          *testing.T
	roots      []*root // the last does not exist
	spots      []*spot // likewise
	elsewhere  box     // a project of nobody's
	identities []*identity
	ci         *ci
	useless    string // a token that has been revoked
	addresses  map[string]address
}

const (
	nowhere   = 999_999_999 // an id that nothing has
	noAccess  = 0
	guest     = 10
	planner   = 15
	reporter  = 20
	developer = 30
	maintain  = 40
	owner     = 50
	admin     = 60
)

func newWorld(t *testing.T) *world {
	t.Helper()
	jobs := newCI(t)
	w := &world{Registry: jobs.Registry, ci: jobs, t: t, addresses: map[string]address{}}
	for _, visibility := range []string{"private", "internal", "public"} {
		at := &root{box: w.newGroup("mx-"+visibility, 0, visibility), visibility: visibility}
		w.roots = append(w.roots, at)
		for _, access := range []string{"disabled", "private", "enabled", "public"} {
			for _, archived := range []bool{false, true} {
				name := map[bool]string{true: "old-", false: ""}[archived] + access
				s := &spot{visibility: visibility, access: access, archived: archived, root: at}
				s.group = w.newGroup(name, at.id, visibility)
				s.group.path = at.path + "/" + name
				s.project = w.newProject(s.group, visibility, "enabled")
				w.sow(s)
				w.api("PUT", fmt.Sprintf("/projects/%d", s.project.id), map[string]any{"package_registry_access_level": access}, nil)
				at.spots = append(at.spots, s)
				w.spots = append(w.spots, s)
			}
		}
	}
	other := w.newGroup("mx-elsewhere", 0, "private")
	w.elsewhere = w.newProject(other, "private", "enabled")
	w.people()
	gone := &root{box: box{nowhere, "mx-absent"}, absent: true}
	none := &spot{absent: true, root: gone, project: box{nowhere, "mx-absent/none/p"}, group: box{nowhere, "mx-absent/none"}}
	gone.spots = []*spot{none}
	w.roots, w.spots = append(w.roots, gone), append(w.spots, none)
	for _, s := range w.spots {
		if s.archived { // last: nothing can be given out in an archived project
			w.api("POST", fmt.Sprintf("/projects/%d/archive", s.project.id), nil, nil)
		}
	}
	return w
}

// api asks the management API as the administrator.
func (w *world) api(method, path string, body map[string]any, into any) {
	w.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+"/api/v4"+path, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PRIVATE-TOKEN", w.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, answer, err)
	}
	w.RememberAnswer(answer)
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		w.t.Fatalf("%s %s: %s: %v", method, path, answer, err)
	}
}

func (w *world) newGroup(path string, parent int64, visibility string) box {
	w.t.Helper()
	body := map[string]any{"name": path, "path": path, "visibility": visibility}
	if parent != 0 {
		body["parent_id"] = parent
	}
	var g struct{ ID int64 }
	w.api("POST", "/groups", body, &g)
	return box{g.ID, path}
}

func (w *world) newProject(in box, visibility, access string) box {
	w.t.Helper()
	var p struct{ ID int64 }
	w.api("POST", "/projects", map[string]any{
		"name": "p", "path": "p", "namespace_id": in.id, "visibility": visibility, "package_registry_access_level": access,
	}, &p)
	return box{p.ID, in.path + "/p"}
}

// newUser makes a user and returns their id.
func (w *world) newUser(name string, isAdmin bool) int64 {
	w.t.Helper()
	var u struct{ ID int64 }
	w.api("POST", "/users", map[string]any{"username": name, "name": name, "force_random_password": true, "admin": isAdmin}, &u)
	return u.ID
}

// newToken makes a personal token, and returns it.
func (w *world) newToken(user int64, scope string) string {
	return w.madeToken(fmt.Sprintf("/users/%d/personal_access_tokens", user), map[string]any{"name": "t", "scopes": []string{scope}})
}

func (w *world) madeToken(path string, body map[string]any) string {
	w.t.Helper()
	var made struct{ Token string }
	w.api("POST", path, body, &made)
	return made.Token
}

// join gives a user a role on a project or group ("projects" or "groups").
func (w *world) join(user int64, role int, kind string, in box) {
	w.t.Helper()
	w.api("POST", fmt.Sprintf("/%s/%d/members", kind, in.id), map[string]any{"user_id": user, "access_level": role}, nil)
}

// database is a connection to the registry's own PostgreSQL, for what only time
// or a fault could bring about, and to see that nothing was changed.
func (w *world) database() *pgx.Conn {
	w.t.Helper()
	at, err := embedded.RunningURL(filepath.Join(w.Dir, "postgres"))
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := pgx.Connect(w.t.Context(), at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close(w.t.Context()) }) //nolint:usetesting // it is over by then, and so is the process
	return conn
}

// expire lets the time of a token be over: nobody can be given one that is.
func (w *world) expire(token string) {
	w.t.Helper()
	tag, err := w.database().Exec(w.t.Context(), "update tokens set expires_at = now() - interval '1 minute' where digest = sha256($1::text::bytea)", token)
	if err != nil || tag.RowsAffected() != 1 {
		w.t.Fatalf("expire: %v, %v", tag, err)
	}
}

// counts are the numbers of all that requests could make or take away.
func (w *world) counts() map[string]int64 {
	w.t.Helper()
	conn, found := w.database(), map[string]int64{}
	for _, table := range []string{"packages", "package_files", "package_tags", "projects", "groups", "users", "tokens", "memberships", "package_protection_rules", "package_settings"} {
		var n int64
		sql := "select count(*) from " + pgx.Identifier{table}.Sanitize()
		if table == "tokens" {
			sql += " where parent_id is null" // clients sign in, and get one
		}
		if err := conn.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
			w.t.Fatalf("count %s: %v", table, err)
		}
		found[table] = n
	}
	return found
}

// identity is one kind of caller. It is the one place to add a kind of token:
// say in people what it is, what it may, and how it is shown.
type identity struct {
	name string
	kind kind
	// role is the highest that the membership gives, admin for administrators.
	role int
	// span is where the membership is, or a deploy token at home.
	span span
	// scopes of the token; of a deploy token read, write.
	scopes []string
	// token is what is shown in requests about a spot; nil: nothing.
	token    func(*spot) string
	username string // with Basic
	// application: the token is an OAuth application's.
	application bool
	// grants, of a granular token, are the permissions it was given where its span is;
	// nil: the token is none.
	grants []string
}

// jobUsername is that of every job token, with Basic.
const jobUsername = "gitlab-ci-token"

type kind int

const (
	anonymous kind = iota
	somebody       // and their bots
	deploy
	job     // a CI job, with the role of its rule
	blocked // a person who was
	invalid // a token that is none, or none any more
)

// span is on which of the spots an identity has its role when it asks about one.
type span int

const (
	nothing     span = iota
	theProject       // the spot's project only: a project's own token
	theGroup         // the spot's group: a group's own token
	theRoot          // the spot's root group: likewise
	allProjects      // every project, of itself
	allGroups        // every group that has a project, of itself
	allRoots         // every root group
)

// on reports whether the role reaches project q, of somebody who asks about s.
func (i *identity) on(s, q *spot) bool {
	if q.absent {
		return false
	}
	switch i.span {
	case theProject, theGroup:
		return s == q
	case theRoot:
		return s.root == q.root
	case allProjects, allGroups, allRoots:
		return true
	case nothing:
	}
	return false
}

// onGroup reports whether it is a role on the group of q itself, onRoot on its root group.
func (i *identity) onGroup(s, q *spot) bool {
	return i.span != theProject && i.span != allProjects && i.on(s, q)
}

func (i *identity) onRoot(s, q *spot) bool {
	return (i.span == allRoots || i.span == theRoot) && i.on(s, q)
}

func always(token string) func(*spot) string { return func(*spot) string { return token } }

// people makes everybody, while the projects can still be joined.
func (w *world) people() {
	add := func(i identity) { w.identities = append(w.identities, &i) }
	api, readAPI := []string{"api"}, []string{"read_api"}
	add(identity{name: "anonymous", kind: anonymous})
	add(identity{name: "stranger", kind: somebody, scopes: api, token: always(w.newToken(w.newUser("mx-stranger", false), "api"))})
	administrator := w.newUser("mx-administrator", true)
	for _, scope := range []string{"api", "read_api"} {
		add(identity{name: "administrator, " + scope, kind: somebody, role: admin, scopes: []string{scope}, token: always(w.newToken(administrator, scope))})
	}
	roles := map[string]int{"guest": guest, "planner": planner, "reporter": reporter, "developer": developer, "maintainer": maintain, "owner": owner}
	users := map[string]int64{}
	for role, level := range roles {
		users[role] = w.newUser("mx-"+role, false)
		for _, r := range w.roots {
			w.join(users[role], level, "groups", r.box)
		}
		add(identity{name: role + " of the root group", kind: somebody, role: level, span: allRoots, scopes: api, token: always(w.newToken(users[role], "api"))})
	}
	for _, role := range []string{"guest", "developer", "maintainer"} {
		ofGroup, ofProject := w.newUser("mx-group-"+role, false), w.newUser("mx-project-"+role, false)
		for _, s := range w.spots {
			w.join(ofGroup, roles[role], "groups", s.group)
			w.join(ofProject, roles[role], "projects", s.project)
		}
		add(identity{name: role + " of the group", kind: somebody, role: roles[role], span: allGroups, scopes: api, token: always(w.newToken(ofGroup, "api"))})
		add(identity{name: role + " of the project", kind: somebody, role: roles[role], span: allProjects, scopes: api, token: always(w.newToken(ofProject, "api"))})
	}
	add(identity{name: "owner, read_api", kind: somebody, role: owner, span: allRoots, scopes: readAPI, token: always(w.newToken(users["owner"], "read_api"))})
	w.applications(add)
	w.granular(add, users)
	w.jobs(add)
	w.bots(add)
	w.deployTokens(add)
	w.uselessTokens(add, users["owner"])
}

// applications are people's tokens that they have let an application have.
func (w *world) applications(add func(identity)) {
	w.t.Helper()
	c := application(w.t, w.Registry, "--redirect-uri", "https://client.example/callback", "--scopes", "api,read_api")
	c.RedirectURL = "https://client.example/callback"
	for _, one := range []struct {
		role, scope string
		level       int
	}{{"developer", "api", developer}, {"maintainer", "api", maintain}, {"maintainer", "read_api", maintain}} {
		who := newPerson(w.t, w.Registry, "mx-app-"+one.role+"-"+strings.ReplaceAll(one.scope, "_", "-"))
		var found []struct{ ID int64 }
		w.api("GET", "/users?username="+who.name, nil, &found)
		for _, r := range w.roots {
			w.join(found[0].ID, one.level, "groups", r.box)
		}
		c.Scopes = []string{one.scope}
		token, err := c.Exchange(w.t.Context(), newBrowser(w.t, w.URL).code(w.t, c, who))
		if err != nil {
			w.t.Fatal(err)
		}
		remember(w.Registry, token)
		add(identity{
			name: "application of a " + one.role + ", " + one.scope, kind: somebody, role: one.level, span: allRoots, scopes: []string{one.scope},
			token: always(token.AccessToken), application: true,
		})
	}
}

// granular are people's tokens with some permissions in one project.
func (w *world) granular(add func(identity), users map[string]int64) {
	w.t.Helper()
	for _, one := range []struct {
		name, role  string
		level       int
		permissions []string
	}{
		{"to download", "maintainer", maintain, []string{"download_package"}},
		{"to upload", "maintainer", maintain, []string{"read_package", "download_package", "upload_package"}},
		{"for everything", "guest", guest, []string{"read_package", "download_package", "upload_package", "delete_package"}},
		{"for everything", "maintainer", maintain, []string{"read_package", "download_package", "upload_package", "delete_package"}},
	} {
		tokens := map[*spot]string{}
		for _, s := range w.spots {
			tokens[s] = w.madeToken(fmt.Sprintf("/users/%d/personal_access_tokens", users[one.role]), map[string]any{"name": "t", "granular_scopes": []map[string]any{{
				"access": "selected_memberships", "project_ids": []int64{s.project.id}, "permissions": one.permissions,
			}}})
		}
		add(identity{name: "granular token " + one.name + ", of a " + one.role, kind: somebody, role: one.level, span: theProject, token: at(tokens), grants: one.permissions})
	}
}

// jobs are tokens of CI jobs of the project itself, and of one elsewhere.
func (w *world) jobs(add func(identity)) {
	w.t.Helper()
	for role, level := range map[string]int{"developer": developer, "maintainer": maintain} {
		tokens := map[*spot]string{}
		for _, s := range w.spots {
			tokens[s] = w.jobOf(registryProject(s), level)
		}
		add(identity{name: "job of the project, " + role, kind: job, role: level, span: theProject, token: at(tokens), username: jobUsername})
	}
	other := w.jobOf(registrytest.Project{ID: w.elsewhere.id, Path: w.elsewhere.path}, maintain)
	add(identity{name: "job of another project", kind: job, role: maintain, token: always(other), username: jobUsername})
}

// jobOf is a token of a project's job, by a rule that is there for it alone.
func (w *world) jobOf(p registrytest.Project, level int) string {
	w.t.Helper()
	w.ci.ruleOf(w.t, p, level, "repo:acme/web:"+fmt.Sprint(level))
	return w.ci.jobAs(w.t, p, "repo:acme/web:"+fmt.Sprint(level))
}

// bots are project and group access tokens.
func (w *world) bots(add func(identity)) {
	for _, b := range []struct {
		role, scope string
		level       int
	}{
		{"guest", "api", guest},
		{"reporter", "api", reporter},
		{"developer", "api", developer},
		{"maintainer", "api", maintain},
		{"maintainer", "read_api", maintain},
	} {
		body := map[string]any{"name": "bot", "access_level": b.level, "scopes": []string{b.scope}}
		ofProject, ofGroup := map[*spot]string{}, map[*spot]string{}
		for _, s := range w.spots {
			ofProject[s] = w.madeToken(fmt.Sprintf("/projects/%d/access_tokens", s.project.id), body)
			ofGroup[s] = w.madeToken(fmt.Sprintf("/groups/%d/access_tokens", s.group.id), body)
		}
		add(identity{name: "project access token, " + b.role + ", " + b.scope, kind: somebody, role: b.level, span: theProject, scopes: []string{b.scope}, token: at(ofProject)})
		add(identity{name: "group access token, " + b.role + ", " + b.scope, kind: somebody, role: b.level, span: theGroup, scopes: []string{b.scope}, token: at(ofGroup)})
	}
}

// at is a token for each spot; about what does not exist the first one asks.
func at(tokens map[*spot]string) func(*spot) string {
	return func(s *spot) string {
		if token, ok := tokens[s]; ok {
			return token
		}
		for _, token := range tokens {
			return token
		}
		return ""
	}
}

func (w *world) deployTokens(add func(identity)) {
	const read, write = "read_package_registry", "write_package_registry"
	body := func(scopes []string) map[string]any {
		return map[string]any{"name": "d", "username": "mx-deployer", "scopes": scopes}
	}
	for _, scopes := range [][]string{{read}, {write}, {read, write}} {
		name := fmt.Sprint("deploy token ", scopes)
		ofProject, ofRoot := map[*spot]string{}, map[*spot]string{}
		for _, s := range w.spots {
			ofProject[s] = w.madeToken(fmt.Sprintf("/projects/%d/deploy_tokens", s.project.id), body(scopes))
		}
		for _, r := range w.roots {
			token := w.madeToken(fmt.Sprintf("/groups/%d/deploy_tokens", r.id), body(scopes))
			for _, s := range r.spots {
				ofRoot[s] = token
			}
		}
		add(identity{name: name + " of the project", kind: deploy, span: theProject, scopes: scopes, token: at(ofProject), username: "mx-deployer"})
		add(identity{name: name + " of the root group", kind: deploy, span: theRoot, scopes: scopes, token: at(ofRoot), username: "mx-deployer"})
	}
	ofGroup := map[*spot]string{}
	for _, s := range w.spots {
		ofGroup[s] = w.madeToken(fmt.Sprintf("/groups/%d/deploy_tokens", s.group.id), body([]string{write}))
	}
	add(identity{name: "deploy token [" + write + "] of the group", kind: deploy, span: theGroup, scopes: []string{write}, token: at(ofGroup), username: "mx-deployer"})
	other := w.madeToken(fmt.Sprintf("/projects/%d/deploy_tokens", w.elsewhere.id), body([]string{read, write}))
	add(identity{name: "deploy token of another project", kind: deploy, scopes: []string{read, write}, token: always(other), username: "mx-deployer"})
}

// uselessTokens are those that once were good, or never.
func (w *world) uselessTokens(add func(identity), ofOwner int64) {
	barred := w.newUser("mx-blocked", false)
	for _, r := range w.roots {
		w.join(barred, owner, "groups", r.box)
	}
	add(identity{name: "blocked owner", kind: blocked, token: always(w.newToken(barred, "api"))})
	w.api("POST", fmt.Sprintf("/users/%d/block", barred), nil, nil)

	expired := w.newToken(ofOwner, "api")
	w.expire(expired)
	add(identity{name: "expired personal token", kind: invalid, token: always(expired)})

	var revoked struct {
		ID    int64
		Token string
	}
	w.api("POST", fmt.Sprintf("/users/%d/personal_access_tokens", ofOwner), map[string]any{"name": "t", "scopes": []string{"api"}}, &revoked)
	w.revoke(fmt.Sprintf("/personal_access_tokens/%d", revoked.ID))
	w.useless = revoked.Token
	add(identity{name: "revoked personal token", kind: invalid, token: always(revoked.Token)})

	home := fmt.Sprintf("/groups/%d/deploy_tokens", w.roots[0].id)
	w.api("POST", home, map[string]any{"name": "d", "username": "mx-deployer", "scopes": []string{"write_package_registry"}}, &revoked)
	w.revoke(fmt.Sprintf("%s/%d", home, revoked.ID))
	add(identity{name: "revoked deploy token", kind: invalid, token: always(revoked.Token), username: "mx-deployer"})

	soon := w.madeToken(home, map[string]any{
		"name": "d", "username": "mx-deployer", "scopes": []string{"write_package_registry"},
		"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
	})
	w.expire(soon)
	add(identity{name: "expired deploy token", kind: invalid, token: always(soon), username: "mx-deployer"})

	unknown := expired[:len(expired)-1] + map[bool]string{true: "a", false: "b"}[expired[len(expired)-1] == 'b']
	add(identity{name: "unknown token", kind: invalid, token: always(unknown)})
	add(identity{name: "malformed token", kind: invalid, token: always("no-token-of-any-kind")})
}

func (w *world) revoke(path string) {
	w.t.Helper()
	w.api("DELETE", path, nil, nil)
}

// escaped is a full path as a URL's :id.
func (b box) escaped() string { return url.PathEscape(b.path) }
