package odata

import (
	"strconv"
	"time"
)

// The namespaces of a feed (Atom, and OData 2).
const (
	atomNamespace     = "http://www.w3.org/2005/Atom"
	dataNamespace     = "http://schemas.microsoft.com/ado/2007/08/dataservices"
	metadataNamespace = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
	schemeNamespace   = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"
)

// The media types of what is rendered.
const (
	FeedType     = "application/atom+xml;type=feed;charset=utf-8"
	EntryType    = "application/atom+xml;type=entry;charset=utf-8"
	DocumentType = "application/xml;charset=utf-8"
)

// Feed is a page of packages.
type Feed struct {
	Base    string // the address of the feed's root
	Title   string // what was asked for: "Search"
	Updated time.Time
	Count   *int   // how many there are on all pages; nil: not said
	Next    string // the address of the next page; empty: there is none
	Entries []Entry
}

// RenderFeed writes a feed. Equal ones make equal bytes.
func RenderFeed(f Feed) []byte {
	base := rooted(f.Base)
	w := newWriter()
	w.element("feed", namespaces(base), func() {
		if f.Count != nil {
			w.text("m:count", nil, strconv.Itoa(*f.Count))
		}
		w.text("id", nil, base+f.Title)
		w.text("title", attributes{{"type", "text"}}, f.Title)
		w.text("updated", nil, f.Updated.UTC().Format(time.RFC3339))
		w.empty("link", attributes{{"rel", "self"}, {"title", f.Title}, {"href", f.Title}})
		known := fields()
		for i := range f.Entries {
			w.entry(base, nil, &f.Entries[i], known)
		}
		if f.Next != "" {
			w.empty("link", attributes{{"rel", "next"}, {"href", f.Next}})
		}
	})
	return w.bytes()
}

// RenderEntry writes one package, as the answer to its key. Equal ones make equal
// bytes.
func RenderEntry(base string, e Entry) []byte {
	w := newWriter()
	base = rooted(base)
	w.entry(base, namespaces(base), &e, fields())
	return w.bytes()
}

func namespaces(base string) attributes {
	return attributes{{"xml:base", base}, {"xmlns", atomNamespace}, {"xmlns:d", dataNamespace}, {"xmlns:m", metadataNamespace}}
}

func (w *writer) entry(base string, a attributes, e *Entry, known []field) {
	w.element("entry", a, func() {
		w.text("id", nil, base+e.key())
		w.empty("category", attributes{{"term", "NuGetGallery.OData.V2FeedPackage"}, {"scheme", schemeNamespace}})
		w.empty("link", attributes{{"rel", "edit"}, {"title", "V2FeedPackage"}, {"href", e.key()}})
		w.text("title", attributes{{"type", "text"}}, e.ID)
		w.text("summary", attributes{{"type", "text"}}, e.Summary)
		w.text("updated", nil, e.LastUpdated.UTC().Format(time.RFC3339))
		w.element("author", nil, func() { w.text("name", nil, e.Authors) })
		// The client asks for an element without an end tag (XmlReader.IsEmptyElement).
		w.empty("content", attributes{{"type", "application/zip"}, {"src", e.DownloadURL}})
		w.element("m:properties", nil, func() {
			for _, f := range known {
				w.property(f, f.text(e))
			}
		})
	})
}

func (w *writer) property(f field, text string) {
	var a attributes
	if f.edm != edmString {
		a = append(a, attribute{"m:type", f.edm})
	}
	if text == "" && !f.required {
		w.empty("d:"+f.name, append(a, attribute{"m:null", "true"}))
		return
	}
	w.text("d:"+f.name, a, text)
}
