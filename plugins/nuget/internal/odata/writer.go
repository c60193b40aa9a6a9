package odata

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// attributes are those of an element, in their order.
type attributes []attribute

type attribute struct{ name, value string }

// writer writes XML. encoding/xml would write an end tag to every element.
type writer struct {
	out    bytes.Buffer
	indent string
}

func newWriter() *writer {
	w := &writer{}
	w.out.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	return w
}

func (w *writer) bytes() []byte { return w.out.Bytes() }

func (w *writer) element(name string, a attributes, inside func()) {
	outside := w.indent
	w.open(name, a)
	w.out.WriteString(">\n")
	w.indent += "  "
	inside()
	w.indent = outside
	w.out.WriteString(outside + "</" + name + ">\n")
}

func (w *writer) text(name string, a attributes, text string) {
	w.open(name, a)
	w.out.WriteString(">")
	w.escape(text)
	w.out.WriteString("</" + name + ">\n")
}

func (w *writer) empty(name string, a attributes) {
	w.open(name, a)
	w.out.WriteString(" />\n")
}

func (w *writer) open(name string, a attributes) {
	w.out.WriteString(w.indent + "<" + name)
	for _, one := range a {
		w.out.WriteString(" " + one.name + `="`)
		w.escape(one.value)
		w.out.WriteString(`"`)
	}
}

// escape writes a text. What XML has no way to write becomes U+FFFD.
func (w *writer) escape(text string) {
	_ = xml.EscapeText(&w.out, []byte(text)) // a Buffer takes everything
}

// rooted returns an address that relative ones can be resolved against.
func rooted(base string) string { return strings.TrimSuffix(base, "/") + "/" }
