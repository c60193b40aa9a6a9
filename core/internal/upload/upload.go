// Package upload consumes request bodies. Whatever a body's form, its files end
// in one sink that counts, hashes and stores them as they stream by; none is
// held in memory, unless it is small. What is left of the body, the document a
// plugin sees, is bounded.
//
// Whatever fails, Receive leaves nothing behind.
package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Incoming is a request's body with what its headers say of it.
type Incoming struct {
	Header        http.Header
	Body          io.Reader
	ContentLength int64 // -1: not declared
}

// Limits are a format's bounds on files. What a client declares is never taken for what it sends.
type Limits struct {
	MaxFileBytes int64
	Digests      []spec.Digest
	// TooLarge is the code of a file over the limit: CodeTooLarge, or CodeInvalid
	// for formats whose clients expect GitLab's 400.
	TooLarge registry.Code
}

// Body is a consumed body.
type Body struct {
	Document []byte              // inline, or the JSON without its attachments
	Form     map[string][]string // multipart fields that are no files
	Files    []*File
}

// Discard forgets files that were not committed. It may be called on nil, and again.
func (b *Body) Discard() {
	if b == nil {
		return
	}
	for _, f := range b.Files {
		f.Discard()
	}
}

// Receive consumes a body as the policy says. Errors that are the client's are
// registry errors with words for it; the client's going away is the context's error.
func Receive(ctx context.Context, blobs storage.Blobs, in Incoming, p spec.BodyPolicy, l Limits) (*Body, error) {
	r := &receiver{ctx: ctx, blobs: blobs, in: in, policy: p, limits: l, body: &Body{}}
	err := r.receive()
	if err == nil {
		return r.body, nil
	}
	r.body.Discard()
	if cause := ctx.Err(); cause != nil {
		return nil, cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, registry.Errorf(registry.CodeInvalid, "the request body ended too early").Because(err)
	}
	return nil, err
}

// receiver is one body being received.
type receiver struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that got it
	blobs  storage.Blobs
	in     Incoming
	policy spec.BodyPolicy
	limits Limits
	body   *Body
}

func (r *receiver) receive() error {
	switch r.policy.Kind {
	case spec.BodyNone:
		return nil
	case spec.BodyInline:
		return r.inline()
	case spec.BodyRawFile:
		return r.rawFile()
	case spec.BodyMultipart:
		return r.multipart()
	case spec.BodyJSONAttachments:
		return r.jsonAttachments()
	}
	return fmt.Errorf("body policy of kind %d", r.policy.Kind)
}

// rawFile takes the body as one file. A declared length over the limit is
// refused before anything is read.
func (r *receiver) rawFile() error {
	if r.limits.MaxFileBytes > 0 && r.in.ContentLength > r.limits.MaxFileBytes {
		return r.tooLarge()
	}
	f, err := r.file("", "", r.in.Header.Get("Content-Type"), r.in.Body)
	if err != nil {
		return err
	}
	if r.in.ContentLength >= 0 && f.Size != r.in.ContentLength {
		return io.ErrUnexpectedEOF
	}
	if f.Size <= r.policy.InlineBelow {
		f.Inline = f.small
	}
	return nil
}

// file streams one file into a sink and appends it to the body.
func (r *receiver) file(part, name, contentType string, from io.Reader) (*File, error) {
	s := r.newSink()
	buf := make([]byte, r.chunk())
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := s.write(buf[:n]); err != nil {
				s.discard()
				return nil, err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.discard()
			return nil, err
		}
	}
	return r.finish(s, part, name, contentType)
}

func (r *receiver) finish(s *sink, part, name, contentType string) (*File, error) {
	f, err := s.file()
	if err != nil {
		s.discard()
		return nil, err
	}
	f.Part, f.FileName, f.ContentType = part, name, contentType
	r.body.Files = append(r.body.Files, f)
	if most := r.policy.MaxFiles; most > 0 && len(r.body.Files) > most {
		return nil, registry.Errorf(registry.CodeInvalid, "the request carries more than %d files", most)
	}
	return f, nil
}

func (r *receiver) tooLarge() error {
	return registry.Errorf(r.limits.TooLarge, "File is too large.")
}

// chunk is how much is read and hashed at a time: enough to be worth a
// goroutine per digest, no more than the body has.
func (r *receiver) chunk() int64 {
	const most, least = 256 << 10, 4 << 10
	if r.in.ContentLength < 0 {
		return most
	}
	return min(max(r.in.ContentLength, least), most)
}
