package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// group makes a group, and who has which role on it.
func (s *site) group(t *testing.T, path string, v registry.Visibility, roles map[string]registry.AccessLevel) registry.Group {
	t.Helper()
	g, err := s.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path, Visibility: v})
	if err != nil {
		t.Fatal(err)
	}
	for who, level := range roles {
		if err := s.accounts.AddMember(t.Context(), s.userID(t, who), g.ID, 0, level); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// rolesByName is a role for everybody who is called after one.
func rolesByName() map[string]registry.AccessLevel {
	return map[string]registry.AccessLevel{
		"guest": registry.Guest, "reporter": registry.Reporter, "developer": registry.Developer, "maintainer": registry.Maintainer, "owner": registry.Owner,
	}
}

func TestGroupsByRoleAndVisibility(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for v, seen := range map[registry.Visibility]map[string]int{
		registry.Private:  {"": 404, "stranger": 404},
		registry.Internal: {"": 404, "stranger": 200},
		registry.Public:   {"": 200, "stranger": 200},
	} {
		g := s.group(t, "top-"+string(v), v, rolesByName())
		one := fmt.Sprintf("/groups/%d", g.ID)
		below := fmt.Sprintf(`{"name":"Sub","path":"sub","parent_id":%d}`, g.ID)
		refused := func(visible, hidden int) map[string]int {
			statuses := map[string]int{"": 401, "stranger": visible}
			if seen["stranger"] == 404 {
				statuses["stranger"] = hidden
			}
			return statuses
		}
		for _, c := range []struct {
			method, path, body string
			least              string // role from which on it is done
			done               int
			refused            map[string]int
		}{
			{"GET", one, "", "guest", 200, seen},
			{"HEAD", one, "", "guest", 200, seen},
			{"GET", "/groups/top-" + string(v), "", "guest", 200, seen},
			{"GET", one + "/subgroups", "", "guest", 200, seen},
			{"GET", one + "/projects", "", "guest", 200, seen},
			{"PUT", one, `{"name":"Top"}`, "owner", 200, refused(403, 404)},
			{"POST", "/groups", below, "maintainer", 201, refused(403, 404)},
			{"DELETE", one, "", "owner", 202, refused(403, 404)},
		} {
			roles := []string{"guest", "reporter", "developer", "maintainer", "owner"}
			for who, status := range c.refused {
				s.as(t, who, c.method, c.path, c.body).want(t, fmt.Sprintf("%s: %s %s by %q", v, c.method, c.path, who), status)
			}
			done := false
			for _, who := range roles {
				want := 403
				if done = done || who == c.least; done {
					want = c.done
				}
				if want == 201 && who == "owner" {
					want = 400 // the maintainer has taken the path
				}
				s.as(t, who, c.method, c.path, c.body).want(t, fmt.Sprintf("%s: %s %s by %s", v, c.method, c.path, who), want)
			}
		}
		s.as(t, "administrator", "GET", one, "").want(t, "deleted", 404, "Group Not Found")
	}
	s.as(t, "administrator", "DELETE", "/groups/999999", "").want(t, "no group", 404, "Group Not Found")
	s.as(t, "", "DELETE", "/groups/999999", "").want(t, "no group", 401)
	s.as(t, "maintainer with read_api", "POST", "/groups", `{}`).want(t, "the scope", 403, "insufficient_scope")
	s.as(t, "owner", "PATCH", "/groups/private-group", "").want(t, "no method", 405)
}

// Whoever sees a project knows what it is in; a token of a group is nobody here.
func TestAGroupIsSeenByWhatIsInIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.as(t, "guest", "GET", "/groups/private-group", "").want(t, "a guest of its project", 200, `"full_path":"private-group"`)
	g, err := s.accounts.FindGroup(t.Context(), "private-group")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{Name: "d", GroupID: g.ID, Scopes: []string{"read_package_registry"}})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.ask(t, "", "GET", "/api/v4/groups/private-group", "Deploy-Token", secret); r.status != 404 {
		t.Errorf("a deploy token: %d %s", r.status, r.body)
	}
}

func TestGroupsAreMade(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const who = "administrator"
	for body, says := range map[string]string{
		`{}`:                        `"name is missing, path is missing"`,
		`{"name":"","path":""}`:     `"name is empty, path is empty"`,
		`{"name":"A","path":"a/b"}`: `"message":{"path":["\"a/b\" can contain only`,
		`{"name":"A","path":"-a"}`:  "can contain only",
		`{"name":"A","path":"API"}`: "reserved name",
		`{"name":"A","path":"a","visibility":"secret"}`:          "visibility does not have a valid value",
		`{"name":"A","path":"a","parent_id":"x"}`:                "parent_id is invalid",
		`{"name":"A","path":"a","parent_id":0}`:                  "parent_id does not have a valid value",
		`{"name":"A","path":"PRIVATE-group"}`:                    `{"path":["\"PRIVATE-group\" has already been taken"]}`,
		`{"name":["A",["b"]],"path":"a"}`:                        "name is invalid",
		`{"name":"` + strings.Repeat("x", 256) + `","path":"a"}`: "longer than 255",
		`nonsense`: "no JSON object",
	} {
		s.as(t, who, "POST", "/groups", body).want(t, body, 400, says)
	}
	s.as(t, who, "POST", "/groups", `{"name":"A","path":"a","parent_id":999999}`).want(t, "no such parent", 404, "Group Not Found")

	top := s.as(t, who, "POST", "/groups", `{"name":"Acme Inc","path":"acme","visibility":"internal"}`).
		want(t, "create", 201, `"full_path":"acme"`, `"full_name":"Acme Inc"`, `"parent_id":null`, `"visibility":"internal"`, `"created_at":"2`)
	sub := fmt.Sprintf(`{"name":"Web","path":"web","parent_id":%d`, top.id(t))
	s.as(t, who, "POST", "/groups", sub+`,"visibility":"public"}`).
		want(t, "more visible than its parent", 400, `"message":{"visibility":["public is not allowed in the group \"acme\", which is internal"]}`)
	s.as(t, who, "POST", "/groups", sub+`}`).want(t, "below", 201, `"full_path":"acme/web"`, `"full_name":"Acme Inc / Web"`, fmt.Sprintf(`"parent_id":%d`, top.id(t)), `"visibility":"private"`)
	s.as(t, who, "GET", fmt.Sprintf("/groups/%d/members", top.id(t)), "").want(t, "whoever made it owns it", 200, `"username":"administrator"`, `"access_level":50`)
	// A form does as well.
	req := s.ask(t, who, "POST", "/api/v4/groups?name=Q&path=from-query")
	if req.status != 201 || !strings.Contains(req.body, `"path":"from-query"`) {
		t.Errorf("%d %s", req.status, req.body)
	}
	s.as(t, "owner", "POST", "/groups", `{"name":"Mine","path":"mine"}`).want(t, "not by everybody", 403)
}

func TestEverybodyMakesGroupsWhereTheyMay(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.config.UsersCanCreateGroups = true
	s.serve(t)
	made := s.as(t, "stranger", "POST", "/groups", `{"name":"Mine","path":"mine"}`).want(t, "create", 201)
	s.as(t, "stranger", "PUT", fmt.Sprintf("/groups/%d", made.id(t)), `{"name":"M"}`).want(t, "it is theirs", 200, `"name":"M"`)
	s.as(t, "", "POST", "/groups", `{"name":"Mine","path":"mine2"}`).want(t, "nobody", 401)
}

func TestGroupsMoveWithAllBelow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.group(t, "acme", registry.Private, nil)
	s.group(t, "acme/web", registry.Private, nil)
	s.group(t, "acme2", registry.Private, nil)
	for _, path := range []string{"acme/p", "acme/web/p", "acme2/p"} {
		p, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: path})
		if err != nil {
			t.Fatal(err)
		}
		s.exec(t, "insert into cache_generations (project_id, format, key, generation) values ($1, 'npm', 'x', 1000000)", p.ID)
	}
	one := fmt.Sprintf("/groups/%d", g.ID)
	const who = "administrator"
	for body, says := range map[string]string{
		`{"path":"acme2"}`: "has already been taken", `{"path":"a/b"}`: "can contain only", `{"path":""}`: "is empty",
		`{"path":"api"}`: "reserved", `{"visibility":""}`: "visibility does not have a valid value",
		`{"visibility":"all"}`: "visibility does not have a valid value", `{"name":"a\u0000"}`: "NUL",
	} {
		s.as(t, who, "PUT", one, body).want(t, body, 400, says)
	}
	s.as(t, who, "PUT", one, `{"path":"ajax","name":"Ajax"}`).want(t, "move", 200, `"full_path":"ajax"`, `"full_name":"Ajax"`)
	for path, status := range map[string]int{
		"/groups/acme": 404, "/groups/ajax": 200, "/groups/ajax%2Fweb": 200, "/projects/ajax%2Fp": 200, "/projects/ajax%2Fweb%2Fp": 200,
		"/projects/acme%2Fp": 404, "/groups/acme2": 200, "/projects/acme2%2Fp": 200,
	} {
		s.as(t, who, "GET", path, "").want(t, path, status)
	}
	s.as(t, who, "GET", "/projects/ajax%2Fweb%2Fp", "").want(t, "names", 200, `"name_with_namespace":"Ajax / web / p"`, `"path_with_namespace":"ajax/web/p"`)
	if n := s.count(t, "select from cache_generations where generation = 1000000"); n != 1 {
		t.Errorf("%d answers of old paths are believed, not only that of what stayed", n)
	}
	s.as(t, who, "PUT", one, `{"path":"AJAX"}`).want(t, "only the case", 200, `"full_path":"AJAX"`)
	s.as(t, who, "GET", "/projects/ajax%2Fweb%2Fp", "").want(t, "only the case", 200, `"path_with_namespace":"AJAX/web/p"`)
	s.as(t, who, "PUT", one, `{}`).want(t, "nothing", 200, `"full_path":"AJAX"`)
}

func TestNothingIsMoreVisibleThanWhatItIsIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.group(t, "acme", registry.Internal, nil)
	sub := s.group(t, "acme/sub", registry.Internal, nil)
	p, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/sub/p", Visibility: registry.Internal})
	if err != nil {
		t.Fatal(err)
	}
	const who = "administrator"
	for _, c := range []struct{ path, visibility, says string }{
		{fmt.Sprintf("/groups/%d", g.ID), "private", `private is not allowed since this group contains \"acme/sub\", which is internal`},
		{fmt.Sprintf("/groups/%d", sub.ID), "private", `since this group contains \"acme/sub/p\"`},
		{fmt.Sprintf("/groups/%d", sub.ID), "public", `public is not allowed in the group \"acme\", which is internal`},
		{fmt.Sprintf("/projects/%d", p.ID), "public", `public is not allowed in the group \"acme/sub\", which is internal`},
	} {
		s.as(t, who, "PUT", c.path, `{"visibility":"`+c.visibility+`"}`).want(t, c.path, 400, `"message":{"visibility":["`, c.says)
	}
	for _, path := range []string{fmt.Sprintf("/projects/%d", p.ID), fmt.Sprintf("/groups/%d", sub.ID), fmt.Sprintf("/groups/%d", g.ID)} {
		s.as(t, who, "PUT", path, `{"visibility":"private"}`).want(t, path, 200, `"visibility":"private"`)
	}
}

func TestGroupsAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, map[string]registry.AccessLevel{"stranger": registry.Developer})
	s.group(t, "acme/web", registry.Private, nil)
	s.group(t, "acme/web/deep", registry.Private, nil)
	s.group(t, "other", registry.Private, nil)
	s.exec(t, "update groups set name = 'Zoo' where full_path = 'acme'")
	for _, c := range []struct{ who, path, want string }{
		{"", "/groups", "public-group"},
		{"", "/groups?all_available=false", ""},
		{"stranger", "/groups", "acme/web/deep acme/web acme"},
		{"stranger", "/groups?order_by=path", "acme acme/web/deep acme/web"},
		{"stranger", "/groups?order_by=id&sort=desc", "acme/web/deep acme/web acme"},
		{"stranger", "/groups?all_available=true&search=GROUP", "internal-group public-group"},
		{"stranger", "/groups?min_access_level=30&top_level_only=true", "acme"},
		{"stranger", "/groups?min_access_level=40", ""},
		{"stranger", "/groups?owned=true", ""},
		{"guest", "/groups", "internal-group private-group public-group"}, // their projects are in them
		{"guest", "/groups?visibility=public", "public-group"},
		{"administrator", "/groups?top_level_only=1&search=o&order_by=path&per_page=2&page=2", "other private-group"},
		{"administrator", "/groups?all_available=false", ""},
		{"stranger", "/groups/acme/subgroups", "acme/web"},
		{"administrator", "/groups/acme%2Fweb/subgroups", "acme/web/deep"},
		{"stranger", "/groups/acme/subgroups?search=nothing", ""},
	} {
		if got := s.as(t, c.who, "GET", c.path, "").want(t, c.path, 200).listed(t, "full_path"); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.who, c.path, got, c.want)
		}
	}
	for query, says := range map[string]string{
		"min_access_level=35": "min_access_level does not have a valid value", "min_access_level=-1": "min_access_level does not have a valid value",
		"order_by=size": "order_by does not have", "owned=2": "owned is invalid", "visibility=x": "visibility does not have", "all_available=x": "all_available is invalid",
		"per_page=x": "per_page is invalid", "top_level_only=x": "top_level_only is invalid",
	} {
		s.as(t, "stranger", "GET", "/groups?"+query, "").want(t, query, 400, says)
	}
	h := s.as(t, "stranger", "GET", "/groups?per_page=2", "").header
	if h.Get("X-Total") != "3" || h.Get("X-Next-Page") != "2" || h.Get("X-Total-Pages") != "2" {
		t.Errorf("%v", h)
	}
}

// orphans are the tables that have rows of groups or projects that are not there.
func (s *site) orphans(t *testing.T) (tables []string) {
	t.Helper()
	rows, err := s.db.Pool.Query(t.Context(), `
		select c.table_name, c.column_name
		from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
		where table_schema = 'public' and t.table_type = 'BASE TABLE' and c.column_name in ('project_id', 'group_id', 'user_id')`)
	if err != nil {
		t.Fatal(err)
	}
	var table, column string
	var checks []string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
		checks = append(checks, fmt.Sprintf("select from %s x where x.%s is not null and not exists (select from %ss where id = x.%s)", table, column, strings.TrimSuffix(column, "_id"), column))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(checks) < 15 {
		t.Fatalf("only %d columns", len(checks))
	}
	for _, check := range checks {
		if s.count(t, check) > 0 {
			tables = append(tables, check)
		}
	}
	return tables
}

// rows are how many there are in the tables that belong to groups and projects.
func (s *site) rows(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{
		"groups", "projects", "memberships", "tokens", "users", "packages", "package_files", "package_tags", "package_settings", "reserved_versions",
		"cache_generations", "feature_flags", "package_protection_rules",
	} {
		all[table] = s.count(t, "select from "+table)
	}
	return all
}

func TestADeletedGroupLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.rows(t)
	g := s.group(t, "acme", registry.Private, map[string]registry.AccessLevel{"stranger": registry.Owner})
	s.group(t, "acme/web", registry.Private, map[string]registry.AccessLevel{"guest": registry.Owner})
	p, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/web/p"})
	if err != nil {
		t.Fatal(err)
	}
	s.projects["doomed"] = p
	s.publish(t, "doomed", "npm", "a", "1", "content")
	one := fmt.Sprintf("/groups/%d", g.ID)
	s.as(t, "stranger", "PUT", one+"/package_settings/npm", `{"keep_snapshots":1}`).want(t, "settings", 200)
	s.as(t, "stranger", "PUT", fmt.Sprintf("/projects/%d/package_settings/npm", p.ID), `{"keep_snapshots":2}`).want(t, "settings", 200)
	for _, path := range []string{one, fmt.Sprintf("/projects/%d", p.ID)} {
		s.as(t, "stranger", "POST", path+"/access_tokens", `{"name":"bot","scopes":["api"]}`).want(t, "bot", 201)
		s.as(t, "stranger", "POST", path+"/deploy_tokens", `{"name":"deploy","scopes":["read_package_registry"]}`).want(t, "deploy token", 201)
	}
	s.exec(t, "insert into reserved_versions (project_id, format, name_key, version_key) values ($1, 'npm', 'b', '1')", p.ID)
	s.exec(t, "insert into feature_flags (name, project_id, enabled) values ('npm', $1, false)", p.ID)
	s.as(t, "stranger", "POST", fmt.Sprintf("/projects/%d/packages/protection/rules", p.ID),
		`{"package_type":"npm","package_name_pattern":"a*","minimum_access_level_for_push":"maintainer"}`).want(t, "rule", 201)
	during := s.rows(t)
	for table, n := range during {
		if n <= before[table] {
			t.Errorf("nothing is in %s to be deleted", table)
		}
	}
	s.as(t, "stranger", "DELETE", one, "").want(t, "delete", 202, `"message":"202 Accepted"`)
	for table, n := range s.rows(t) {
		if n != before[table] {
			t.Errorf("%s has %d rows, not %d as before", table, n, before[table])
		}
	}
	if left := s.orphans(t); len(left) > 0 {
		t.Errorf("orphans: %v", left)
	}
	if n := s.count(t, "select from blobs"); n != 1 {
		t.Error("bytes are for the collector to delete")
	}
}
