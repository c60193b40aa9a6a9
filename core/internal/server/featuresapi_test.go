package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// Without plugins there is nothing to switch: all that is set here is forced.
func TestFeaturesAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const form, list = "application/x-www-form-urlencoded", "/api/v4/features"
	for _, c := range []struct {
		who    string
		status int
	}{{"", 401}, {"owner", 403}, {"administrator", 200}} {
		if r := s.ask(t, c.who, "GET", list); r.status != c.status {
			t.Errorf("%q: %d %s", c.who, r.status, r.body)
		}
		if r := s.ask(t, c.who, "GET", list+"/definitions"); r.status != c.status || (c.status == 200 && r.body != "[]") {
			t.Errorf("%q, definitions: %d %s", c.who, r.status, r.body)
		}
	}
	for _, step := range []struct {
		name, method, path string
		status             int
		want               string
	}{
		{"a boolean", "POST", list + "/npm%2Fpublish?value=false&force=true", 201, `"state":"off","gates":[{"key":"boolean","value":false}]`},
		{"GitLab's 100", "POST", list + "/npm%2Fpublish?value=100&force=true", 201, `"state":"on","gates":[{"key":"boolean","value":true}]`},
		{"a project", "POST", list + "/npm%2Fpublish?value=0&force=true&project=private-group/project", 201, `"state":"conditional","gates":[{"key":"boolean","value":true},{"key":"actors","value":["Project:1:opt_out"]}],"definition":null`},
		{"projects and a group", "POST", list + "/npm%2Fpublish?value=true&force=1&project=private-group/project,public-group/project&group=internal-group", 201, `"Project:1","Project:`},
		{"the list", "GET", list, 200, `[{"name":"npm/publish","state":"conditional"`},
		{"a project's is removed", "DELETE", list + "/npm%2Fpublish?project=private-group/project", 204, ""},
		{"which leaves others", "GET", list, 200, `"actors"`},
		{"all are removed", "DELETE", list + "/npm%2Fpublish", 204, ""},
		{"nothing is removed", "DELETE", list + "/npm%2Fpublish", 204, ""},
		{"and nothing is left", "GET", list, 200, `[]`},
		{"no value", "POST", list + "/npm?force=true", 400, `value is missing`},
		{"a percentage", "POST", list + "/npm?value=30&force=true", 400, `value does not have a valid value`},
		{"a name that is none", "POST", list + "/n%20pm?value=true&force=true", 400, `name is invalid`},
		{"a name that nothing has", "POST", list + "/npm?value=true", 400, `name is no feature`},
		{"no such project", "POST", list + "/npm?value=true&force=true&project=no/where", 400, `project no/where is not found`},
		{"an empty project is not everywhere", "POST", list + "/npm?value=false&force=true&project=", 400, `project is empty`},
		{"nor in a removal", "DELETE", list + "/npm?group=", 400, `group is empty`},
		{"what we do not have", "POST", list + "/npm?value=true&force=true&user=ann&key=x", 400, `user is not supported, key is not supported`},
		{"a method", "PUT", list + "/npm", 405, ``},
	} {
		if r := s.ask(t, "administrator", step.method, step.path, "Content-Type", form); r.status != step.status || !strings.Contains(r.body, step.want) {
			t.Errorf("%s: %d %s", step.name, r.status, r.body)
		}
	}
	if r := s.ask(t, "maintainer", "POST", list+"/npm?value=false&force=true"); r.status != http.StatusForbidden {
		t.Errorf("a maintainer: %d", r.status)
	}
	if n := s.count(t, "select from feature_flags"); n != 0 {
		t.Errorf("%d settings were made by requests that were refused", n)
	}
}
