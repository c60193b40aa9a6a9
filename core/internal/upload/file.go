package upload

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// File is one received file. Its methods may be called concurrently.
type File struct {
	Handle      string // 128 random bits; names the file within its request
	Part        string // multipart part, or JSON path joined by "/"
	FileName    string
	ContentType string
	Size        int64
	Digests     spec.Digests
	Inline      []byte // only as far as the policy says
	Head        []byte // the first spec.HeadBytes; nil of a file that is inline

	blobs  storage.Blobs
	key    storage.Key
	small  []byte // the content, if it is not staged
	beside bool   // the content is to be kept beside its row
	mu     sync.Mutex
	staged storage.Staged
	gone   bool

	sealing  sync.WaitGroup // the flush of a large file, which began when it had come
	unsealed error          // why that failed; read after sealing is done
}

var errDiscarded = errors.New("upload: the file was discarded")

// Key is the sha256 of the content, and so the blob's name.
func (f *File) Key() storage.Key { return f.key }

// Content returns what a row about the file says of its bytes.
func (f *File) Content() (size int64, digests spec.Digests) { return f.Size, f.Digests }

// Small is the content of a file that is to be kept beside its row, by whoever
// writes that; nil if it is the store's.
func (f *File) Small() []byte {
	if !f.beside {
		return nil
	}
	return f.small
}

// sealed waits for a large file's bytes to be on the disk.
func (f *File) sealed() error {
	f.sealing.Wait()
	return f.unsealed
}

// Commit makes the content a durable blob. It may be called again, until Discard.
func (f *File) Commit(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return errDiscarded
	}
	if err := f.sealed(); err != nil {
		return err
	}
	if f.staged == nil {
		if err := f.stage(ctx); err != nil {
			return err
		}
	}
	return f.staged.Commit(ctx, f.key)
}

// stage puts a small file where a large one is already.
func (f *File) stage(ctx context.Context) error {
	s, err := f.blobs.Stage(ctx)
	if err != nil {
		return err
	}
	if _, err = s.Write(f.small); err == nil {
		err = s.Seal(ctx)
	}
	if err != nil {
		return errors.Join(err, s.Discard())
	}
	f.staged = s
	return nil
}

// Present reports whether the committed blob is still there: a collector may
// have taken it as long as no row refers to it.
func (f *File) Present(ctx context.Context) (bool, error) {
	info, err := f.blobs.Stat(ctx, f.key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && info.Size == f.Size, err
}

// Open reads the content, committed or not, until Discard.
func (f *File) Open(ctx context.Context) (storage.Blob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.gone:
		return nil, errDiscarded
	case f.small != nil || f.staged == nil:
		return storage.InMemory(f.small), nil
	}
	if err := f.sealed(); err != nil {
		return nil, err
	}
	return f.staged.Open(ctx)
}

// read returns the whole content.
func (f *File) read(ctx context.Context) ([]byte, error) {
	if f.small != nil {
		return f.small, nil
	}
	b, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	data := make([]byte, f.Size)
	_, err = io.ReadFull(b, data)
	return data, err
}

func (f *File) inStore() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.staged != nil
}

// Discard forgets what was not committed. It may be called again.
func (f *File) Discard() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = true
	f.sealing.Wait()
	if f.staged != nil {
		_ = f.staged.Discard()
	}
}
