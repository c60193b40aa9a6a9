package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

// rules is the path of a project's protection rules.
func (s *site) rules(project string) string { return s.base(project) + "/protection/rules" }

// tell sends a JSON document as somebody of a role; without one, nothing.
func (s *site) tell(t *testing.T, who, method, path, document string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return s.send(t, who, req, headers...)
}

func TestProtectionRules(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.rules("private")

	made := s.tell(t, "maintainer", "POST", path, `{"package_name_pattern":"@acme/*","package_type":"npm","minimum_access_level_for_push":"maintainer"}`)
	var rule struct{ ID int64 }
	made.into(t, &rule)
	want := fmt.Sprintf(`{"id":%d,"project_id":%d,"package_name_pattern":"@acme/*","package_type":"npm","minimum_access_level_for_push":"maintainer","minimum_access_level_for_delete":null}`,
		rule.ID, s.projects["private"].ID)
	if made.status != http.StatusCreated || made.body != want {
		t.Fatalf("%d %s\nwant %s", made.status, made.body, want)
	}
	one := fmt.Sprintf("%s/%d", path, rule.ID)

	form := s.ask(t, "owner", "POST", path+"?package_name_pattern=com/acme/*&package_type=maven&minimum_access_level_for_delete=admin")
	if form.status != http.StatusCreated || !strings.Contains(form.body, `"minimum_access_level_for_push":null,"minimum_access_level_for_delete":"admin"`) {
		t.Errorf("by query: %d %s", form.status, form.body)
	}

	list := s.ask(t, "maintainer with read_api", "GET", path)
	var all []struct{ ID int64 }
	list.into(t, &all)
	if list.status != http.StatusOK || len(all) != 2 || all[0].ID != rule.ID || list.header.Get("X-Total") != "2" {
		t.Errorf("%d %s %v", list.status, list.body, list.header)
	}
	second := s.ask(t, "maintainer", "GET", path+"?per_page=1&page=2")
	if second.into(t, &all); len(all) != 1 || all[0].ID == rule.ID || second.header.Get("X-Prev-Page") != "1" || second.header.Get("X-Next-Page") != "" {
		t.Errorf("%s %v", second.body, second.header)
	}
	if first := s.ask(t, "maintainer", "GET", path+"?per_page=1"); first.header.Get("X-Next-Page") != "2" {
		t.Errorf("%v", first.header)
	}
	if empty := s.ask(t, "maintainer", "GET", s.rules("public")); empty.body != "[]" {
		t.Errorf("another project's: %s", empty.body)
	}

	// A change is of what is given, and null takes away.
	changed := s.tell(t, "maintainer", "PATCH", one, `{"minimum_access_level_for_delete":"owner","minimum_access_level_for_push":null}`)
	if want := strings.Replace(strings.Replace(want, `"maintainer"`, "null", 1), `delete":null`, `delete":"owner"`, 1); changed.status != http.StatusOK || changed.body != want {
		t.Errorf("%d %s\nwant %s", changed.status, changed.body, want)
	}
	changed = s.tell(t, "maintainer", "PATCH", one, `{"package_name_pattern":"*","package_type":"nuget"}`)
	if changed.status != http.StatusOK || !strings.Contains(changed.body, `"package_name_pattern":"*","package_type":"nuget"`) {
		t.Errorf("%d %s", changed.status, changed.body)
	}
	if same := s.tell(t, "maintainer", "PATCH", one, `{}`); same.status != http.StatusOK || same.body != changed.body {
		t.Errorf("%d %s", same.status, same.body)
	}

	if r := s.ask(t, "maintainer", "DELETE", one, "If-Unmodified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"); r.status != http.StatusPreconditionFailed {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := s.ask(t, "maintainer", "DELETE", one); r.status != http.StatusNoContent || r.body != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := s.ask(t, "maintainer", "DELETE", one); r.status != http.StatusNotFound {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	if n := s.count(t, "select from package_protection_rules"); n != 1 {
		t.Errorf("%d rules are left", n)
	}
}

func TestProtectionRulesAreChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := s.rules("private")
	taken := s.tell(t, "maintainer", "POST", path, `{"package_name_pattern":"taken","package_type":"npm","minimum_access_level_for_push":"owner"}`)
	other := s.tell(t, "maintainer", "POST", path, `{"package_name_pattern":"other","package_type":"npm","minimum_access_level_for_push":"owner"}`)
	var id struct{ ID int64 }
	if other.into(t, &id); taken.status != http.StatusCreated || other.status != http.StatusCreated {
		t.Fatal(taken, other)
	}
	one := fmt.Sprintf("%s/%d", path, id.ID)
	const levels = `"minimum_access_level_for_push":"owner"`
	long := strings.Repeat("ä", 256)
	for _, c := range []struct {
		method, path, document string
		status                 int
		want                   string // in the document, as JSON
	}{
		{"POST", path, `{}`, 400, `"error":"package_name_pattern is missing, package_type is missing, minimum_access_level_for_push, minimum_access_level_for_delete are missing, at least one parameter must be provided"`},
		{"POST", path, `{"package_name_pattern":"a",` + levels + `}`, 400, `"error":"package_type is missing"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"none",` + levels + `}`, 400, `"error":"package_type does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":null,` + levels + `}`, 400, `"error":"package_type does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"",` + levels + `}`, 400, `"error":"package_type does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":{},"package_type":"npm",` + levels + `}`, 400, `package_name_pattern is invalid`},
		{"POST", path, `{"package_name_pattern":"a\u0000","package_type":"npm",` + levels + `}`, 400, `NUL in a string at /package_name_pattern`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"npm","minimum_access_level_for_push":"developer"}`, 400, `"error":"minimum_access_level_for_push does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"npm","minimum_access_level_for_push":""}`, 400, `"error":"minimum_access_level_for_push does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"npm","minimum_access_level_for_delete":"maintainer"}`, 400, `"error":"minimum_access_level_for_delete does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"npm","minimum_access_level_for_delete":50}`, 400, `"error":"minimum_access_level_for_delete does not have a valid value"`},
		{"POST", path, `{"package_name_pattern":"a","package_type":"npm","minimum_access_level_for_push":null,"minimum_access_level_for_delete":null}`, 422, `"message":{"error":["A rule must have at least a minimum access role for push or delete."]}`},
		{"POST", path, `{"package_name_pattern":"","package_type":"npm",` + levels + `}`, 422, `"message":{"error":["Package name pattern can't be blank"]}`},
		{"POST", path, `{"package_name_pattern":"` + long + `","package_type":"nuget",` + levels + `}`, 422, `"message":{"error":["Package name pattern is too long (maximum is 255 characters)"]}`},
		{"POST", path, `{"package_name_pattern":"@*/a","package_type":"npm",` + levels + `}`, 422, `should be a valid NPM package name with optional wildcard characters.`},
		{"POST", path, `{"package_name_pattern":"taken","package_type":"npm",` + levels + `}`, 422, `"message":{"error":["Package name pattern has already been taken"]}`},
		{"POST", path, `[]`, 400, `the body is no JSON object`},
		{"GET", path + "?per_page=0", ``, 400, `"error":"per_page does not have a valid value"`},
		{"PATCH", one, `{"package_name_pattern":"taken"}`, 422, `"message":{"error":["Package name pattern has already been taken"]}`},
		{"PATCH", one, `{"package_name_pattern":null}`, 422, `can't be blank`},
		{"PATCH", one, `{"minimum_access_level_for_push":null}`, 422, `A rule must have at least`},
		{"PATCH", one, `{"minimum_access_level_for_push":"guest","package_type":"x"}`, 400, `"error":"package_type does not have a valid value, minimum_access_level_for_push does not have a valid value"`},
		{"PATCH", path + "/99999999", `{"package_name_pattern":"a"}`, 404, `"message":"404 Not Found"`},
		{"PATCH", path + "/x", `{"package_name_pattern":"a"}`, 404, `"message":"404 Not Found"`},
		{"DELETE", path + "/0", ``, 404, `"message":"404 Not Found"`},
		{"DELETE", s.rules("public") + one[len(path):], ``, 404, `"message":"404 Not Found"`},
		{"PATCH", s.rules("public") + one[len(path):], `{"package_name_pattern":"a"}`, 404, `"message":"404 Not Found"`},
		{"PUT", one, `{}`, 405, `405`},
		{"DELETE", path, ``, 405, `405`},
		{"GET", one, ``, 405, `405`},
	} {
		r := s.tell(t, "maintainer", c.method, c.path, c.document)
		if r.status != c.status || !strings.Contains(r.body, c.want) || !strings.Contains(r.body, `"request_id":"`) {
			t.Errorf("%s %s: %d %s\nwant %d %s", c.method, c.document, r.status, r.body, c.status, c.want)
		}
	}
	if n := s.count(t, "select from package_protection_rules where package_name_pattern in ('taken', 'other')"); n != 2 {
		t.Errorf("%d rules, want 2", n)
	}
}

func TestWhatAnNpmPatternMayBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for pattern, taken := range map[string]bool{
		"*": true, "left-pad": true, "left-*": true, "*pad*": true, "@acme/*": true, "@acme/web-*-x": true, "@a.b-c/_x.+*": true, "Upper*": true,
		"@*/web": false, "@ac*me/web": false, "*@acme/web": false, "@acme/": false, "@acme": false, "a/b": false, "a b": false, "a%": false, `a\\*`: false, "": false, "ä*": false,
	} {
		r := s.tell(t, "maintainer", "POST", s.rules("private"), fmt.Sprintf(`{"package_name_pattern":"%s","package_type":"npm","minimum_access_level_for_delete":"owner"}`, pattern))
		if want := map[bool]int{true: http.StatusCreated, false: http.StatusUnprocessableEntity}[taken]; r.status != want {
			t.Errorf("%q: %d %s, want %d", pattern, r.status, r.body, want)
		}
	}
}

// Who may see and change the rules: on a private, an internal and a public project.
func TestProtectionRulesAreForMaintainers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	secret, _, err := s.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{ProjectID: s.projects["public"].ID, Scopes: []string{"write_package_registry"}})
	if err != nil {
		t.Fatal(err)
	}
	s.tokens["deploy token"], s.tokens["nonsense"] = "", "glpat-nonsense"
	for who, want := range map[string][3]int{
		"":                         {401, 401, 401},
		"nonsense":                 {401, 401, 401},
		"deploy token":             {401, 401, 401},
		"stranger":                 {404, 403, 403},
		"guest":                    {403, 403, 403},
		"reporter":                 {403, 403, 403},
		"developer":                {403, 403, 403},
		"maintainer":               {0, 0, 0},
		"owner":                    {0, 0, 0},
		"administrator":            {0, 0, 0},
		"maintainer with read_api": {0, 0, 0},
	} {
		for i, project := range []string{"private", "internal", "public"} {
			path := s.rules(project)
			made := s.tell(t, "administrator", "POST", path, `{"package_name_pattern":"`+who+`-x","package_type":"nuget","minimum_access_level_for_push":"owner"}`)
			var rule struct{ ID int64 }
			if made.into(t, &rule); made.status != http.StatusCreated {
				t.Fatal(made)
			}
			one := fmt.Sprintf("%s/%d", path, rule.ID)
			for _, c := range []struct {
				method, path, document string
				success                int
			}{
				{"GET", path, "", 200},
				{"HEAD", path, "", 200},
				{"POST", path, `{"package_name_pattern":"` + who + `","package_type":"nuget","minimum_access_level_for_push":"owner"}`, 201},
				{"PATCH", one, `{"minimum_access_level_for_push":"admin"}`, 200},
				{"DELETE", one, "", 204},
			} {
				status := want[i]
				if status == 0 {
					status = c.success
				}
				if who == "maintainer with read_api" && c.method != "GET" && c.method != "HEAD" {
					status = 403
				}
				var headers []string
				if who == "deploy token" {
					headers = []string{"Deploy-Token", secret}
				}
				if r := s.tell(t, who, c.method, c.path, c.document, headers...); r.status != status {
					t.Errorf("%q, %s, %s: %d %s, want %d", who, project, c.method, r.status, r.body, status)
				}
			}
		}
	}
	if r := s.ask(t, "maintainer", "GET", "/api/v4/projects/none%2Fsuch/packages/protection/rules"); r.status != http.StatusNotFound || !strings.Contains(r.body, "404 Project Not Found") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := s.ask(t, "maintainer", "GET", "/api/v4/projects/private-group%2Fproject/packages/protection/rules"); r.status != http.StatusOK {
		t.Errorf("by path: %d %s", r.status, r.body)
	}
	// The path below is a package's, whose id is a number.
	if r := s.ask(t, "maintainer", "GET", s.base("private")+"/protection"); r.status != http.StatusNotFound {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// 55 to 58: deletions by the packages API, of a package and of a file.
func TestDeletionsAreHeldAgainstRules(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, c := range []struct {
		name, format, pattern, level string
		refused                      []string
		allowed                      string
	}{
		{"55: owner", "npm", "left-*", "owner", []string{"maintainer"}, "owner"},
		{"55: and an administrator", "npm", "LEFT-PAD", "owner", []string{"maintainer"}, "administrator"},
		{"56: admin", "npm", "left-pad", "admin", []string{"maintainer", "owner"}, "administrator"},
		{"57: another name", "npm", "right-*", "admin", nil, "maintainer"},
		{"58: another type", "nuget", "left-pad", "admin", nil, "maintainer"},
	} {
		s.exec(t, "delete from package_protection_rules")
		pkg, file := s.publish(t, "private", "npm", "left-pad", c.name, c.name)
		s.exec(t, "insert into package_protection_rules (project_id, package_type, package_name_pattern, minimum_access_level_for_delete) values ($1, $2, $3, $4)",
			s.projects["private"].ID, c.format, c.pattern, map[string]int{"owner": 50, "admin": 60}[c.level])
		ofPackage := fmt.Sprintf("%s/%d", s.base("private"), pkg)
		ofFile := fmt.Sprintf("%s/package_files/%d", ofPackage, file)
		for _, path := range []string{ofFile, ofPackage} {
			for _, who := range c.refused {
				if r := s.ask(t, who, "DELETE", path); r.status != http.StatusForbidden || !strings.Contains(r.body, `"message":"403 Forbidden - Package is deletion protected."`) {
					t.Errorf("%s: %s: %d %s", c.name, who, r.status, r.body)
				}
			}
			if r := s.ask(t, c.allowed, "DELETE", path); r.status != http.StatusNoContent {
				t.Errorf("%s: %s: %d %s", c.name, c.allowed, r.status, r.body)
			}
		}
	}
}
