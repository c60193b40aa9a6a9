package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testLevels: a group shows what its readable projects have, as one.
func testLevels(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	group := reg.NewGroup(t, "private")
	one, two := reg.NewProjectIn(t, group, "one", "private"), reg.NewProjectIn(t, reg.NewGroup(t, "private", group), "two", "private")
	a, b, g := inProject(reg, one, reg.Token), inProject(reg, two, reg.Token), inGroup(reg, group, reg.Token)
	a.uploadRecipe(t, "shared/1.0", revision(1), packageID(1))
	b.uploadRecipe(t, "shared/1.0", revision(2), packageID(2))
	b.uploadRecipe(t, "second/1.0", revision(1))
	at := recipe("shared/1.0")
	if got := g.revisions(t, at); !slices.Equal(got, []string{revision(2), revision(1)}) {
		t.Errorf("%v", got)
	}
	if got := g.latest(t, at); got != revision(2) {
		t.Errorf("latest %s", got)
	}
	for n := 1; n <= 2; n++ {
		if got := g.files(t, at+"/revisions/"+revision(n)); len(got) != 4 {
			t.Errorf("%v", got)
		}
		want := a
		if n == 2 {
			want = b
		}
		path := at + "/revisions/" + revision(n) + "/files/conanfile.py"
		if got := g.get(t, path).wantStatus(t, path, http.StatusOK); string(got.body) != string(want.get(t, path).body) {
			t.Errorf("%q", got.body)
		}
		g.get(t, at+"/revisions/"+revision(n)+"/packages/"+packageID(n)+"/latest").wantStatus(t, "a package", http.StatusOK)
	}
	// The same revision in both: published when it last was, and whole in either.
	a.uploadRecipe(t, "shared/1.0", revision(2), packageID(3))
	if got := g.latest(t, at); got != revision(2) {
		t.Errorf("latest %s", got)
	}
	for n := 2; n <= 3; n++ {
		if got := g.files(t, at+"/revisions/"+revision(2)+"/packages/"+packageID(n)+"/revisions/"+revision(1)); len(got) != 3 {
			t.Errorf("package %d: %v", n, got)
		}
	}
	if got := g.search(t, "*", ""); !slices.Equal(got, []string{"second/1.0", "shared/1.0"}) {
		t.Errorf("%v", got)
	}
	g.put(t, at+"/revisions/"+revision(3)+"/files/conanfile.py", "#").wantStatus(t, "an upload", http.StatusMethodNotAllowed)
	g.send(t, "DELETE", first("shared/1.0"), nil).wantStatus(t, "a removal", http.StatusMethodNotAllowed)
	g.send(t, "DELETE", at, nil).wantStatus(t, "a removal", http.StatusNotFound) // nothing else is there either
	t.Run("to whoever may read", func(t *testing.T) {
		reader := inGroup(reg, group, reg.NewUser(t, "reporter", one.Path).Token)
		if got := reader.search(t, "*", ""); !slices.Equal(got, []string{"shared/1.0"}) {
			t.Errorf("%v", got)
		}
		reader.get(t, recipe("second/1.0")+"/latest").wantStatus(t, "of the other", http.StatusNotFound)
		reader.get(t, at+"/revisions/"+revision(2)+"/packages/"+packageID(2)+"/latest").wantStatus(t, "a package of the other", http.StatusNotFound)
		inGroup(reg, group, reg.NewUser(t, "", "").Token).get(t, at+"/latest").wantStatus(t, "a stranger", http.StatusNotFound)
		inGroup(reg, group, "").get(t, at+"/latest").wantStatus(t, "nobody", http.StatusUnauthorized)
	})
	t.Run("moves with its projects", func(t *testing.T) {
		for n := range 3 {
			b.uploadRecipe(t, "moving/1.0", revision(n))
			if got := g.latest(t, recipe("moving/1.0")); got != revision(n) {
				t.Errorf("%d: latest %s", n, got)
			}
		}
		b.send(t, "DELETE", recipe("moving/1.0")+"/revisions/"+revision(2), nil).wantStatus(t, "remove", http.StatusOK)
		if got := g.latest(t, recipe("moving/1.0")); got != revision(1) {
			t.Errorf("latest %s", got)
		}
		g.get(t, fmt.Sprintf("%s/revisions/%s/files", recipe("moving/1.0"), revision(2))).wantStatus(t, "what is gone", http.StatusNotFound)
	})
}
