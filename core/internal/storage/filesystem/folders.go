package filesystem

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// folders are the 65,536 folders of blobs: writers of different blobs flush
// different ones. They are made when they are first needed.
//
// That a folder exists does not mean that it outlives a power cut: whoever made
// it, in this process or one that was killed, may not have come to flush the
// folder above. So none is relied on before this process has seen to it.
type folders struct {
	root  string
	flush flush
	first [256]firstLevel
}

// flush flushes an open file or folder. Tests watch it.
type flush func(*os.File) error

// firstLevel is one folder of folders. Its lock is held while it is flushed:
// those who wait need exactly that.
type firstLevel struct {
	mu      sync.Mutex
	ready   bool
	durable [256]bool
}

func (f *folders) path(key storage.Key) string {
	name := key.String()
	return filepath.Join(f.root, name[:2], name[2:4])
}

// ensure makes a key's folder so that it lasts, and returns it.
func (f *folders) ensure(key storage.Key) (string, error) {
	dir := f.path(key)
	level := &f.first[key[0]]
	level.mu.Lock()
	defer level.mu.Unlock()
	if level.durable[key[1]] {
		return dir, nil
	}
	above := filepath.Dir(dir)
	if !level.ready {
		if err := f.flush.makeDir(above); err != nil {
			return "", err
		}
		level.ready = true
	}
	if err := f.flush.makeDir(dir); err != nil {
		return "", err
	}
	level.durable[key[1]] = true
	return dir, nil
}

// forget makes ensure look again: somebody has tidied up empty folders.
func (f *folders) forget(key storage.Key) {
	level := &f.first[key[0]]
	level.mu.Lock()
	defer level.mu.Unlock()
	level.ready, level.durable = false, [256]bool{}
}

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
