package plugins

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// supervise watches a process until it is replaced, and sees to its successor
// if it ends by itself.
func (f *Format) supervise(ctx context.Context, i *instance) {
	cause := f.watch(ctx, i)
	if cause == nil {
		return
	}
	uptime := time.Since(i.started)
	f.mu.Lock()
	if f.current != i { // replaced at the same moment: its end is no crash
		f.mu.Unlock()
		return
	}
	f.current, f.lastErr = nil, cause
	f.crashes.add(time.Now(), uptime >= f.m.pace.healthy, i.useful.Load(), f.m.pace)
	f.restart()
	f.mu.Unlock()
	i.log.Error("plugin ended", "uptime", uptime.String(), "error", cause)
	i.kill()
}

// watch returns why a process is no longer of use, or nil if it is no longer needed.
func (f *Format) watch(ctx context.Context, i *instance) error {
	tick := time.NewTicker(f.m.pace.healthEvery)
	defer tick.Stop()
	strikes := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-i.retired:
			return nil
		case <-i.process.gone:
			return i.process.obituary()
		case <-tick.C:
		}
		err := f.check(ctx, i)
		if err == nil {
			strikes = 0
			continue
		}
		i.log.Warn("plugin did not answer a health check", "error", err)
		if strikes++; strikes >= f.m.pace.healthStrikes && i.alive() {
			return fmt.Errorf("process %d did not answer %d health checks: %w", i.process.pid, strikes, err)
		}
	}
}

func (f *Format) check(ctx context.Context, i *instance) error {
	ctx, cancel := context.WithTimeout(ctx, f.m.pace.healthTimeout)
	defer cancel()
	return i.client.Check(ctx)
}

// restart begins to bring a process up, in the background. The caller holds f.mu.
func (f *Format) restart() {
	f.set(Restarting)
	f.m.background(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		f.mu.Lock()
		if f.current != nil || f.state == Stopped { // a swap was faster
			f.mu.Unlock()
			return
		}
		f.repair = cancel
		f.mu.Unlock()
		f.bringUp(ctx)
	})
}

// bringUp starts processes until one is ready, or until ctx ends, which a swap
// and a stop see to.
func (f *Format) bringUp(ctx context.Context) {
	for {
		f.mu.Lock()
		delay, looping := f.crashes.delay(f.m.pace)
		if looping && f.state != CrashLoop {
			f.set(CrashLoop)
			f.m.cfg.Log.Error("plugin is in a crash loop", "plugin", f.name, "retry_in", delay.String())
		}
		entry := f.entry
		f.mu.Unlock()
		if !wait(ctx, delay) {
			return
		}
		i, err := f.launch(ctx, entry)
		switch {
		case err == nil && f.succeed(ctx, i):
			i.log.Info("plugin runs again")
			return
		case err == nil:
			i.kill()
			return
		case ctx.Err() != nil:
			return
		}
		f.fail(err)
	}
}

// succeed makes i the process that answers, unless it is no longer wanted.
func (f *Format) succeed(ctx context.Context, i *instance) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil || f.state == Stopped {
		return false
	}
	f.restarts++
	f.promote(i)
	return true
}

// history is when a format's processes crashed.
type history struct {
	failures int         // since one was healthy
	recent   []time.Time // at most crashLimit
}

// add counts the end of a process: whether it had lived long, and whether it had
// answered anything. One that had is started anew at once: whoever killed it (a
// person, the kernel for want of memory, a request it could not bear) has not
// shown that the next one will not work, and refusing everybody for a minute
// would be worse than what happened.
func (h *history) add(now time.Time, healthy, useful bool, p pace) {
	if healthy || useful {
		h.failures = 0
	}
	h.failures++
	if useful {
		h.recent = nil
		return
	}
	h.recent = append(h.recent, now)
	h.recent = h.recent[max(0, len(h.recent)-p.crashLimit):]
}

// delay is how long to wait before the next start: not at all after the first
// failure, then ever longer, spread so that nodes do not beat in time.
func (h *history) delay(p pace) (d time.Duration, looping bool) {
	if n := len(h.recent); n >= p.crashLimit && h.recent[n-1].Sub(h.recent[0]) <= p.crashWindow {
		return p.crashRetry, true
	}
	if h.failures <= 1 {
		return 0, false
	}
	doubled := min(p.firstDelay<<min(h.failures-2, 16), p.maxDelay)
	return doubled*3/4 + rand.N(doubled/4+1), false //nolint:gosec // jitter is no secret
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

// errStopped is for those who come too late.
var errStopped = errors.New("the plugins are stopped")
