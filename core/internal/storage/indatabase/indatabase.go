// Package indatabase reads small files from where plans put them, beside their
// row; see docs/adr/0015.
package indatabase

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage"
)

// Blobs is a store whose small blobs may be in the database instead. It is read
// like any other; what is staged and committed goes to the store behind it, for a
// small file is written by the plan that publishes it.
type Blobs struct {
	storage.Blobs

	pool *pgxpool.Pool
}

// Over returns a store that looks in the database for what behind does not have.
func Over(behind storage.Blobs, pool *pgxpool.Pool) *Blobs {
	return &Blobs{Blobs: behind, pool: pool}
}

// Open implements storage.Blobs. The store is asked first, which costs nothing
// where it is a folder.
func (b *Blobs) Open(ctx context.Context, key storage.Key) (storage.Blob, error) {
	blob, err := b.Blobs.Open(ctx, key)
	if !errors.Is(err, storage.ErrNotFound) {
		return blob, err
	}
	var content []byte
	inDatabase := b.pool.QueryRow(ctx, "select content from blobs where sha256 = $1 and content is not null", key[:]).Scan(&content)
	if errors.Is(inDatabase, pgx.ErrNoRows) {
		return nil, err
	}
	if inDatabase != nil {
		return nil, fmt.Errorf("open blob: %w", postgres.Translate(inDatabase)) // a fault, never "not found"
	}
	return storage.InMemory(content), nil
}
