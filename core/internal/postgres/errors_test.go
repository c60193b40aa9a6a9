package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	pg := func(code string) error { return &pgconn.PgError{Code: code} }
	for name, c := range map[string]struct {
		err  error
		want registry.Code
	}{
		"no row":                  {pgx.ErrNoRows, registry.CodeNotFound},
		"a taken key":             {pg(pgerrcode.UniqueViolation), registry.CodeConflict},
		"too many connections":    {pg(pgerrcode.TooManyConnections), registry.CodeUnavailable},
		"disk full":               {pg(pgerrcode.DiskFull), registry.CodeUnavailable},
		"shutting down":           {pg(pgerrcode.AdminShutdown), registry.CodeUnavailable},
		"another session crashed": {pg(pgerrcode.CrashShutdown), registry.CodeUnavailable},
		"starting up":             {pg(pgerrcode.CannotConnectNow), registry.CodeUnavailable},
		"a lost connection":       {pg(pgerrcode.ConnectionFailure), registry.CodeUnavailable},
		"a deadlock":              {pg(pgerrcode.DeadlockDetected), registry.CodeUnavailable},
		"a standby":               {pg(pgerrcode.ReadOnlySQLTransaction), registry.CodeUnavailable},
		"a broken socket":         {io.ErrUnexpectedEOF, registry.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrapped := fmt.Errorf("find it: %w", c.err)
			got := postgres.Translate(wrapped)
			if registry.CodeOf(got) != c.want {
				t.Errorf("code is %v, want %v", registry.CodeOf(got), c.want)
			}
			if !errors.Is(got, c.err) {
				t.Errorf("the cause is lost: %v", got)
			}
			if again := postgres.Translate(got); again != got { //nolint:errorlint // the very same
				t.Errorf("translated twice: %v", again)
			}
		})
	}
}

func TestTranslateLeavesAlone(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil,
		errors.New("ours"),
		context.Canceled,
		fmt.Errorf("acquire: %w", context.DeadlineExceeded),
		&pgconn.PgError{Code: pgerrcode.SyntaxError},
		&pgconn.PgError{Code: pgerrcode.ForeignKeyViolation},
		registry.Errorf(registry.CodeTooLarge, "too large").Because(pgx.ErrNoRows),
	} {
		if got := postgres.Translate(err); got != err { //nolint:errorlint // the very same
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestErrorsOfARealServer(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool
	insert := func() error {
		_, err := pool.Exec(t.Context(), "insert into users (username) values ('ada')")
		return err
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	err := insert()
	if registry.CodeOf(postgres.Translate(err)) != registry.CodeConflict {
		t.Errorf("a taken name is %v, want a conflict", err)
	}
	for constraint, want := range map[string]bool{"users_username": true, "": true, "users_pkey": false} {
		if got := postgres.IsUniqueViolation(postgres.Translate(err), constraint); got != want {
			t.Errorf("IsUniqueViolation(%q) is %v, want %v", constraint, got, want)
		}
	}
	if postgres.IsUniqueViolation(errors.New("ours"), "") {
		t.Error("any error is a unique violation")
	}

	_, err = pool.Exec(t.Context(), "select pg_terminate_backend(pg_backend_pid())")
	if registry.CodeOf(postgres.Translate(err)) != registry.CodeUnavailable {
		t.Errorf("an ended session is %v, want CodeUnavailable", err)
	}
}

func TestAnExhaustedPoolIsTheCallersDeadline(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Connect(t.Context(), pgtest.New(t).URL, postgres.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	err = postgres.InTx(ctx, pool, func(pgx.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want the deadline", err)
	}
}

// A server behind a wall that drops everything: connecting runs out of its own time.
func TestAServerThatCannotBeReachedIsUnavailable(t *testing.T) {
	t.Parallel()
	cfg, err := pgx.ParseConfig("postgres://nobody@127.0.0.1:1/none?sslmode=disable&connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, err = pgx.ConnectConfig(t.Context(), cfg)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("not what was to be shown: %v", err)
	}
	if got := registry.CodeOf(postgres.Translate(err)); got != registry.CodeUnavailable {
		t.Errorf("code %v of %v", got, err)
	}
}
