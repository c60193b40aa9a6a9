package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// The plugin is killed again and again in the middle of 200 mixed requests. No
// client sees an error.
func TestAPluginThatDiesIsNotNoticed(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	c := newClient(r, r.NewProject(t, "private"))
	seed := newRelease(t, "seed", "1.0.0", 1000)
	if status, body, err := c.publish(t, seed); err != nil || status != http.StatusOK {
		t.Fatal(status, string(body), err)
	}
	const requests, kills = 200, 5
	releases := make([]release, requests)
	for i := range releases {
		releases[i] = newRelease(t, fmt.Sprintf("p%d", i%40), fmt.Sprintf("1.0.%d", i), 5000)
	}
	var (
		next, done atomic.Int64
		killed     atomic.Int64
		working    sync.WaitGroup
	)
	for range 8 {
		working.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= requests {
					return
				}
				path, method, body := "/seed", http.MethodGet, []byte(nil)
				switch i % 4 {
				case 0, 1:
					path, method, body = "/"+releases[i].name, http.MethodPut, releases[i].body
				case 2:
					path = "/seed/1.0.0"
				case 3:
					path, method, body = fmt.Sprintf("/-/package/seed/dist-tags/t%d", i), http.MethodPut, []byte(`"1.0.0"`)
				}
				status, answer, err := c.send(t, method, path, body)
				if err != nil || status >= 300 {
					t.Errorf("%s %s: %d %s %v", method, path, status, answer, err)
				}
				done.Add(1)
			}
		})
	}
	// Spread over the run, and each once the one before is replaced.
	var last int
	for n := range kills {
		for done.Load() < int64((n+1)*requests/(kills+2)) {
			time.Sleep(time.Millisecond)
		}
		pid := r.PluginPID(t, "npm")
		if pid == last || pid == 0 {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
			killed.Add(1)
		}
		last = pid
	}
	working.Wait()
	if killed.Load() < 2 {
		t.Errorf("only %d plugins were killed; the test has shown little", killed.Load())
	}
	for i, rel := range releases {
		if i%4 < 2 && !c.whole(t, rel) {
			t.Errorf("%s@%s was acknowledged and is not there", rel.name, rel.version)
		}
	}
}

// The core is killed in the middle of publishes, and started again. What was
// acknowledged is there and whole; what was not is whole or absent.
func TestWhatWasAcknowledgedSurvivesTheCore(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	p := r.NewProject(t, "private")
	const rounds, writers = 4, 8
	for round := range rounds {
		c := newClient(r, p)
		releases := make(chan release, 400)
		for i := range cap(releases) {
			releases <- newRelease(t, fmt.Sprintf("r%d-%d", round, i%50), fmt.Sprintf("1.0.%d", i), 20_000)
		}
		close(releases)
		var (
			mu                  sync.Mutex
			acknowledged, tried []release
			working             sync.WaitGroup
			count               atomic.Int64
		)
		for range writers {
			working.Go(func() {
				for rel := range releases {
					mu.Lock()
					tried = append(tried, rel)
					mu.Unlock()
					status, body, err := c.publish(t, rel)
					if err != nil {
						return // the core is gone
					}
					if status != http.StatusOK {
						t.Errorf("publish %s@%s: %d %s", rel.name, rel.version, status, body)
					}
					mu.Lock()
					acknowledged = append(acknowledged, rel)
					mu.Unlock()
					count.Add(1)
				}
			})
		}
		for count.Load() < int64(20+17*round) {
			time.Sleep(time.Millisecond)
		}
		r.Kill(t)
		working.Wait()
		if len(tried) == len(acknowledged) {
			t.Errorf("round %d: nothing was under way when the core was killed", round)
		}
		r.Restart(t)
		for _, rel := range acknowledged {
			if !c.whole(t, rel) {
				t.Errorf("round %d: %s@%s was acknowledged and is lost", round, rel.name, rel.version)
			}
		}
		for _, rel := range tried {
			c.whole(t, rel)
		}
		// A version that was not acknowledged can be published now, or is there.
		rel := tried[len(tried)-1]
		status, body, err := c.publish(t, rel)
		if err != nil || (status != http.StatusOK && status != http.StatusForbidden) || !c.whole(t, rel) {
			t.Errorf("round %d: again %s@%s: %d %s %v", round, rel.name, rel.version, status, body, err)
		}
	}
}

// Of clients that publish one version at once, exactly one wins, and its bytes
// are what is there.
func TestOneOfManyPublishersWins(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	c := newClient(r, r.NewProject(t, "private"))
	for round := range 10 {
		version := fmt.Sprintf("1.0.%d", round)
		var (
			wg    sync.WaitGroup
			mu    sync.Mutex
			won   []release
			other int
		)
		for range 6 {
			rel := newRelease(t, "contested", version, 3000) // each with bytes of its own
			wg.Go(func() {
				status, body, err := c.publish(t, rel)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					t.Error(err)
				case status == http.StatusOK:
					won = append(won, rel)
				case status == http.StatusForbidden:
					other++
				default:
					t.Errorf("%d %s", status, body)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 || other != 5 {
			t.Fatalf("%d publishers won, %d were refused", len(won), other)
		}
		if !c.whole(t, won[0]) {
			t.Errorf("%s is not there", version)
		}
	}
}
