package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testReferences: what is no reference, revision or file is refused with the part
// that is wrong, and stores nothing.
func testReferences(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	project := reg.NewProject(t, "private")
	c := inProject(reg, project, reg.Token)
	rrev, pid := revision(1), packageID(1)
	c.uploadRecipe(t, "there/1.0", rrev)
	at := recipe("there/1.0") + "/revisions/"
	for _, row := range []struct {
		what, path string
		status     int
		says       string
	}{
		{"22: a path", "/v2/conans/..%2F..%2Ffoo/1.0/_/_/latest", 400, ""},
		{"23: one character", "/v2/conans/a/1.0/_/_/latest", 400, `the name "a"`},
		{"23: too long", "/v2/conans/" + strings.Repeat("a", 102) + "/1.0/_/_/latest", 400, "the name"},
		{"23: 51 characters are GitLab's end, and not Conan 2's", "/v2/conans/" + strings.Repeat("a", 51) + "/1.0/_/_/latest", 404, ""},
		{"24: a percent sign", "/v2/conans/a%25b/1.0/_/_/latest", 400, "the name"},
		{"24: begins with a plus", "/v2/conans/%2Bab/1.0/_/_/latest", 400, "the name"},
		{"24: begins with a dot", "/v2/conans/.ab/1.0/_/_/latest", 400, "the name"},
		{"24: begins with a dash", "/v2/conans/-ab/1.0/_/_/latest", 400, "the name"},
		{"a version", "/v2/conans/ab/1/_/_/latest", 400, `the version "1"`},
		{"25: a channel without a user", "/v2/conans/ab/1.0/_/stable/latest", 400, "has no user"},
		{"26: a user without a channel", "/v2/conans/ab/1.0/user/_/latest", 404, "Recipe ab/1.0@user not found"},
		{"27: neither", "/v2/conans/ab/1.0/_/_/latest", 404, "Recipe ab/1.0 not found"},
		{"31: a revision", "/v2/conans/there/1.0/_/_/revisions/not-hex/files", 400, `the revision "not-hex"`},
		{"32: a package id", at + rrev + "/packages/a-b/latest", 400, `the package id "a-b"`},
		{"33: a file", at + rrev + "/files/setup.py", 400, "is not a file of a Conan recipe"},
		{"35: a package's file in a recipe", at + rrev + "/files/conaninfo.txt", 400, "is not a file of a Conan recipe"},
		{"a recipe's file in a package", at + rrev + "/packages/" + pid + "/revisions/" + rrev + "/files/conanfile.py", 400, "is not a file of a Conan package"},
		{"34: out of the folder", at + rrev + "/files/metadata/%2e%2e/conanfile.py", 400, ""},
		{"34: no name in it", at + rrev + "/files/metadata/", 404, ""},
		{"29: no such project", "", 0, ""},
	} {
		if row.path == "" {
			caller{base: reg.URL + "/api/v4/projects/999999/packages/conan", token: reg.Token}.get(t, recipe("ab/1.0")+"/latest").wantStatus(t, row.what, 404)
			continue
		}
		if a := c.get(t, row.path).wantStatus(t, row.what, row.status); !strings.Contains(string(a.body), row.says) {
			t.Errorf("%s: %s", row.what, a.body)
		}
		if row.status == http.StatusBadRequest && strings.Contains(row.path, "/files/") {
			c.put(t, row.path, "x").wantStatus(t, row.what+", put", 400)
		}
	}
	// 102: a revision is a number, in whatever case it is written.
	c.get(t, at+strings.ToUpper(rrev)+"/files").wantStatus(t, "in capitals", http.StatusOK)
	c.get(t, at+strings.ToUpper(rrev)+"/files/conanfile.py").wantStatus(t, "a file of it", http.StatusOK)
	t.Run("instance", func(t *testing.T) { // 27, 28, 30
		all := inInstance(reg, reg.Token)
		owner := strings.ReplaceAll(project.Path, "/", "+")
		c.uploadRecipe(t, "wide/1.0@"+owner+"/stable", rrev)
		all.get(t, recipe("wide/1.0@"+owner+"/stable")+"/latest").wantStatus(t, "by its user", http.StatusOK)
		all.get(t, recipe("wide/1.0")+"/latest").wantStatus(t, "by no user", http.StatusNotFound)
		all.get(t, recipe("wide/1.0@no+such/stable")+"/latest").wantStatus(t, "by nobody's", http.StatusNotFound)
		inInstance(reg, "").get(t, recipe("wide/1.0@"+owner+"/stable")+"/latest").wantStatus(t, "by nobody", http.StatusUnauthorized)
	})
}
