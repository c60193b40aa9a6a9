package plan_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// no grace at all: neither a blob's age nor its row's protects it.
const noGrace = -time.Hour

func collect(t *testing.T, e *env, grace time.Duration, want int) {
	t.Helper()
	n, err := plan.Collect(t.Context(), e.db.Pool, e.blobs, grace)
	if err != nil || n != want {
		t.Errorf("removed %d, %v; want %d", n, err, want)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	kept := plantest.Upload(t, e.blobs, "kept")
	if err := kept.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}

	collect(t, e, time.Hour, 0) // too young
	collect(t, e, noGrace, 1)   // bytes without a row
	if _, err := e.blobs.Stat(t.Context(), kept.Key()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the bytes are still there: %v", err)
	}
	e.want(t, "1", "select count(*) from blobs")

	t.Run("what is published stays", func(t *testing.T) {
		key := storage.Key{}
		if err := e.db.Pool.QueryRow(t.Context(), "select sha256 from package_files where package_id = $1", id).Scan((*keyScanner)(&key)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.blobs.Stat(t.Context(), key); err != nil {
			t.Errorf("the bytes are gone: %v", err)
		}
	})
	t.Run("what is destroyed goes", func(t *testing.T) {
		e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})
		collect(t, e, time.Hour, 0)
		collect(t, e, noGrace, 1)
		e.want(t, "0", "select count(*) from blobs")
	})
	t.Run("a row whose bytes are gone goes", func(t *testing.T) {
		if _, err := e.db.Pool.Exec(t.Context(), "insert into blobs (sha256, size) values (sha256('x'), 1)"); err != nil {
			t.Fatal(err)
		}
		collect(t, e, noGrace, 0)
		e.want(t, "0", "select count(*) from blobs")
	})
}

type keyScanner storage.Key

func (k *keyScanner) ScanBytes(b []byte) error { copy(k[:], b); return nil }

// TestTheCollectorWaitsForAPlan: the bytes of a plan that is about to commit are not collected,
// although the collector has looked for references before there was one.
func TestTheCollectorWaitsForAPlan(t *testing.T) {
	t.Parallel()
	e := setup(t)
	s := e.scope(e.file(t, "u", "bytes"))
	var collector sync.WaitGroup
	r, err := e.exec.CommitWith(t.Context(), s, operations(publishing("a", "1")...), func(context.Context, pgx.Tx) error {
		collector.Go(func() { collect(t, e, noGrace, 0) })
		waitFor(t, e, "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")
		return nil
	})
	collector.Wait()
	if err != nil || r.State != plan.Committed {
		t.Fatalf("result is %+v, %v", r, err)
	}
	if _, err := e.blobs.Stat(t.Context(), s.Uploads["u"].Key()); err != nil {
		t.Errorf("the published bytes were collected: %v", err)
	}
}

// collected is an upload whose bytes the collector takes between the plan's
// storing them and its lock, some times.
type collected struct {
	*upload.File
	blobs storage.Blobs
	times int
}

func (c *collected) Commit(ctx context.Context) error {
	if err := c.File.Commit(ctx); err != nil || c.times == 0 {
		return err
	}
	c.times--
	return c.blobs.Delete(ctx, c.Key())
}

func TestBytesThatWereCollectedInBetween(t *testing.T) {
	t.Parallel()
	e := setup(t)
	f := &collected{File: plantest.Upload(t, e.blobs, "bytes"), blobs: e.blobs, times: 2}
	e.commit(t, e.scope(map[string]plan.File{"u": f}), publishing("a", "1")...)
	if _, err := e.blobs.Stat(t.Context(), f.Key()); err != nil || f.times != 0 {
		t.Errorf("the published bytes are not there: %v; %d", err, f.times)
	}
}

// TestCollectBesidePublishes: whatever the order, what is published has its bytes.
func TestCollectBesidePublishes(t *testing.T) {
	t.Parallel()
	e := setup(t)
	done := make(chan struct{})
	var collector, publishers sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := plan.Collect(t.Context(), e.db.Pool, e.blobs, noGrace); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for worker := range 4 {
		files := make([]map[string]plan.File, 30)
		for i := range files {
			files[i] = e.file(t, "u", "one of five: "+strconv.Itoa(i%5)) // the same bytes over and over
		}
		publishers.Go(func() {
			for i, f := range files {
				name := "w" + strconv.Itoa(worker)
				r, err := e.exec.Commit(t.Context(), e.scope(f), operations(publishing(name, strconv.Itoa(i))...))
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 > 0 {
					_, err = e.exec.Commit(t.Context(), e.scope(), operations(spec.DestroyPackage{Package: spec.PackageRef{ID: r.PackageIDs["p"]}}))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	close(done)
	collector.Wait()
	rows, err := e.db.Pool.Query(t.Context(), "select distinct sha256 from package_files")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil || len(keys) == 0 {
		t.Fatal(len(keys), err)
	}
	for _, k := range keys {
		if _, err := e.blobs.Stat(t.Context(), storage.Key(k)); err != nil {
			t.Errorf("bytes of a published file: %v", err)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
