package plugins

import (
	"context"
	"time"

	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Session is a request's hold on a format: routes and process belong together,
// even if the binary is swapped between the match and the call. End must be called.
type Session struct {
	format  *Format
	release *release
	pinned  *instance // nil if none was running at Begin
}

// Begin starts a session with the binary that serves now.
func (f *Format) Begin() *Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &Session{format: f, release: f.serving}
	if f.current != nil && f.current.enter() {
		s.pinned = f.current
	}
	return s
}

// End lets go.
func (s *Session) End() {
	if s.pinned != nil {
		s.pinned.leave()
	}
}

// Manifest returns the declaration that the session's routes are from.
func (s *Session) Manifest() *spec.Manifest { return s.release.manifest }

// Table returns the session's routes.
func (s *Session) Table() *routes.Table { return s.release.table }

// Revision names the bytes of the plugin: its sha256 in hex.
func (s *Session) Revision() string { return s.release.entry.digest() }

// Handle answers a request. A timeout of 0 is ten seconds. When the process
// dies meanwhile, the request is sent to the next one: nothing has happened
// that could happen twice. Errors are CodeUnavailable, CodeTimeout or, for what
// the plugin could not do, CodeInternal; the cause says more, to the log.
func (s *Session) Handle(ctx context.Context, r *spec.Request, timeout time.Duration) (*spec.Response, error) {
	if timeout == 0 {
		timeout = s.format.m.pace.request
	}
	return ask(ctx, s, timeout, func(ctx context.Context, i *instance) (*spec.Response, error) {
		return i.client.Handle(ctx, r)
	})
}

// Handle answers a request in a session of its own; see Session.Handle.
func (f *Format) Handle(ctx context.Context, r *spec.Request, timeout time.Duration) (*spec.Response, error) {
	s := f.Begin()
	defer s.End()
	return s.Handle(ctx, r, timeout)
}

// RunJob does a job, in the time that its kind's manifest gives it, or ctx, or
// five minutes. Errors are as for Session.Handle.
func (f *Format) RunJob(ctx context.Context, j *spec.Job) (*spec.Plan, error) {
	s := f.Begin()
	defer s.End()
	return ask(ctx, s, s.jobTimeout(ctx, j.Kind), func(ctx context.Context, i *instance) (*spec.Plan, error) {
		return i.client.RunJob(ctx, j)
	})
}

func (s *Session) jobTimeout(ctx context.Context, kind string) time.Duration {
	for _, k := range s.release.manifest.Jobs {
		if k.Kind == kind && k.Timeout > 0 {
			return k.Timeout
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return s.format.m.pace.job
}

// HandleEvent reacts to an event, in ten seconds. Errors are as for Session.Handle.
func (f *Format) HandleEvent(ctx context.Context, e *spec.Event) (*spec.Plan, error) {
	s := f.Begin()
	defer s.End()
	return ask(ctx, s, f.m.pace.request, func(ctx context.Context, i *instance) (*spec.Plan, error) {
		return i.client.HandleEvent(ctx, e)
	})
}
