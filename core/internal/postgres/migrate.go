package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/tern/v2/migrate"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/pakhus/pakhus/migrations"
)

// ErrNewerDatabase is what Migrate answers for a database that a newer Pakhus has migrated.
var ErrNewerDatabase = errors.New("the database is newer than this binary")

// migrationLock is an arbitrary number that all nodes use. Migrations of formats have their own.
const migrationLock = int64(7_238_116_804_511_967_337)

// versionTable holds the number of the last of the core's migrations that ran.
const versionTable = "public.schema_version"

// Migrate brings the database at url to this binary's schema: the core's migrations and those of
// the job queue, each in its own transaction, forward only. Nodes that start at once wait for each
// other, as long as ctx allows. A database that a newer Pakhus has
// migrated is refused untouched.
// The URL must lead to the server itself or to a pooler in session mode: the lock is a session's.
func Migrate(ctx context.Context, url string) error { return migrateWith(ctx, url, migrations.Files) }

func migrateWith(ctx context.Context, url string, files fs.FS) (err error) {
	cfg, err := poolConfig(url)
	if err != nil {
		return err
	}
	cfg.MaxConns = 2 // the lock's connection, and one for River
	// A migration that waits for a lock holds up everybody who comes after it.
	cfg.ConnConfig.RuntimeParams["lock_timeout"] = "30s"
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "15min"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", Translate(err))
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", Translate(err))
	}
	defer conn.Release()

	unlock, err := lockMigrations(ctx, conn.Conn())
	if err != nil {
		return err
	}
	defer unlock()
	queue, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("read the queue's migrations: %w", err)
	}
	// Both are asked before either is changed.
	core, err := loadCore(ctx, conn.Conn(), files)
	if err != nil {
		return err
	}
	if err := refuseNewerQueue(ctx, conn.Conn(), queue); err != nil {
		return err
	}
	if err := core.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", Translate(err))
	}
	if _, err := queue.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the queue's schema: %w", Translate(err))
	}
	return nil
}

// lockMigrations waits until no other node migrates this database.
func lockMigrations(ctx context.Context, conn *pgx.Conn) (unlock func(), err error) {
	// Waiting for another node is no reason to give up: both timeouts are for migrations.
	for _, sql := range []string{"set lock_timeout = 0", "set statement_timeout = 0"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, fmt.Errorf("lift timeouts: %w", Translate(err))
		}
	}
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", migrationLock); err != nil {
		return nil, fmt.Errorf("wait for the migration lock: %w", Translate(err))
	}
	if _, err := conn.Exec(ctx, "reset all"); err != nil {
		return nil, fmt.Errorf("restore timeouts: %w", Translate(err))
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		// If this fails, closing the connection gives up the lock.
		_, _ = conn.Exec(ctx, "select pg_advisory_unlock($1)", migrationLock)
	}, nil
}

// loadCore prepares the core's migrations, unless the database is ahead of them.
func loadCore(ctx context.Context, conn *pgx.Conn, files fs.FS) (*migrate.Migrator, error) {
	m, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", Translate(err))
	}
	if err := m.LoadMigrations(files); err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	has, err := m.GetCurrentVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", Translate(err))
	}
	if knows := len(m.Migrations); int(has) > knows {
		return nil, newer("schema", int(has), knows)
	}
	return m, nil
}

func refuseNewerQueue(ctx context.Context, conn *pgx.Conn, queue *rivermigrate.Migrator[pgx.Tx]) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select to_regclass('river_migration') is not null").Scan(&exists); err != nil {
		return fmt.Errorf("look for the queue's schema: %w", Translate(err))
	}
	if !exists {
		return nil
	}
	var has int
	if err := conn.QueryRow(ctx, "select coalesce(max(version), 0) from river_migration").Scan(&has); err != nil {
		return fmt.Errorf("read the queue's version: %w", Translate(err))
	}
	known := queue.AllVersions()
	if knows := known[len(known)-1].Version; has > knows {
		return newer("queue", has, knows)
	}
	return nil
}

func newer(what string, has, knows int) error {
	return fmt.Errorf("%w: its %s is at version %d, this Pakhus knows versions up to %d; start one at least as new as the one that ran last",
		ErrNewerDatabase, what, has, knows)
}
