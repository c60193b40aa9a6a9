package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"
)

// defaultConcurrent is Config.MaxConcurrent for those who say nothing.
const defaultConcurrent = 256

// Manager runs the plugins of all enabled formats.
type Manager struct {
	cfg     Config
	pace    pace
	formats map[string]*Format
	spawner *spawner
	runDir  string

	mu       sync.Mutex
	lasting  context.Context //nolint:containedctx // the lifetime of what Start starts
	end      context.CancelFunc
	stopped  bool
	goroutes sync.WaitGroup
}

// New checks the entries and makes a Manager; nothing runs before Start.
func New(cfg Config) (*Manager, error) {
	if cfg.MaxConcurrent == 0 {
		cfg.MaxConcurrent = defaultConcurrent
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	m := &Manager{cfg: cfg, pace: defaultPace(), formats: map[string]*Format{}}
	for _, e := range cfg.Entries {
		if err := e.check(); err != nil {
			return nil, err
		}
		if other, twice := m.formats[e.Format]; twice {
			return nil, fmt.Errorf("format %s is configured twice: %s with sha256 %s, and %s with sha256 %s",
				e.Format, other.entry.Path, other.entry.digest(), e.Path, e.digest())
		}
		m.formats[e.Format] = &Format{
			m: m, name: e.Format, entry: e, state: Starting,
			slots:   semaphore.NewWeighted(int64(cfg.MaxConcurrent)),
			changed: make(chan struct{}),
		}
	}
	return m, nil
}

// Start starts every plugin. If one cannot run, none does, and the error names
// each that cannot. A plugin that runs but whose manifest could not be prepared
// is no error: its format is down, and tried again. The plugins run until Stop,
// whatever becomes of ctx.
func (m *Manager) Start(ctx context.Context) error {
	if err := m.makeRunDir(); err != nil {
		return err
	}
	m.spawner = newSpawner()
	m.lasting, m.end = context.WithCancel(context.WithoutCancel(ctx))
	var starting sync.WaitGroup
	problems := make([]error, len(m.cfg.Entries))
	for n, e := range m.cfg.Entries {
		starting.Go(func() { problems[n] = m.formats[e.Format].start(ctx) })
	}
	starting.Wait()
	if err := errors.Join(problems...); err != nil {
		m.Stop(m.lasting)
		return err
	}
	return nil
}

// Stop lets the calls under way end, for at most ten seconds, and then the
// plugins. Callers are refused from its beginning on.
func (m *Manager) Stop(ctx context.Context) {
	m.mu.Lock()
	if m.stopped || m.end == nil {
		m.mu.Unlock()
		return
	}
	m.stopped = true
	m.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, m.pace.stop)
	defer cancel()
	var stopping sync.WaitGroup
	for _, f := range m.formats {
		stopping.Go(func() { f.stop(ctx) })
	}
	stopping.Wait()
	m.end()
	m.goroutes.Wait()
	m.spawner.close()
	if m.cfg.RunDir == "" { // another is the operator's
		_ = os.RemoveAll(m.runDir)
	}
}

// background runs fn until the Manager stops; not at all if it has already.
func (m *Manager) background(fn func(ctx context.Context)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		m.goroutes.Go(func() { fn(m.lasting) })
	}
}

// Format returns an enabled format.
func (m *Manager) Format(name string) (*Format, bool) {
	f, ok := m.formats[name]
	return f, ok
}

// Names returns the enabled formats in order.
func (m *Manager) Names() []string { return slices.Sorted(maps.Keys(m.formats)) }

// States returns how each plugin is, by format.
func (m *Manager) States() []State {
	states := make([]State, 0, len(m.formats))
	for _, name := range m.Names() {
		states = append(states, m.formats[name].State())
	}
	return states
}

// maxSocketPath is what every system takes: Linux has 108 bytes, others 104,
// with the zero at the end.
const maxSocketPath = 100

// longestSocket is what comes after RunDir in the path of a plugin's socket:
// the folder of the instance and go-plugin's file name, with os.MkdirTemp's
// and os.CreateTemp's digits.
const longestSocket = len("/1234567890") + len("/plugin1234567890")

// makeRunDir makes the folder for sockets. A path that is too long would show
// as a plugin that dies before it can say why, so it is refused here.
func (m *Manager) makeRunDir() (err error) {
	if m.runDir = m.cfg.RunDir; m.runDir != "" {
		if n := len(m.runDir) + longestSocket; n > maxSocketPath {
			return fmt.Errorf("folder for plugin sockets: %s is too long: a socket in it would have a path of %d bytes, and %d are possible",
				m.runDir, n, maxSocketPath)
		}
		if err := os.MkdirAll(m.runDir, 0o700); err != nil {
			return fmt.Errorf("folder for plugin sockets: %w", err)
		}
		return nil
	}
	parent := os.TempDir()
	if len(parent)+len("/pk1234567890")+longestSocket > maxSocketPath {
		parent = "/tmp"
	}
	if m.runDir, err = os.MkdirTemp(parent, "pk"); err != nil {
		return fmt.Errorf("folder for plugin sockets: %w", err)
	}
	return nil
}
