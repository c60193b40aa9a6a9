package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testSession is about the client and not about packages. The numbers are those
// of the cases that GitLab's and Conan's tests have.
func testSession(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	private, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	user := reg.NewUser(t, "developer", private.Path)
	t.Run("ping answers everybody", func(t *testing.T) { // 1, 2, 21
		t.Parallel()
		for _, c := range []caller{
			inProject(reg, public, ""), inProject(reg, private, ""), inProject(reg, private, user.Token), inGroup(reg, private.Group, ""), inInstance(reg, ""),
			{base: inProject(reg, private, "").base, token: "expired", bearer: true}, // or it could not sign in again
			{base: reg.URL + "/api/v4/projects/999999/packages/conan"},
		} {
			for _, path := range []string{"/v1/ping", "/v2/ping"} {
				a := c.get(t, path).wantStatus(t, c.base+path, http.StatusOK)
				if len(a.body) != 0 || a.header.Get("X-Conan-Server-Capabilities") != "revisions" {
					t.Errorf("%s: %q, %q", c.base+path, a.body, a.header)
				}
			}
		}
	})
	t.Run("a sign-in gives a token", func(t *testing.T) { // 5, 6, 13, 15, 16, 17, 18, 20
		t.Parallel()
		for _, path := range []string{"/v1/users/", "/v2/users/"} {
			c := inProject(reg, private, user.Token)
			a := c.get(t, path+"authenticate").wantStatus(t, "authenticate", http.StatusOK)
			given := caller{base: c.base, token: string(a.body), bearer: true}
			if !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || given.token == user.Token || strings.ContainsAny(given.token, "<>\n$") {
				t.Fatalf("%q as %q", a.body, a.header.Get("Content-Type"))
			}
			if a := given.get(t, path+"check_credentials").wantStatus(t, "what it gave", http.StatusOK); string(a.body) != "ok" {
				t.Errorf("%q", a.body)
			}
			given.get(t, "/v2/conans/search?q=x").wantStatus(t, "a read with it", http.StatusOK)
			// As GitLab does not, and curl users expect: the personal token by itself.
			caller{base: c.base, token: user.Token, bearer: true}.get(t, path+"check_credentials").wantStatus(t, "a personal token", http.StatusOK)
			for what, bad := range map[string]caller{
				"nobody":     {base: c.base},
				"nonsense":   {base: c.base, token: "nonsense"},
				"unset":      {base: c.base, token: "unset", bearer: true},
				"mistyped":   {base: c.base, token: given.token[:len(given.token)-1] + "x", bearer: true},
				"one in all": {base: inInstance(reg, "").base, token: "unset", bearer: true},
			} {
				bad.get(t, path+"authenticate").wantStatus(t, what+" signs in", http.StatusUnauthorized)
				bad.get(t, path+"check_credentials").wantStatus(t, what+" is checked", http.StatusUnauthorized)
			}
			inProject(reg, public, "").get(t, path+"check_credentials").wantStatus(t, "nobody, of a public project", http.StatusUnauthorized)
		}
	})
	t.Run("a sign-in widens nothing", func(t *testing.T) { // 10, 14
		t.Parallel()
		narrow := reg.NewToken(t, reg.NewUser(t, "maintainer", private.Path).Username, "read_api")
		c := inProject(reg, private, narrow)
		given := caller{base: c.base, token: string(c.get(t, "/v2/users/authenticate").body), bearer: true}
		given.put(t, recipe("narrow/1.0")+"/revisions/"+revision(1)+"/files/conanfile.py", "#").wantStatus(t, "an upload", http.StatusForbidden)
		given.get(t, "/v2/conans/search?q=x").wantStatus(t, "a read", http.StatusOK)
	})
	t.Run("a deploy token has a name", func(t *testing.T) { // 6, 7
		t.Parallel()
		deploy := reg.NewDeployToken(t, private.Path, "read_package_registry")
		c := inProject(reg, private, deploy)
		given := caller{base: c.base, token: string(c.get(t, "/v2/users/authenticate").wantStatus(t, "by its name", http.StatusOK).body), bearer: true}
		given.get(t, "/v2/conans/search?q=x").wantStatus(t, "what it gave", http.StatusOK)
		req, err := http.NewRequestWithContext(t.Context(), "GET", c.base+"/v2/users/authenticate", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("somebody", deploy)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("by another name: %d", resp.StatusCode)
		}
	})
}
