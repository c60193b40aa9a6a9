package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// manyRevisions uploads a recipe with that many revisions, the last of which is revision(count-1).
func manyRevisions(tb testing.TB, c caller, ref string, count int) {
	tb.Helper()
	var all sync.WaitGroup
	const workers = 8
	for worker := range workers {
		all.Go(func() {
			for n := worker; n < count-1; n += workers {
				c.upload(tb, recipe(ref)+"/revisions/"+revision(n), [][2]string{{"conanfile.py", "# " + revision(n)}, {"conanmanifest.txt", manifestOf(ref)}})
			}
		})
	}
	all.Wait()
	c.uploadRecipe(tb, ref, revision(count-1))
}

// testMany: 101: a list of revisions has the newest thousand; and a revision with
// more than a thousand files (123: at which GitLab gives up) goes as any other.
func testMany(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	manyRevisions(t, c, "many/1.0", 1002)
	if got := c.revisions(t, recipe("many/1.0")); len(got) != 1000 || got[0] != revision(1001) {
		t.Errorf("%d revisions, the first is %s", len(got), got[0])
	}
	if got := c.latest(t, recipe("many/1.0")); got != revision(1001) {
		t.Errorf("latest %s", got)
	}
	at := recipe("many/1.0") + "/revisions/" + revision(1001)
	for n := range 1001 {
		c.put(t, fmt.Sprintf("%s/files/metadata/%d", at, n), "x").wantStatus(t, "metadata", http.StatusOK)
	}
	c.send(t, "DELETE", at, nil).wantStatus(t, "remove", http.StatusOK)
	c.get(t, at+"/files").wantStatus(t, "after that", http.StatusNotFound)
	c.send(t, "DELETE", recipe("many/1.0"), nil).wantStatus(t, "all", http.StatusOK)
}
