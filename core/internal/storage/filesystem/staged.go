package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// staged is a file in staging.
type staged struct {
	store  *Blobs
	file   *os.File // nil once it is sealed, or failed to be
	path   string
	size   int64
	sealed bool
	gone   bool
}

var (
	_ storage.Staged = (*staged)(nil)

	errNotWritable = errors.New("storage: write after Seal or Discard")
	errNotSealed   = errors.New("storage: staged bytes are used before Seal or after Discard")
)

// Write implements io.Writer.
func (s *staged) Write(p []byte) (int, error) {
	if s.file == nil {
		return 0, errNotWritable
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, fault("write staged file", err)
}

// Seal implements storage.Staged. A flush that failed is not tried again: the
// kernel may have dropped what it could not write.
func (s *staged) Seal(context.Context) error {
	if s.sealed {
		return nil
	}
	if s.file == nil {
		return errNotWritable
	}
	err := s.store.folders.flush(s.file)
	if closed := s.file.Close(); err == nil {
		err = closed
	}
	s.file, s.sealed = nil, err == nil
	return fault("flush staged file", err)
}

// Open implements storage.Staged.
func (s *staged) Open(context.Context) (storage.Blob, error) {
	if !s.sealed || s.gone {
		return nil, errNotSealed
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fault("open staged file", err)
	}
	return newBlob(f)
}

// Commit implements storage.Staged. The bytes are linked, not renamed, so that
// they are there for another Commit should a collector take the blob before a
// row refers to it; a link costs some 10 % more than a rename would. What is
// there already is looked for first, because ext4 flushes a file that takes
// another one's name.
func (s *staged) Commit(ctx context.Context, key storage.Key) error {
	if !s.sealed || s.gone {
		return errNotSealed
	}
	// A folder may be tidied away, and a blob collected, between any two steps.
	const tries = 10
	var err error
	for range tries {
		if err = ctx.Err(); err != nil {
			return err
		}
		if err = s.commit(key); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if errors.Is(err, fs.ErrNotExist) {
			if err := s.store.folders.restore(key); err != nil {
				return err
			}
		}
	}
	return err
}

func (s *staged) commit(key storage.Key) error {
	if err := s.take(key, s.store.path(key)); err != nil {
		return fault("commit blob", err)
	}
	// Of a blob that was there, too: whoever linked it may not have come so far yet.
	return s.store.folders.flush.dir(s.store.folders.path(key))
}

// take makes the bytes, or equal ones that are there, the key's. Either way the
// collector's grace starts anew.
func (s *staged) take(key storage.Key, path string) error {
	now := time.Now()
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Chtimes(s.path, now, now); err != nil {
			return err
		}
		return os.Link(s.path, path)
	}
	if err != nil {
		return err
	}
	if fi.Size() != s.size {
		return fmt.Errorf("%s has %d bytes, expected %d: the store is damaged", key, fi.Size(), s.size)
	}
	return os.Chtimes(path, now, now)
}

// Discard implements storage.Staged.
func (s *staged) Discard() error {
	if s.gone {
		return nil
	}
	s.gone = true
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault("discard staged file", err)
	}
	return nil
}

// blob is an open file; its *os.File lets the kernel send it.
type blob struct {
	*os.File
	size int64
}

var _ storage.OSFile = (*blob)(nil)

func newBlob(f *os.File) (storage.Blob, error) {
	fi, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fault("stat blob", err)
	}
	return &blob{File: f, size: fi.Size()}, nil
}

// Size implements storage.Blob.
func (b *blob) Size() int64 { return b.size }

// OSFile implements storage.OSFile.
func (b *blob) OSFile() *os.File { return b.File }
