package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestAPluginMayDieAtAnyMoment kills the plugin again and again while requests
// run: no client sees an error, for the core asks its successor.
func TestAPluginMayDieAtAnyMoment(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := newCaller(reg, reg.NewProject(t, "private"), reg.Token)
	c.publish(t, "seed", "1.0.0")
	reg.KillPlugin(t, "npm", 200, 8, func(i int64) {
		if what, a := c.mixed(t, i); a.status >= http.StatusBadRequest {
			t.Errorf("request %d, %s: %d %s", i, what, a.status, a.body)
		}
	})
}

// mixed sends the i-th of many different requests.
func (c caller) mixed(tb testing.TB, i int64) (what string, a answer) {
	tb.Helper()
	name := fmt.Sprintf("mixed%d", i)
	switch i % 5 {
	case 0:
		return "publish", c.send(tb, "PUT", path(name), newPublication(tb, name, "1.0.0").encode())
	case 1:
		return "set a tag", c.send(tb, "PUT", "/-/package/seed/dist-tags/t"+name, []byte(`"1.0.0"`))
	case 2:
		return "document", c.send(tb, "GET", path("seed"), nil, "Accept", abbreviated)
	case 3:
		return "search", c.send(tb, "GET", "/-/v1/search?text=seed", nil)
	default:
		return "tarball", c.send(tb, "GET", tarballPath("seed", "1.0.0"), nil)
	}
}

// TestWhatWasAcknowledgedIsThere kills the whole registry in the middle of
// publishes. What a client was told is there is there and whole; of the rest,
// each is there and whole, or not at all.
func TestWhatWasAcknowledgedIsThere(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := newCaller(reg, reg.NewProject(t, "private"), reg.Token)
	for round := range 3 {
		published := publishUntilKilled(t, reg, c, fmt.Sprintf("round%d", round))
		reg.Restart(t)
		for name, p := range published {
			checkWhole(t, c, name, p)
		}
		c.publish(t, fmt.Sprintf("after%d", round), "1.0.0")
	}
}

// attempt is a publish, and whether the client was told that it is done.
type attempt struct {
	publication
	acknowledged bool
}

// publishUntilKilled publishes from several clients at once, kills the registry
// after some of it, and returns what was tried, by name.
func publishUntilKilled(t *testing.T, reg *registrytest.Registry, c caller, prefix string) map[string]attempt {
	t.Helper()
	var mu sync.Mutex
	tried := map[string]attempt{}
	reg.KillWhile(t, 6, 12, func(worker, i int) bool {
		name := fmt.Sprintf("%s-%d-%d", prefix, worker, i)
		body := bytes.Repeat([]byte(name), 2000+i*500)
		p := publication{name: name, version: "1.0.0", tarball: pack(t, map[string]any{"name": name, "version": "1.0.0"}, map[string][]byte{"index.js": body})}
		a, err := c.try(t, "PUT", path(name), p.encode())
		ok := err == nil && a.status == http.StatusOK
		mu.Lock()
		defer mu.Unlock()
		tried[name] = attempt{p, ok}
		return ok
	})
	return tried
}

// checkWhole checks that a package is listed if and only if its tarball is there, and right.
func checkWhole(t *testing.T, c caller, name string, p attempt) {
	t.Helper()
	doc, tarball := c.send(t, "GET", path(name), nil), c.send(t, "GET", tarballPath(name, "1.0.0"), nil)
	if doc.status != tarball.status || (doc.status != http.StatusOK && doc.status != http.StatusNotFound) {
		t.Fatalf("%s: document %d, tarball %d", name, doc.status, tarball.status)
	}
	if doc.status != http.StatusOK {
		if p.acknowledged {
			t.Errorf("%s was acknowledged and is not there", name)
		}
		return
	}
	var packument struct {
		Tags     map[string]string `json:"dist-tags"`
		Versions map[string]any
	}
	if err := json.Unmarshal(doc.body, &packument); err != nil {
		t.Fatal(err)
	}
	if packument.Tags["latest"] != "1.0.0" || packument.Versions["1.0.0"] == nil {
		t.Errorf("%s: %s", name, doc.body)
	}
	if !bytes.Equal(tarball.body, p.tarball) {
		t.Errorf("%s: the tarball is not what was sent", name)
	}
}
