package e2e_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testAccess is who may do what, by visibility: GitLab's table.
func testAccess(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	const anyone = "public internal private"
	projects := map[string]registrytest.Project{}
	for visibility := range strings.FieldsSeq(anyone) {
		projects[visibility] = reg.NewProject(t, visibility)
	}
	for _, row := range []struct {
		who, where                  string
		read, absent, write, remove int
	}{
		{"anonymous", "public", 200, 404, 401, 401},
		// Not 404: a client that is told so never signs in.
		{"anonymous", "internal private", 401, 401, 401, 401},
		{"nonsense", anyone, 401, 401, 401, 401},
		{"stranger", "public internal", 200, 404, 403, 403},
		{"stranger", "private", 404, 404, 404, 404},
		{"guest", anyone, 200, 404, 403, 403},
		{"reporter", anyone, 200, 404, 403, 403},
		{"developer", anyone, 200, 404, 200, 403},
		{"maintainer", anyone, 200, 404, 200, 200},
		{"administrator", anyone, 200, 404, 200, 200},
		{"read-only token", "private", 200, 404, 403, 403},
		{"deploy token that reads", "private", 200, 404, 403, 403},
		{"deploy token that writes", "private", 200, 404, 200, 200},
	} {
		for visibility := range strings.FieldsSeq(row.where) {
			t.Run(row.who+" in "+visibility, func(t *testing.T) {
				t.Parallel()
				p := projects[visibility]
				ref := "x" + strings.NewReplacer(" ", "", "-", "").Replace(row.who) + "/1.0"
				inProject(reg, p, reg.Token).uploadRecipe(t, ref, revision(1), packageID(1))
				token := reg.TokenOf(t, p, row.who)
				callers := []caller{inProject(reg, p, token)}
				if a := callers[0].get(t, "/v2/users/authenticate"); a.status == 200 { // and with what a sign-in gives
					callers = append(callers, caller{base: callers[0].base, token: string(a.body), bearer: true})
				} else if row.who != "anonymous" && row.who != "nonsense" {
					t.Fatalf("sign in: %d", a.status)
				}
				at := recipe(ref) + "/revisions/" + revision(1)
				for _, c := range callers {
					for what, path := range map[string]string{
						"latest": recipe(ref) + "/latest", "files": at + "/files", "a file": at + "/files/conanfile.py",
						"packages": at + "/search", "search": "/v2/conans/search?q=x", "the first protocol": first(ref) + "/download_urls",
					} {
						c.get(t, path).wantStatus(t, what, row.read)
					}
					c.get(t, recipe("absent/1.0")+"/latest").wantStatus(t, "absent", row.absent)
					c.put(t, at+"/files/metadata/"+strings.ReplaceAll(row.who, " ", "-"), "log").wantStatus(t, "put", row.write)
					c.put(t, "/v1/files/"+ref+"/_/_/0/export/conanfile.py", "#").wantStatus(t, "put to the first protocol", row.write)
					c.send(t, "POST", first(ref)+"/upload_urls", []byte(`{}`)).wantStatus(t, "announce", row.write)
					c.send(t, "DELETE", at+"/packages/"+packageID(1), nil).wantStatus(t, "remove", row.remove)
					if row.remove == 200 {
						inProject(reg, p, reg.Token).uploadRecipe(t, ref, revision(1), packageID(1))
					}
				}
			})
		}
	}
}
