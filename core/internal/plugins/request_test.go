package plugins

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestARequestIsAnsweredByTheProcess(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	r := do("echo", "")
	r.Body = make([]byte, 8<<20) // gRPC's own limit is 4 MiB
	r.Body[7] = 7
	got, err := d.Handle(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	made, ok := got.Outcome.(*spec.HTTPResponse)
	if !ok || !reflect.DeepEqual(made.Body, r.Body) {
		t.Error("the body came back changed")
	}
	s := d.States()[0]
	if s.State != Running || s.Version != "1.0.0" || fmt.Sprint(s.PID) != made.Header.Get("Pid") || s.StartedAt.IsZero() || s.SHA256 != entry(t, "1.0.0").SHA256 {
		t.Errorf("state: %+v", s)
	}
	if d.Manifest().Format != "demo" {
		t.Errorf("manifest: %+v", d.Manifest())
	}
	if _, err := d.Table().Match(spec.LevelProject, "GET", "echo", nil, nil); err != nil {
		t.Errorf("table: %v", err)
	}
}

func TestJobsAndEvents(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	plan, err := d.RunJob(t.Context(), &spec.Job{Kind: "work"})
	if err != nil || !reflect.DeepEqual(plan, &spec.Plan{Touch: []string{"work"}}) {
		t.Errorf("job: %+v, %v", plan, err)
	}
	plan, err = d.HandleEvent(t.Context(), &spec.Event{Type: "package.created"})
	if err != nil || !reflect.DeepEqual(plan, &spec.Plan{Touch: []string{"package.created"}}) {
		t.Errorf("event: %+v, %v", plan, err)
	}
}

func TestNobodySeesAPluginThatIsKilled(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	const workers, each, kills = 16, 25, 3
	var answered atomic.Int64
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for n := range each {
				r := do("slow", "20")
				r.Body = fmt.Appendf(nil, "request %d", n)
				got, err := d.Handle(t.Context(), r, time.Minute)
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					return
				}
				if made, ok := got.Outcome.(*spec.HTTPResponse); !ok || string(made.Body) != string(r.Body) {
					t.Errorf("request %d: got %+v", n, got.Outcome)
				}
				answered.Add(1)
			}
		})
	}
	for n := range kills {
		// Each process has answered some, and is at work, when it is killed.
		eventually(t, "requests are answered", func() bool { return answered.Load() > int64(40+100*n) })
		d.awaitState(t, Running)
		if err := syscall.Kill(d.States()[0].PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	working.Wait()
	if n := answered.Load(); n != workers*each {
		t.Errorf("%d of %d requests were answered", n, workers*each)
	}
	if s := d.States()[0]; s.Restarts != kills || s.InFlight != 0 {
		t.Errorf("state: %+v", s)
	}
	if s := d.States()[0]; !strings.Contains(s.LastError, "signal: killed") {
		t.Errorf("last error: %q", s.LastError)
	}
}

func TestARequestThatKillsIsGivenUp(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	d.refused(t, registry.CodeUnavailable, "exit", time.Minute)
	if got := d.ask(t, "echo", "").Status; got != 200 {
		t.Errorf("the next request: %d", got)
	}
	s := d.States()[0]
	if s.Restarts != maxSends || !strings.Contains(s.LastError, "exit status 3; it said: panic: demo is over") {
		t.Errorf("state: %+v", s)
	}
}

func TestErrorsOfAPlugin(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	pid := d.pid(t)
	d.refused(t, registry.CodeInternal, "fail", 0)
	d.refused(t, registry.CodeInternal, "panic", 0)
	d.refused(t, registry.CodeTimeout, "hang", 50*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Handle(ctx, do("echo", ""), 0); registry.CodeOf(err) != registry.CodeUnavailable {
		t.Errorf("a request given up: %v", err)
	}
	if d.pid(t) != pid {
		t.Error("an error cost the process its life")
	}
	eventually(t, "the panic is logged with its stack", func() bool {
		return d.log.line("panic in a handler", `"panic":"demo"`, "goroutine", `"plugin":"demo"`, `"version":"1.0.0"`, fmt.Sprintf(`"pid":%d`, pid)) != ""
	})
}

func TestMoreThanAFormatTakesAtOnceWaits(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(c *Config, _ *pace) { c.MaxConcurrent = 1 })
	hanging := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := d.Handle(ctx, do("hang", ""), time.Minute)
		hanging <- err
	}()
	eventually(t, "the one place is taken", func() bool { return d.States()[0].InFlight == 1 })
	d.refused(t, registry.CodeUnavailable, "echo", 50*time.Millisecond)
	cancel()
	if err := <-hanging; err == nil {
		t.Error("a hanging request was answered")
	}
	d.ask(t, "echo", "")
}

// finding answers one of the reads; the others are nil.
type finding struct{ spec.Host }

func (finding) FindPackages(_ context.Context, scope string, f spec.Finder) (spec.FoundPage, error) {
	return spec.FoundPage{NextPageToken: scope + " found " + f.Name}, nil
}

func TestAPluginReadsThroughItsHost(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", func(c *Config, _ *pace) { c.Host = finding{} })
	r := do("find", "lodash")
	r.Scope = "scope"
	got, err := d.Handle(t.Context(), r, 0)
	if err != nil {
		t.Fatal(err)
	}
	if made, ok := got.Outcome.(*spec.HTTPResponse); !ok || string(made.Body) != "scope found lodash" {
		t.Errorf("got %+v", got.Outcome)
	}
}
