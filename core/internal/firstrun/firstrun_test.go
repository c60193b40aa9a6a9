package firstrun_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/firstrun"
	"github.com/pakhus/pakhus/core/internal/pgtest"
)

func TestTheFirstRunIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	db, dir := pgtest.New(t), t.TempDir()
	first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x")
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	path := filepath.Join(dir, firstrun.FileName)
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatal(fi, err)
	}
	if written := read(t, dir); written != *first {
		t.Fatalf("%+v", written)
	}
	c, err := auth.New(db.Pool).Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: first.Token}, true, auth.ProjectRef{Path: first.ProjectPath})
	if err != nil || !c.Actor.Admin || c.Project.ID != first.ProjectID {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := auth.New(db.Pool).Login(t.Context(), first.Username, first.Password); err != nil {
		t.Fatal(err)
	}
	if again, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x"); again != nil || err != nil {
		t.Fatal(again, err)
	}
}

// A first run whose file cannot be written has not happened.
func TestWithoutItsFileTheFirstRunHasNotHappened(t *testing.T) {
	t.Parallel()
	db, dir := pgtest.New(t), t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := firstrun.Run(t.Context(), db.Pool, blocked, "http://x"); err == nil {
		t.Fatal("it wrote below a file")
	}
	if first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x"); first == nil || err != nil {
		t.Fatal(first, err)
	}
}

// The file is there before the transaction commits. If that fails, or the
// process dies just then, the next start begins anew, and its file is the one
// that is true.
func TestAfterAFailedCommitTheNextStartWritesTheFileAnew(t *testing.T) {
	t.Parallel()
	db, dir := pgtest.New(t), t.TempDir()
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("create function fail() returns trigger language plpgsql as $$ begin raise 'the power is off'; end $$")
	exec("create constraint trigger fail after insert on tokens deferrable initially deferred for each row execute function fail()")
	if first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x"); first != nil || err == nil {
		t.Fatalf("it committed: %+v", first)
	}
	lost := read(t, dir)
	exec("drop trigger fail on tokens")
	first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x")
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	if written := read(t, dir); written != *first || written.Token == lost.Token {
		t.Errorf("the file says %+v, made was %+v", written, *first)
	}
	authenticator := auth.New(db.Pool)
	for token, works := range map[string]bool{lost.Token: false, first.Token: true} {
		if _, err := authenticator.Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: token}, true, auth.ProjectRef{}); (err == nil) != works {
			t.Errorf("works %t: %v", works, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// Of several nodes that start on one empty database, one does the first run.
func TestOneOfManyNodesDoesTheFirstRun(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var (
		wg   sync.WaitGroup
		done atomic.Int32
	)
	for range 4 {
		dir := t.TempDir()
		wg.Go(func() {
			first, err := firstrun.Run(t.Context(), db.Pool, dir, "http://x")
			if err != nil {
				t.Error(err)
			}
			if first != nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if n := done.Load(); n != 1 {
		t.Errorf("%d nodes did it", n)
	}
}

func read(t *testing.T, dir string) (r firstrun.Result) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, firstrun.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
