package storage

import "bytes"

// InMemory makes a Blob of bytes. They must not change afterwards.
func InMemory(data []byte) Blob { return inMemory{bytes.NewReader(data)} }

type inMemory struct{ *bytes.Reader }

// Size implements Blob.
func (b inMemory) Size() int64 { return b.Reader.Size() }

// Close implements io.Closer.
func (b inMemory) Close() error { return nil }
