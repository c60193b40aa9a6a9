package filesystem

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// folders are the 256 folders of blobs: enough that writers flush different
// ones, and few enough to be made, and flushed, when the store is opened. (With
// 65,536 of them, made when first needed, a publish paid for two more flushes
// until each had been seen.)
//
// That a folder exists does not mean that it outlives a power cut: whoever made
// it may not have come to flush the folder above. So opening flushes that, always.
type folders struct {
	root  string
	flush flush
}

// flush flushes an open file or folder. Tests watch it.
type flush func(*os.File) error

func (f *folders) path(key storage.Key) string {
	return filepath.Join(f.root, key.String()[:2])
}

// makeAll makes all folders so that they last.
func (f *folders) makeAll() error {
	if err := f.flush.makeDirs(f.root); err != nil {
		return err
	}
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(f.root, fmt.Sprintf("%02x", i)), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fault("make folder", err)
		}
	}
	return f.flush.dir(f.root)
}

// restore makes a key's folder again: somebody has tidied up empty folders.
func (f *folders) restore(key storage.Key) error { return f.flush.makeDir(f.path(key)) }

// makeDir makes a folder, unless it is there, and flushes its name.
func (f flush) makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault("make folder", err)
	}
	return f.dir(filepath.Dir(dir))
}

// makeDirs makes a folder and those above it.
func (f flush) makeDirs(dir string) error {
	fi, err := os.Stat(dir)
	if err == nil && fi.IsDir() {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault("make folder", err)
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := f.makeDirs(parent); err != nil {
			return err
		}
	}
	return f.makeDir(dir)
}

// dir flushes a folder: the names in it, not the files.
func (f flush) dir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fault("open folder", err)
	}
	err = f(d)
	if closed := d.Close(); err == nil {
		err = closed
	}
	return fault("flush folder", err)
}
