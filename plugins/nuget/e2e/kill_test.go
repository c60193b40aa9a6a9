package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestThePluginMayDieAtAnyMoment kills the plugin again and again while requests
// run: no client sees an error, for the core asks its successor.
func TestThePluginMayDieAtAnyMoment(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.push(t, "Seed", "1.0.0")
	reg.KillPlugin(t, "nuget", 200, 8, func(i int64) {
		if what, a := mixed(t, c, i); a.status >= http.StatusBadRequest {
			t.Errorf("request %d, %s: %d %s", i, what, a.status, a.body)
		}
	})
}

// mixed sends the i-th of many different requests.
func mixed(tb testing.TB, c caller, i int64) (what string, a answer) {
	tb.Helper()
	switch i % 5 {
	case 0:
		return "push", c.pushTo(tb, "/", nupkg(tb, fmt.Sprintf("Mixed%d", i), "1.0.0"))
	case 1:
		return "registration", c.get(tb, "/metadata/Seed/index.json")
	case 2:
		return "search", c.get(tb, "/query?q=seed")
	case 3:
		return "the older protocol", c.get(tb, "/v2/FindPackagesById()?id='seed'")
	default:
		return "download", c.get(tb, "/download/seed/1.0.0/seed.1.0.0.nupkg")
	}
}

// TestWhatWasAcknowledgedIsThere kills the whole registry in the middle of
// pushes. What a client was told is there is there and whole; of the rest, each
// is there and whole, or not at all, and the same push again succeeds or says so.
func TestWhatWasAcknowledgedIsThere(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	for round := range 3 {
		pushed := pushUntilKilled(t, reg, c, fmt.Sprintf("Round%d", round))
		reg.Restart(t)
		for id, p := range pushed {
			leaf := c.get(t, "/metadata/"+id+"/1.0.0.json")
			file := c.get(t, "/download/"+id+"/1.0.0/"+id+".1.0.0.nupkg")
			if leaf.status != file.status || (leaf.status == http.StatusOK) != bytes.Equal(file.body, p.content) {
				t.Errorf("%s: metadata %d, package %d with %d bytes of %d", id, leaf.status, file.status, len(file.body), len(p.content))
			}
			if p.acknowledged && leaf.status != http.StatusOK {
				t.Errorf("%s was acknowledged and is not there", id)
			}
			again := c.pushTo(t, "/", p.content)
			if want := map[bool]int{true: http.StatusConflict, false: http.StatusCreated}[leaf.status == http.StatusOK]; again.status != want {
				t.Errorf("%s again: %d, not %d", id, again.status, want)
			}
		}
	}
}

type attempt struct {
	content      []byte
	acknowledged bool
}

func pushUntilKilled(t *testing.T, reg *registrytest.Registry, c caller, prefix string) map[string]attempt {
	t.Helper()
	var mu sync.Mutex
	tried := map[string]attempt{}
	reg.KillWhile(t, 6, 12, func(worker, i int) bool {
		id := fmt.Sprintf("%s.%d.%d", prefix, worker, i)
		content := zipped(t, id+".nuspec", nuspec(id, "1.0.0"), "data", strings.Repeat(id, 2000+i*500))
		body, media := form(t, content)
		a, err := c.try(t, "PUT", "/", body, "Content-Type", media)
		ok := err == nil && a.status == http.StatusCreated
		mu.Lock()
		defer mu.Unlock()
		tried[id] = attempt{content, ok}
		return ok
	})
	return tried
}
