package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// files are those of one version, in the order in which Maven sends them.
func (a artifact) files(tb testing.TB, content []byte) (names []string, bodies map[string][]byte) {
	tb.Helper()
	bodies = map[string][]byte{a.file("jar"): content, a.file("pom"): a.pom(""), a.file("-sources.jar"): jar(tb, "s", a.version)}
	return []string{a.file("jar"), a.file("pom"), a.file("-sources.jar")}, bodies
}

// TestThePluginMayDieInMidDeploy kills the plugin again and again while versions
// are deployed and read: no client sees an error, for the core asks its successor.
func TestThePluginMayDieInMidDeploy(t *testing.T) {
	t.Parallel()
	const deploys = 60
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.deploy(t, artifact{"com/example", "seed", "1.0"})
	reg.KillPlugin(t, "maven", deploys, 6, func(i int64) {
		a := artifact{"com/example", "app", fmt.Sprintf("1.%d", i)}
		names, bodies := a.files(t, jar(t, "a", a.version))
		for _, name := range names {
			if got := c.send(t, "PUT", name, bodies[name]); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		if got := c.get(t, "com/example/seed/maven-metadata.xml"); got.status != http.StatusOK {
			t.Errorf("document: %d %s", got.status, got.body)
		}
	})
	if doc := c.metadata(t, "com/example/app"); len(doc.Versioning.Versions) != deploys {
		t.Errorf("%d versions of %d", len(doc.Versioning.Versions), deploys)
	}
}

// TestADeployMayBeRepeatedAfterACrash kills the whole registry in the middle of
// deploys. Every file that was acknowledged is there, no version is listed that
// is not whole, and the same deploy, once more, completes what was broken off.
func TestADeployMayBeRepeatedAfterACrash(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	for round := range 3 {
		id := fmt.Sprintf("round%d", round)
		deploys := deployUntilKilled(t, reg, c, id)
		reg.Restart(t)
		checkDeploys(t, c, id, deploys)
		for _, d := range deploys {
			names, bodies := d.files(t, d.content)
			for _, name := range names {
				c.put(t, name, bodies[name])
			}
		}
		if doc := c.metadata(t, "com/example/"+id); len(doc.Versioning.Versions) != len(deploys) {
			t.Errorf("%s: %d versions of %d after the deploys were repeated", id, len(doc.Versioning.Versions), len(deploys))
		}
	}
}

// deploying is a version on its way.
type deploying struct {
	artifact

	content      []byte
	acknowledged []string // files that the client was told are stored
}

// deployUntilKilled deploys versions from several clients, kills the registry
// after some of them, and returns what was tried.
func deployUntilKilled(t *testing.T, reg *registrytest.Registry, c caller, id string) []*deploying {
	t.Helper()
	var mu sync.Mutex
	var tried []*deploying
	reg.KillWhile(t, 6, 20, func(worker, i int) bool {
		d := &deploying{artifact: artifact{"com/example", id, fmt.Sprintf("%d.%d", worker, i)}}
		d.content = jar(t, "a", d.version, "padding", string(bytes.Repeat([]byte(d.version), 5000)))
		mu.Lock()
		tried = append(tried, d)
		mu.Unlock()
		names, bodies := d.files(t, d.content)
		for _, name := range names {
			got, err := c.try(t, "PUT", name, bodies[name])
			if err != nil || got.status != http.StatusOK {
				return false
			}
			mu.Lock()
			d.acknowledged = append(d.acknowledged, name)
			mu.Unlock()
		}
		return true
	})
	return tried
}

func checkDeploys(t *testing.T, c caller, id string, deploys []*deploying) {
	t.Helper()
	listed := c.metadata(t, "com/example/"+id).Versioning.Versions
	for _, d := range deploys {
		_, bodies := d.files(t, d.content)
		visible := slices.Contains(listed, d.version)
		for _, name := range []string{d.file("jar"), d.file("pom")} {
			got := c.get(t, name)
			switch {
			case visible && !bytes.Equal(got.body, bodies[name]):
				t.Errorf("%s is listed, and %s is %d with %d bytes", d.version, name, got.status, len(got.body))
			case !visible && got.status != http.StatusNotFound:
				t.Errorf("%s is not listed, and %s is served", d.version, name)
			}
		}
		if len(d.acknowledged) >= 2 && !visible {
			t.Errorf("%s was acknowledged, and is not listed", d.version)
		}
		for _, name := range d.acknowledged {
			// What an incomplete version has is not served, but the checksum is compared with it.
			if got := c.send(t, "PUT", name+".sha1", []byte(sha1of(bodies[name]))); got.status != http.StatusNoContent {
				t.Errorf("%s was acknowledged: %d %s", name, got.status, got.body)
			}
		}
	}
}
