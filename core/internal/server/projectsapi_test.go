package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestProjectsByRoleAndVisibility(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for visibility, seen := range map[string]map[string]int{
		"private":  {"": 404, "stranger": 404},
		"internal": {"": 404, "stranger": 200},
		"public":   {"": 200, "stranger": 200},
	} {
		one := fmt.Sprintf("/projects/%d", s.projects[visibility].ID)
		refused := map[string]int{"": 401, "stranger": 403}
		if seen["stranger"] == 404 {
			refused["stranger"] = 404
		}
		for _, c := range []struct {
			method, path, body string
			least              string // role from which on it is done
			done               int
			refused            map[string]int
		}{
			{"GET", one, "", "guest", 200, seen},
			{"HEAD", one, "", "guest", 200, seen},
			{"GET", "/projects/" + visibility + "-group%2Fproject", "", "guest", 200, seen},
			{"PUT", one, `{"name":"P"}`, "maintainer", 200, refused},
			{"PUT", one, `{"visibility":"` + visibility + `","package_registry_access_level":"enabled"}`, "maintainer", 200, refused},
			{"POST", one + "/archive", "", "owner", 201, refused},
			{"POST", one + "/unarchive", "", "owner", 201, refused},
			{"DELETE", one, "", "owner", 202, refused},
		} {
			for who, status := range c.refused {
				s.as(t, who, c.method, c.path, c.body).want(t, fmt.Sprintf("%s: %s %s by %q", visibility, c.method, c.path, who), status)
			}
			done := false
			for _, who := range []string{"guest", "reporter", "developer", "maintainer", "owner"} {
				want := 403
				if done = done || who == c.least; done {
					want = c.done
				}
				s.as(t, who, c.method, c.path, c.body).want(t, fmt.Sprintf("%s: %s %s by %s", visibility, c.method, c.path, who), want)
			}
		}
		s.as(t, "owner", "GET", one, "").want(t, "deleted", 404, "Project Not Found")
	}
	for _, path := range []string{"/projects/999999", "/projects/nothing", "/projects/a%2Fb"} {
		s.as(t, "administrator", "DELETE", path, "").want(t, path, 404, "Project Not Found")
	}
}

// Who sees a project is for its Owners to say.
func TestVisibilityIsForOwners(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := fmt.Sprintf("/projects/%d", s.projects["public"].ID)
	s.as(t, "maintainer", "PUT", one, `{"visibility":"private"}`).want(t, "a maintainer", 403)
	s.as(t, "owner", "PUT", one, `{"visibility":"private"}`).want(t, "an owner", 200, `"visibility":"private"`)
	s.as(t, "", "GET", one, "").want(t, "hidden from now on", 404)
}

func TestProjectsAreMade(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.group(t, "acme", registry.Internal, rolesByName())
	hidden := s.group(t, "hidden", registry.Private, nil)
	in := func(rest string) string { return fmt.Sprintf(`{"namespace_id":%d%s}`, g.ID, rest) }
	for body, says := range map[string]string{
		`{}`:                                    "name, path are missing, at least one parameter must be provided, namespace_id is missing",
		`{"path":"p"}`:                          "namespace_id is missing",
		`{"path":"p","namespace_id":""}`:        "namespace_id is empty",
		`{"path":"p","namespace_id":"acme"}`:    "namespace_id is invalid",
		in(`,"path":"a/b"`):                     `"message":{"path":["\"a/b\" can contain only`,
		in(`,"path":"wikis"`):                   "reserved name",
		in(`,"name":"?!"`):                      `{"path":["is empty"]}`,
		in(`,"path":"p","visibility":"x"`):      "visibility does not have a valid value",
		in(`,"path":"p","visibility":"public"`): `{"visibility":["public is not allowed in the group \"acme\", which is internal"]}`,
		in(`,"path":"p","package_registry_access_level":"everybody"`): "package_registry_access_level does not have a valid value",
		in(`,"path":"p","packages_enabled":"maybe"`):                  "packages_enabled is invalid",
		in(`,"path":"p","name":"` + strings.Repeat("n", 256) + `"`):   "longer than 255",
	} {
		s.as(t, "maintainer", "POST", "/projects", body).want(t, body, 400, says)
	}
	for who, status := range map[string]int{
		"": 401, "stranger": 403, "guest": 403, "reporter": 403, "developer": 403, "maintainer": 201, "maintainer with read_api": 403,
	} {
		s.as(t, who, "POST", "/projects", in(`,"path":"by-somebody"`)).want(t, who, status)
	}
	s.as(t, "owner", "POST", "/projects", in(`,"path":"By-Somebody"`)).want(t, "taken", 400, `{"path":["\"acme/By-Somebody\" has already been taken"]}`)
	s.as(t, "owner", "POST", "/projects", fmt.Sprintf(`{"path":"p","namespace_id":%d}`, hidden.ID)).want(t, "a group that is hidden", 404, "Namespace Not Found")
	s.as(t, "owner", "POST", "/projects", `{"path":"p","namespace_id":999999}`).want(t, "no group", 404, "Namespace Not Found")

	s.as(t, "maintainer", "POST", "/projects", in(`,"name":"My Näme 2.0","visibility":"internal","packages_enabled":false`)).
		want(t, "by its name", 201, `"path":"my-n-me-2-0"`, `"name":"My Näme 2.0"`, `"name_with_namespace":"acme / My Näme 2.0"`, `"path_with_namespace":"acme/my-n-me-2-0"`,
			`"visibility":"internal"`, `"packages_enabled":false`, `"package_registry_access_level":"disabled"`, `"archived":false`,
			fmt.Sprintf(`"namespace":{"id":%d,"name":"acme","path":"acme","kind":"group","full_path":"acme","parent_id":null}`, g.ID))
	s.as(t, "maintainer", "POST", "/projects", in(`,"path":"q","package_registry_access_level":"public","packages_enabled":false`)).
		want(t, "the newer word counts", 201, `"visibility":"private"`, `"package_registry_access_level":"public"`, `"packages_enabled":true`)
}

func TestProjectsAreChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := fmt.Sprintf("/projects/%d", s.projects["private"].ID)
	const who = "maintainer"
	for body, says := range map[string]string{
		`{"path":""}`: `{"path":["is empty"]}`, `{"path":"a b"}`: "can contain only", `{"path":"raw"}`: "reserved",
		`{"package_registry_access_level":""}`: "does not have a valid value", `{"visibility":"public "}`: "visibility does not have a valid value",
	} {
		s.as(t, who, "PUT", one, body).want(t, body, 400, says)
	}
	s.as(t, who, "PUT", one, `{"path":"moved","name":"Moved"}`).want(t, "move", 200, `"path_with_namespace":"private-group/moved"`, `"name":"Moved"`)
	s.as(t, who, "GET", "/projects/private-group%2Fproject", "").want(t, "the old path", 404)
	s.as(t, who, "PUT", one, `{"package_registry_access_level":"private"}`).want(t, "access", 200, `"package_registry_access_level":"private"`)
	s.as(t, who, "PUT", one, `{"packages_enabled":true}`).want(t, "enabled already", 200, `"package_registry_access_level":"private"`)
	s.as(t, who, "PUT", one, `{"packages_enabled":false}`).want(t, "disabled", 200, `"package_registry_access_level":"disabled"`)
	s.as(t, who, "GET", one+"/packages", "").want(t, "disabled", 403)
	s.as(t, who, "PUT", one, `{"packages_enabled":true}`).want(t, "enabled", 200, `"package_registry_access_level":"enabled"`)
	s.as(t, who, "PUT", one, `{"archived":true}`).want(t, "what is not a field here", 200, `"archived":false`)
}

// An archived project is read, and stays as it is, whoever asks.
func TestAnArchivedProjectStaysAsItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, file := s.publish(t, "private", "npm", "a", "1", "a")
	one := fmt.Sprintf("/projects/%d", s.projects["private"].ID)
	s.as(t, "owner", "POST", one+"/archive", "").want(t, "archive", 201, `"archived":true`)
	s.as(t, "owner", "POST", one+"/archive", "").want(t, "twice", 201, `"archived":true`)
	for _, who := range []string{"maintainer", "owner", "administrator"} {
		s.as(t, who, "DELETE", fmt.Sprintf("%s/packages/%d", one, pkg), "").want(t, who, 403)
		s.as(t, who, "DELETE", fmt.Sprintf("%s/packages/%d/package_files/%d", one, pkg, file), "").want(t, who, 403)
	}
	s.as(t, "guest", "GET", fmt.Sprintf("%s/packages/%d/package_files/%d/download", one, pkg, file), "").want(t, "read", 200)
	s.as(t, "guest", "GET", "/projects?archived=true", "").want(t, "listed", 200, `"archived":true`)
	s.as(t, "owner", "POST", one+"/unarchive", "").want(t, "unarchive", 201, `"archived":false`)
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("%s/packages/%d", one, pkg), "").want(t, "as before", 204)
}

func TestProjectsAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, map[string]registry.AccessLevel{"stranger": registry.Developer})
	s.group(t, "acme/web", registry.Private, nil)
	for _, path := range []string{"acme/one", "acme/web/two", "acme/web/three"} {
		if _, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: path}); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(t, "update projects set archived = true where path = 'three'")
	s.exec(t, "update projects set name = 'Zwei' where path = 'two'")
	for _, c := range []struct{ who, path, want string }{
		{"", "/projects", "public-group/project"},
		{"", "/projects?membership=true", ""},
		{"stranger", "/projects?order_by=id&sort=asc", "internal-group/project public-group/project acme/one acme/web/two acme/web/three"},
		{"stranger", "/projects?membership=true&order_by=name&sort=asc", "acme/one acme/web/three acme/web/two"},
		{"stranger", "/projects?membership=true&archived=false&order_by=path", "acme/web/two acme/one"},
		{"stranger", "/projects?archived=true", "acme/web/three"},
		{"stranger", "/projects?min_access_level=30", "acme/web/three acme/web/two acme/one"},
		{"stranger", "/projects?min_access_level=40", ""},
		{"stranger", "/projects?search=ZWEI", "acme/web/two"},
		{"owner", "/projects?owned=true&visibility=private", "private-group/project"},
		{"guest", "/projects?owned=true", ""},
		{"administrator", "/projects?search=project&order_by=id&sort=asc&per_page=2&page=2", ""},
		{"stranger", "/groups/acme/projects", "acme/one"},
		{"stranger", "/groups/acme/projects?include_subgroups=true&order_by=path&sort=asc", "acme/one acme/web/three acme/web/two"},
		{"guest", "/groups/private-group/projects", "private-group/project"},
	} {
		got := s.as(t, c.who, "GET", c.path, "").want(t, c.path, 200).listed(t, "path_with_namespace")
		if c.who == "administrator" {
			if n := len(strings.Fields(got)); n != 1 {
				t.Errorf("%s: %q", c.path, got)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.who, c.path, got, c.want)
		}
	}
	for query, says := range map[string]string{
		"archived=x": "archived is invalid", "order_by=star_count": "order_by does not have", "min_access_level=x": "min_access_level is invalid",
		"membership=x": "membership is invalid", "owned=x": "owned is invalid", "visibility=x": "visibility does not have", "search=%ff": "search is invalid",
		"sort=x": "sort does not have", "page=-1": "page does not have", "per_page=0": "per_page does not have",
	} {
		s.as(t, "stranger", "GET", "/projects?"+query, "").want(t, query, 400, says)
	}
	h := s.as(t, "stranger", "GET", "/projects?per_page=2&membership=true&page=2", "").header
	if h.Get("X-Total") != "3" || h.Get("X-Next-Page") != "" || h.Get("X-Prev-Page") != "1" || !strings.Contains(h.Get("Link"), "membership=true&page=1&per_page=2>; rel=\"prev\"") {
		t.Errorf("%v", h)
	}
}

// A publish that is under way when its project goes leaves nothing either.
func TestADeletedProjectLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.rows(t)
	g, err := s.accounts.FindGroup(t.Context(), "private-group")
	if err != nil {
		t.Fatal(err)
	}
	made := s.as(t, "administrator", "POST", "/projects", fmt.Sprintf(`{"path":"doomed","namespace_id":%d}`, g.ID)).want(t, "create", 201).id(t)
	s.projects["doomed"] = registry.Project{ID: made}
	s.publish(t, "doomed", "npm", "a", "1", "content")
	one := fmt.Sprintf("/projects/%d", made)
	s.as(t, "administrator", "POST", one+"/access_tokens", `{"name":"bot","scopes":["api"]}`).want(t, "bot", 201)
	s.as(t, "administrator", "POST", one+"/members", fmt.Sprintf(`{"user_id":%d,"access_level":30}`, s.userID(t, "stranger"))).want(t, "member", 201)
	s.as(t, "administrator", "PUT", one+"/package_settings/npm", `{"max_file_size":9}`).want(t, "settings", 200)
	s.as(t, "administrator", "DELETE", one, "").want(t, "delete", 202, "202 Accepted")
	for table, n := range s.rows(t) {
		if n != before[table] {
			t.Errorf("%s has %d rows, not %d as before", table, n, before[table])
		}
	}
	r, err := s.plans.Commit(t.Context(), plan.Scope{
		Format: "npm", Project: s.projects["doomed"], Action: spec.ActionCreatePackage, Actor: registry.Actor{Kind: registry.DeployToken},
	}, &spec.Plan{Operations: []spec.Operation{{Op: spec.CreatePackage{Local: "p", Name: "b", Version: "1"}, OnConflict: &spec.HTTPResponse{Status: 409}}}})
	if err == nil && r.State == plan.Committed {
		t.Error("published into a project that is gone")
	}
}
