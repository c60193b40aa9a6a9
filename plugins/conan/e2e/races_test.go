package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testRaces: what comes at once comes to the same as one after the other.
func testRaces(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	t.Run("packages of a new recipe", func(t *testing.T) { // 164
		t.Parallel()
		at := recipe("parallel/1.0") + "/revisions/" + revision(1)
		c.uploadRecipe(t, "parallel/1.0", revision(1))
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				c.upload(t, at+"/packages/"+packageID(n)+"/revisions/"+revision(1), packageFiles(packageID(n)))
			})
		}
		all.Wait()
		var found map[string]any
		c.get(t, at+"/search").json(t, &found)
		if len(found) != 8 || len(c.revisions(t, recipe("parallel/1.0"))) != 1 {
			t.Errorf("%d packages, %v", len(found), c.revisions(t, recipe("parallel/1.0")))
		}
	})
	t.Run("the files of a revision", func(t *testing.T) { // whoever comes last completes it
		t.Parallel()
		for n := range 30 {
			at := recipe(fmt.Sprintf("together%d/1.0", n))
			var all sync.WaitGroup
			for _, f := range recipeFiles("together") {
				all.Go(func() { c.upload(t, at+"/revisions/"+revision(1), [][2]string{f}) })
			}
			all.Wait()
			if got := c.files(t, at+"/revisions/"+revision(1)); len(got) != 4 {
				t.Errorf("%d: %v", n, got)
			}
			c.get(t, at+"/latest").wantStatus(t, at, http.StatusOK)
			pkg := at + "/revisions/" + revision(1) + "/packages/" + packageID(1)
			for _, f := range packageFiles("together") {
				all.Go(func() { c.upload(t, pkg+"/revisions/"+revision(1), [][2]string{f}) })
			}
			all.Wait()
			c.get(t, pkg+"/latest").wantStatus(t, pkg, http.StatusOK)
		}
	})
	t.Run("the same file", func(t *testing.T) {
		t.Parallel()
		at := recipe("same/1.0") + "/revisions/" + revision(1)
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				c.put(t, at+"/files/conanfile.py", fmt.Sprintf("# %d", n)).wantStatus(t, "put", http.StatusOK)
			})
		}
		all.Wait()
		c.put(t, at+"/files/conanmanifest.txt", manifestOf("same")).wantStatus(t, "manifest", http.StatusOK)
		if got := c.files(t, at); len(got) != 2 {
			t.Errorf("%v", got)
		}
	})
	t.Run("the last file, and a removal of those before it", func(t *testing.T) { testLastFileAndRemoval(t, c) })
	t.Run("uploads and removals", func(t *testing.T) {
		t.Parallel()
		at := recipe("moving/1.0")
		c.uploadRecipe(t, "moving/1.0", revision(0))
		var all sync.WaitGroup
		for n := 1; n <= 3; n++ {
			all.Go(func() {
				for range 10 {
					c.uploadRecipe(t, "moving/1.0", revision(n))
					c.send(t, "DELETE", at+"/revisions/"+revision(n), nil).wantStatus(t, "remove", http.StatusOK)
				}
			})
		}
		all.Wait()
		if got := c.revisions(t, at); len(got) != 1 || got[0] != revision(0) {
			t.Errorf("%v", got)
		}
		if got := c.files(t, at+"/revisions/"+revision(0)); len(got) != 4 {
			t.Errorf("%v", got)
		}
	})
	t.Run("uploads and removals of all there is", func(t *testing.T) {
		t.Parallel()
		at := recipe("vanishing/1.0")
		var all sync.WaitGroup
		for n := 1; n <= 3; n++ {
			all.Go(func() {
				for range 10 {
					c.uploadRecipe(t, "vanishing/1.0", revision(n))
					c.get(t, at+"/revisions/"+revision(n)+"/files").wantStatus(t, "files", http.StatusOK)
					c.get(t, at+"/latest").wantStatus(t, "latest", http.StatusOK)
					c.send(t, "DELETE", at+"/revisions/"+revision(n), nil).wantStatus(t, "remove", http.StatusOK)
				}
			})
		}
		all.Wait()
		c.get(t, at+"/latest").wantStatus(t, "latest of nothing", http.StatusNotFound)
	})
}

// What completes a revision is decided by the files that are there when it is
// published, not by those that were there when the last one came.
func testLastFileAndRemoval(t *testing.T, c caller) {
	t.Helper()
	t.Parallel()
	for n := range 40 {
		at := recipe(fmt.Sprintf("last%d/1.0", n))
		c.uploadRecipe(t, fmt.Sprintf("last%d/1.0", n), revision(1), packageID(1))
		pkg := at + "/revisions/" + revision(1) + "/packages/" + packageID(1)
		for _, race := range []struct {
			sent, removed string // paths of the revision that is sent, and of what is removed
			files         [][2]string
		}{
			{pkg + "/revisions/" + revision(2), pkg, packageFiles("second")},
			{at + "/revisions/" + revision(2), at, recipeFiles("second")},
		} {
			last := len(race.files) - 1
			c.upload(t, race.sent, race.files[:last])
			var both sync.WaitGroup
			both.Go(func() { c.upload(t, race.sent, race.files[last:]) })
			both.Go(func() { c.send(t, "DELETE", race.removed, nil).wantStatus(t, "remove", http.StatusOK) })
			both.Wait()
			listed := c.get(t, race.sent+"/files")
			if listed.status == http.StatusNotFound {
				continue
			}
			if got := c.files(t, race.sent); len(got) != len(race.files) {
				t.Errorf("%d: %s is served with %v", n, race.sent, got)
			}
		}
	}
}
