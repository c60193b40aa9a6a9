package e2e_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testSettings is what a group decides: duplicates, and how many snapshots are kept.
func testSettings(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("duplicates", func(t *testing.T) { t.Parallel(); duplicates(t, reg) })
	t.Run("snapshots", func(t *testing.T) { t.Parallel(); keptSnapshots(t, reg) })
}

// duplicates: maven.md, cases 71 to 78. The setting is the group's, and holds
// below it where nothing else is decided.
func duplicates(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	p := reg.NewProjectIn(t, reg.NewGroup(t, "private", root), "p", "private")
	c := inProject(reg, p, reg.Token)
	a := artifact{"com/example", "app", "1.0"}
	c.deploy(t, a)
	c.deploy(t, a) // allowed, where nobody says otherwise
	// A node believes what it has heard for a second: what was just decided is waited for.
	again := func(want int, a artifact) {
		t.Helper()
		var got answer
		for range 50 {
			if got = c.send(t, "PUT", a.file("jar"), jar(t, "a", rand.Text())); got.status == want {
				break
			}
			<-time.After(100 * time.Millisecond)
		}
		got.wantStatus(t, "again", want)
	}
	set := func(flags ...string) { t.Helper(); reg.SetPackageSettings(t, root, "maven", flags...) }
	set("--duplicates", "refused")
	again(http.StatusBadRequest, a)
	c.put(t, a.file("-sources.jar"), jar(t, "s", "s")) // another file is no duplicate
	s := artifact{"com/example", "app", "2.0-SNAPSHOT"}
	c.deploy(t, s)
	again(http.StatusOK, s)
	set("--duplicate-exception", `com/example/.*`)
	again(http.StatusOK, a)
	set("--duplicates", "allowed")
	again(http.StatusBadRequest, a) // the exception is turned round
}

// keptSnapshots: the builds before the newest ones go, soon after a deploy.
func keptSnapshots(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	g := reg.NewGroup(t, "private")
	c := inProject(reg, reg.NewProjectIn(t, g, "p", "private"), reg.Token)
	reg.SetPackageSettings(t, g, "maven", "--keep-snapshots", "2")
	s := artifact{"com/example", "app", "1.0-SNAPSHOT"}
	file := func(build int, rest string) string {
		return fmt.Sprintf("%s/app-1.0-202601%02d.000000-%d%s", s.dir(), build, build, rest)
	}
	for build := 1; build <= 4; build++ {
		c.put(t, file(build, ".jar"), jar(t, "a", fmt.Sprint(build)))
		c.put(t, file(build, "-sources.jar"), jar(t, "s", fmt.Sprint(build)))
		c.put(t, file(build, ".pom"), s.pom(""))
	}
	deadline := time.After(30 * time.Second)
	for c.get(t, file(2, ".jar")).status != http.StatusNotFound || c.get(t, file(1, "-sources.jar")).status != http.StatusNotFound {
		select {
		case <-deadline:
			t.Fatal("old builds are still there")
		case <-time.After(100 * time.Millisecond):
		}
	}
	for build := 3; build <= 4; build++ {
		for _, rest := range []string{".jar", ".pom", "-sources.jar", ".jar.sha1"} {
			c.get(t, file(build, rest)).wantStatus(t, file(build, rest), http.StatusOK)
		}
	}
	if doc := c.metadata(t, s.dir()); doc.Versioning.Snapshot.BuildNumber != 4 {
		t.Errorf("%+v", doc.Versioning)
	}
}
