// Package memory keeps blobs in memory, for tests.
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// Blobs is a store that ends with the process.
type Blobs struct {
	mu     sync.Mutex
	blobs  map[storage.Key]stored
	staged map[*staged]struct{}
}

type stored struct {
	data []byte
	at   time.Time
}

var _ storage.Blobs = (*Blobs)(nil)

// New makes an empty store.
func New() *Blobs {
	return &Blobs{blobs: map[storage.Key]stored{}, staged: map[*staged]struct{}{}}
}

// Stage implements storage.Blobs.
func (b *Blobs) Stage(context.Context) (storage.Staged, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &staged{store: b, at: time.Now()}
	b.staged[s] = struct{}{}
	return s, nil
}

// Open implements storage.Blobs.
func (b *Blobs) Open(_ context.Context, key storage.Key) (storage.Blob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.blobs[key]
	if !ok {
		return nil, fmt.Errorf("open blob %s: %w", key, storage.ErrNotFound)
	}
	return storage.InMemory(s.data), nil
}

// Stat implements storage.Blobs.
func (b *Blobs) Stat(_ context.Context, key storage.Key) (storage.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.blobs[key]
	if !ok {
		return storage.Info{}, fmt.Errorf("stat blob %s: %w", key, storage.ErrNotFound)
	}
	return storage.Info{Size: int64(len(s.data)), ModTime: s.at}, nil
}

// Delete implements storage.Blobs.
func (b *Blobs) Delete(_ context.Context, key storage.Key) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.blobs, key)
	return nil
}

// Walk implements storage.Blobs.
func (b *Blobs) Walk(ctx context.Context, fn func(storage.Key, storage.Info) error) error {
	b.mu.Lock()
	all := maps.Clone(b.blobs)
	b.mu.Unlock()
	for key, s := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(key, storage.Info{Size: int64(len(s.data)), ModTime: s.at}); err != nil {
			return err
		}
	}
	return nil
}

// Sweep implements storage.Blobs.
func (b *Blobs) Sweep(_ context.Context, olderThan time.Time) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for s := range b.staged {
		if s.at.Before(olderThan) {
			delete(b.staged, s)
			n++
		}
	}
	return n, nil
}

// staged is bytes on their way in. Everything in it is under the store's lock.
type staged struct {
	store  *Blobs
	buf    bytes.Buffer
	at     time.Time
	sealed bool
}

// here reports whether the bytes were neither discarded nor swept.
func (s *staged) here() bool {
	_, ok := s.store.staged[s]
	return ok
}

// Write implements io.Writer.
func (s *staged) Write(p []byte) (int, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.sealed || !s.here() {
		return 0, errors.New("storage: write after Seal or Discard")
	}
	s.at = time.Now()
	return s.buf.Write(p)
}

// Seal implements storage.Staged.
func (s *staged) Seal(context.Context) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if !s.here() {
		return errors.New("storage: seal after Discard")
	}
	s.sealed = true
	return nil
}

// Open implements storage.Staged.
func (s *staged) Open(context.Context) (storage.Blob, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if !s.sealed || !s.here() {
		return nil, errors.New("storage: open before Seal or after Discard")
	}
	return storage.InMemory(s.buf.Bytes()), nil
}

// Commit implements storage.Staged.
func (s *staged) Commit(ctx context.Context, key storage.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if !s.sealed || !s.here() {
		return errors.New("storage: commit before Seal or after Discard")
	}
	if have, ok := s.store.blobs[key]; ok && len(have.data) != s.buf.Len() {
		return fmt.Errorf("commit blob %s: there are %d bytes, expected %d: the store is damaged", key, len(have.data), s.buf.Len())
	}
	s.at = time.Now()
	s.store.blobs[key] = stored{data: s.buf.Bytes(), at: s.at} // sealed: nobody writes to it any more
	return nil
}

// Discard implements storage.Staged.
func (s *staged) Discard() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.staged, s)
	return nil
}
