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

// Collect removes blobs that no file refers to and that were committed before
// the grace period began, and returns how many. It is safe beside publishes: a
// blob is looked at again, and removed, under a lock that a plan about to refer
// to it holds. One pass at a time is enough; more do no harm.
func Collect(ctx context.Context, pool *pgxpool.Pool, blobs storage.Blobs, grace time.Duration) (int, error) {
	before := time.Now().Add(-grace)
	n := 0
	err := blobs.Walk(ctx, func(key storage.Key, info storage.Info) error {
		if info.ModTime.After(before) {
			return nil
		}
		removed, err := collectOne(ctx, pool, blobs, key, before)
		if removed {
			n++
		}
		return err
	})
	if err != nil {
		return n, fmt.Errorf("collect blobs: %w", err)
	}
	return n, nil
}

func collectOne(ctx context.Context, pool *pgxpool.Pool, blobs storage.Blobs, key storage.Key, before time.Time) (removed bool, err error) {
	var wanted bool
	// Most blobs are wanted: ask without a lock first.
	if err := pool.QueryRow(ctx, "select exists (select from package_files where sha256 = $1)", key[:]).Scan(&wanted); err != nil || wanted {
		return false, postgres.Translate(err)
	}
	err = postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `
			select exists (select from package_files where sha256 = $2)
			from pg_advisory_xact_lock(hashtextextended($1, 0))`, blobLock(key.String()), key[:]).Scan(&wanted); err != nil || wanted {
			return postgres.Translate(err)
		}
		// A publish may have refreshed the bytes and be waiting for our lock.
		info, err := blobs.Stat(ctx, key)
		if err != nil || info.ModTime.After(before) {
			return ignoreMissing(err)
		}
		if err := blobs.Delete(ctx, key); err != nil {
			return err
		}
		removed = true
		_, err = tx.Exec(ctx, "delete from blobs where sha256 = $1", key[:])
		return postgres.Translate(err)
	})
	return removed, err
}

func ignoreMissing(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
