package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testAccess is who may do what, by visibility: GitLab's table. A developer
// publishes and sets tags; only a maintainer takes anything back.
func testAccess(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	const anyone = "public internal private"
	rows := []struct {
		who, where                                                   string
		document, tarball, tags, setTag, removeTag, publish, retract int
		audit                                                        int
	}{
		{"anonymous", "public", 200, 200, 200, 401, 401, 401, 401, 401},
		// Without a token the tarball is "not found": GitLab's, and clients know it so.
		{"anonymous", "internal private", 401, 404, 401, 401, 401, 401, 401, 401},
		{"nonsense", anyone, 401, 401, 401, 401, 401, 401, 401, 401},
		{"stranger", "public internal", 200, 200, 200, 403, 403, 403, 403, 200},
		{"stranger", "private", 404, 404, 404, 404, 404, 404, 404, 404},
		{"guest", anyone, 200, 200, 200, 403, 403, 403, 403, 200},
		{"reporter", anyone, 200, 200, 200, 403, 403, 403, 403, 200},
		{"developer", anyone, 200, 200, 200, 204, 403, 200, 403, 200},
		{"maintainer", anyone, 200, 200, 200, 204, 204, 200, 200, 200},
		{"owner", "private", 200, 200, 200, 204, 204, 200, 200, 200},
		{"administrator", "private", 200, 200, 200, 204, 204, 200, 200, 200},
		{"read-only token", "private", 200, 200, 200, 403, 403, 403, 403, 200},
		{"deploy token that reads", "private", 200, 200, 200, 403, 403, 403, 403, 200},
		{"deploy token that writes", "private", 200, 200, 200, 204, 204, 200, 200, 200},
	}
	projects := map[string]registrytest.Project{}
	for visibility := range strings.FieldsSeq(anyone) {
		projects[visibility] = reg.NewProject(t, visibility)
	}
	for _, row := range rows {
		for visibility := range strings.FieldsSeq(row.where) {
			t.Run(row.who+" in "+visibility, func(t *testing.T) {
				t.Parallel()
				p := projects[visibility]
				name := "@acme/" + strings.ReplaceAll(row.who, " ", "-")
				newCaller(reg, p, reg.Token).publish(t, name, "1.0.0")
				c := newCaller(reg, p, reg.TokenOf(t, p, row.who))
				check := func(what string, want int, a answer) {
					t.Helper()
					if a.status != want {
						t.Errorf("%s: %d, not %d: %s", what, a.status, want, a.body)
					}
					if want >= http.StatusBadRequest && (a.sentence(t) == "" || a.header.Get("Www-Authenticate") != "") {
						t.Errorf("%s: no sentence, or a challenge, which npm misreads: %s %v", what, a.body, a.header)
					}
				}
				tags := "/-/package" + path(name) + "/dist-tags"
				check("document", row.document, c.send(t, "GET", path(name), nil))
				check("tarball", row.tarball, c.send(t, "GET", tarballPath(name, "1.0.0"), nil))
				check("tags", row.tags, c.send(t, "GET", tags, nil))
				check("set a tag", row.setTag, c.send(t, "PUT", tags+"/stable", []byte(`"1.0.0"`)))
				if row.setTag != 204 && row.removeTag == 204 {
					t.Fatal("the row removes a tag that it may not set")
				}
				check("remove a tag", row.removeTag, c.send(t, "DELETE", tags+"/stable", nil))
				check("publish", row.publish, c.send(t, "PUT", path(name), newPublication(t, name, "2.0.0").encode()))
				check("deprecate", row.retract, c.send(t, "PUT", path(name),
					[]byte(`{"name":"`+name+`","versions":{"1.0.0":{"deprecated":"old"}}}`), "npm-command", "deprecate"))
				check("audit in bulk", row.audit, c.send(t, "POST", "/-/npm/v1/security/advisories/bulk", []byte(`{"a":["1.0.0"]}`)))
				check("audit quickly", row.audit, c.send(t, "POST", "/-/npm/v1/security/audits/quick", []byte(`{"requires":{},"dependencies":{}}`)))
				wantVersions(t, newCaller(reg, p, reg.Token), name, row.publish == 200)
			})
		}
	}
}

// wantVersions checks that a refused publish has left nothing, and an accepted one its version.
func wantVersions(t *testing.T, c caller, name string, second bool) {
	t.Helper()
	if got := c.send(t, "GET", path(name)+"/2.0.0", nil).status == http.StatusOK; got != second {
		t.Errorf("version 2.0.0 is there: %v", got)
	}
}
