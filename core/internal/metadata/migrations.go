package metadata

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// pending returns the numbers of the migrations to run, from 1. A migration
// that has run must not have changed since.
func (i *installer) pending(ctx context.Context) ([]int, error) {
	applied := map[int][]byte{}
	rows, err := i.core.Query(ctx, "select version, sha256 from "+quote(i.schema)+".schema_migrations where version > 0")
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	var (
		version int
		sum     []byte
	)
	if _, err := pgx.ForEachRow(rows, []any{&version, &sum}, func() error {
		applied[version] = sum
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	migrations := i.manifest.Metadata.Migrations
	for v := range applied {
		if v > len(migrations) {
			return nil, fmt.Errorf("the database has migration %d, this plugin knows %d: a newer version of the plugin has run", v, len(migrations))
		}
	}
	var pending []int
	for n, m := range migrations {
		sum, ok := applied[n+1]
		if !ok {
			pending = append(pending, n+1)
			continue
		}
		if want := sha256.Sum256([]byte(m.SQL)); string(sum) != string(want[:]) {
			return nil, fmt.Errorf("migration %d (%s) has run and was changed since", n+1, m.Name)
		}
	}
	return pending, nil
}

// migrate runs migrations, each as a script within a block: there, PostgreSQL
// refuses to end the transaction.
func (i *installer) migrate(ctx context.Context, tx pgx.Tx, pending []int) error {
	for _, n := range pending {
		m := i.manifest.Metadata.Migrations[n-1]
		if _, err := tx.Exec(ctx, "select pg_catalog.set_config('pakhus.migration', $1, true)", m.SQL); err != nil {
			return fmt.Errorf("migration %d (%s): %w", n, m.Name, err)
		}
		if _, err := tx.Exec(ctx, "do $$ begin execute pg_catalog.current_setting('pakhus.migration'); end $$"); err != nil {
			return fmt.Errorf("migration %d (%s): %w", n, m.Name, err)
		}
		sum := sha256.Sum256([]byte(m.SQL))
		if _, err := tx.Exec(ctx, "insert into "+quote(i.schema)+".schema_migrations (version, name, sha256) values ($1, $2, $3)", n, m.Name, sum[:]); err != nil {
			return fmt.Errorf("record migration %d: %w", n, err)
		}
	}
	return nil
}
