package upload

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // published as an attribute; identity is sha256
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"sync"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// chunk is how much is hashed and stored at a time: enough to be worth a
// goroutine for each digest, and so little that a file of some hundred kilobytes
// is hashed while the rest of it arrives. More than storage.MaxSmallFile. A sink has
// two at most.
const chunk = 96 << 10

// sink takes the bytes of one file. While one chunk is filled, the one before
// is hashed and stored: reading, decoding, hashing and writing overlap.
type sink struct {
	ctx    context.Context //nolint:containedctx // the receiver's
	r      *receiver
	size   int64
	buf    []byte // being filled; all of the file as long as it is small
	head   []byte // the file's beginning, once that has left the buffer
	busy   []byte // being hashed and stored
	staged storage.Staged

	sum256  hash.Hash
	others  map[spec.Digest]hash.Hash
	working sync.WaitGroup
	failure error // of storing busy; read after working is done
}

// newSink makes a sink for the body's next file. How large that is said to be
// only helps to allocate.
func (r *receiver) newSink(expected int64) (*sink, error) {
	if most := r.policy.MaxFiles; most > 0 && len(r.body.Files) >= most {
		return nil, registry.Errorf(registry.CodeInvalid, "the request carries more than %d files", most)
	}
	s := &sink{ctx: r.ctx, r: r, sum256: sha256.New(), others: map[spec.Digest]hash.Hash{}}
	// One byte more, or its end could not be told from a full buffer.
	s.buf = make([]byte, 0, min(max(expected+1, 4<<10), chunk))
	for _, d := range r.limits.Digests {
		switch d {
		case spec.MD5:
			s.others[d] = md5.New() //nolint:gosec // see the import
		case spec.SHA1:
			s.others[d] = sha1.New() //nolint:gosec // see the import
		case spec.SHA512:
			s.others[d] = sha512.New()
		}
	}
	return s, nil
}

// fill takes all that from has.
func (s *sink) fill(from io.Reader) error {
	for idle := 0; idle < 100; idle++ {
		space, err := s.space(1)
		if err != nil {
			return err
		}
		n, err := from.Read(space)
		if n > 0 {
			idle = 0
		}
		if err := s.filled(n); err != nil {
			return err
		}
		if err == io.EOF { //nolint:errorlint // io.Reader's end is bare; a wrapped one is a body that broke off
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// write takes a copy of p.
func (s *sink) write(p []byte) error {
	for len(p) > 0 {
		space, err := s.space(1)
		if err != nil {
			return err
		}
		n := copy(space, p)
		if err := s.filled(n); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// space returns a place for the file's next bytes, at least that many; filled
// says how many it got.
func (s *sink) space(least int) ([]byte, error) {
	if cap(s.buf)-len(s.buf) < least {
		if err := s.more(); err != nil {
			return nil, err
		}
	}
	return s.buf[len(s.buf):cap(s.buf)], nil
}

func (s *sink) filled(n int) error {
	s.buf = s.buf[:len(s.buf)+n]
	s.size += int64(n)
	if most := s.r.limits.MaxFileBytes; most > 0 && s.size > most {
		return s.r.tooLarge()
	}
	return s.ctx.Err()
}

// more makes a full buffer larger, or passes it on and takes the other one.
func (s *sink) more() error {
	if cap(s.buf) < chunk {
		larger := make([]byte, len(s.buf), min(2*cap(s.buf), chunk))
		copy(larger, s.buf)
		s.buf = larger
		return nil
	}
	other := s.busy
	if err := s.passOn(); err != nil {
		return err
	}
	if other == nil {
		other = make([]byte, 0, chunk)
	}
	s.buf = other[:0]
	return nil
}

// passOn has what is in the buffer hashed and stored, as soon as the one before is.
func (s *sink) passOn() error {
	if err := s.wait(); err != nil {
		return err
	}
	if s.staged == nil {
		var err error
		if s.staged, err = s.r.blobs.Stage(s.ctx); err != nil {
			return err
		}
		s.head = beginning(s.buf)
	}
	s.busy = s.buf
	s.working.Go(func() { _, s.failure = s.staged.Write(s.busy) })
	s.working.Go(func() { s.sum256.Write(s.busy) })
	for _, h := range s.others {
		s.working.Go(func() { h.Write(s.busy) })
	}
	return nil
}

func (s *sink) wait() error {
	s.working.Wait()
	return s.failure
}

// beginning is a copy of what comes of a file with its request.
func beginning(content []byte) []byte {
	return bytes.Clone(content[:min(len(content), spec.HeadBytes)])
}

// file ends the sink. The bytes of a large file are flushed from now on, while
// others find out what is to become of it: whoever uses them waits for that.
func (s *sink) file() (*File, error) {
	if s.staged == nil && s.size <= storage.MaxSmallFile {
		s.sum256.Write(s.buf)
		for _, h := range s.others {
			h.Write(s.buf)
		}
		if cap(s.buf) > 2*len(s.buf)+(4<<10) {
			s.buf = bytes.Clone(s.buf) // many small files of one large body
		}
		return s.describe(&File{small: s.buf, Head: beginning(s.buf), beside: s.size <= s.r.limits.SmallFileBytes}), nil
	}
	if err := s.passOn(); err != nil {
		return nil, err
	}
	if err := s.wait(); err != nil {
		return nil, err
	}
	f := s.describe(&File{staged: s.staged, Head: s.head})
	f.sealing.Go(func() { f.unsealed = f.staged.Seal(s.ctx) })
	return f, nil
}

func (s *sink) describe(f *File) *File {
	name := make([]byte, 16)
	_, _ = rand.Read(name) // never fails
	f.Handle, f.Size, f.blobs = hex.EncodeToString(name), s.size, s.r.blobs
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
	return f
}

// discard forgets what the sink has.
func (s *sink) discard() {
	s.working.Wait()
	if s.staged != nil {
		_ = s.staged.Discard()
	}
}
