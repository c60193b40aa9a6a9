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
		who, where          string
		read, absent, write int
	}{
		{"anonymous", "public", 200, 404, 401},
		// Not 404: Maven, sbt and others send their credentials when asked for them.
		{"anonymous", "internal private", 401, 401, 401},
		{"nonsense", anyone, 401, 401, 401},
		{"stranger", "public internal", 200, 404, 403},
		{"stranger", "private", 404, 404, 404},
		{"guest", anyone, 200, 404, 403},
		{"reporter", anyone, 200, 404, 403},
		{"developer", anyone, 200, 404, 200},
		{"maintainer", anyone, 200, 404, 200},
		{"read-only token", "private", 200, 404, 403},
		{"deploy token that reads", "private", 200, 404, 403},
		{"deploy token that writes", "private", 200, 404, 200},
	} {
		for visibility := range strings.FieldsSeq(row.where) {
			t.Run(row.who+" in "+visibility, func(t *testing.T) {
				t.Parallel()
				p := projects[visibility]
				a := artifact{"com/example", strings.ReplaceAll(row.who, " ", "-"), "1.0"}
				inProject(reg, p, reg.Token).deploy(t, a)
				more := artifact{a.group, a.id, "2.0"}
				token := reg.TokenOf(t, p, row.who)
				// By header, and as the password of whoever: settings.xml has both ways.
				for _, c := range []caller{inProject(reg, p, token), {inProject(reg, p, token).base, token, true}} {
					if strings.HasPrefix(row.who, "deploy token") && !c.basic {
						continue // Private-Token takes a person's, as in GitLab
					}
					c.get(t, a.file("jar")).wantStatus(t, "file", row.read)
					c.get(t, a.file("jar.sha1")).wantStatus(t, "checksum", row.read)
					c.get(t, a.name()+"/maven-metadata.xml").wantStatus(t, "metadata", row.read)
					c.get(t, a.file("war")).wantStatus(t, "absent file", row.absent)
					c.get(t, "com/absent/maven-metadata.xml").wantStatus(t, "absent metadata", row.absent)
					c.send(t, "PUT", more.file("pom"), more.pom("<packaging>pom</packaging>")).wantStatus(t, "put", row.write)
					c.send(t, "PUT", a.name()+"/maven-metadata.xml", []byte("<metadata/>")).wantStatus(t, "put metadata", row.write)
				}
				if got := inProject(reg, p, reg.Token).get(t, more.file("pom")).status == 200; got != (row.write == 200) {
					t.Errorf("what was put is there: %v", got)
				}
			})
		}
	}
}
