package filesystem

import "os"

// WatchFlushes calls watch in place of each flush; flush does it.
func (b *Blobs) WatchFlushes(watch func(f *os.File, flush func() error) error) {
	b.folders.flush = func(f *os.File) error { return watch(f, f.Sync) }
}
