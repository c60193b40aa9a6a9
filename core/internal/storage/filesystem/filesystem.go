// Package filesystem keeps blobs in a folder.
//
// A blob becomes durable in four steps, and only after all of them does Commit
// return: the bytes are written to a file in staging, the file is flushed, it
// is linked under its final name, and the folder of that name is flushed. With
// any of them left out, a power cut can lose an acknowledged blob, or leave it
// empty.
package filesystem

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
)

// Blobs is a store in a folder. Staging and blobs are on one file system, which
// must know hard links.
type Blobs struct {
	staging string
	folders folders
}

var _ storage.Blobs = (*Blobs)(nil)

// New opens the store in root, which is made if need be.
func New(root string) (*Blobs, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	b := &Blobs{
		staging: filepath.Join(root, "staging"),
		folders: folders{root: filepath.Join(root, "sha256"), flush: (*os.File).Sync},
	}
	if err := b.folders.flush.makeDirs(b.staging); err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	if err := b.folders.makeAll(); err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return b, b.folders.flush.dir(root)
}

func (b *Blobs) path(key storage.Key) string {
	return filepath.Join(b.folders.path(key), key.String())
}

// Stage implements storage.Blobs.
func (b *Blobs) Stage(context.Context) (storage.Staged, error) {
	name := make([]byte, 16)
	_, _ = rand.Read(name) // never fails
	path := filepath.Join(b.staging, hex.EncodeToString(name))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fault("stage", err)
	}
	return &staged{store: b, file: f, path: path}, nil
}

// Open implements storage.Blobs.
func (b *Blobs) Open(_ context.Context, key storage.Key) (storage.Blob, error) {
	f, err := os.Open(b.path(key))
	if err != nil {
		return nil, b.missing("open blob", err)
	}
	return newBlob(f)
}

// Stat implements storage.Blobs.
func (b *Blobs) Stat(_ context.Context, key storage.Key) (storage.Info, error) {
	fi, err := os.Stat(b.path(key))
	if err != nil {
		return storage.Info{}, b.missing("stat blob", err)
	}
	return storage.Info{Size: fi.Size(), ModTime: fi.ModTime()}, nil
}

// Delete implements storage.Blobs. It is not flushed: a blob that a power cut
// brings back is one that nothing refers to, which the collector finds again.
func (b *Blobs) Delete(_ context.Context, key storage.Key) error {
	err := os.Remove(b.path(key))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fault("delete blob", err)
}

// Walk implements storage.Blobs. Files that are no blobs are passed over.
func (b *Blobs) Walk(ctx context.Context, fn func(storage.Key, storage.Info) error) error {
	return filepath.WalkDir(b.folders.root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != b.folders.root {
			return nil // removed while we walked
		}
		if err != nil {
			return fault("walk blobs", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		key, ok := b.keyOf(path, d)
		if !ok {
			return nil
		}
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fault("walk blobs", err)
		}
		return fn(key, storage.Info{Size: fi.Size(), ModTime: fi.ModTime()})
	})
}

// keyOf returns the key of a file in its right place.
func (b *Blobs) keyOf(path string, d fs.DirEntry) (key storage.Key, ok bool) {
	raw, err := hex.DecodeString(d.Name())
	if err != nil || len(raw) != len(key) || !d.Type().IsRegular() {
		return key, false
	}
	copy(key[:], raw)
	return key, path == b.path(key)
}

// Sweep implements storage.Blobs.
func (b *Blobs) Sweep(ctx context.Context, olderThan time.Time) (int, error) {
	entries, err := os.ReadDir(b.staging)
	if err != nil {
		return 0, fault("sweep staging", err)
	}
	n := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !fi.ModTime().Before(olderThan) {
			continue // gone by itself, or still in use
		}
		if err == nil {
			err = os.Remove(filepath.Join(b.staging, e.Name()))
		}
		switch {
		case err == nil:
			n++
		case !errors.Is(err, fs.ErrNotExist):
			return n, fault("sweep staging", err)
		}
	}
	return n, nil
}

// missing tells a blob that is not there from a store that is not: a disk that
// is not mounted holds no blob, and that is a fault.
func (b *Blobs) missing(what string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fault(what, err)
	}
	if _, err := os.Stat(b.folders.root); err != nil {
		return fault(what, err)
	}
	return fmt.Errorf("%s: %w", what, storage.ErrNotFound)
}

// fault names the operation, and tells "no room" from other faults. It is never
// storage.ErrNotFound. A nil error stays nil.
func fault(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return registry.Errorf(registry.CodeUnavailable, "the registry has no room for this file").Because(fmt.Errorf("%s: %w", what, err))
	}
	return fmt.Errorf("%s: %w", what, err)
}
