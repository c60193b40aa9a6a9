package upload

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// jsonAttachments copies a JSON document, but for the strings at the
// attachments' paths: those are decoded into files as they stream by, and
// {"$upload":"<handle>"} stands in their place. A document of a few kilobytes
// with a tarball of a gigabyte in it costs a few kilobytes of memory.
//
// The scanner finds its way by structure alone. That the rest is strict JSON,
// with no name twice, is checked on the copy, which is what anybody will read.
func (r *receiver) jsonAttachments() error {
	s := &scanner{receiver: r, in: bufio.NewReaderSize(r.in.Body, int(r.chunk()))}
	if err := s.value(0); err != nil {
		return s.explain(err)
	}
	if err := s.end(); err != nil {
		return s.explain(err)
	}
	if !jsontext.Value(s.document).IsValid() {
		return s.explain(errSyntax)
	}
	r.body.Document = s.document
	return nil
}

// uploadKey marks an attachment's place. A client that sends it would be
// naming uploads itself.
const uploadKey = "$upload"

// maxDepth of nested arrays and objects; no package client comes near it.
const maxDepth = 64

var errSyntax = errors.New("not JSON")

// scanner walks one JSON text.
type scanner struct {
	*receiver
	in       *bufio.Reader
	document []byte
	path     []string // of object keys; array elements have none
	arrays   int      // how many arrays we are in: attachments are in none
}

// explain turns what the scanner met into words for the client.
func (s *scanner) explain(err error) error {
	switch {
	case errors.Is(err, errSyntax):
		return registry.Errorf(registry.CodeInvalid, "Invalid json")
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// emit copies to the document.
func (s *scanner) emit(p ...byte) error {
	if int64(len(s.document)+len(p)) > s.policy.MaxBytes {
		return s.documentTooLarge()
	}
	s.document = append(s.document, p...)
	return nil
}

// next returns the next byte that is not white space, without taking it.
func (s *scanner) next() (byte, error) {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return c, s.in.UnreadByte()
	}
}

// take takes the byte that next has shown, and copies it.
func (s *scanner) take() error {
	c, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	return s.emit(c)
}

func (s *scanner) end() error {
	switch _, err := s.next(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errSyntax
}

func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return registry.Errorf(registry.CodeInvalid, "Invalid json: nested deeper than %d", maxDepth)
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		if encoding, ok := s.attachment(); ok {
			return s.attach(encoding)
		}
		_, err := s.text()
		return err
	}
	return s.scalar()
}

func (s *scanner) object(depth int) error {
	if err := s.take(); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == '}' && first {
			return s.take()
		}
		if c != '"' {
			return errSyntax
		}
		if err := s.member(depth); err != nil {
			return err
		}
		if c, err = s.next(); err != nil {
			return err
		}
		if c != ',' && c != '}' {
			return errSyntax
		}
		if err := s.take(); err != nil || c == '}' {
			return err
		}
	}
}

func (s *scanner) member(depth int) error {
	literal, err := s.text()
	if err != nil {
		return err
	}
	name, err := jsontext.AppendUnquote(nil, literal)
	if err != nil {
		return errSyntax
	}
	if string(name) == uploadKey {
		return registry.Errorf(registry.CodeInvalid, "Invalid json: the name %q is reserved", uploadKey)
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != ':' {
		return errSyntax
	}
	if err := s.take(); err != nil {
		return err
	}
	s.path = append(s.path, string(name))
	defer func() { s.path = s.path[:len(s.path)-1] }()
	return s.value(depth + 1)
}

func (s *scanner) array(depth int) error {
	s.arrays++
	defer func() { s.arrays-- }()
	if err := s.take(); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		if c == ']' && first {
			return s.take()
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if c, err = s.next(); err != nil {
			return err
		}
		if c != ',' && c != ']' {
			return errSyntax
		}
		if err := s.take(); err != nil || c == ']' {
			return err
		}
	}
}

// scalar copies a number or a word; whether it is one is checked on the copy.
func (s *scanner) scalar() error {
	for n := 0; ; n++ {
		c, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzE", c) < 0 {
			if n == 0 {
				return errSyntax
			}
			return s.in.UnreadByte()
		}
		if err := s.emit(c); err != nil {
			return err
		}
	}
}

// text copies a string and returns it as it stands in the document, with quotes and escapes.
func (s *scanner) text() ([]byte, error) {
	start := len(s.document)
	if err := s.take(); err != nil {
		return nil, err
	}
	for {
		run, err := s.plain()
		if err != nil {
			return nil, err
		}
		if err := s.emit(run...); err != nil {
			return nil, err
		}
		c, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if err := s.emit(c); err != nil {
			return nil, err
		}
		if c == '"' {
			return s.document[start:], nil
		}
		// An escape: whatever follows the backslash is not the end.
		if err := s.take(); err != nil {
			return nil, err
		}
	}
}

// plain takes the bytes that are buffered up to a quote or backslash. It may
// return none; then the next byte is one of the two.
func (s *scanner) plain() ([]byte, error) {
	if s.in.Buffered() == 0 {
		if _, err := s.in.Peek(1); err != nil {
			return nil, err
		}
	}
	run, err := s.in.Peek(s.in.Buffered())
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexAny(run, `"\`); i >= 0 {
		run = run[:i]
	}
	if _, err := s.in.Discard(len(run)); err != nil {
		return nil, err
	}
	if len(run) > 0 {
		return run, nil
	}
	return nil, nil
}

// attachment reports whether the value we stand before is one.
func (s *scanner) attachment() (spec.Encoding, bool) {
	if s.arrays > 0 {
		return 0, false
	}
	i := slices.IndexFunc(s.policy.Attachments, func(a spec.Attachment) bool {
		return slices.EqualFunc(a.Path, s.path, matchKey)
	})
	if i < 0 {
		return 0, false
	}
	return s.policy.Attachments[i].Encoding, true
}

// matchKey compares a key with a pattern in which "*" stands for any text, "/" included.
func matchKey(pattern, key string) bool {
	prefix, suffix, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == key
	}
	return len(key) >= len(prefix)+len(suffix) && strings.HasPrefix(key, prefix) && strings.HasSuffix(key, suffix)
}

// attach decodes the string into a file and leaves its handle in the document.
func (s *scanner) attach(encoding spec.Encoding) error {
	part := strings.Join(s.path, "/")
	name := part
	if len(s.path) > 1 {
		name = s.path[len(s.path)-2] // the key that holds the attachment
	}
	var (
		f   *File
		err error
	)
	if encoding == spec.EncodingText {
		f, err = s.textFile(part, name)
	} else {
		f, err = s.base64File(part, name)
	}
	if err != nil {
		return err
	}
	return s.emit([]byte(`{"` + uploadKey + `":"` + f.Handle + `"}`)...)
}

// textFile takes the string's own text; it is small enough for memory.
func (s *scanner) textFile(part, name string) (*File, error) {
	start := len(s.document)
	literal, err := s.text()
	if err != nil {
		return nil, err
	}
	text, err := jsontext.AppendUnquote(nil, literal)
	if err != nil {
		return nil, errSyntax
	}
	s.document = s.document[:start]
	return s.file(part, name, "", bytes.NewReader(text))
}

// base64File decodes as it reads. Quanta that a buffer's end has cut wait for the next.
func (s *scanner) base64File(part, name string) (*File, error) {
	if _, err := s.in.Discard(1); err != nil { // the opening quote
		return nil, err
	}
	d := &base64Decoder{sink: s.newSink()}
	for {
		run, err := s.plain()
		if err == nil {
			err = d.decode(run)
		}
		var c byte
		if err == nil {
			c, err = s.in.ReadByte()
		}
		if err == nil && c == '"' {
			if err = d.close(); err == nil {
				return s.finish(d.sink, part, name, "application/octet-stream")
			}
		} else if err == nil && c == '\\' {
			err = s.escaped(d)
		} else if err == nil {
			err = s.in.UnreadByte()
		}
		if err != nil {
			d.sink.discard()
			return nil, err
		}
	}
}

// escaped decodes an escape inside base64: some encoders write "\/".
func (s *scanner) escaped(d *base64Decoder) error {
	literal := []byte{'"', '\\'}
	c, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	literal = append(literal, c)
	if c == 'u' {
		var hex [4]byte
		if _, err := io.ReadFull(s.in, hex[:]); err != nil {
			return err
		}
		literal = append(literal, hex[:]...)
	}
	text, err := jsontext.AppendUnquote(nil, append(literal, '"'))
	if err != nil {
		return errSyntax
	}
	return d.decode(text)
}

// base64Decoder decodes standard, padded base64 into a sink.
type base64Decoder struct {
	sink   *sink
	rest   []byte // fewer than four characters
	ended  bool   // padding was seen
	buffer []byte
}

var errBase64 = registry.Errorf(registry.CodeInvalid, "Attachment data is not valid base64.")

func (d *base64Decoder) decode(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if d.ended {
		return errBase64
	}
	if len(d.rest) > 0 {
		n := min(4-len(d.rest), len(p))
		d.rest, p = append(d.rest, p[:n]...), p[n:]
		if len(d.rest) < 4 {
			return nil
		}
		quantum := d.rest
		d.rest = d.rest[:0]
		if err := d.whole(quantum); err != nil {
			return err
		}
		if len(p) > 0 && d.ended {
			return errBase64
		}
	}
	whole := len(p) - len(p)%4
	if err := d.whole(p[:whole]); err != nil {
		return err
	}
	if whole < len(p) {
		if d.ended {
			return errBase64
		}
		d.rest = append(d.rest[:0], p[whole:]...)
	}
	return nil
}

// whole decodes a multiple of four characters.
func (d *base64Decoder) whole(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if need := base64.StdEncoding.DecodedLen(len(p)); cap(d.buffer) < need {
		d.buffer = make([]byte, need)
	}
	// The decoder passes over line breaks, which would upset our count of four.
	if bytes.ContainsAny(p, "\r\n") {
		return errBase64
	}
	n, err := base64.StdEncoding.Decode(d.buffer[:cap(d.buffer)], p)
	if err != nil {
		return errBase64
	}
	d.ended = p[len(p)-1] == '='
	return d.sink.write(d.buffer[:n])
}

func (d *base64Decoder) close() error {
	if len(d.rest) > 0 {
		return errBase64
	}
	return nil
}
