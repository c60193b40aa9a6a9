// Package strictjson decodes JSON that strangers sent.
//
// Two readers of one document must not see different things in it. So what
// encoding/json lets pass is refused: a name that occurs twice in an object, a
// member that fits a field only when case is ignored, invalid UTF-8, data after
// the document, NUL in a string (PostgreSQL cannot store it), and more than
// [MaxDepth] nested arrays and objects. The caller bounds the size.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deeply arrays and objects may nest.
const MaxDepth = 64

// RawMessage is a value left as it stands in the document. It is valid by all of
// the package's rules.
type RawMessage = jsontext.Value

// Option changes how Unmarshal decodes.
type Option func(*options)

type options struct{ refuseUnknown bool }

// RefuseUnknown refuses object members that the Go type has no field for.
func RefuseUnknown() Option { return func(o *options) { o.refuseUnknown = true } }

// Error says where a document is wrong, and how.
type Error struct {
	Pointer string // RFC 6901; empty for the document itself
	Offset  int64  // in bytes
	Reason  string

	cause error
}

// Error implements error. It quotes no values: they may be secrets.
func (e *Error) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s at %s (byte %d)", e.Reason, e.Pointer, e.Offset)
}

// Unwrap returns the decoder's own error, if it made one.
func (e *Error) Unwrap() error { return e.cause }

// Unmarshal decodes data, one whole document, into v as package
// github.com/go-json-experiment/json does. The error is an *Error.
func Unmarshal(data []byte, v any, opts ...Option) error {
	if err := Valid(data); err != nil {
		return err
	}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if err := json.Unmarshal(data, v, json.RejectUnknownMembers(o.refuseUnknown)); err != nil {
		return semantic(err)
	}
	return nil
}

// Valid walks data, one whole document, without decoding it. The error is an *Error.
func Valid(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(data)) // a bytes.Buffer is read in place
	// The only way to write NUL: a raw one is refused as a control character.
	mayHaveNUL := bytes.Contains(data, []byte(`\u0000`))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return syntactic(d, data, err)
		}
		if d.StackDepth() > MaxDepth {
			return at(d, fmt.Sprintf("more than %d nested arrays and objects", MaxDepth))
		}
		if mayHaveNUL && token.Kind() == '"' && strings.ContainsRune(token.String(), 0) {
			return at(d, "NUL in a string")
		}
		if d.StackDepth() == 0 {
			return trailing(d)
		}
	}
}

// trailing refuses anything but white space after the document.
func trailing(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e := at(d, "data after the document")
		e.Pointer = ""
		return e
	}
	return nil
}

func at(d *jsontext.Decoder, reason string) *Error {
	return &Error{Pointer: string(d.StackPointer()), Offset: d.InputOffset(), Reason: reason}
}

// syntactic puts an error of the tokenizer into words that quote nothing.
func syntactic(d *jsontext.Decoder, data []byte, err error) *Error {
	e := at(d, "not valid JSON")
	e.cause = err
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Pointer, e.Offset = string(s.JSONPointer), s.ByteOffset
	}
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		e.Reason = "no document"
	case errors.Is(err, jsontext.ErrDuplicateName):
		e.Reason = "a name occurs twice"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Reason = "the document ends too early"
	case strings.Contains(err.Error(), "invalid UTF-8"):
		e.Reason = "invalid UTF-8"
	}
	return e
}

// semantic says of a document that is valid why it does not fit the Go value.
func semantic(err error) *Error {
	e := &Error{Reason: "does not fit", cause: err}
	s, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return e
	}
	e.Pointer, e.Offset = string(s.JSONPointer), s.ByteOffset
	switch {
	case errors.Is(err, json.ErrUnknownName):
		e.Reason = "unknown field"
	case s.JSONKind != 0:
		e.Reason = "unexpected " + kindName(s.JSONKind)
	}
	return e
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	case '[':
		return "array"
	default:
		return "value"
	}
}
