package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const insufficient = `"error":"insufficient_granular_scope"`

// granular makes a token of a user's for the private project.
func (s *site) granular(t *testing.T, who string, permissions []string, patterns ...string) string {
	t.Helper()
	u, err := s.accounts.FindUser(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.accounts.CreatePersonalToken(t.Context(), u, accounts.NewPersonalToken{Name: "t", Granular: []registry.GranularScope{{
		Access: registry.AccessMemberships, Permissions: permissions, NamePatterns: patterns,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// The packages API takes the permission that each of its paths is about, of all formats.
func TestPackagesAPIWithAGranularToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, file := s.publish(t, "private", "npm", "web", "1.0.0", "content")
	one := fmt.Sprintf("%s/%d", s.base("private"), pkg)
	paths := []string{
		"GET " + s.base("private"), "GET " + one, "GET " + one + "/package_files", fmt.Sprintf("GET %s/package_files/%d/download", one, file),
		fmt.Sprintf("DELETE %s/package_files/999999", one), "DELETE " + one + "9999",
	}
	for i, c := range []struct {
		who         string
		permissions string
		want        string // of each path
	}{
		{"maintainer", "read_package", "200 200 200 403 403 403"},
		{"maintainer", "download_package", "403 403 403 200 403 403"},
		{"maintainer", "upload_package", "403 403 403 403 403 403"},
		{"maintainer", "delete_package", "403 403 403 403 404 404"},
		{"developer", "delete_package", "403 403 403 403 403 403"}, // its owner may not
		{"maintainer", "read_npm_package download_npm_package delete_npm_package", "403 403 403 403 403 403"},
		{"stranger", "read_package download_package delete_package", "404 404 404 404 404 404"},
	} {
		name := fmt.Sprint("granular", i)
		s.tokens[name] = s.granular(t, c.who, strings.Fields(c.permissions))
		for at, want := range strings.Fields(c.want) {
			method, path, _ := strings.Cut(paths[at], " ")
			got := s.ask(t, name, method, path)
			if fmt.Sprint(got.status) != want {
				t.Errorf("%s's %s: %s: %d, want %s: %s", c.who, c.permissions, paths[at], got.status, want, got.body)
			}
			if got.status == 403 && c.who == "maintainer" && !strings.Contains(got.body, insufficient) {
				t.Errorf("%s's %s: %s: %s", c.who, c.permissions, paths[at], got.body)
			}
		}
	}
	if a := s.ask(t, "granular1", "GET", s.base("private")); !strings.Contains(a.body, `[read_package] for \"private-group/project\"`) {
		t.Errorf("it does not say what is missing: %s", a.body)
	}
}

func TestPackagesAPIHidesByName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	shown, _ := s.publish(t, "private", "npm", "@acme/web", "1.0.0", "a")
	s.publish(t, "private", "npm", "@acme/web", "2.0.0", "b")
	hidden, file := s.publish(t, "private", "npm", "secret", "1.0.0", "c")
	s.tokens["limited"] = s.granular(t, "maintainer", []string{"read_package", "download_package", "delete_package"}, "@ACME/*")
	s.tokens["looking"] = s.granular(t, "maintainer", []string{"read_package"}, "@acme/*")
	list := s.ask(t, "limited", "GET", s.base("private"))
	if got := list.names(t); got != "@acme/web @acme/web" || list.header.Get("X-Total") != "2" {
		t.Errorf("list: %s of %s", got, list.header.Get("X-Total"))
	}
	if a := s.ask(t, "limited", "GET", s.base("private")+"?package_name=secret"); a.names(t) != "" {
		t.Errorf("search: %s", a.body)
	}
	one := fmt.Sprintf("%s/%d", s.base("private"), hidden)
	for _, path := range []string{"GET " + one, "DELETE " + one, "GET " + one + "/package_files", fmt.Sprintf("GET %s/package_files/%d/download", one, file), fmt.Sprintf("DELETE %s/package_files/%d", one, file)} {
		method, path, _ := strings.Cut(path, " ")
		got, absent := s.ask(t, "limited", method, path), s.ask(t, "limited", method, strings.Replace(path, one, one+"999", 1))
		strip := func(r reply) string { return strings.ReplaceAll(r.body, r.header.Get("X-Request-Id"), "") }
		if got.status != 404 || strip(got) != strip(absent) {
			t.Errorf("%s %s: %d %s; of none: %s", method, path, got.status, got.body, absent.body)
		}
	}
	one = fmt.Sprintf("%s/%d", s.base("private"), shown)
	if a := s.ask(t, "limited", "GET", one); a.status != 200 || !strings.Contains(a.body, "delete_api_path") || !strings.Contains(a.body, `"2.0.0"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := s.ask(t, "looking", "GET", one); strings.Contains(a.body, "delete_api_path") {
		t.Errorf("who may not delete is told where: %s", a.body)
	}
	if a := s.ask(t, "limited", "DELETE", one); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if n := s.count(t, "select from packages where name = 'secret'"); n != 1 {
		t.Errorf("%d packages of the other name", n)
	}
}

// With a granular token nothing is managed, not even itself.
func TestAGranularTokenManagesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tokens["granular"] = s.granular(t, "administrator", []string{"read_package", "download_package", "upload_package", "delete_package"})
	for _, path := range []string{
		"GET /api/v4/personal_access_tokens/self", "POST /api/v4/personal_access_tokens/self/rotate", "DELETE /api/v4/personal_access_tokens/self", "GET /api/v4/personal_access_tokens",
		"GET /api/v4/user", "GET /api/v4/users", "POST /api/v4/users", "GET /api/v4/projects", "GET /api/v4/groups", "POST /api/v4/groups",
		fmt.Sprintf("GET /api/v4/projects/%d", s.projects["public"].ID), fmt.Sprintf("POST /api/v4/projects/%d/deploy_tokens", s.projects["private"].ID),
		fmt.Sprintf("GET /api/v4/projects/%d/packages/protection/rules", s.projects["private"].ID), "GET /api/v4/audit_events", "GET /api/v4/features",
	} {
		method, path, _ := strings.Cut(path, " ")
		if a := s.ask(t, "granular", method, path); a.status != 403 || !strings.Contains(a.body, insufficient) {
			t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
		}
	}
}

func TestGranularTokensAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	private := s.projects["private"]
	maintainer, err := s.accounts.FindUser(t.Context(), "maintainer")
	if err != nil {
		t.Fatal(err)
	}
	personal := fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", maintainer.ID)
	access := fmt.Sprintf("/api/v4/projects/%d/access_tokens", private.ID)
	deploy := fmt.Sprintf("/api/v4/projects/%d/deploy_tokens", private.ID)
	granular := fmt.Sprintf(`"granular_scopes":[{"access":"selected_memberships","project_ids":[%d],"permissions":["read_package","upload_npm_package"],"package_name_patterns":["@acme/*"]}]`, private.ID)
	shown := fmt.Sprintf(`"granular_scopes":[{"access":"selected_memberships","project_id":%d,"group_id":null,"permissions":["read_package","upload_npm_package"],"package_name_patterns":["@acme/*"]}]`, private.ID)
	for _, c := range []struct{ who, path, rotate string }{
		{"administrator", personal, "/api/v4/personal_access_tokens"}, {"maintainer", access, access}, {"maintainer", deploy, ""},
	} {
		for body, says := range map[string]string{
			`{"name":"t"}`: "scopes is missing",
			`{"name":"t","scopes":["api"],` + granular + `}`: "mutually exclusive",
			`{"name":"t","granular_scopes":[]}`:              "granular_scopes is empty",
			`{"name":"t","granular_scopes":null}`:            "granular_scopes is invalid",
			`{"name":"t","granular_scopes":"api"}`:           "granular_scopes is invalid",
			`{"name":"t","granular_scopes":[{"access":"all_memberships","permissions":["read_package"],"project":1}]}`:                 "granular_scopes is invalid",
			`{"name":"t","granular_scopes":[{"access":"instance","permissions":["read_package"]}]}`:                                    "choose from",
			`{"name":"t","granular_scopes":[{"access":"all_memberships","permissions":["read_everything"]}]}`:                          "read_everything",
			`{"name":"t","granular_scopes":[{"access":"all_memberships","permissions":["read_gemstone_package"]}]}`:                    "read_gemstone_package",
			`{"name":"t","granular_scopes":[{"access":"selected_memberships","project_ids":[999999],"permissions":["read_package"]}]}`: "out of the token's reach",
			`{"name":"t","scopes":["granular"]}`: "granular",
			`{"name":"t","granular_scopes":[{"access":"selected_memberships","permissions":["read_package"],"package_name_patterns":[]}]}`: "takes project_ids",
		} {
			s.manage(t, "POST", c.path, s.tokens[c.who], body).want(t, c.path+body, 400, says)
		}
		m := s.manage(t, "POST", c.path, s.tokens[c.who], `{"name":"t",`+granular+`}`).want(t, "create", 201, shown, `"granular":true`, `"scopes":["granular"]`).made(t)
		s.manage(t, "GET", c.path, s.tokens[c.who], "")
		if c.rotate == "" {
			s.manage(t, "GET", fmt.Sprintf("%s/%d", c.path, m.ID), s.tokens[c.who], "").want(t, "show", 200, shown)
			s.manage(t, "GET", c.path, s.tokens[c.who], "").want(t, "list", 200, shown)
			continue
		}
		one := fmt.Sprintf("%s/%d", c.rotate, m.ID)
		s.manage(t, "GET", one, s.tokens[c.who], "").want(t, "show", 200, shown)
		s.manage(t, "GET", c.rotate, s.tokens[c.who], "").want(t, "list", 200, shown)
		s.manage(t, "POST", one+"/rotate", s.tokens[c.who], "").want(t, "rotate", 200, shown)
	}
	if n := s.count(t, "select from audit_events where action like '%access_tokens' and details::text like '%upload_npm_package%'"); n == 0 {
		t.Error("the audit does not say what the tokens may do")
	}
}
