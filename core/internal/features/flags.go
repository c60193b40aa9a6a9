package features

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/singleflight"
)

// Flags knows what is decided about all switches. It reads them together, when
// somebody asks and what it knows is old: no request has a query of its own, a
// registry at rest has none, and a change takes effect everywhere within the time
// that an answer is believed.
type Flags struct {
	store *Store
	while time.Duration
	fresh singleflight.Group

	mu         sync.Mutex
	configured map[string]bool
	turn       int       // grows when what was read before must not be believed
	known      *Set      // nil: nothing is
	until      time.Time // known is believed
}

// New makes Flags that believe what they have read for a while; 0: never.
// configured is what holds where nothing was set.
func New(pool *pgxpool.Pool, while time.Duration, configured map[string]bool) *Flags {
	return &Flags{store: NewStore(pool), while: while, configured: maps.Clone(configured)}
}

// Configure takes another configuration, which holds from now on.
func (f *Flags) Configure(configured map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configured, f.known = maps.Clone(configured), nil
	f.turn++
}

// Forget makes the next request read anew what was just changed on this node.
func (f *Flags) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = nil
	f.turn++
}

// readTime bounds a reading, which is made for several requests and so outlives each of them.
const readTime = 5 * time.Second

// Current returns what is decided. The error is the database's: what nobody can
// find out is neither on nor off.
func (f *Flags) Current(ctx context.Context) (*Set, error) {
	f.mu.Lock()
	known, believed, turn := f.known, time.Now().Before(f.until), f.turn
	f.mu.Unlock()
	if known != nil && believed {
		return known, nil
	}
	// Whoever asks after a change does not join a reading that began before it.
	read, err, _ := f.fresh.Do(strconv.Itoa(turn), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		defer cancel()
		return f.read(ctx, turn)
	})
	if err != nil {
		return nil, err
	}
	return read.(*Set), nil //nolint:errcheck,forcetypeassert // the function above returns nothing else
}

func (f *Flags) read(ctx context.Context, turn int) (*Set, error) {
	asked := time.Now() // what a slow database says may have been overtaken before it arrives
	settings, err := f.store.List(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s := newSet(f.configured, settings)
	if turn == f.turn {
		f.known, f.until = s, asked.Add(f.while)
	}
	return s, nil
}

func newSet(configured map[string]bool, settings []Setting) *Set {
	s := &Set{configured: configured, instance: map[string]bool{}, groups: map[string]map[int64]bool{}, projects: map[string]map[int64]bool{}}
	put := func(to map[string]map[int64]bool, name string, id int64, on bool) {
		if to[name] == nil {
			to[name] = map[int64]bool{}
		}
		to[name][id] = on
	}
	for _, x := range settings {
		switch {
		case x.ProjectID != 0:
			put(s.projects, x.Name, x.ProjectID, x.Enabled)
		case x.GroupID != 0:
			put(s.groups, x.Name, x.GroupID, x.Enabled)
		default:
			s.instance[x.Name] = x.Enabled
		}
	}
	return s
}
