// Package strictxml decodes XML that strangers sent.
//
// Two readers of one document must not see different things in it, and none may
// be made to work without end. So what encoding/xml lets pass is refused: a
// document type declaration, and with it every entity of the document's own; text
// outside the root element, a second root, an XML declaration that is not at the
// start; an attribute that occurs twice; characters that XML 1.0 forbids, also in
// comments; an encoding that is unknown or that the bytes contradict; and more
// than the bounds below. [Once] and [Text] refuse an element that occurs twice.
package strictxml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The bounds of a document.
const (
	DefaultMaxBytes = 1 << 20   // as it was sent; see [MaxBytes]
	MaxDepth        = 100       // nested elements
	MaxElements     = 200_000   // in all
	MaxAttributes   = 100       // of one element
	maxTag          = 128 << 10 // bytes of one tag, so that nothing grows before the attributes are counted
)

// Option changes how Unmarshal decodes.
type Option func(*options)

type options struct {
	maxBytes int
	root     string
	entities map[string]string
}

// MaxBytes bounds the document as it was sent, in place of [DefaultMaxBytes].
func MaxBytes(n int) Option { return func(o *options) { o.maxBytes = n } }

// Root refuses a document whose root element has another name.
func Root(name string) Option { return func(o *options) { o.root = name } }

// HTMLEntities takes the names that HTML 4 has for characters (&eacute;), beside
// the five of XML. Maven's readers define them; XML does not.
func HTMLEntities() Option { return func(o *options) { o.entities = xml.HTMLEntity } }

// Error says where a document is wrong, and how.
type Error struct {
	Line   int // from 1; 0 where the document as a whole is wrong
	Reason string

	cause error
}

// Error implements error. It may quote names of the document, but no text.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s at line %d", e.Reason, e.Line)
}

// Unwrap returns the decoder's own error, if it made one.
func (e *Error) Unwrap() error { return e.cause }

// Unmarshal decodes data, one whole document, into v as encoding/xml does. The
// error is an *Error.
//
// Namespaces are ignored, so that a document with one and a document without are
// the same to a field: elements and attributes go by their names as written. A
// prefix is part of the name ("xsi:type"), except the root element's own, which
// is cut off from elements that have it too. Fields with a namespace in their tag, or tagged innerxml, stay empty.
func Unmarshal(data []byte, v any, opts ...Option) error {
	o := options{maxBytes: DefaultMaxBytes}
	for _, opt := range opts {
		opt(&o)
	}
	if len(data) > o.maxBytes {
		return &Error{Reason: fmt.Sprintf("the document has more than %d bytes", o.maxBytes)}
	}
	text, err := decode(data)
	if err != nil {
		return err
	}
	r := newReader(text, o)
	if err := xml.NewTokenDecoder(r).Decode(v); err != nil {
		return r.explain(err)
	}
	// What follows the root is for the reader to judge.
	if _, err := r.Token(); !errors.Is(err, io.EOF) {
		return r.explain(err)
	}
	return nil
}

// maxReason bounds what an error quotes.
const maxReason = 200

// explain puts an error of the decoder into words that quote no text.
func (r *reader) explain(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Line > 0 {
		return e
	}
	e := &Error{Line: r.line(), Reason: "does not fit", cause: err}
	if own, ok := errors.AsType[*Error](err); ok {
		e.Reason = own.Reason
	} else if s, ok := errors.AsType[*xml.SyntaxError](err); ok {
		e.Reason = short(s.Msg)
	}
	switch {
	case strings.HasSuffix(e.Reason, "unexpected EOF"):
		e.Reason = "the document ends too early"
	case errors.Is(err, io.EOF):
		*e = Error{Reason: "no document", cause: err}
	}
	return e
}

// short returns the beginning of s that an error quotes, and no half characters.
func short(s string) string {
	n := maxReason
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
