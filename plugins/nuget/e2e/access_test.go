package e2e_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testAccess is GitLab's table (nuget.md §3.1), but for the service index and the
// documents of the older protocol: there anybody may read them who guesses the
// project's number. Here they are as visible as the project.
func testAccess(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	const anyone = "public internal private"
	projects := map[string]registrytest.Project{}
	for visibility := range strings.FieldsSeq(anyone) {
		projects[visibility] = reg.NewProject(t, visibility)
	}
	for _, row := range []struct {
		who, where                  string
		read, absent, push, destroy int
	}{
		{"anonymous", "public", 200, 404, 401, 401},
		{"anonymous", "internal private", 401, 401, 401, 401},
		{"nonsense", anyone, 401, 401, 401, 401},
		{"stranger", "public internal", 200, 404, 403, 403},
		{"stranger", "private", 404, 404, 404, 404},
		{"guest", anyone, 200, 404, 403, 403},
		{"reporter", anyone, 200, 404, 403, 403},
		{"developer", anyone, 200, 404, 201, 403},
		{"maintainer", anyone, 200, 404, 201, 204},
		{"read-only token", "private", 200, 404, 403, 403},
		{"deploy token that reads", "private", 200, 404, 403, 403},
		{"deploy token that writes", "private", 200, 404, 201, 204},
	} {
		for visibility := range strings.FieldsSeq(row.where) {
			t.Run(row.who+" in "+visibility, func(t *testing.T) {
				t.Parallel()
				p := projects[visibility]
				id := "Access." + strings.ReplaceAll(strings.ReplaceAll(row.who, " ", "."), "-", ".")
				inProject(reg, p, reg.Token).push(t, id, "1.0.0")
				c := inProject(reg, p, reg.TokenOf(t, p, row.who))
				for _, path := range []string{
					"/index.json", "/download/" + id + "/index.json", "/download/" + id + "/1.0.0/" + id + ".1.0.0.nupkg", "/metadata/" + strings.ToLower(id) + "/index.json",
					"/metadata/" + id + "/1.0.0.json", "/query?q=" + id, "/autocomplete?q=x", "/v2", "/v2/$metadata", "/v2/Packages(Id='" + id + "',Version='1.0.0')",
				} {
					c.get(t, path).wantStatus(t, path, row.read)
				}
				c.get(t, "/metadata/absent/index.json").wantStatus(t, "absent", row.absent)
				c.pushTo(t, "/", nupkg(t, id, "2.0.0")).wantStatus(t, "push", row.push)
				byKey := c
				byKey.key = c.token != ""
				byKey.pushTo(t, "", nupkg(t, id, "3.0.0")).wantStatus(t, "push with an API key", row.push)
				byKey.send(t, "DELETE", "/"+id+"/1.0.0", nil).wantStatus(t, "delete", row.destroy)
			})
		}
	}
	t.Run("an API key does not read", func(t *testing.T) {
		t.Parallel()
		c := inProject(reg, projects["private"], reg.Token)
		c.key = true
		c.get(t, "/index.json").wantStatus(t, "index", 401)
	})
	t.Run("credentials go before an API key", func(t *testing.T) {
		t.Parallel()
		c := inProject(reg, projects["private"], reg.Token)
		body, media := form(t, nupkg(t, "Both", "1.0.0"))
		c.send(t, "PUT", "/", body, "Content-Type", media, "X-NuGet-ApiKey", "az").wantStatus(t, "push", 201)
	})
}
