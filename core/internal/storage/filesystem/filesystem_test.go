package filesystem_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
	"github.com/pakhus/pakhus/core/internal/storage/storagetest"
)

func open(tb testing.TB, root string) *filesystem.Blobs {
	tb.Helper()
	blobs, err := filesystem.New(root)
	if err != nil {
		tb.Fatal(err)
	}
	return blobs
}

func pathOf(root string, key storage.Key) string {
	name := key.String()
	return filepath.Join(root, "sha256", name[:2], name)
}

func TestFilesystem(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Blobs {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "a", "new", "folder"))
	})
}

// The order is the promise: leave out or swap a step, and a power cut between
// the answer and the disk loses the blob.
func TestCommit_flushesEveryStep(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, root)
	data := []byte("durable")
	final := pathOf(root, storagetest.Key(data))
	var steps []string
	blobs.WatchFlushes(func(f *os.File, flush func() error) error {
		rel, _ := filepath.Rel(root, f.Name())
		if filepath.Dir(rel) == "staging" {
			rel = "staging/file"
		}
		_, err := os.Stat(final)
		steps = append(steps, fmt.Sprintf("%s linked=%t", rel, err == nil))
		return flush()
	})
	ab := filepath.Base(filepath.Dir(final))
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(steps, want) {
			t.Errorf("%s flushes\n %s\nwant\n %s", what, strings.Join(steps, "\n "), strings.Join(want, "\n "))
		}
		steps = nil
	}
	storagetest.Commit(t, blobs, data)
	expect("a first commit", "staging/file linked=false", "sha256/"+ab+" linked=true")
	storagetest.Commit(t, blobs, data)
	expect("a commit of what is there", "staging/file linked=true", "sha256/"+ab+" linked=true")
}

func TestCommit_aFlushThatFailsIsNoSuccess(t *testing.T) {
	t.Parallel()
	broken := errors.New("input/output error")
	data := []byte("never")
	for step := range 2 { // as many as a commit has; see the test above
		t.Run(fmt.Sprint("step ", step), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			blobs := open(t, root)
			n := 0
			blobs.WatchFlushes(func(_ *os.File, flush func() error) error {
				if n++; n == step+1 {
					return broken
				}
				return flush()
			})
			s, err := blobs.Stage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err = s.Write(data); err != nil {
				t.Fatal(err)
			}
			if err = s.Seal(t.Context()); err == nil {
				err = s.Commit(t.Context(), storagetest.Key(data))
			} else if again := s.Seal(t.Context()); again == nil {
				t.Error("a second Seal succeeds, though the first flush failed")
			}
			if !errors.Is(err, broken) {
				t.Errorf("got %v, want the disk's error", err)
			}
			if err := s.Discard(); err != nil {
				t.Error(err)
			}
			wantStaging(t, root, 0)
		})
	}
}

func wantStaging(t *testing.T, root string, n int) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(root, "staging"))
	if err != nil || len(left) != n {
		t.Errorf("staging holds %v, %v; want %d files", left, err, n)
	}
}

func TestNoRoom(t *testing.T) {
	t.Parallel()
	for _, errno := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		root := t.TempDir()
		blobs := open(t, root)
		blobs.WatchFlushes(func(f *os.File, _ func() error) error {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: errno}
		})
		s, err := blobs.Stage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = s.Seal(t.Context())
		if registry.CodeOf(err) != registry.CodeUnavailable || !errors.Is(err, errno) {
			t.Errorf("Seal: %v of code %d", err, registry.CodeOf(err))
		}
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
		wantStaging(t, root, 0)
	}
}

// A process that is killed leaves what it had staged, and nothing of it under a key.
func TestCrash(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	before := open(t, root)
	kept := storagetest.Commit(t, before, []byte("acknowledged"))
	for _, how := range []string{"written", "sealed"} {
		s, err := before.Stage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte(how)); err != nil {
			t.Fatal(err)
		}
		if how == "sealed" {
			if err := s.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	after := open(t, root)
	if all := storagetest.Keys(t, after); len(all) != 1 {
		t.Errorf("after the crash there are %v", all)
	}
	if got := storagetest.Read(t, after, kept); string(got) != "acknowledged" {
		t.Errorf("the acknowledged blob reads %q", got)
	}
	wantStaging(t, root, 3) // with the acknowledged one's, which is discarded at the end
	if n, err := after.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil || n != 3 {
		t.Errorf("Sweep: %d, %v", n, err)
	}
	wantStaging(t, root, 0)
}

// That a disk is not mounted must not look as if nothing had ever been stored.
func TestStoreThatIsGone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, root)
	key := storagetest.Commit(t, blobs, []byte("unmounted"))
	if err := os.Rename(filepath.Join(root, "sha256"), filepath.Join(root, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Open(t.Context(), key); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open: %v, want a fault", err)
	}
	if _, err := blobs.Stat(t.Context(), key); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Stat: %v, want a fault", err)
	}
	if err := blobs.Walk(t.Context(), func(storage.Key, storage.Info) error { return nil }); err == nil {
		t.Error("Walk of nothing is no error")
	}
	if err := os.RemoveAll(filepath.Join(root, "staging")); err != nil {
		t.Fatal(err)
	}
	if _, err := blobs.Stage(t.Context()); err == nil || errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Stage: %v, want a fault", err)
	}
	if _, err := blobs.Sweep(t.Context(), time.Now()); err == nil {
		t.Error("Sweep of nothing is no error")
	}
}

func TestCommit_afterSomebodyTidiedUp(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, root)
	data := []byte("comes back")
	key := storagetest.Commit(t, blobs, data)
	if err := os.RemoveAll(filepath.Join(root, "sha256", key.String()[:2])); err != nil {
		t.Fatal(err)
	}
	storagetest.Commit(t, blobs, data)
	if got := storagetest.Read(t, blobs, key); !bytes.Equal(got, data) {
		t.Errorf("the blob reads %q", got)
	}
}

func TestCommit_doesNotHideDamage(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, root)
	data := []byte("cut short by a bad disk")
	key := storagetest.Commit(t, blobs, data)
	if err := os.Truncate(pathOf(root, key), 3); err != nil {
		t.Fatal(err)
	}
	err := storagetest.Stage(t, blobs, data).Commit(t.Context(), key)
	if err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Commit: %v", err)
	}
}

func TestWalk_passesOverWhatIsNoBlob(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, root)
	key := storagetest.Commit(t, blobs, []byte("blob"))
	for _, name := range []string{
		"sha256/README", "sha256/ab/lost+found", "sha256/" + strings.Repeat("0", 64),
		"sha256/00/00/" + strings.Repeat("ff", 32), "sha256/00/00/" + strings.Repeat("00", 31),
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(pathOf(root, key), filepath.Join(root, "sha256/00", strings.Repeat("00", 32))); err != nil {
		t.Fatal(err)
	}
	if all := storagetest.Keys(t, blobs); len(all) != 1 {
		t.Errorf("Walk sees %v", all)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	blobs := open(t, filepath.Join(root, "store"))
	storagetest.Commit(t, blobs, []byte("secret"))
	err := filepath.WalkDir(filepath.Join(root, "store"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, fi.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBlobIsAFile(t *testing.T) {
	t.Parallel()
	blobs := open(t, t.TempDir())
	b, err := blobs.Open(t.Context(), storagetest.Commit(t, blobs, []byte("file")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	f, ok := b.(storage.OSFile)
	if !ok {
		t.Fatal("the kernel cannot send it")
	}
	if got, err := io.ReadAll(f.OSFile()); err != nil || string(got) != "file" {
		t.Errorf("the file reads %q, %v", got, err)
	}
}

// What a publish of 10 KiB costs in storage alone, durable.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 8} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			blobs := open(b, b.TempDir())
			var n atomic.Int64
			b.SetParallelism(writers)
			b.SetBytes(10 << 10)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				data := make([]byte, 10<<10)
				for pb.Next() {
					copy(data, hex.EncodeToString(fmt.Append(nil, n.Add(1))))
					commit(b, blobs, data)
				}
			})
		})
	}
}

func commit(b *testing.B, blobs storage.Blobs, data []byte) {
	b.Helper()
	s, err := blobs.Stage(b.Context())
	if err == nil {
		_, err = s.Write(data)
	}
	if err == nil {
		err = s.Seal(b.Context())
	}
	if err == nil {
		err = s.Commit(b.Context(), storagetest.Key(data))
	}
	if err == nil {
		err = s.Discard()
	}
	if err != nil {
		b.Error(err)
	}
}
