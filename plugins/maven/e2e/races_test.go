package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func testRaces(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("files of a version arrive at once", func(t *testing.T) { t.Parallel(); filesAtOnce(t, reg) })
	t.Run("versions arrive at once", func(t *testing.T) { t.Parallel(); versionsAtOnce(t, reg) })
	t.Run("one file arrives twice at once", func(t *testing.T) { t.Parallel(); twiceAtOnce(t, reg) })
}

// filesAtOnce: Maven 3.9 sends five files at a time. Whatever the order in which
// they are committed, the version is served in the end (cases 83 and 84).
func filesAtOnce(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	const rounds = 30
	var all sync.WaitGroup
	for round := range rounds {
		a := artifact{"com/example", fmt.Sprintf("app%d", round), "1.0"}
		for rest, body := range map[string][]byte{
			"jar": jar(t, "a", "b"), "pom": a.pom(""), "-sources.jar": jar(t, "s", "s"), "-javadoc.jar": jar(t, "j", "j"), "-tests.jar": jar(t, "t", "t"),
		} {
			all.Go(func() {
				if got := c.send(t, "PUT", a.file(rest), body); got.status != http.StatusOK {
					t.Errorf("%s: %d %s", a.file(rest), got.status, got.body)
				}
			})
		}
	}
	all.Wait()
	for round := range rounds {
		a := artifact{"com/example", fmt.Sprintf("app%d", round), "1.0"}
		for _, rest := range []string{"jar", "pom", "-sources.jar", "-javadoc.jar", "-tests.jar"} {
			if got := c.get(t, a.file(rest)); got.status != http.StatusOK {
				t.Errorf("%s: %d", a.file(rest), got.status)
			}
		}
	}
}

// versionsAtOnce: builds that deploy versions of one artifact at once lose none of
// each other's, whatever documents they send.
func versionsAtOnce(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	const builds = 20
	var all sync.WaitGroup
	for i := range builds {
		all.Go(func() {
			a := artifact{"com/example", "app", fmt.Sprintf("1.%d", i)}
			c.get(t, a.name()+"/maven-metadata.xml")
			c.put(t, a.file("jar"), jar(t, "a", a.version))
			c.put(t, a.file("pom"), a.pom(""))
			// Each knows of itself alone: a client that has merged nothing.
			c.put(t, a.name()+"/maven-metadata.xml", []byte("<metadata><versioning><versions><version>"+a.version+"</version></versions></versioning></metadata>"))
		})
	}
	all.Wait()
	var want []string
	for i := range builds {
		want = append(want, fmt.Sprintf("1.%d", i))
	}
	doc := c.metadata(t, "com/example/app")
	if !slices.Equal(doc.Versioning.Versions, want) || doc.Versioning.Latest != "1.19" || doc.Versioning.Release != "1.19" {
		t.Errorf("%+v", doc.Versioning)
	}
}

func twiceAtOnce(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	a := artifact{"com/example", "app", "1.0"}
	c.deploy(t, a)
	var all sync.WaitGroup
	bodies := make([][]byte, 8)
	for i := range bodies {
		bodies[i] = jar(t, "a", fmt.Sprint(i))
		all.Go(func() {
			if got := c.send(t, "PUT", a.file("jar"), bodies[i]); got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	got := c.get(t, a.file("jar"))
	if !slices.ContainsFunc(bodies, func(b []byte) bool { return string(b) == string(got.body) }) {
		t.Errorf("none of what was sent: %d", got.status)
	}
}
