package plugins

import (
	"context"
	"fmt"
)

// Swap replaces a format's plugin by the entry's binary. The new one is
// started, asked for its manifest, prepared and found healthy before the first
// request goes to it; when Swap returns, all new ones do. The old one ends in
// the background, when the last call that it works on has, or after 30 seconds:
// what it then leaves unanswered is sent to the new one.
//
// After an error the old one serves on. A binary that runs already changes nothing.
func (m *Manager) Swap(ctx context.Context, e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	f, ok := m.formats[e.Format]
	if !ok {
		return fmt.Errorf("format %s is not enabled; a new format needs a restart", e.Format)
	}
	f.swapping.Lock()
	defer f.swapping.Unlock()
	if f.has(e) {
		return f.moved(e)
	}
	next, err := f.launch(ctx, e)
	if err != nil {
		return err
	}
	old, err := f.replace(next)
	if err != nil {
		next.kill()
		return fmt.Errorf("format %s: %w", e.Format, err)
	}
	next.log.Info("plugin was swapped in")
	if old != nil {
		m.background(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, m.pace.drain)
			defer cancel()
			old.drain(ctx)
		})
	}
	return nil
}

func (f *Format) has(e Entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.entry.digest() == e.digest()
}

// moved takes over the place of a binary that is the same.
func (f *Format) moved(e Entry) error {
	binary, err := e.open()
	if err != nil {
		return err
	}
	defer func() { _ = binary.Close() }()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entry = e
	return nil
}

// replace makes next the process that answers, and returns the one that did.
func (f *Format) replace(next *instance) (old *instance, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == Stopped {
		return nil, errStopped
	}
	if f.repair != nil { // the old binary need not come up any more
		f.repair()
		f.repair = nil
	}
	if old = f.current; old != nil {
		old.retire()
	}
	f.lastErr, f.crashes = nil, history{}
	f.promote(next)
	return old, nil
}
