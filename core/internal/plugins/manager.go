package plugins

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Manager runs the plugins of all enabled formats.
type Manager struct {
	cfg       Config
	runDir    string
	spawner   *spawner
	formats   map[string]*Format
	instances atomic.Int64

	stop    context.CancelFunc
	running sync.WaitGroup
	swap    sync.Mutex
}

// New checks the entries and makes a Manager; nothing runs before Start.
func New(cfg Config) (*Manager, error) {
	if cfg.MaxConcurrent == 0 {
		cfg.MaxConcurrent = defaultConcurrent
	}
	m := &Manager{cfg: cfg, formats: map[string]*Format{}}
	for _, e := range cfg.Entries {
		if err := e.check(); err != nil {
			return nil, err
		}
		if _, twice := m.formats[e.Format]; twice {
			return nil, fmt.Errorf("format %s is configured twice", e.Format)
		}
		m.formats[e.Format] = &Format{
			name: e.Format, slots: semaphore.NewWeighted(int64(cfg.MaxConcurrent)), changed: make(chan struct{}), state: Stopped,
		}
	}
	return m, nil
}

// Start starts every plugin; if one cannot run, none does. The plugins run
// until Stop, whatever becomes of ctx.
func (m *Manager) Start(ctx context.Context) (err error) {
	m.spawner = newSpawner()
	if m.runDir = m.cfg.RunDir; m.runDir == "" {
		m.runDir, err = os.MkdirTemp("", "pk")
	} else {
		err = os.MkdirAll(m.runDir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("folder for plugin sockets: %w", err)
	}
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	var starting errgroup.Group
	for _, e := range m.cfg.Entries {
		starting.Go(func() error {
			f := m.formats[e.Format]
			i, err := m.launch(ctx, e, m.newDir(e.Format))
			if err != nil {
				return err
			}
			f.set(func() { f.current, f.state = i, Running })
			i.log.Info("plugin runs")
			return nil
		})
	}
	if err := starting.Wait(); err != nil {
		m.Stop(lasting)
		return err
	}
	for _, f := range m.formats {
		m.running.Go(func() { m.supervise(lasting, f) })
	}
	return nil
}

// Stop lets requests under way end and then the plugins.
func (m *Manager) Stop(ctx context.Context) {
	if m.stop == nil {
		return
	}
	m.stop()
	m.running.Wait()
	var retiring sync.WaitGroup
	for _, f := range m.formats {
		i := f.running()
		f.set(func() { f.state = Stopped })
		if i != nil {
			retiring.Go(func() { i.retire(ctx) })
		}
	}
	retiring.Wait()
	m.spawner.close()
	_ = os.RemoveAll(m.runDir)
	m.stop = nil
}

// Swap replaces a format's plugin by the entry's binary. The new one is
// started, asked for its manifest, prepared and found healthy before the first
// request goes to it; the old one ends when its last request has. An entry that
// runs already changes nothing.
func (m *Manager) Swap(ctx context.Context, e Entry) error {
	m.swap.Lock()
	defer m.swap.Unlock()
	if err := e.check(); err != nil {
		return err
	}
	f, ok := m.formats[e.Format]
	if !ok {
		return fmt.Errorf("format %s is not enabled; a new format needs a restart", e.Format)
	}
	old := f.running()
	if strings.EqualFold(old.entry.SHA256, e.SHA256) {
		return nil
	}
	next, err := m.launch(ctx, e, m.newDir(e.Format))
	if err != nil {
		return err
	}
	f.set(func() { f.current, f.state, f.lastErr = next, Running, nil })
	next.log.Info("plugin was replaced", "from", old.manifest.Version, "to", next.manifest.Version)
	m.running.Go(func() { old.retire(context.WithoutCancel(ctx)) })
	return nil
}

// Format returns an enabled format.
func (m *Manager) Format(name string) (*Format, bool) {
	f, ok := m.formats[name]
	return f, ok
}

// Names returns the enabled formats in order.
func (m *Manager) Names() []string {
	names := make([]string, 0, len(m.formats))
	for n := range m.formats {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// States returns how each plugin is, by format.
func (m *Manager) States() []State {
	states := make([]State, 0, len(m.formats))
	for _, n := range m.Names() {
		states = append(states, m.formats[n].State())
	}
	return states
}
