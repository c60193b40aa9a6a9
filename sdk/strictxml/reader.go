package strictxml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// reader hands a document to encoding/xml token by token, judging each. It
// leaves out what no field can hold: comments, instructions, namespaces.
type reader struct {
	source  *source
	decoder *xml.Decoder
	first   int // the line on which the source begins
	options options

	prefix   string // of the root element
	depth    int
	elements int
	ended    bool // the root element has
}

func newReader(doc document, o options) *reader {
	s := &source{text: doc.text}
	d := xml.NewDecoder(s)
	d.Entity = o.entities
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, &Error{Reason: lateDeclaration} }
	return &reader{source: s, decoder: d, first: doc.line, options: o}
}

// lateDeclaration is the only declaration that a reader meets: the first has been taken out.
const lateDeclaration = "an XML declaration that is not at the start of the document"

// Token implements xml.TokenReader.
func (r *reader) Token() (xml.Token, error) {
	for {
		start := r.decoder.InputOffset()
		r.source.token = int(start)
		token, err := r.decoder.RawToken()
		if err != nil {
			return nil, err // io.EOF too: what is open then is for the one who asks to say
		}
		switch t := token.(type) {
		case xml.StartElement:
			written := t.Name
			if err := r.start(&t); err != nil {
				return nil, err // not the token too: the decoder would take it, and forget the error
			}
			if len(t.Attr) == 0 && t.Name == written {
				return token, nil // the same, and made already
			}
			return t, nil
		case xml.EndElement:
			if r.depth == 0 {
				return nil, r.fail(fmt.Sprintf("the end of <%s>, which is not open,", short(t.Name.Local)))
			}
			r.depth--
			r.ended = r.depth == 0
			if name := r.name(t.Name); name != t.Name {
				return xml.EndElement{Name: name}, nil
			}
			return token, nil
		case xml.CharData:
			if r.depth > 0 {
				return token, nil
			}
			// As written: a character reference and CDATA are no white space.
			if len(bytes.Trim(r.source.text[start:r.decoder.InputOffset()], " \t\r\n")) > 0 {
				return nil, r.fail("text outside the root element")
			}
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") {
				return nil, r.fail(lateDeclaration)
			}
		case xml.Directive:
			return nil, r.fail("a document type declaration (<!DOCTYPE>), which is not allowed,")
		}
	}
}

func (r *reader) start(t *xml.StartElement) error {
	if r.ended {
		return r.fail("more than one root element")
	}
	r.depth++
	if r.depth > MaxDepth {
		return r.fail(fmt.Sprintf("more than %d nested elements", MaxDepth))
	}
	if r.elements++; r.elements > MaxElements {
		return r.fail(fmt.Sprintf("more than %d elements", MaxElements))
	}
	if r.elements == 1 {
		r.prefix = t.Name.Space
	}
	t.Name = r.name(t.Name)
	if r.elements == 1 && r.options.root != "" && t.Name.Local != r.options.root {
		return r.fail(fmt.Sprintf("the root element is <%s>, not <%s>,", short(t.Name.Local), r.options.root))
	}
	attributes, err := r.attributes(t.Attr)
	t.Attr = attributes
	return err
}

// attributes refuses one that occurs twice, and leaves namespaces out.
func (r *reader) attributes(attributes []xml.Attr) ([]xml.Attr, error) {
	if len(attributes) > MaxAttributes {
		return nil, r.fail(fmt.Sprintf("more than %d attributes of one element", MaxAttributes))
	}
	if len(attributes) == 0 {
		return nil, nil
	}
	for i, a := range attributes {
		for _, b := range attributes[:i] {
			if a.Name == b.Name {
				return nil, r.fail(fmt.Sprintf("the attribute %q occurs twice", short(a.Name.Local)))
			}
		}
	}
	kept := make([]xml.Attr, 0, len(attributes))
	for _, a := range attributes {
		if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
			continue
		}
		a.Name = flat(a.Name)
		kept = append(kept, a)
	}
	return kept, nil
}

// name is what an element is known by. The root's prefix is that of the whole
// vocabulary; where it has one, a name without is of another, and begins with ":".
func (r *reader) name(n xml.Name) xml.Name {
	switch n.Space {
	case r.prefix:
		return xml.Name{Local: n.Local}
	case "":
		return xml.Name{Local: ":" + n.Local}
	default:
		return flat(n)
	}
}

func flat(n xml.Name) xml.Name {
	if n.Space == "" {
		return n
	}
	return xml.Name{Local: n.Space + ":" + n.Local}
}

func (r *reader) line() int {
	line, _ := r.decoder.InputPos()
	return r.first - 1 + line
}

func (r *reader) fail(reason string) *Error { return &Error{Line: r.line(), Reason: reason} }

// source is the text, byte by byte. It bounds a tag, whose attributes the
// decoder collects before anyone can count them.
type source struct {
	text  []byte
	next  int
	token int // where the present token begins
}

// ReadByte implements io.ByteReader.
func (s *source) ReadByte() (byte, error) {
	if s.next == len(s.text) {
		return 0, io.EOF
	}
	if s.next-s.token > maxTag && s.text[s.token] == '<' && s.text[s.token+1] != '!' && s.text[s.token+1] != '?' {
		return 0, &Error{Reason: fmt.Sprintf("a tag of more than %d bytes", maxTag)}
	}
	b := s.text[s.next]
	s.next++
	return b, nil
}

// Read implements io.Reader, which the decoder asks for and does not use.
func (s *source) Read(p []byte) (int, error) {
	n := copy(p, s.text[s.next:])
	s.next += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
