// Package host answers what plugins ask while they work on a request, a job or
// an event. Every question carries a scope that the core has opened for that
// work: format, projects and uploads come from there, never from the plugin,
// and with the answer to the request the scope is gone. Nothing here writes.
package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// File is an upload of the request that a scope belongs to.
type File interface {
	Open(ctx context.Context) (storage.Blob, error)
}

// Scope is what one piece of work may see.
type Scope struct {
	Format string
	// ProjectIDs are the projects whose packages are seen; none: nothing is found.
	ProjectIDs []int64
	Actor      registry.Actor
	Uploads    map[string]File
	Schema     *metadata.Schema // nil: the format has no tables
	// Names are the packages that are seen in these projects; others are as if there were none.
	Names packages.NameLimits
}

// Host implements spec.Host.
type Host struct {
	pool  *pgxpool.Pool
	blobs storage.Blobs

	mu     sync.RWMutex
	scopes map[string]*openScope
}

// openScope is a scope and its end.
type openScope struct {
	Scope
	open  context.Context //nolint:containedctx // ends with the scope; never a call's own
	asked atomic.Bool     // by the plugin
}

var _ spec.Host = (*Host)(nil)

// New makes a Host that reads rows from pool and bytes from blobs.
func New(pool *pgxpool.Pool, blobs storage.Blobs) *Host {
	return &Host{pool: pool, blobs: blobs, scopes: map[string]*openScope{}}
}

// Open makes a scope. Its id is unguessable, and means nothing after end; calls
// that are under way then are broken off. What end returns is whether the plugin
// has asked anything: a Prefetch is not its question.
func (h *Host) Open(s Scope) (id string, end func() (asked bool)) {
	id = rand.Text()                                         // 130 random bits
	open, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // outlives any one call
	o := &openScope{Scope: s, open: open}
	h.mu.Lock()
	h.scopes[id] = o
	h.mu.Unlock()
	return id, func() bool {
		h.mu.Lock()
		delete(h.scopes, id)
		h.mu.Unlock()
		cancel()
		return o.asked.Load()
	}
}

// errScope is what a plugin hears that asks outside of its work.
var errScope = errors.New("this scope is not open")

// enter is how a plugin's question gets into its scope; done must be called.
func (h *Host) enter(ctx context.Context, id string) (s Scope, within context.Context, done func(), err error) {
	o, within, done, err := h.find(ctx, id)
	if err != nil {
		return Scope{}, nil, nil, err
	}
	o.asked.Store(true)
	return o.Scope, within, done, nil
}

// find returns an open scope and a context that ends with it; done must be called.
func (h *Host) find(ctx context.Context, id string) (o *openScope, within context.Context, done func(), err error) {
	h.mu.RLock()
	o, ok := h.scopes[id]
	h.mu.RUnlock()
	if !ok {
		return nil, nil, nil, errScope
	}
	within, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(o.open, func() { cancel(errScope) })
	return o, within, func() { stop(); cancel(nil) }, nil
}

// FindPackages implements spec.Host.
func (h *Host) FindPackages(ctx context.Context, scope string, f spec.Finder) (spec.FoundPage, error) {
	results, err := h.Batch(ctx, scope, []spec.ReadCall{{Find: &f}})
	if err != nil {
		return spec.FoundPage{}, err
	}
	return results[0].Page, nil
}

// SelectRows implements spec.Host.
func (h *Host) SelectRows(ctx context.Context, scope string, r spec.RowSelect) ([]spec.Row, error) {
	results, err := h.Batch(ctx, scope, []spec.ReadCall{{Select: &r}})
	if err != nil {
		return nil, err
	}
	return results[0].Rows, nil
}

// RunQuery implements spec.Host.
func (h *Host) RunQuery(ctx context.Context, scope string, q spec.QueryCall) ([]spec.Row, error) {
	results, err := h.Batch(ctx, scope, []spec.ReadCall{{Query: &q}})
	if err != nil {
		return nil, err
	}
	return results[0].Rows, nil
}

// maxCalls is how many calls a batch may have.
const maxCalls = 100

// Batch implements spec.Host: all calls see one snapshot, in one round trip.
func (h *Host) Batch(ctx context.Context, scope string, calls []spec.ReadCall) ([]spec.ReadResult, error) {
	s, ctx, done, err := h.enter(ctx, scope)
	if err != nil {
		return nil, err
	}
	defer done()
	return h.batch(ctx, s, calls, nil, func(*pgx.Batch) {})
}

// Prefetched is what the core reads for itself, all on one snapshot.
type Prefetched struct {
	Results     []spec.ReadResult
	Generations []packages.Generation
	// Contents are those of the found files that are kept in the database, by the
	// files' ids, as far as they were asked for.
	Contents map[int64][]byte
}

// Prefetch is a Batch for the core itself: it also tells the generations of cache
// keys, and if withContents the content of small files that finders of one file find.
func (h *Host) Prefetch(ctx context.Context, scope string, calls []spec.ReadCall, keys []string, withContents bool) (p Prefetched, err error) {
	o, ctx, done, err := h.find(ctx, scope)
	if err != nil {
		return p, err
	}
	defer done()
	if withContents {
		p.Contents = map[int64][]byte{}
	}
	p.Results, err = h.batch(ctx, o.Scope, calls, p.Contents, func(batch *pgx.Batch) {
		if len(keys) > 0 {
			packages.QueueGenerations(batch, o.projects(), o.Format, keys, &p.Generations)
		}
	})
	return p, err
}

func (h *Host) batch(ctx context.Context, s Scope, calls []spec.ReadCall, contents map[int64][]byte, before func(*pgx.Batch)) ([]spec.ReadResult, error) {
	if len(calls) > maxCalls {
		return nil, fmt.Errorf("%d calls in a batch; at most %d", len(calls), maxCalls)
	}
	results := make([]spec.ReadResult, len(calls))
	pages := make([]page, len(calls))
	batch := &pgx.Batch{}
	// One statement sees one snapshot by itself. What is read before it only tells
	// what it depends on: an answer that is newer than it says does no harm.
	several := !s.oneStatement(calls)
	if several {
		batch.Queue("begin isolation level repeatable read read only")
	}
	before(batch)
	for i, c := range calls {
		if err := s.queue(batch, c, &pages[i], &results[i], contents); err != nil {
			return nil, fmt.Errorf("call %d: %w", i, err)
		}
	}
	if several {
		batch.Queue("commit")
	}
	if err := h.send(ctx, batch); err != nil {
		return nil, fmt.Errorf("read: %w", postgres.Translate(err))
	}
	for i, c := range calls {
		if c.Find != nil {
			results[i].Page = pages[i].done()
		}
	}
	return results, nil
}

// oneStatement reports whether calls are read by a single statement, whatever
// settings come before it: all of a batch is one transaction anyway.
func (s Scope) oneStatement(calls []spec.ReadCall) bool {
	if len(calls) != 1 {
		return false
	}
	c := calls[0]
	return c.Find == nil || s.findsOne(*c.Find) || !c.Find.WithFiles && !c.Find.WithTags && len(c.Find.WithRows) == 0
}

// send sends a batch that is a transaction, and ends the transaction if the batch does not.
func (h *Host) send(ctx context.Context, batch *pgx.Batch) error {
	conn, err := h.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = conn.SendBatch(ctx, batch).Close()
	if err != nil && !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "rollback") // if it fails, the pool closes the connection
	}
	return err
}

// queue adds one call's statements to the batch.
func (s Scope) queue(batch *pgx.Batch, c spec.ReadCall, p *page, into *spec.ReadResult, contents map[int64][]byte) error {
	switch {
	case c.Find != nil:
		return s.find(batch, *c.Find, p, contents)
	case c.Select != nil:
		return s.selectRows(batch, *c.Select, &into.Rows)
	case c.Query != nil:
		return s.call(batch, *c.Query, &into.Rows)
	}
	return errors.New("a read call that asks nothing")
}
