package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testGranular: what a granular token's names hide is found by no request, with
// the token itself and with one that the remote has made of it; and is not written.
func testGranular(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	full := inProject(reg, p, reg.Token)
	rrev, pid := revision(1), packageID(1)
	full.uploadRecipe(t, "acme/1.0", rrev, pid)
	full.uploadRecipe(t, "secret/1.0", rrev, pid)
	var made struct{ Token string }
	if err := json.Unmarshal(reg.CLI(t, "token", "create", "--project", p.Path, "--role", "maintainer", "--name", "t",
		"--permissions", "download_conan_package,upload_conan_package,delete_conan_package", "--package-names", "ac*"), &made); err != nil {
		t.Fatal(err)
	}
	basic := inProject(reg, p, made.Token)
	own := basic.get(t, "/v2/users/authenticate").wantStatus(t, "authenticate", http.StatusOK)
	reg.Remember(string(own.body))
	bearer := caller{base: basic.base, token: string(own.body), bearer: true}
	group := inGroup(reg, p.Group, made.Token)
	for who, c := range map[string]caller{"basic": basic, "bearer": bearer, "group": group} {
		all := caller{base: c.base, token: reg.Token}
		one := "/revisions/" + rrev
		for _, path := range []string{
			"/latest", "/revisions", "/search", one + "/search", one + "/files", one + "/files/conanfile.py",
			one + "/packages/" + pid + "/latest", one + "/packages/" + pid + "/revisions", one + "/packages/" + pid + "/revisions/" + revision(1) + "/files",
			one + "/packages/" + pid + "/revisions/" + revision(1) + "/files/conan_package.tgz",
		} {
			for range 2 { // also once it is kept
				all.get(t, recipe("secret/1.0")+path).wantStatus(t, path, http.StatusOK)
			}
			c.get(t, recipe("acme/1.0")+path).wantStatus(t, who+path, http.StatusOK)
			got, absent := c.get(t, recipe("secret/1.0")+path), c.get(t, recipe("absent/1.0")+path)
			strip := func(a answer) string {
				return strings.ReplaceAll(strings.ReplaceAll(string(a.body), a.header.Get("X-Request-Id"), ""), "secret", "absent")
			}
			if got.status != absent.status || strip(got) != strip(absent) {
				t.Errorf("%s%s: %d %s; of none: %d %s", who, path, got.status, got.body, absent.status, absent.body)
			}
		}
		if found := c.search(t, "*", ""); who != "group" && (len(found) != 1 || !strings.HasPrefix(found[0], "acme/")) {
			t.Errorf("%s: found %v", who, found)
		}
		if found := c.search(t, "secret*", ""); len(found) != 0 {
			t.Errorf("%s: found %v", who, found)
		}
	}
	bearer.uploadRecipe(t, "acorn/1.0", rrev)
	for _, name := range []string{"secret", "other"} {
		at := recipe(name+"/1.0") + "/revisions/" + revision(2) + "/files/conanfile.py"
		bearer.put(t, at, "# other").wantStatus(t, "put "+name, http.StatusForbidden)
	}
	if a := bearer.send(t, "DELETE", recipe("secret/1.0"), nil); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
		t.Errorf("delete what is hidden: %d %s", a.status, a.body)
	}
	full.get(t, recipe("secret/1.0")+"/latest").wantStatus(t, "it is still there", http.StatusOK)
}
