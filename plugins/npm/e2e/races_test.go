package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testRaces lets several clients publish one version at once, with different
// bytes. One wins, and what it has published is what is there.
func testRaces(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	project := reg.NewProject(t, "private")
	c := newCaller(reg, project, reg.Token)
	for round := range 20 {
		name := fmt.Sprintf("raced%d", round)
		publications := make([]publication, 2)
		for i := range publications {
			manifest := map[string]any{"name": name, "version": "1.0.0"}
			publications[i] = publication{name: name, version: "1.0.0", tarball: pack(t, manifest, map[string][]byte{"index.js": fmt.Appendf(nil, "%d", i)})}
		}
		answers := make([]answer, len(publications))
		start := make(chan struct{})
		var all sync.WaitGroup
		for i, p := range publications {
			all.Go(func() {
				<-start
				answers[i] = c.send(t, http.MethodPut, path(name), p.encode())
			})
		}
		close(start)
		all.Wait()
		winner := -1
		for i, a := range answers {
			switch {
			case a.status == http.StatusOK && winner < 0:
				winner = i
			case a.status == http.StatusForbidden && a.sentence(t) == "Package already exists.":
			default:
				t.Fatalf("round %d: %d %s; the other %d", round, a.status, a.body, answers[1-i].status)
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody has won", round)
		}
		got := c.send(t, http.MethodGet, tarballPath(name, "1.0.0"), nil)
		if string(got.body) != string(publications[winner].tarball) {
			t.Fatalf("round %d: the tarball is not the winner's", round)
		}
	}
}
