package plugins

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"
)

const (
	healthEvery   = 5 * time.Second
	healthTimeout = time.Second
	healthStrikes = 3
	// An instance that lives shorter than this failed to start, whatever it says.
	shortLife     = time.Second
	crashLoopAt   = 5
	crashLoopWait = time.Minute
	maxBackOff    = 30 * time.Second
)

// supervise keeps a format's plugin running until ctx ends.
func (m *Manager) supervise(ctx context.Context, f *Format) {
	failures := 0
	for {
		i := f.running()
		if replaced := m.watch(ctx, f, i); replaced {
			continue // its end is no crash
		}
		if ctx.Err() != nil {
			return
		}
		i.kill()
		if time.Since(i.started) >= shortLife {
			failures = 0
		}
		failures++
		f.set(func() { f.state, f.lastErr = Restarting, fmt.Errorf("process %d ended", i.process.pid) })
		i.log.Warn("plugin ended; starting it anew", "uptime", time.Since(i.started).String())
		if !m.restart(ctx, f, i.entry, &failures) {
			return
		}
	}
}

func (f *Format) running() *instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current
}

// watch returns when the process has ended, when it no longer answers, when it
// was replaced, or when ctx ends.
func (m *Manager) watch(ctx context.Context, f *Format, i *instance) (replaced bool) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	strikes := 0
	for {
		f.mu.Lock()
		current, changed := f.current, f.changed
		f.mu.Unlock()
		if current != i {
			return true
		}
		select {
		case <-changed:
		case <-i.process.gone:
			return f.running() != i
		case <-ctx.Done():
			return false
		case <-tick.C:
			check, cancel := context.WithTimeout(ctx, healthTimeout)
			err := i.client.Check(check)
			cancel()
			if err == nil {
				strikes = 0
				continue
			}
			if strikes++; strikes >= healthStrikes {
				i.log.Error("plugin does not answer", "error", err)
				return false
			}
		}
	}
}

// restart tries until it succeeds or ctx ends; false in the latter case.
func (m *Manager) restart(ctx context.Context, f *Format, e Entry, failures *int) bool {
	for {
		if !wait(ctx, backOff(*failures)) {
			return false
		}
		i, err := m.launch(ctx, e, m.newDir(f.name))
		if err == nil {
			f.set(func() { f.current, f.state, f.restarts = i, Running, f.restarts+1 })
			i.log.Info("plugin runs again")
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		*failures++
		f.set(func() {
			f.lastErr = err
			if *failures >= crashLoopAt {
				f.state = CrashLoop
			}
		})
		m.cfg.Log.Error("plugin did not start", "plugin", f.name, "failures", *failures, "error", err)
	}
}

// backOff is how long to wait after so many failures in a row: not at all after
// the first, then ever longer, spread so that nodes do not beat in time.
func backOff(failures int) time.Duration {
	if failures <= 1 {
		return 0
	}
	if failures >= crashLoopAt {
		return crashLoopWait
	}
	d := min(100*time.Millisecond<<(failures-2), maxBackOff)
	return d + rand.N(d/2) //nolint:gosec // jitter is no secret
}

// wait waits; false if ctx ended meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// newDir names a folder for an instance's sockets; short, as socket paths must be.
func (m *Manager) newDir(format string) string {
	return filepath.Join(m.runDir, fmt.Sprintf("%.8s%d", format, m.instances.Add(1)))
}
