package strictxml

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Once is a field for an element that may occur once. A reader of a document in
// which it occurs twice may take the first, the last or both.
type Once[T any] struct {
	Value   T
	Present bool
}

// UnmarshalXML implements xml.Unmarshaler.
func (o *Once[T]) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if o.Present {
		return twice(start)
	}
	o.Present = true
	return d.DecodeElement(&o.Value, &start)
}

// Text is a field for an element that may occur once and has only text in it,
// whose surrounding white space does not count. Its Value is empty where there is
// no such element.
type Text struct {
	Value   string
	Present bool
}

// UnmarshalXML implements xml.Unmarshaler.
func (t *Text) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if t.Present {
		return twice(start)
	}
	t.Present = true
	var text strings.Builder // comments and CDATA part it into any number of tokens
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			return &Error{Reason: fmt.Sprintf("the element <%s> in <%s>, which has text only,", short(token.Name.Local), start.Name.Local)}
		case xml.EndElement:
			t.Value = strings.TrimSpace(text.String())
			return nil
		}
	}
}

func twice(start xml.StartElement) error {
	return &Error{Reason: fmt.Sprintf("the element <%s> occurs twice", start.Name.Local)}
}
