package upload

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// The most of a string that is looked at in one go. Looking further than the
// next escape is in vain; so that a string full of escapes does not cost the
// square of its length, we do not look far.
const (
	textWindow = 256
	fileWindow = 8 << 10
)

// text copies a string and returns it as it stands in the document, with quotes and escapes.
func (s *scanner) text() ([]byte, error) {
	start := len(s.document)
	if err := s.take(); err != nil {
		return nil, err
	}
	for {
		run, err := s.run(textWindow)
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
		switch c {
		case '"':
			return s.document[start:], nil
		case '\\': // whatever follows is not the end
			if err := s.take(); err != nil {
				return nil, err
			}
		}
	}
}

// run takes the bytes before the next quote or backslash, as far as it can see.
// They are valid until the next read. It may return none.
func (s *scanner) run(window int) ([]byte, error) {
	if s.in.Buffered() == 0 {
		if _, err := s.in.Peek(1); err != nil {
			return nil, err
		}
	}
	run, err := s.in.Peek(min(s.in.Buffered(), window))
	if err != nil {
		return nil, err
	}
	for _, stop := range []byte(`"\`) {
		if i := bytes.IndexByte(run, stop); i >= 0 {
			run = run[:i]
		}
	}
	_, err = s.in.Discard(len(run))
	return run, err
}

// unescaped hands over the text of a string, from behind its opening quote to
// its closing one, in pieces: those that stand for themselves, and those that
// were escaped.
func (s *scanner) unescaped(plain, escaped func([]byte) error) error {
	for {
		run, err := s.run(fileWindow)
		if err != nil {
			return err
		}
		if err := plain(run); err != nil {
			return err
		}
		c, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			return nil
		case '\\':
			text, err := s.escape()
			if err != nil {
				return err
			}
			if err := escaped(text); err != nil {
				return err
			}
		default: // the window ended
			if err := s.in.UnreadByte(); err != nil {
				return err
			}
		}
	}
}

// escape undoes the escape behind a backslash; two, where they are one character.
func (s *scanner) escape() ([]byte, error) {
	c, err := s.in.ReadByte()
	if err != nil {
		return nil, err
	}
	if c == '/' { // some encoders write it, and base64 is full of it
		return []byte("/"), nil
	}
	literal := []byte{'"', '\\', c}
	if c == 'u' {
		if literal, err = s.hex(literal); err != nil {
			return nil, err
		}
		if first := bytes.ToLower(literal[3:5]); first[0] == 'd' && first[1] >= '8' && first[1] <= 'b' {
			if literal, err = s.lowSurrogate(literal); err != nil {
				return nil, err
			}
		}
	}
	text, err := jsontext.AppendUnquote(nil, append(literal, '"'))
	if err != nil || len(text) == 1 && text[0] == 0 {
		return nil, errSyntax
	}
	return text, nil
}

// lowSurrogate takes the second half of a character beyond the first 65,536.
func (s *scanner) lowSurrogate(literal []byte) ([]byte, error) {
	for _, want := range []byte(`\u`) {
		switch c, err := s.in.ReadByte(); {
		case err != nil:
			return nil, err
		case c != want:
			return nil, errSyntax
		}
	}
	return s.hex(append(literal, '\\', 'u'))
}

// hex takes four digits. That they are digits is checked by who reads the literal.
func (s *scanner) hex(literal []byte) ([]byte, error) {
	for range 4 {
		c, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == '"' || c == '\\' {
			return nil, errSyntax
		}
		literal = append(literal, c)
	}
	return literal, nil
}

// plainText takes a string's own text into a sink.
func (s *scanner) plainText(to *sink) error {
	var rest []byte // of a character that a piece's end has cut
	err := s.unescaped(func(p []byte) error {
		p = append(rest, p...)
		n, ok := wholeText(p)
		if !ok {
			return errSyntax
		}
		rest = bytes.Clone(p[n:])
		return to.write(p[:n])
	}, func(p []byte) error {
		if len(rest) > 0 {
			return errSyntax
		}
		return to.write(p)
	})
	if err == nil && len(rest) > 0 {
		return errSyntax
	}
	return err
}

// wholeText returns how much of p is whole characters. It is not ok if p can be
// no part of a JSON string.
func wholeText(p []byte) (n int, ok bool) {
	for n < len(p) {
		if p[n] < utf8.RuneSelf {
			if p[n] < ' ' {
				return n, false
			}
			n++
			continue
		}
		if !utf8.FullRune(p[n:]) {
			return n, true
		}
		r, size := utf8.DecodeRune(p[n:])
		if r == utf8.RuneError && size == 1 {
			return n, false
		}
		n += size
	}
	return n, true
}

// base64 decodes a string into a sink.
func (s *scanner) base64(to *sink) error {
	d := base64Decoder{to: to}
	if err := s.unescaped(d.write, d.write); err != nil {
		return err
	}
	return d.close()
}

// base64Decoder decodes standard, padded base64 as it comes, in large pieces:
// encoding/base64's own streaming decoder takes more than twice the time.
type base64Decoder struct {
	to    *sink
	rest  []byte // fewer than four characters
	ended bool   // padding was seen
}

func errBase64() error {
	return registry.Errorf(registry.CodeInvalid, "Attachment data is not valid base64.")
}

func (d *base64Decoder) write(p []byte) error {
	if len(d.rest) > 0 {
		n := min(4-len(d.rest), len(p))
		d.rest, p = append(d.rest, p[:n]...), p[n:]
		if len(d.rest) < 4 {
			return nil
		}
		if err := d.quanta(d.rest); err != nil {
			return err
		}
		d.rest = d.rest[:0]
	}
	whole := len(p) - len(p)%4
	if err := d.quanta(p[:whole]); err != nil {
		return err
	}
	d.rest = append(d.rest, p[whole:]...)
	return nil
}

// quanta decodes a multiple of four characters.
func (d *base64Decoder) quanta(p []byte) error {
	// The decoder passes over line breaks, which would upset our count of four.
	if bytes.IndexByte(p, '\n') >= 0 || bytes.IndexByte(p, '\r') >= 0 {
		return errBase64()
	}
	for len(p) > 0 {
		if d.ended {
			return errBase64()
		}
		space, err := d.to.space(3)
		if err != nil {
			return err
		}
		n := min(len(space)/3*4, len(p))
		decoded, err := base64.StdEncoding.Decode(space, p[:n])
		if err != nil {
			return errBase64()
		}
		d.ended = p[n-1] == '='
		if err := d.to.filled(decoded); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func (d *base64Decoder) close() error {
	if len(d.rest) > 0 {
		return errBase64()
	}
	return nil
}
