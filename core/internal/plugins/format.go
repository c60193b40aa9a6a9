package plugins

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Format is one enabled format and its plugin, whichever process that is at the
// moment. Its methods other than State are for after Manager.Start.
type Format struct {
	m        *Manager
	name     string
	slots    *semaphore.Weighted
	swapping sync.Mutex // one swap at a time

	mu       sync.Mutex
	entry    Entry         // what a restart starts
	serving  *release      // what is served; nil before the first manifest
	current  *instance     // the process that answers; nil while there is none
	changed  chan struct{} // closed and replaced when current or state changes
	state    string
	restarts int
	lastErr  error
	crashes  history
	repair   context.CancelFunc // ends the restart that is under way
}

// release is what one binary declared. It outlives the process that was asked.
type release struct {
	entry    Entry
	manifest *spec.Manifest
	table    *routes.Table

	mu       sync.Mutex
	prepared bool
}

// Manifest returns the declaration of the binary that serves now. What a
// request is matched and answered by has to be of one binary: see Begin.
func (f *Format) Manifest() *spec.Manifest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serving.manifest
}

// Table returns the routes of the binary that serves now.
func (f *Format) Table() *routes.Table {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.serving.table
}

// State returns how the plugin is.
func (f *Format) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := State{
		Format: f.name, Path: f.entry.Path, SHA256: f.entry.digest(),
		State: f.state, Restarts: f.restarts, Isolation: isolation(),
	}
	if f.serving != nil {
		s.Version = f.serving.manifest.Version
	}
	if f.lastErr != nil {
		s.LastError = f.lastErr.Error()
	}
	if i := f.current; i != nil {
		s.PID, s.StartedAt, s.InFlight = i.process.pid, i.started, i.working()
	}
	return s
}

// start brings the first process up.
func (f *Format) start(ctx context.Context) error {
	i, err := f.launch(ctx, f.entry)
	if err == nil {
		f.mu.Lock()
		f.promote(i)
		f.mu.Unlock()
		return nil
	}
	if _, ok := errors.AsType[*unprepared](err); !ok {
		return err
	}
	f.fail(err)
	f.mu.Lock()
	f.restart()
	f.mu.Unlock()
	return nil
}

// stop refuses callers, and ends the process when the calls under way are done
// or ctx is.
func (f *Format) stop(ctx context.Context) {
	f.mu.Lock()
	i := f.current
	if f.repair != nil {
		f.repair()
	}
	f.set(Stopped)
	if i != nil {
		i.retire()
	}
	f.mu.Unlock()
	if i != nil {
		i.drain(ctx)
	}
}

// promote makes i the process that answers. The caller holds f.mu.
func (f *Format) promote(i *instance) {
	f.entry, f.serving, f.current = i.release.entry, i.release, i
	f.set(Running)
	f.m.background(func(ctx context.Context) { f.supervise(ctx, i) })
}

// set changes the state and wakes those that wait for it. Stopped is for good.
// The caller holds f.mu.
func (f *Format) set(state string) {
	if f.state != Stopped {
		f.state = state
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// fail counts a process that did not come up.
func (f *Format) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastErr = err
	f.crashes.add(time.Now(), false, false, f.m.pace)
	f.m.cfg.Log.Error("plugin did not start", "plugin", f.name, "failures", f.crashes.failures, "error", err)
}
