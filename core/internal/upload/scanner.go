package upload

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// syntaxError says what is wrong with a JSON text, in words for the client.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

const errSyntax = syntaxError("unexpected character")

// scanner walks one JSON text and copies it, white space and all: so what the
// copy's checker finds is at the same place in the original.
type scanner struct {
	*receiver
	in       *bufio.Reader
	document []byte
	gaps     []gap
	path     []string // of object keys; array elements have none
	arrays   int      // how many arrays we are in: attachments are in none
}

// offset is where we are in the body.
func (s *scanner) offset() int64 { return s.receiver.in.n - int64(s.in.Buffered()) }

// emit copies to the document.
func (s *scanner) emit(p ...byte) error {
	if int64(len(s.document)+len(p)) > s.policy.MaxBytes {
		return s.documentTooLarge()
	}
	s.document = append(s.document, p...)
	return nil
}

// next copies white space and returns the byte after it, without taking it.
func (s *scanner) next() (byte, error) {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			if err := s.emit(c); err != nil {
				return 0, err
			}
		default:
			return c, s.in.UnreadByte()
		}
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

// end makes sure that nothing follows.
func (s *scanner) end() error {
	switch _, err := s.next(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return syntaxError("data after the document")
}

func (s *scanner) value(depth int) error {
	if depth > strictjson.MaxDepth {
		return syntaxError(fmt.Sprintf("more than %d nested arrays and objects", strictjson.MaxDepth))
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.list('}', func() error { return s.member(depth) })
	case '[':
		s.arrays++
		defer func() { s.arrays-- }()
		return s.list(']', func() error { return s.value(depth + 1) })
	case '"':
		if encoding, ok := s.attachment(); ok {
			return s.attach(encoding)
		}
		_, err := s.text()
		return err
	}
	return s.scalar()
}

// list walks an object or array up to its closing bracket.
func (s *scanner) list(closing byte, element func() error) error {
	if err := s.take(); err != nil {
		return err
	}
	switch c, err := s.next(); {
	case err != nil:
		return err
	case c == closing:
		return s.take()
	}
	for {
		if err := element(); err != nil {
			return err
		}
		c, err := s.next()
		if err != nil {
			return err
		}
		if c != ',' && c != closing {
			return errSyntax
		}
		if err := s.take(); err != nil || c == closing {
			return err
		}
	}
}

// member walks a name and its value.
func (s *scanner) member(depth int) error {
	if c, err := s.next(); err != nil || c != '"' {
		return orSyntax(err)
	}
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
	if c, err := s.next(); err != nil || c != ':' {
		return orSyntax(err)
	}
	if err := s.take(); err != nil {
		return err
	}
	s.path = append(s.path, string(name))
	defer func() { s.path = s.path[:len(s.path)-1] }()
	return s.value(depth + 1)
}

func orSyntax(err error) error {
	if err != nil {
		return err
	}
	return errSyntax
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
		if !inScalar(c) {
			if err := s.in.UnreadByte(); err != nil || n > 0 {
				return err
			}
			return errSyntax
		}
		if err := s.emit(c); err != nil {
			return err
		}
	}
}

func inScalar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '+' || c == '-' || c == '.' || c == 'E'
}
