package plan_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// failing makes the database fail inserts into a table: the first n of them, with an SQLSTATE.
func failing(t *testing.T, e *env, table, state string, n int) {
	t.Helper()
	_, err := e.db.Pool.Exec(t.Context(), strings.NewReplacer("TABLE", table, "STATE", state, "COUNT", itoa(n)).Replace(`
		create sequence failures;
		create function fail() returns trigger language plpgsql as $$ begin
			-- A sequence does not roll back.
			if nextval('failures') <= COUNT then raise exception 'made to fail' using errcode = 'STATE'; end if;
			return new;
		end $$;
		create trigger fail before insert on TABLE for each row execute function fail()`))
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatAnotherTransactionGetsInTheWayOf(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"a deadlock": "40P01", "a serialization failure": "40001", "a lock timeout": "55P03"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setup(t)
			failing(t, e, "package_files", state, 2)
			e.publish(t, "a", "1")
			e.want(t, "1 1 1", "select concat_ws(' ', (select count(*) from packages), (select count(*) from package_files), (select count(*) from intents))")
		})
	}
	t.Run("again and again", func(t *testing.T) {
		t.Parallel()
		e := setup(t)
		failing(t, e, "package_files", "40P01", 100)
		_, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(publishing("a", "1")...))
		if registry.CodeOf(err) != registry.CodeUnavailable {
			t.Errorf("error is %v, want CodeUnavailable", err)
		}
		e.want(t, "4", "select last_value from failures")
		e.want(t, "0 0 0 0 0 0 0 0", everything)
	})
	t.Run("what fails for another reason is not repeated", func(t *testing.T) {
		t.Parallel()
		e := setup(t)
		failing(t, e, "package_files", "P0001", 1)
		_, err := e.exec.Commit(t.Context(), e.scope(e.file(t, "u", "x")), operations(publishing("a", "1")...))
		if registry.CodeOf(err) != registry.CodeInternal || !strings.Contains(err.Error(), "operation 1 (spec.AttachFile)") {
			t.Errorf("error is %v", err)
		}
		e.want(t, "0 0 0 0 0 0 0 0", everything)
	})
}

func TestOneMoreChange(t *testing.T) {
	t.Parallel()
	e := setup(t)
	also := func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into users (username) values ('from-the-hook')")
		return err
	}
	s := e.scope(e.file(t, "u", "x"))
	r, err := e.exec.CommitWith(t.Context(), s, operations(publishing("a", "1")...), also)
	if err != nil || r.State != plan.Committed {
		t.Fatalf("result is %+v, %v", r, err)
	}
	e.want(t, "1 1", "select concat_ws(' ', (select count(*) from packages), (select count(*) from users))")
	// The hook's own failure undoes the plan.
	if _, err := e.exec.CommitWith(t.Context(), s, operations(publishing("a", "2")...), also); err == nil {
		t.Error("the hook failed, and there is no error")
	}
	wanted := errors.New("no")
	_, err = e.exec.CommitWith(t.Context(), s, operations(publishing("a", "3")...), func(context.Context, pgx.Tx) error { return wanted })
	if !errors.Is(err, wanted) {
		t.Errorf("error is %v", err)
	}
	e.want(t, "1 1", "select concat_ws(' ', (select count(*) from packages), (select count(*) from users))")
}

func TestAClientThatWentAway(t *testing.T) {
	t.Parallel()
	e := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := e.scope(e.file(t, "u", "x"))

	t.Run("before the commit nothing happens", func(t *testing.T) {
		_, err := e.exec.CommitWith(ctx, s, operations(publishing("a", "1")...), func(ctx context.Context, _ pgx.Tx) error {
			cancel()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		e.want(t, "0", "select count(*) from packages")
	})
	t.Run("from the commit on it is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := e.exec.CommitWith(ctx, s, operations(publishing("a", "1")...), func(context.Context, pgx.Tx) error {
			cancel()
			return nil
		})
		if err != nil || r.State != plan.Committed {
			t.Errorf("result is %+v, %v", r, err)
		}
		e.want(t, "1", "select count(*) from packages")
	})
}
