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

// Blobs is a store in a folder. Staging and blobs are on one file system.
type Blobs struct {
	staging string
	blobs   string
}

var _ storage.Blobs = (*Blobs)(nil)

// New opens the store in root, which is made if need be.
func New(root string) (*Blobs, error) {
	b := &Blobs{staging: filepath.Join(root, "staging"), blobs: filepath.Join(root, "sha256")}
	for _, dir := range []string{b.staging, b.blobs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make blob store: %w", err)
		}
	}
	return b, syncDir(root)
}

// path spreads blobs over 65,536 folders: writers flush different ones.
func (b *Blobs) path(key storage.Key) string {
	name := key.String()
	return filepath.Join(b.blobs, name[:2], name[2:4], name)
}

// Stage implements storage.Blobs.
func (b *Blobs) Stage(context.Context) (storage.Staged, error) {
	name := make([]byte, 16)
	_, _ = rand.Read(name) // never fails
	path := filepath.Join(b.staging, hex.EncodeToString(name))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // our own name
	if err != nil {
		return nil, translate("stage", err)
	}
	return &staged{store: b, file: f, path: path}, nil
}

// Open implements storage.Blobs.
func (b *Blobs) Open(_ context.Context, key storage.Key) (storage.Blob, error) {
	f, err := os.Open(b.path(key))
	if err != nil {
		return nil, translate("open blob", err)
	}
	return newBlob(f)
}

// Stat implements storage.Blobs.
func (b *Blobs) Stat(_ context.Context, key storage.Key) (storage.Info, error) {
	fi, err := os.Stat(b.path(key))
	if err != nil {
		return storage.Info{}, translate("stat blob", err)
	}
	return storage.Info{Size: fi.Size(), ModTime: fi.ModTime()}, nil
}

// Delete implements storage.Blobs.
func (b *Blobs) Delete(_ context.Context, key storage.Key) error {
	err := os.Remove(b.path(key))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return translate("delete blob", err)
}

// Walk implements storage.Blobs. Files that are no blobs are passed over.
func (b *Blobs) Walk(ctx context.Context, fn func(storage.Key, storage.Info) error) error {
	return filepath.WalkDir(b.blobs, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed while we walked
		}
		if err != nil {
			return translate("walk blobs", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var key storage.Key
		raw, notHex := hex.DecodeString(d.Name())
		if notHex != nil || len(raw) != len(key) || !d.Type().IsRegular() {
			return nil //nolint:nilerr // no blob: passed over
		}
		copy(key[:], raw)
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return translate("walk blobs", err)
		}
		return fn(key, storage.Info{Size: fi.Size(), ModTime: fi.ModTime()})
	})
}

// Sweep implements storage.Blobs.
func (b *Blobs) Sweep(ctx context.Context, olderThan time.Time) (int, error) {
	entries, err := os.ReadDir(b.staging)
	if err != nil {
		return 0, translate("sweep staging", err)
	}
	n := 0
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		fi, err := e.Info()
		if err != nil || !fi.ModTime().Before(olderThan) {
			continue // gone by itself, or still being written
		}
		if err := os.Remove(filepath.Join(b.staging, e.Name())); err == nil {
			n++
		}
	}
	return n, nil
}

// translate names the operation and tells "not there" and "no room" from other faults.
func translate(what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", what, errors.Join(storage.ErrNotFound, err))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return registry.Errorf(registry.CodeUnavailable, "the registry has no room for this file").Because(err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// syncDir flushes a folder: the names in it, not the files.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // a folder of the store
	if err != nil {
		return translate("open folder", err)
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return translate("flush folder", err)
	}
	return nil
}
