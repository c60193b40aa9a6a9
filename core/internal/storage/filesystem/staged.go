package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// staged is a file in staging.
type staged struct {
	store  *Blobs
	file   *os.File // nil once sealed
	path   string
	size   int64
	sealed bool
	gone   bool
}

var _ storage.Staged = (*staged)(nil)

// Write implements io.Writer.
func (s *staged) Write(p []byte) (int, error) {
	if s.sealed || s.gone {
		return 0, errors.New("storage: write after Seal or Discard")
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		return n, translate("write staged file", err)
	}
	return n, nil
}

// Seal implements storage.Staged.
func (s *staged) Seal(context.Context) error {
	if s.sealed {
		return nil
	}
	err := s.file.Sync()
	if closed := s.file.Close(); err == nil {
		err = closed
	}
	s.file = nil
	if err != nil {
		return translate("flush staged file", err)
	}
	s.sealed = true
	return nil
}

// Open implements storage.Staged.
func (s *staged) Open(context.Context) (storage.Blob, error) {
	if !s.sealed || s.gone {
		return nil, errors.New("storage: open before Seal or after Discard")
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, translate("open staged file", err)
	}
	return newBlob(f)
}

// Commit implements storage.Staged. The bytes are linked, not renamed, so that
// they are there for another Commit should a collector take the blob before a
// row refers to it.
func (s *staged) Commit(_ context.Context, key storage.Key) error {
	if !s.sealed || s.gone {
		return errors.New("storage: commit before Seal or after Discard")
	}
	path := s.store.path(key)
	if reused, err := s.reuse(path); reused || err != nil {
		return err
	}
	if err := s.store.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	switch err := os.Link(s.path, path); {
	case errors.Is(err, fs.ErrExist):
		// Another writer of the same bytes was first.
		if reused, err := s.reuse(path); reused || err != nil {
			return err
		}
		return fmt.Errorf("commit blob %s: it came and went", key)
	case err != nil:
		return translate("commit blob", err)
	}
	return syncDir(filepath.Dir(path))
}

// reuse takes a blob that is there already. Its folder is flushed all the
// same: whoever linked it may not have come so far yet.
func (s *staged) reuse(path string) (bool, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, translate("commit blob", err)
	}
	if fi.Size() != s.size {
		return false, fmt.Errorf("commit blob: %s has %d bytes, expected %d: the store is damaged", path, fi.Size(), s.size)
	}
	// The collector's grace starts anew.
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, translate("commit blob", err)
	}
	return true, syncDir(filepath.Dir(path))
}

// makeDir makes a blob's folder and its parent, and flushes the folders that got a new name.
func (b *Blobs) makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Mkdir(d, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return translate("make blob folder", err)
		}
		if err := syncDir(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// Discard implements storage.Staged.
func (s *staged) Discard() error {
	if s.gone {
		return nil
	}
	s.gone = true
	if s.file != nil {
		_ = s.file.Close()
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return translate("discard staged file", err)
	}
	return nil
}

// blob is an open file; its *os.File lets the kernel send it (sendfile).
type blob struct {
	*os.File
	size int64
}

func newBlob(f *os.File) (storage.Blob, error) {
	fi, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, translate("stat blob", err)
	}
	return &blob{File: f, size: fi.Size()}, nil
}

// Size implements storage.Blob.
func (b *blob) Size() int64 { return b.size }

// OSFile returns the file for sendfile.
func (b *blob) OSFile() *os.File { return b.File }
