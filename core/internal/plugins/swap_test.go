package plugins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestNoRequestFailsWhileABinaryIsSwapped(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	old := d.pid(t)
	done := make(chan struct{})
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := d.Handle(t.Context(), do("slow", "5"), time.Minute); err != nil {
					t.Errorf("during the swap: %v", err)
					return
				}
			}
		})
	}
	for _, name := range []string{"2.0.0", "1.0.0", "2.0.0"} {
		if err := d.Swap(t.Context(), entry(t, name)); err != nil {
			t.Error(err)
			break
		}
		if got := d.ask(t, "echo", "").Header.Get("Version"); got != name {
			t.Errorf("after the swap %s answers, not %s", got, name)
		}
	}
	close(done)
	working.Wait()
	s := d.States()[0]
	if s.Version != "2.0.0" || s.SHA256 != entry(t, "2.0.0").SHA256 || s.State != Running || s.Restarts != 0 {
		t.Errorf("state: %+v", s)
	}
	eventually(t, "the old process is gone", func() bool { return dead(old) })
}

func TestASessionStaysWithItsBinary(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	s := d.Begin()
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Handle(t.Context(), do("echo", ""), 0)
	if err != nil {
		t.Fatal(err)
	}
	if made, ok := got.Outcome.(*spec.HTTPResponse); !ok || made.Header.Get("Version") != "1.0.0" {
		t.Errorf("answered by %+v", got.Outcome)
	}
	if s.Manifest().Version != "1.0.0" || s.Revision() != entry(t, "1.0.0").SHA256 || d.Manifest().Version != "2.0.0" {
		t.Errorf("session has %s, format %s", s.Manifest().Version, d.Manifest().Version)
	}
	s.End()
}

func TestWhatADrainedProcessLeavesIsSentToItsSuccessor(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(_ *Config, p *pace) { p.drain, p.exit = 100*time.Millisecond, 100*time.Millisecond })
	answered := make(chan string, 1)
	go func() {
		got, err := d.Handle(t.Context(), do("slow", "1500"), time.Minute)
		if err != nil {
			answered <- err.Error()
			return
		}
		made, _ := got.Outcome.(*spec.HTTPResponse)
		answered <- made.Header.Get("Version")
	}()
	eventually(t, "the request is under way", func() bool { return d.States()[0].InFlight == 1 })
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != "2.0.0" {
		t.Errorf("answered by %s", got)
	}
}

func TestABinaryThatCannotServeIsNotSwappedIn(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(c *Config, _ *pace) {
		c.Prepare = func(_ context.Context, m *spec.Manifest) error {
			if m.Version != "1.0.0" {
				return context.DeadlineExceeded
			}
			return nil
		}
	})
	pid := d.pid(t)
	changed, missing, unknown := entry(t, "2.0.0"), entry(t, "2.0.0"), entry(t, "2.0.0")
	changed.SHA256 = strings.Repeat("0", 64)
	missing.Path += "-gone"
	unknown.Format = "maven"
	for want, e := range map[string]Entry{
		"prepare":            entry(t, "2.0.0"),
		"start plugin":       entry(t, "foreign"),
		"its sha256 is":      changed,
		"no such file":       missing,
		"is not enabled":     unknown,
		"is not absolute":    {Format: "demo", Path: "demo", SHA256: changed.SHA256},
		"not a sha256 diges": {Format: "demo", Path: changed.Path, SHA256: "12"},
	} {
		if err := d.Swap(t.Context(), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if d.pid(t) != pid {
		t.Error("the process that ran does not run any more")
	}
	if left, err := os.ReadDir(d.runDir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABinaryThatRunsAlreadyIsNotSwapped(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	pid := d.pid(t)
	moved := entry(t, "1.0.0")
	moved.Path = entry(t, "unlike").Path // another name for the same bytes
	moved.SHA256 = strings.ToUpper(moved.SHA256)
	if err := d.Swap(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	if s := d.States()[0]; d.pid(t) != pid || s.Path != moved.Path {
		t.Errorf("state: %+v, was %d", s, pid)
	}
	moved.Path = filepath.Join(filepath.Dir(moved.Path), "gone")
	if err := d.Swap(t.Context(), moved); err == nil {
		t.Error("a place where nothing is was taken over")
	}
}

func TestASwapEndsACrashLoop(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(_ *Config, p *pace) { p.crashLimit = 2 })
	d.refused(t, registry.CodeUnavailable, "exit", time.Minute)
	d.awaitState(t, CrashLoop)
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err != nil {
		t.Fatal(err)
	}
	if got := d.ask(t, "echo", "").Header.Get("Version"); got != "2.0.0" {
		t.Errorf("answered by %s", got)
	}
	if s := d.States()[0]; s.State != Running || s.LastError != "" {
		t.Errorf("state: %+v", s)
	}
}
