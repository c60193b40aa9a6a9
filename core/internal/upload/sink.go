package upload

import (
	"context"
	"crypto/md5" //nolint:gosec // published as an attribute; identity is sha256
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"sync"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// smallFile is what is kept in memory until it is committed: a refused
// publish of a small package then costs no disk at all.
const smallFile = 64 << 10

// parallelChunk is the size from which each digest is worth a goroutine.
const parallelChunk = 64 << 10

// sink takes the bytes of one file.
type sink struct {
	ctx    context.Context //nolint:containedctx // the receiver's
	r      *receiver
	size   int64
	small  []byte
	staged storage.Staged // nil while the file is small

	sum256 hash.Hash
	others map[spec.Digest]hash.Hash
	all    []hash.Hash
}

func (r *receiver) newSink() *sink {
	s := &sink{ctx: r.ctx, r: r, sum256: sha256.New(), others: map[spec.Digest]hash.Hash{}}
	s.all = append(s.all, s.sum256)
	for _, d := range r.limits.Digests {
		var h hash.Hash
		switch d {
		case spec.MD5:
			h = md5.New() //nolint:gosec // see the import
		case spec.SHA1:
			h = sha1.New() //nolint:gosec // see the import
		case spec.SHA512:
			h = sha512.New()
		default:
			continue
		}
		s.others[d] = h
		s.all = append(s.all, h)
	}
	return s
}

// write takes more of the file.
func (s *sink) write(p []byte) error {
	s.size += int64(len(p))
	if most := s.r.limits.MaxFileBytes; most > 0 && s.size > most {
		return s.r.tooLarge()
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	var hashing sync.WaitGroup
	for _, h := range s.all {
		if len(p) < parallelChunk {
			h.Write(p)
			continue
		}
		hashing.Go(func() { h.Write(p) })
	}
	err := s.store(p)
	hashing.Wait()
	return err
}

func (s *sink) store(p []byte) error {
	if s.staged == nil && len(s.small)+len(p) <= smallFile {
		s.small = append(s.small, p...)
		return nil
	}
	if s.staged == nil {
		var err error
		if s.staged, err = s.r.blobs.Stage(s.ctx); err != nil {
			return err
		}
		if _, err := s.staged.Write(s.small); err != nil {
			return err
		}
		s.small = nil
	}
	_, err := s.staged.Write(p)
	return err
}

// file ends the sink: the bytes of a large file are durable now.
func (s *sink) file() (*File, error) {
	if s.staged != nil {
		if err := s.staged.Seal(s.ctx); err != nil {
			return nil, err
		}
	}
	name := make([]byte, 16)
	_, _ = rand.Read(name) // never fails
	f := &File{Handle: hex.EncodeToString(name), Size: s.size, blobs: s.r.blobs, small: s.small, staged: s.staged}
	s.sum256.Sum(f.key[:0])
	f.Digests.SHA256 = f.key[:]
	for d, h := range s.others {
		switch d {
		case spec.MD5:
			f.Digests.MD5 = h.Sum(nil)
		case spec.SHA1:
			f.Digests.SHA1 = h.Sum(nil)
		case spec.SHA512:
			f.Digests.SHA512 = h.Sum(nil)
		}
	}
	return f, nil
}

func (s *sink) discard() {
	if s.staged != nil {
		_ = s.staged.Discard()
	}
}

// File is one received file.
type File struct {
	Handle      string // 128 random bits; names the file within its request
	Part        string // multipart part, or JSON path joined by "/"
	FileName    string
	ContentType string
	Size        int64
	Digests     spec.Digests
	Inline      []byte // only as far as the policy says

	blobs  storage.Blobs
	key    storage.Key
	small  []byte
	mu     sync.Mutex
	staged storage.Staged
}

// Key is the sha256 of the content, and so the blob's name.
func (f *File) Key() storage.Key { return f.key }

// Commit makes the content a durable blob. It may be called again.
func (f *File) Commit(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
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

// Open reads the content, committed or not.
func (f *File) Open(ctx context.Context) (storage.Blob, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.staged != nil {
		return f.staged.Open(ctx)
	}
	return storage.InMemory(f.small), nil
}

// Discard forgets what was not committed. It may be called again.
func (f *File) Discard() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.staged != nil {
		_ = f.staged.Discard()
	}
}

// Content returns what a row about the file says of its bytes.
func (f *File) Content() (size int64, digests spec.Digests) { return f.Size, f.Digests }
