package plugins

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// maxSends is how many processes may die on one call before the call is taken
// to be the reason. It is less than the crashes that make a crash loop.
const maxSends = 4

// deathNotice is how long after its connection broke a process is seen to be
// dead at the latest; a process that lives on is asked again.
const deathNotice = 500 * time.Millisecond

// ask calls the session's process, and the next one if that dies.
func ask[T any](ctx context.Context, s *Session, timeout time.Duration, call func(context.Context, *instance) (T, error)) (T, error) {
	var none T
	f := s.format
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := f.slots.Acquire(ctx, 1); err != nil {
		return none, registry.Errorf(registry.CodeUnavailable, "the %s format has too much to do at the moment", f.name).Because(err)
	}
	defer f.slots.Release(1)
	var last error
	for range maxSends {
		i, done, err := s.process(ctx)
		if err != nil {
			return none, err
		}
		answer, err := call(ctx, i)
		if err == nil {
			i.useful.Store(true)
			done()
			return answer, nil
		}
		again := i.lost(ctx, err)
		done()
		if !again {
			return none, f.translate(ctx, err)
		}
		last = err
	}
	return none, registry.Errorf(registry.CodeUnavailable, "the %s format cannot answer this request", f.name).Because(last)
}

// process returns the session's process or, if that is gone, the one that
// answers now, and what to call when the call is over.
func (s *Session) process(ctx context.Context) (i *instance, done func(), err error) {
	if s.pinned != nil && s.pinned.alive() {
		return s.pinned, func() {}, nil
	}
	i, err = s.format.await(ctx)
	if err != nil {
		return nil, nil, err
	}
	return i, i.leave, nil
}

// await waits for a process that takes calls, and enters it.
func (f *Format) await(ctx context.Context) (*instance, error) {
	for {
		f.mu.Lock()
		current, changed, state := f.current, f.changed, f.state
		f.mu.Unlock()
		if state == CrashLoop || state == Stopped {
			return nil, registry.Errorf(registry.CodeUnavailable, "the %s format is not available at the moment", f.name)
		}
		if current != nil && current.alive() && current.enter() {
			return current, nil
		}
		select {
		case <-changed: // the supervisor says when it knows of a death, and when there is a successor
		case <-ctx.Done():
			return nil, registry.Errorf(registry.CodeUnavailable, "the %s format is being restarted", f.name).Because(ctx.Err())
		}
	}
}

// lost reports whether an error means that the process, not the plugin's code,
// failed the call. It returns when the process's end is known, so that nobody
// asks a dead one again.
func (i *instance) lost(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if !brokenConnection(err) {
		return !i.alive()
	}
	notice := time.NewTimer(deathNotice)
	defer notice.Stop()
	select {
	case <-i.process.gone:
	case <-notice.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// brokenConnection knows the faces of a connection that ended. Canceled is one:
// the context is alive, so it was the connection that was closed under the call.
func brokenConnection(err error) bool {
	switch s := status.Convert(err); s.Code() {
	case codes.Unavailable, codes.Canceled:
		return true
	case codes.Internal: // gRPC's words for a message that was cut off
		return strings.Contains(s.Message(), "unexpected EOF") || strings.Contains(s.Message(), "RST_STREAM")
	default:
		return false
	}
}

// translate turns the machinery's errors into the registry's.
func (f *Format) translate(ctx context.Context, err error) error {
	code := status.Code(err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), code == codes.DeadlineExceeded:
		return registry.Errorf(registry.CodeTimeout, "the %s format took too long to answer", f.name).Because(err)
	case ctx.Err() != nil:
		return registry.Errorf(registry.CodeUnavailable, "the request was given up").Because(ctx.Err())
	case code == codes.Unavailable:
		return registry.Errorf(registry.CodeUnavailable, "the %s format is not available at the moment", f.name).Because(err)
	}
	return registry.Errorf(registry.CodeInternal, "the %s format failed", f.name).Because(err)
}
