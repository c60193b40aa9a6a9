package upload

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// uploadKey marks an attachment's place. A client that sends it would be
// naming uploads itself.
const uploadKey = "$upload"

// jsonAttachments copies a JSON document, but for the strings at the
// attachments' paths: those are decoded into files as they stream by, and
// {"$upload":"<handle>"} stands in their place. A document of a few kilobytes
// with a tarball of a gigabyte in it costs a few kilobytes of memory.
//
// The scanner finds its way by structure alone. That the rest is strict JSON,
// with no name twice, is checked on the copy, which is what anybody will read.
func (r *receiver) jsonAttachments() error {
	if coding := r.coding(); coding != "" {
		return unsupported(coding)
	}
	s := &scanner{receiver: r, in: bufio.NewReaderSize(r.in, scanBuffer(r.length))}
	err := s.value(0)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return s.explain(err)
	}
	if err := strictjson.Valid(s.document); err != nil {
		return s.invalid(err)
	}
	r.body.Document = s.document
	return nil
}

// scanBuffer is how much is read at a time: no more than the body has.
func scanBuffer(length int64) int {
	const least, most = 4 << 10, 64 << 10
	if length < 0 {
		return most
	}
	return int(min(max(length, least), most))
}

// explain turns what the scanner met into words for the client. What the body
// itself met on its way goes before.
func (s *scanner) explain(err error) error {
	if s.receiver.in.err != nil {
		return err
	}
	if wrong, ok := errors.AsType[syntaxError](err); ok {
		return registry.Errorf(registry.CodeInvalid, "Invalid json: %s at byte %d", wrong, s.offset())
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// invalid says what is wrong in the copy, and where that was in the original.
func (s *scanner) invalid(err error) error {
	strict, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return err
	}
	at := strict.Offset
	for _, g := range s.gaps {
		if g.at <= strict.Offset {
			at = strict.Offset + g.missing
		}
	}
	return registry.Errorf(registry.CodeInvalid, "Invalid json: %s at byte %d", strict.Reason, at)
}

// gap is a place in the document where an attachment was.
type gap struct {
	at      int64 // in the document
	missing int64 // bytes that the original has more of, from here on
}

// attachment reports whether the value we stand before is one.
func (s *scanner) attachment() (spec.Encoding, bool) {
	if s.arrays > 0 {
		return 0, false
	}
	return s.policy.AttachmentAt(s.path)
}

// attach decodes the string into a file and leaves its handle in the document.
func (s *scanner) attach(encoding spec.Encoding) error {
	part := strings.Join(s.path, "/")
	name, contentType := part, ""
	if len(s.path) > 1 {
		name = s.path[len(s.path)-2] // the key that holds the attachment
	}
	expected := s.length
	if encoding == spec.EncodingBase64 {
		contentType, expected = "application/octet-stream", s.length/4*3
	}
	to, err := s.newSink(expected)
	if err != nil {
		return err
	}
	if _, err = s.in.Discard(1); err == nil { // the opening quote
		if encoding == spec.EncodingBase64 {
			err = s.base64(to)
		} else {
			err = s.plainText(to)
		}
	}
	if err != nil {
		to.discard()
		return err
	}
	f, err := s.finish(to, part, name, contentType)
	if err != nil {
		return err
	}
	if err := s.emit([]byte(`{"` + uploadKey + `":"` + f.Handle + `"}`)...); err != nil {
		return err
	}
	s.gaps = append(s.gaps, gap{at: int64(len(s.document)), missing: s.offset() - int64(len(s.document))})
	return nil
}
