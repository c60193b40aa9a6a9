package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestACrashLoopRefusesAtOnceAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(_ *Config, p *pace) {
		p.crashLimit, p.firstDelay, p.crashRetry = 2, time.Millisecond, 500*time.Millisecond
	})
	d.refused(t, registry.CodeUnavailable, "exit", time.Minute) // it kills until the loop is noticed
	if s := d.States()[0]; s.State != CrashLoop || s.PID != 0 {
		t.Fatalf("state: %+v", s)
	}
	begun := time.Now()
	d.refused(t, registry.CodeUnavailable, "echo", time.Minute)
	if waited := time.Since(begun); waited > 400*time.Millisecond {
		t.Errorf("was refused after %s", waited)
	}
	if d.log.line("crash loop", `"plugin":"demo"`) == "" {
		t.Error("the log does not say so")
	}
	d.awaitState(t, Running)
	d.ask(t, "echo", "")
}

func TestAProcessThatHangsIsReplaced(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(_ *Config, p *pace) {
		p.healthEvery, p.healthTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	pid := d.pid(t)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is stopped", func() bool { return stopped(t, pid) })
	if next := d.pid(t); next == pid { // this request finds a process that is stopped
		t.Error("the stopped process answered")
	}
	if s := d.States()[0]; !strings.Contains(s.LastError, "did not answer 3 health checks") {
		t.Errorf("last error: %q", s.LastError)
	}
	eventually(t, "the stopped process is gone", func() bool { return dead(pid) })
}

// stopped reports whether all threads of a process are.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads of %d: %v, %v", pid, threads, err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread) //nolint:gosec // of /proc
		if err != nil || !bytes.Contains(stat, []byte(") T ")) {
			return false
		}
	}
	return true
}

func TestDelays(t *testing.T) {
	t.Parallel()
	p := defaultPace()
	p.crashLimit = 100
	var h history
	now := time.Now()
	for n, want := range []time.Duration{0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000} {
		want *= time.Millisecond
		h.add(now, false, false, p)
		got, looping := h.delay(p)
		if looping || got > want || got < want*3/4 {
			t.Errorf("failure %d: %s, looping %v; want about %s", n+1, got, looping, want)
		}
	}
	h.add(now, true, false, p)
	if got, _ := h.delay(p); got != 0 {
		t.Errorf("after a healthy minute: %s", got)
	}
}

func TestFiveCrashesInFiveMinutesAreALoop(t *testing.T) {
	t.Parallel()
	p := defaultPace()
	crash := func(apart time.Duration) (looping bool) {
		var h history
		now := time.Now()
		for n := range 5 {
			if _, looping = h.delay(p); looping {
				t.Errorf("after %d crashes already", n)
			}
			h.add(now, true, false, p)
			now = now.Add(apart)
		}
		_, looping = h.delay(p)
		return looping
	}
	if !crash(75 * time.Second) {
		t.Error("five in five minutes are none")
	}
	if crash(76 * time.Second) {
		t.Error("five in more than five minutes are one")
	}
}

// Who kills a plugin that works five times has not shown that it does not.
func TestAPluginThatAnswersIsInNoLoop(t *testing.T) {
	t.Parallel()
	p := defaultPace()
	var h history
	for range 3 * p.crashLimit {
		h.add(time.Now(), false, true, p)
		if delay, looping := h.delay(p); delay != 0 || looping {
			t.Fatalf("delay %s, looping %t", delay, looping)
		}
	}
}

func TestPrepareRunsOnceForAManifest(t *testing.T) {
	t.Parallel()
	var prepared atomic.Int64
	d := running(t, "1.0.0", func(c *Config, _ *pace) {
		c.Prepare = func(_ context.Context, m *spec.Manifest) error {
			if m.Format != "demo" {
				t.Errorf("manifest: %+v", m)
			}
			prepared.Add(1)
			return nil
		}
	})
	pid := d.pid(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if d.pid(t) == pid || prepared.Load() != 1 {
		t.Errorf("prepared %d times", prepared.Load())
	}
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err != nil {
		t.Fatal(err)
	}
	if prepared.Load() != 2 {
		t.Errorf("prepared %d times for two binaries", prepared.Load())
	}
}

func TestAFormatThatCannotBePreparedIsDownUntilItCan(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	d := running(t, "1.0.0", func(c *Config, p *pace) {
		p.crashLimit, p.firstDelay, p.crashRetry = 2, time.Millisecond, 200*time.Millisecond
		c.Prepare = func(context.Context, *spec.Manifest) error {
			if broken.Load() {
				return errors.New("no such column")
			}
			return nil
		}
	})
	d.awaitState(t, CrashLoop)
	d.refused(t, registry.CodeUnavailable, "echo", time.Minute)
	if s := d.States()[0]; !strings.Contains(s.LastError, "prepare: no such column") || s.Version != "1.0.0" {
		t.Errorf("state: %+v", s)
	}
	s := d.Begin()
	if s.Manifest().Format != "demo" || s.Table() == nil {
		t.Error("what is known of the format is not there")
	}
	s.End()
	broken.Store(false)
	d.awaitState(t, Running)
	d.ask(t, "echo", "")
}

func TestABinaryWhoseManifestChangesDoesNotComeBack(t *testing.T) {
	t.Parallel()
	d := running(t, "unlike", func(_ *Config, p *pace) { p.crashLimit = 2 })
	d.refused(t, registry.CodeUnavailable, "exit", time.Minute)
	d.awaitState(t, CrashLoop)
	if s := d.States()[0]; !strings.Contains(s.LastError, "not the one that the same binary gave before") {
		t.Errorf("last error: %q", s.LastError)
	}
}

func TestStopLetsCallsEndAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	pid := d.pid(t)
	answered := make(chan error, 1)
	go func() {
		_, err := d.Handle(t.Context(), do("slow", "300"), 0)
		answered <- err
	}()
	eventually(t, "the request is under way", func() bool { return d.States()[0].InFlight == 1 })
	d.Stop(t.Context())
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if !dead(pid) {
		t.Error("the process lives")
	}
	d.refused(t, registry.CodeUnavailable, "echo", time.Minute)
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err == nil {
		t.Error("a stopped format was swapped")
	}
	if s := d.States()[0]; s.State != Stopped {
		t.Errorf("state: %+v", s)
	}
	d.Stop(t.Context()) // twice changes nothing
}
