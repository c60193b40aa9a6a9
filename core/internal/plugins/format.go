package plugins

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Format is one enabled format and its plugin, whichever process that is at the moment.
type Format struct {
	name  string
	slots *semaphore.Weighted

	mu       sync.Mutex
	current  *instance     // the last one that was ready; it may be dead
	changed  chan struct{} // closed and replaced when current or state changes
	state    string
	restarts int
	lastErr  error
}

// Session is a request's hold on a format: routes and process belong together,
// even if the plugin is replaced meanwhile. End must be called.
type Session struct {
	format  *Format
	pinned  *instance
	counted bool
}

// Begin starts a session with the plugin that runs now.
func (f *Format) Begin() *Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &Session{format: f, pinned: f.current, counted: f.current.enter()}
}

// End lets go.
func (s *Session) End() {
	if s.counted {
		s.pinned.leave()
	}
}

// Manifest returns the declaration that the session's routes are from.
func (s *Session) Manifest() *spec.Manifest { return s.pinned.manifest }

// Table returns the session's routes.
func (s *Session) Table() *routes.Table { return s.pinned.table }

// Revision names the bytes of the plugin: its sha256 in hex.
func (s *Session) Revision() string { return s.pinned.entry.SHA256 }

// Handle answers a request. A timeout of 0 is ten seconds. When the plugin dies
// meanwhile the request is sent again: nothing has happened that could happen
// twice. Errors are CodeUnavailable, CodeTimeout or, for what the plugin itself
// could not do, CodeInternal.
func (s *Session) Handle(ctx context.Context, r *spec.Request, timeout time.Duration) (*spec.Response, error) {
	return ask(ctx, s.format, s.pinned, timeout, func(ctx context.Context, i *instance) (*spec.Response, error) {
		return i.client.Handle(ctx, r)
	})
}

// RunJob does a job; errors are as for Session.Handle.
func (f *Format) RunJob(ctx context.Context, j *spec.Job, timeout time.Duration) (*spec.Plan, error) {
	s := f.Begin()
	defer s.End()
	return ask(ctx, f, s.pinned, timeout, func(ctx context.Context, i *instance) (*spec.Plan, error) {
		return i.client.RunJob(ctx, j)
	})
}

// HandleEvent reacts to an event; errors are as for Session.Handle.
func (f *Format) HandleEvent(ctx context.Context, e *spec.Event) (*spec.Plan, error) {
	s := f.Begin()
	defer s.End()
	return ask(ctx, f, s.pinned, 0, func(ctx context.Context, i *instance) (*spec.Plan, error) {
		return i.client.HandleEvent(ctx, e)
	})
}

// maxSends is how many processes may die on one request before the request is
// taken to be the reason.
const maxSends = 4

// ask calls a plugin, and the next process if that one dies.
func ask[T any](ctx context.Context, f *Format, i *instance, timeout time.Duration, call func(context.Context, *instance) (T, error)) (T, error) {
	var none T
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := f.slots.Acquire(ctx, 1); err != nil {
		return none, registry.Errorf(registry.CodeUnavailable, "the %s format has too much to do at the moment", f.name).Because(err)
	}
	defer f.slots.Release(1)
	var last error
	for range maxSends {
		if !i.alive() {
			next, err := f.next(ctx, i)
			if err != nil {
				return none, err
			}
			i = next
		}
		answer, err := call(ctx, i)
		if err == nil {
			return answer, nil
		}
		if !i.diedOf(ctx, err) {
			return none, translate(f.name, err)
		}
		last = err
	}
	return none, registry.Errorf(registry.CodeUnavailable, "the %s format cannot answer this request at the moment", f.name).Because(last)
}

// diedOf reports whether an error means that the process is gone, and waits
// the moment until that is known.
func (i *instance) diedOf(ctx context.Context, err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.Unknown, codes.Internal:
	default:
		return !i.alive()
	}
	if ctx.Err() != nil {
		return false
	}
	if status.Code(err) != codes.Unavailable {
		return !i.alive()
	}
	// The connection broke: the process is ending, or its end is about to be seen.
	select {
	case <-i.process.gone:
		return true
	case <-time.After(time.Second):
		return !i.alive()
	case <-ctx.Done():
		return false
	}
}

// next waits for a process after the dead one.
func (f *Format) next(ctx context.Context, dead *instance) (*instance, error) {
	for {
		f.mu.Lock()
		current, changed, state := f.current, f.changed, f.state
		f.mu.Unlock()
		if current != dead && current.alive() {
			return current, nil
		}
		if state == CrashLoop || state == Stopped {
			return nil, registry.Errorf(registry.CodeUnavailable, "the %s format is not available at the moment", f.name)
		}
		select {
		case <-changed: // the supervisor says so once it knows of the death, and again when there is a successor
		case <-ctx.Done():
			return nil, registry.Errorf(registry.CodeUnavailable, "the %s format is being restarted", f.name).Because(ctx.Err())
		}
	}
}

// translate turns the machinery's errors into the registry's.
func translate(format string, err error) error {
	if e, ok := errors.AsType[*registry.Error](err); ok {
		return e
	}
	switch {
	case errors.Is(err, context.Canceled), status.Code(err) == codes.Canceled:
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return registry.Errorf(registry.CodeTimeout, "the %s format took too long to answer", format).Because(err)
	case status.Code(err) == codes.Unavailable:
		return registry.Errorf(registry.CodeUnavailable, "the %s format is not available at the moment", format).Because(err)
	}
	return registry.Errorf(registry.CodeInternal, "the %s format failed", format).Because(err)
}

// set changes what a request sees, and wakes those that wait for it.
func (f *Format) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

// State returns how the plugin is.
func (f *Format) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := State{Format: f.name, State: f.state, Restarts: f.restarts, Isolation: isolation()}
	if f.lastErr != nil {
		s.LastError = f.lastErr.Error()
	}
	if i := f.current; i != nil {
		s.Version, s.SHA256, s.Path = i.manifest.Version, i.entry.SHA256, i.entry.Path
		s.PID, s.StartedAt, s.InFlight = i.process.pid, i.started, i.working()
	}
	return s
}

// isolation is what keeps every plugin process from the rest of the machine today.
func isolation() []string {
	return []string{"empty environment", "own process group", "ends with the core", "no stdin", "256 open files", "no core dumps", "verified binary"}
}
