package strictxml

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The forms a document's bytes may have, before its declaration has been read.
const (
	utf8Form        = "UTF-8"
	utf8MarkForm    = "UTF-8 with a byte order mark"
	utf16LittleForm = "UTF-16LE"
	utf16BigForm    = "UTF-16BE"
)

// declaration is the XML declaration (XML 1.0, 2.8): [1] is the version, [2] the encoding, each in quotes.
var declaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*("[^"<&]*"|'[^'<&]*')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"yes"|"no"|'yes'|'no'))?[ \t\r\n]*\?>`)

// document is a document in UTF-8, without its XML declaration.
type document struct {
	text []byte
	line int // on which the text begins
}

// decode returns a document in UTF-8, with nothing in it that XML 1.0 forbids.
// The declaration is taken out, so that nobody reads it again and converts twice.
func decode(data []byte) (document, error) {
	form, data := sniff(data)
	if form == utf16LittleForm || form == utf16BigForm {
		var err error
		if data, err = fromUTF16(form, data); err != nil {
			return document{}, err
		}
	}
	doc := document{text: data, line: 1}
	encoding := ""
	if bytes.HasPrefix(data, []byte("<?xml")) && !bytes.HasPrefix(data, []byte("<?xml-")) {
		m := declaration.FindSubmatch(data)
		if m == nil {
			return document{}, &Error{Line: 1, Reason: "the XML declaration is not valid"}
		}
		if v := unquote(m[1]); v != "1.0" {
			return document{}, &Error{Line: 1, Reason: fmt.Sprintf("the XML version is %q, only 1.0 is read", short(v))}
		}
		encoding = strings.ToLower(unquote(m[2]))
		doc = document{text: data[len(m[0]):], line: 1 + bytes.Count(m[0], []byte("\n"))}
	}
	if err := doc.convert(form, encoding); err != nil {
		return document{}, err
	}
	return doc, doc.valid()
}

func unquote(b []byte) string { return strings.Trim(string(b), `"'`) }

// sniff tells the form by the first bytes, and cuts the byte order mark off.
func sniff(data []byte) (form string, rest []byte) {
	for _, mark := range []struct{ bytes, form string }{
		{"\xef\xbb\xbf", utf8MarkForm}, {"\xff\xfe", utf16LittleForm}, {"\xfe\xff", utf16BigForm},
	} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark.bytes)); ok {
			return mark.form, rest
		}
	}
	return utf8Form, data
}

// convert makes UTF-8 of a text whose declaration names an encoding, or refuses
// the name.
func (d *document) convert(form, encoding string) error {
	if form != utf8Form {
		// A byte order mark decides, and the declaration may only say the same.
		same := map[string][]string{
			utf8MarkForm:    {"", "utf-8", "utf8"},
			utf16LittleForm: {"", "utf-16", "utf-16le"},
			utf16BigForm:    {"", "utf-16", "utf-16be"},
		}
		if slices.Contains(same[form], encoding) {
			return nil
		}
		return &Error{Line: 1, Reason: fmt.Sprintf("the declared encoding is %q, the bytes are %s", short(encoding), form)}
	}
	switch encoding {
	case "", "utf-8", "utf8":
		return nil
	case "utf-16":
		// .NET writes this when it makes XML in a string, whose bytes are UTF-8
		// later. Were it UTF-16, the declaration could not have been read.
		return nil
	case "us-ascii", "ascii":
		return d.ascii()
	case "iso-8859-1", "latin1":
		d.text = fromCharmap(charmap.ISO8859_1, d.text)
		return nil
	case "windows-1252", "cp1252":
		d.text = fromCharmap(charmap.Windows1252, d.text)
		return nil
	default:
		return &Error{Line: 1, Reason: fmt.Sprintf("the encoding %q is unknown", short(encoding))}
	}
}

func (d *document) ascii() error {
	for i, b := range d.text {
		if b >= utf8.RuneSelf {
			return d.at(i, "not US-ASCII, which is the declared encoding,")
		}
	}
	return nil
}

func fromCharmap(m *charmap.Charmap, text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, b := range text {
		out = utf8.AppendRune(out, m.DecodeByte(b))
	}
	return out
}

// fromUTF16 refuses what the converters of x/text replace: half a surrogate
// pair, half a character.
func fromUTF16(form string, data []byte) ([]byte, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if form == utf16BigForm {
		order = binary.BigEndian
	}
	if len(data)%2 != 0 {
		return nil, &Error{Reason: "invalid UTF-16: the last character is cut off"}
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := rune(order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			if i += 2; i < len(data) {
				r = utf16.DecodeRune(r, rune(order.Uint16(data[i:])))
			}
			if r == utf8.RuneError || utf16.IsSurrogate(r) {
				return nil, &Error{Line: 1 + bytes.Count(out, []byte("\n")), Reason: "invalid UTF-16: half a surrogate pair"}
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, nil
}

// valid refuses a text with characters that XML 1.0 (2.2) has not. encoding/xml
// looks for them too, but not in comments.
func (d *document) valid() error {
	for i := 0; i < len(d.text); {
		if b := d.text[i]; b >= ' ' && b < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(d.text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return d.at(i, "invalid UTF-8")
		case r == 0:
			return d.at(i, "NUL")
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return d.at(i, fmt.Sprintf("a character that XML forbids, %U,", r))
		}
		i += size
	}
	return nil
}

func (d *document) at(offset int, reason string) *Error {
	return &Error{Line: d.line + bytes.Count(d.text[:offset], []byte("\n")), Reason: reason}
}
