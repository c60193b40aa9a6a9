// Package upload consumes request bodies. Whatever a body's form, its files end
// in one sink that counts, hashes and stores them as they stream by; none is
// held in memory, unless it is small. What is left of the body, the document a
// plugin sees, is bounded.
//
// Whatever fails, Receive leaves nothing behind.
//
//	upload.go       the call: which body, and what becomes of each error
//	incoming.go     the body as it comes from the client
//	inline.go       a body that is handed over whole
//	multipart.go    multipart/form-data
//	attachments.go  JSON with files in some of its strings
//	scanner.go      its structure
//	strings.go      its strings, and base64 in them
//	sink.go         where every file ends
//	file.go         a file that was received
package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

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
	MaxFileBytes int64 // of each file; 0: no limit
	Digests      []spec.Digest
	// TooLarge is the code of a file over the limit: CodeTooLarge, or CodeInvalid
	// for formats whose clients expect GitLab's 400. Zero is CodeTooLarge.
	TooLarge registry.Code
	// SmallFileBytes is up to what size a file is kept in the database, with the
	// plan that publishes it; 0: none is. At most storage.MaxSmallFile.
	SmallFileBytes int64
}

// Body is a consumed body.
type Body struct {
	Document []byte              // inline, or the JSON without its attachments
	Form     map[string][]string // multipart fields that are no files
	Files    []*File
}

// Staged reports whether to discard the body is work: bytes of its files are in
// the store. It may be called on nil.
func (b *Body) Staged() bool {
	return b != nil && slices.ContainsFunc(b.Files, (*File).inStore)
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
	r := &receiver{
		ctx: ctx, blobs: blobs, header: in.Header, length: in.ContentLength, in: &incoming{from: in.Body},
		policy: p, limits: l, body: &Body{},
	}
	if err := r.receive(); err != nil {
		r.body.Discard()
		return nil, r.explain(err)
	}
	return r.body, nil
}

// receiver is one body being received.
type receiver struct {
	ctx    context.Context //nolint:containedctx // lives as long as the call that got it
	blobs  storage.Blobs
	header http.Header
	length int64 // as declared; -1: not
	in     *incoming
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

// explain tells the client's failures from ours.
func (r *receiver) explain(err error) error {
	if cause := r.ctx.Err(); cause != nil {
		return cause
	}
	if _, ok := errors.AsType[*registry.Error](err); ok {
		return err
	}
	if r.in.err != nil {
		return r.in.refusal()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return registry.Errorf(registry.CodeInvalid, endedEarly).Because(err)
	}
	return err
}

// rawFile takes the body as one file. A declared length over the limit is
// refused before anything is read. Content-Encoding is not looked at: clients
// send compressed packages with and without it, and mean the bytes as they are.
func (r *receiver) rawFile() error {
	if r.limits.MaxFileBytes > 0 && r.length > r.limits.MaxFileBytes {
		return r.tooLarge()
	}
	f, err := r.file("", "", r.header.Get("Content-Type"), r.length, r.in)
	if err != nil {
		return err
	}
	if r.length >= 0 && f.Size != r.length {
		return io.ErrUnexpectedEOF
	}
	if f.Size > r.policy.InlineBelow {
		return nil
	}
	f.Inline, err = f.read(r.ctx)
	f.Head = nil
	return err
}

// file streams one file into a sink and appends it to the body. Its size is
// what from has; expected helps to allocate, and may be wrong or negative.
func (r *receiver) file(part, name, contentType string, expected int64, from io.Reader) (*File, error) {
	s, err := r.newSink(expected)
	if err != nil {
		return nil, err
	}
	if err := s.fill(from); err != nil {
		s.discard()
		return nil, err
	}
	return r.finish(s, part, name, contentType)
}

// finish makes a full sink a file of the body.
func (r *receiver) finish(s *sink, part, name, contentType string) (*File, error) {
	f, err := s.file()
	if err != nil {
		s.discard()
		return nil, err
	}
	f.Part, f.FileName, f.ContentType = part, name, contentType
	r.body.Files = append(r.body.Files, f)
	return f, nil
}

func (r *receiver) tooLarge() error {
	code := r.limits.TooLarge
	if code == registry.CodeInternal {
		code = registry.CodeTooLarge
	}
	return registry.Errorf(code, "File is too large.")
}

func (r *receiver) documentTooLarge() error {
	return registry.Errorf(registry.CodeTooLarge, "the request body is larger than %d bytes", r.policy.MaxBytes)
}
