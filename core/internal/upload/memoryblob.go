package upload

import (
	"bytes"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// memoryBlob reads a small file that is not on disk yet.
type memoryBlob struct{ *bytes.Reader }

func newMemoryBlob(data []byte) storage.Blob { return memoryBlob{bytes.NewReader(data)} }

// Size implements storage.Blob.
func (b memoryBlob) Size() int64 { return b.Reader.Size() }

// Close implements io.Closer.
func (b memoryBlob) Close() error { return nil }
