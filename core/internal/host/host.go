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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/metadata"
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
	// Project is the zero Project for work that is about no project: it finds nothing.
	Project registry.Project
	Actor   registry.Actor
	Uploads map[string]File
	Schema  *metadata.Schema // nil: the format has no tables
}

// Host implements spec.Host.
type Host struct {
	pool  *pgxpool.Pool
	blobs storage.Blobs

	mu     sync.RWMutex
	scopes map[string]Scope
}

var _ spec.Host = (*Host)(nil)

// New makes a Host that reads rows from pool and bytes from blobs.
func New(pool *pgxpool.Pool, blobs storage.Blobs) *Host {
	return &Host{pool: pool, blobs: blobs, scopes: map[string]Scope{}}
}

// Open makes a scope. Its id is unguessable, and means nothing after end.
func (h *Host) Open(s Scope) (id string, end func()) {
	id = rand.Text() // 130 random bits
	h.mu.Lock()
	h.scopes[id] = s
	h.mu.Unlock()
	return id, func() {
		h.mu.Lock()
		delete(h.scopes, id)
		h.mu.Unlock()
	}
}

// errScope is what a plugin hears that asks outside of its work.
var errScope = errors.New("this scope is not open")

func (h *Host) scope(id string) (Scope, error) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s, ok := h.scopes[id]
	if !ok {
		return Scope{}, errScope
	}
	return s, nil
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

// Batch implements spec.Host: all calls see one snapshot, in one round trip.
func (h *Host) Batch(ctx context.Context, scope string, calls []spec.ReadCall) ([]spec.ReadResult, error) {
	s, err := h.scope(scope)
	if err != nil {
		return nil, err
	}
	results := make([]spec.ReadResult, len(calls))
	batch := &pgx.Batch{}
	batch.Queue("begin isolation level repeatable read read only")
	for i, c := range calls {
		if err := s.queue(batch, c, &results[i]); err != nil {
			return nil, err
		}
	}
	batch.Queue("commit")
	// A connection whose batch failed is in a transaction; the pool throws it away.
	if err := h.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read: %w", postgres.Translate(err))
	}
	for i := range results {
		cut(&results[i].Page, calls[i].Find)
	}
	return results, nil
}

// queue adds one call's statements to the batch.
func (s Scope) queue(batch *pgx.Batch, c spec.ReadCall, into *spec.ReadResult) error {
	switch {
	case c.Find != nil:
		return s.find(batch, *c.Find, &into.Page)
	case c.Select != nil:
		return s.selectRows(batch, *c.Select, &into.Rows)
	case c.Query != nil:
		return s.call(batch, *c.Query, &into.Rows)
	}
	return errors.New("a read call that asks nothing")
}
