package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestInTx(t *testing.T) {
	t.Parallel()
	const insert = "insert into users (username) values ('ada')"

	t.Run("nil commits", func(t *testing.T) {
		t.Parallel()
		pool := pgtest.New(t).Pool
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), insert)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		wantUsers(t, pool, 1)
	})

	t.Run("an error rolls back and comes back as it is", func(t *testing.T) {
		t.Parallel()
		pool := pgtest.New(t).Pool
		mine := errors.New("mine")
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), insert); err != nil {
				return err
			}
			return mine
		})
		if err != mine { //nolint:errorlint // the very same
			t.Errorf("error is %v, want the function's own", err)
		}
		wantUsers(t, pool, 0)
	})

	t.Run("a panic rolls back", func(t *testing.T) {
		t.Parallel()
		pool := pgtest.New(t).Pool
		func() {
			defer func() { _ = recover() }()
			_ = postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(t.Context(), insert); err != nil {
					return err
				}
				panic("mine")
			})
		}()
		wantUsers(t, pool, 0)
		if n := pool.Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d connections are lost to the pool", n)
		}
	})

	t.Run("a cancelled request rolls back and keeps its connection", func(t *testing.T) {
		t.Parallel()
		pool, err := postgres.Connect(t.Context(), pgtest.New(t).URL, postgres.Options{MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		before := backend(t, pool)
		ctx, cancel := context.WithCancel(t.Context())
		err = postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, insert); err != nil {
				return err
			}
			cancel() // the client hangs up
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context.Canceled", err)
		}
		wantUsers(t, pool, 0)
		if after := backend(t, pool); after != before {
			t.Errorf("the connection was thrown away: backend %d, then %d", before, after)
		}
	})

	t.Run("a deferred constraint fails the commit", func(t *testing.T) {
		t.Parallel()
		pool := pgtest.New(t).Pool
		if _, err := pool.Exec(t.Context(), "create table late (id int constraint late_id unique deferrable initially deferred)"); err != nil {
			t.Fatal(err)
		}
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into late values (1), (1)")
			return err
		})
		if registry.CodeOf(err) != registry.CodeConflict || !postgres.IsUniqueViolation(err, "late_id") {
			t.Errorf("error is %v, want a conflict on late_id", err)
		}
	})
}

func wantUsers(t *testing.T, pool *pgxpool.Pool, want int) {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), "select count(*) from users").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("there are %d users, want %d", n, want)
	}
}

func backend(t *testing.T, pool *pgxpool.Pool) (pid int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	return pid
}
