package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage"
)

// Stored is what the collector needs of a blob store.
type Stored interface {
	Stat(ctx context.Context, key storage.Key) (storage.Info, error)
	Delete(ctx context.Context, key storage.Key) error
	Walk(ctx context.Context, fn func(storage.Key, storage.Info) error) error
}

// collectBatch is how many blobs are asked about at a time.
const collectBatch = 1000

// Collect removes blobs that no file refers to and that were committed before
// the grace period began, and returns how many. It is safe beside publishes: a
// blob is looked at again, and removed, under a lock that a plan about to refer
// to it holds. One pass at a time is enough; more do no harm.
func Collect(ctx context.Context, pool *pgxpool.Pool, blobs Stored, grace time.Duration) (int, error) {
	c := &collector{pool: pool, blobs: blobs, before: time.Now().Add(-grace)}
	err := blobs.Walk(ctx, func(key storage.Key, info storage.Info) error {
		if info.ModTime.After(c.before) {
			return nil
		}
		if c.candidates = append(c.candidates, key); len(c.candidates) < collectBatch {
			return nil
		}
		return c.collect(ctx)
	})
	if err == nil {
		err = c.collect(ctx)
	}
	if err == nil {
		err = c.collectRows(ctx)
	}
	if err != nil {
		return c.removed, fmt.Errorf("collect blobs: %w", postgres.Translate(err))
	}
	return c.removed, nil
}

type collector struct {
	pool       *pgxpool.Pool
	blobs      Stored
	before     time.Time
	candidates []storage.Key
	removed    int
}

// collect removes those of the candidates that nobody wants. Most are wanted:
// that is asked for many at once and without locks first.
func (c *collector) collect(ctx context.Context) error {
	keys := make([][]byte, len(c.candidates))
	for i := range c.candidates {
		keys[i] = c.candidates[i][:]
	}
	c.candidates = c.candidates[:0]
	return c.removeAll(ctx, `
		select k from unnest($1::bytea[]) k
		where not exists (select from package_files f where f.sha256 = k)`, keys)
}

// collectRows removes rows whose blob is gone already: a pass ended between the two.
func (c *collector) collectRows(ctx context.Context) error {
	return c.removeAll(ctx, `
		select b.sha256 from blobs b
		where b.created_at < $1 and not exists (select from package_files f where f.sha256 = b.sha256)`, c.before)
}

// removeAll removes the blobs that a query names.
func (c *collector) removeAll(ctx context.Context, query string, arg any) error {
	rows, err := c.pool.Query(ctx, query, arg)
	if err != nil {
		return err
	}
	unwanted, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return err
	}
	for _, k := range unwanted {
		if err := c.removeOne(ctx, storage.Key(k)); err != nil {
			return err
		}
	}
	return nil
}

// removeOne removes a blob, bytes before row, unless it is wanted after all.
func (c *collector) removeOne(ctx context.Context, key storage.Key) error {
	return postgres.InTx(ctx, c.pool, func(tx pgx.Tx) error {
		// The lock is a statement of its own: the next one then sees what its last holder has committed.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", blobLock(key)); err != nil {
			return err
		}
		var wanted bool
		if err := tx.QueryRow(ctx, "select exists (select from package_files where sha256 = $1)", key[:]).Scan(&wanted); err != nil || wanted {
			return err
		}
		// A publish may have refreshed the bytes and be waiting for our lock.
		info, err := c.blobs.Stat(ctx, key)
		there := !errors.Is(err, storage.ErrNotFound)
		if there && err != nil {
			return err
		}
		if there && info.ModTime.After(c.before) {
			return nil
		}
		if there {
			if err := c.blobs.Delete(ctx, key); err != nil {
				return err
			}
			c.removed++
		}
		var besideRow bool
		err = tx.QueryRow(ctx, "delete from blobs where sha256 = $1 returning content is not null", key[:]).Scan(&besideRow)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if besideRow && !there {
			c.removed++
		}
		return err
	})
}
