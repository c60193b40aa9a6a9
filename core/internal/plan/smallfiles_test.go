package plan_test

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/indatabase"
	"github.com/pakhus/pakhus/sdk/spec"
)

// small is an upload that is kept in the database.
func (e *env) small(tb testing.TB, handle, content string) map[string]plan.File {
	tb.Helper()
	return map[string]plan.File{handle: plantest.SmallUpload(tb, e.blobs, content)}
}

// wantContent reads bytes as the registry does, wherever they are.
func (e *env) wantContent(tb testing.TB, key storage.Key, want string) {
	tb.Helper()
	blob, err := indatabase.Over(e.blobs, e.db.Pool).Open(tb.Context(), key)
	if err != nil {
		tb.Errorf("open: %v", err)
		return
	}
	defer func() { _ = blob.Close() }()
	if got, err := io.ReadAll(blob); err != nil || string(got) != want {
		tb.Errorf("read %q, %v; want %q", got, err, want)
	}
}

func TestASmallFileIsKeptBesideItsRow(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for _, content := range []string{"small", ""} {
		upload := e.small(t, "u", content)
		e.commit(t, e.scope(upload), publishing("a"+content, "1")...)
		if there, err := upload["u"].Present(t.Context()); there || err != nil {
			t.Errorf("%q is in the store: %v", content, err)
		}
		e.wantContent(t, upload["u"].Key(), content)
	}
	t.Run("twice in one plan", func(t *testing.T) {
		s := e.scope(e.small(t, "u", "same"), e.small(t, "v", "same"))
		e.commit(t, s, append(publishing("b", "1"),
			spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "v", FileName: "copy"})...)
		e.wantContent(t, s.Uploads["u"].Key(), "same")
	})
	t.Run("by many at once", func(t *testing.T) {
		var all sync.WaitGroup
		for n := range 8 {
			s := e.scope(e.small(t, "u", "shared"))
			all.Go(func() {
				if r, err := e.exec.Commit(t.Context(), s, operations(publishing(fmt.Sprint("c", n), "1")...)); err != nil || r.State != plan.Committed {
					t.Errorf("%d: %+v, %v", n, r, err)
				}
			})
		}
		all.Wait()
		e.want(t, "1", "select count(*) from blobs where content = 'shared'")
	})
	t.Run("and in the store, by another setting", func(t *testing.T) {
		s := e.scope(e.file(t, "u", "small"))
		e.commit(t, s, publishing("d", "1")...)
		e.wantContent(t, s.Uploads["u"].Key(), "small")
		again := e.scope(e.small(t, "u", "d1"))
		e.publish(t, "d", "2") // of the bytes "d2", in the store
		e.commit(t, again, publishing("e", "1")...)
		e.wantContent(t, again.Uploads["u"].Key(), "d1")
	})
	t.Run("of a row whose bytes were collected", func(t *testing.T) {
		if _, err := e.db.Pool.Exec(t.Context(), "insert into blobs (sha256, size) values (sha256('lost'), 4)"); err != nil {
			t.Fatal(err)
		}
		s := e.scope(e.small(t, "u", "lost"))
		e.commit(t, s, publishing("f", "1")...)
		e.wantContent(t, s.Uploads["u"].Key(), "lost")
	})
	t.Run("nothing of a refused plan", func(t *testing.T) {
		s := e.scope(e.small(t, "u", "refused"))
		if r, err := e.exec.Commit(t.Context(), s, operations(publishing("f", "1")...)); err != nil || r.State != plan.Refused {
			t.Errorf("%+v, %v", r, err)
		}
		e.want(t, "0", "select count(*) from blobs where content = 'refused'")
	})
}

func TestSmallFilesAreCollected(t *testing.T) {
	t.Parallel()
	e := setup(t)
	upload := e.small(t, "u", "small")
	one := e.commit(t, e.scope(upload), publishing("a", "1")...).PackageIDs["p"]
	two := e.commit(t, e.scope(e.small(t, "u", "small")), publishing("b", "1")...).PackageIDs["p"]
	e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: one}})
	collect(t, e, noGrace, 0) // the other one has them
	e.wantContent(t, upload["u"].Key(), "small")
	e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: two}})
	collect(t, e, noGrace, 1)
	e.want(t, "0", "select count(*) from blobs")
	if _, err := indatabase.Over(e.blobs, e.db.Pool).Open(t.Context(), upload["u"].Key()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("error is %v, want ErrNotFound", err)
	}
	// And what comes again is there again.
	e.commit(t, e.scope(e.small(t, "u", "small")), publishing("c", "1")...)
	e.wantContent(t, upload["u"].Key(), "small")
}

// A database that does not answer says nothing about what there is.
func TestAFaultIsNotAMissingFile(t *testing.T) {
	t.Parallel()
	e := setup(t)
	gone, err := pgxpool.New(t.Context(), e.db.URL)
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	if _, err := indatabase.Over(e.blobs, gone).Open(t.Context(), storage.Key{1}); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("error is %v, want a fault", err)
	}
}
