// Package storage keeps bytes. A blob is stored under the sha256 of its
// content and never changes; what it is called and who it belongs to is the
// database's business.
package storage

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"time"
)

// ErrNotFound says that no blob has the key. Any other error is a fault, and
// must never be shown as "not found".
var ErrNotFound = errors.New("storage: no such blob")

// MaxSmallFile is up to what size, in bytes, a file is kept in memory until it is
// committed: a refused publish of a small package then costs no disk at all. Only
// such files can be kept in the database instead of in a store.
const MaxSmallFile = 64 << 10

// Key is the sha256 of a blob's content.
type Key [32]byte

// String returns the key in hex.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Blobs is a store. Implementations are safe for concurrent use and sit the
// exam of package storagetest.
type Blobs interface {
	// Stage makes a private place for bytes on their way in.
	Stage(ctx context.Context) (Staged, error)
	// Open opens a blob for reading; ErrNotFound if there is none.
	Open(ctx context.Context, key Key) (Blob, error)
	// Stat returns what is known without reading; ErrNotFound if there is none.
	Stat(ctx context.Context, key Key) (Info, error)
	// Delete removes a blob; one that is not there is no error. Readers that have it open may finish.
	Delete(ctx context.Context, key Key) error
	// Walk calls fn for every blob, in no order; an error of fn ends the walk and is returned.
	Walk(ctx context.Context, fn func(Key, Info) error) error
	// Sweep removes staged bytes last written or committed before olderThan, and
	// returns how many. Whoever still holds them finds that they are gone.
	Sweep(ctx context.Context, olderThan time.Time) (int, error)
}

// Staged is bytes that no reader sees yet. It is used by one goroutine.
type Staged interface {
	io.Writer
	// Seal makes the bytes durable; no write may follow. Once it has failed, only Discard is left.
	Seal(ctx context.Context) error
	// Open reads the bytes back. Only after Seal.
	Open(ctx context.Context) (Blob, error)
	// Commit makes the bytes visible and durable under the key, which must be
	// their sha256. Equal bytes that are there already are taken instead; bytes
	// of another length are a fault, and stay. Either way the blob counts as
	// written now. It may be called again; the staged bytes stay until Discard.
	Commit(ctx context.Context, key Key) error
	// Discard forgets the staged bytes, and not what was committed. It may be called at any time, and again.
	Discard() error
}

// Blob is an open blob, whole from the first byte to the last, whatever is
// committed or deleted meanwhile. ReadAt may be called concurrently.
type Blob interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64
}

// OSFile is a Blob that is a file of this machine, which the kernel can send by itself.
type OSFile interface {
	Blob
	// OSFile returns the file. It shares the blob's offset and is closed with it.
	OSFile() *os.File
}

// Info is what a store knows of a blob.
type Info struct {
	Size    int64
	ModTime time.Time // when it was last committed
}
