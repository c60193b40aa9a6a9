package metadata

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/maven/internal/version"
)

// RenderArtifactGroup writes the metadata of an artifact, of a group, or of both;
// one of them may be nil. Equal ones make equal bytes, in whatever order their
// versions and plugins are.
//
// Versions are in Maven's order. "latest" is the highest one, "release" the
// highest that is no snapshot. (Maven's own deployment makes them the ones that
// were deployed last.)
func RenderArtifactGroup(a *Artifact, g *Group) ([]byte, error) {
	if a == nil && g == nil {
		return nil, errors.New("metadata of neither an artifact nor a group")
	}
	w := newWriter("")
	if a != nil {
		w.text("groupId", a.GroupID)
		w.text("artifactId", a.ArtifactID)
		w.versioning(a)
	}
	if g != nil {
		w.plugins(g)
	}
	return w.end()
}

func (w *writer) versioning(a *Artifact) {
	versions := slices.Clone(a.Versions)
	version.Sort(versions)
	versions = slices.Compact(versions)
	latest, release := "", ""
	for _, v := range versions {
		latest = v
		if !version.IsSnapshot(v) {
			release = v
		}
	}
	w.element("versioning", func() {
		w.text("latest", latest)
		w.text("release", release)
		if len(versions) > 0 {
			w.element("versions", func() {
				for _, v := range versions {
					w.text("version", v)
				}
			})
		}
		w.text("lastUpdated", formatTime(a.LastUpdated))
	})
}

func (w *writer) plugins(g *Group) {
	if len(g.Plugins) == 0 {
		return
	}
	plugins := slices.Clone(g.Plugins)
	slices.SortFunc(plugins, func(a, b GroupPlugin) int {
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.ArtifactID, b.ArtifactID), cmp.Compare(a.Name, b.Name))
	})
	w.element("plugins", func() {
		for _, p := range plugins {
			w.element("plugin", func() {
				w.text("name", p.Name)
				w.text("prefix", p.Prefix)
				w.text("artifactId", p.ArtifactID)
			})
		}
	})
}

// RenderSnapshot writes the metadata of a snapshot version. Equal ones make equal
// bytes, in whatever order their files are.
func RenderSnapshot(s Snapshot) ([]byte, error) {
	files := slices.Clone(s.Files)
	slices.SortFunc(files, func(a, b SnapshotFile) int {
		return cmp.Or(cmp.Compare(a.Classifier, b.Classifier), cmp.Compare(a.Extension, b.Extension), cmp.Compare(a.Value, b.Value), a.Updated.Compare(b.Updated))
	})
	w := newWriter(` modelVersion="1.1.0"`) // since which there are snapshotVersions
	w.text("groupId", s.GroupID)
	w.text("artifactId", s.ArtifactID)
	w.element("versioning", func() {
		w.text("lastUpdated", formatTime(s.LastUpdated))
		if s.Timestamp != "" {
			w.element("snapshot", func() {
				w.text("timestamp", s.Timestamp)
				w.text("buildNumber", strconv.FormatInt(s.Build, 10))
			})
		}
		if len(files) > 0 {
			w.element("snapshotVersions", func() {
				for _, f := range files {
					w.snapshotVersion(f)
				}
			})
		}
	})
	w.text("version", s.Version)
	return w.end()
}

func (w *writer) snapshotVersion(f SnapshotFile) {
	w.element("snapshotVersion", func() {
		w.text("classifier", f.Classifier)
		w.text("extension", f.Extension)
		w.text("value", f.Value)
		w.text("updated", formatTime(f.Updated))
	})
}

// writer writes XML as Maven's own writer (MetadataXpp3Writer) lays it out.
type writer struct {
	out    bytes.Buffer
	indent string
	escape *strings.Replacer
	err    error
}

func newWriter(attributes string) *writer {
	w := &writer{indent: "  ", escape: strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")}
	w.out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<metadata" + attributes + ">\n")
	return w
}

func (w *writer) end() ([]byte, error) {
	w.out.WriteString("</metadata>\n")
	return w.out.Bytes(), w.err
}

func (w *writer) element(name string, inside func()) {
	outside := w.indent
	w.out.WriteString(outside + "<" + name + ">\n")
	w.indent += "  "
	inside()
	w.indent = outside
	w.out.WriteString(outside + "</" + name + ">\n")
}

// text writes an element with a text in it; of no text, nothing.
func (w *writer) text(name, text string) {
	if text == "" {
		return
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, forbidden) {
		w.err = cmp.Or(w.err, fmt.Errorf("the %s %q cannot be written in XML", name, text))
		return
	}
	w.out.WriteString(w.indent + "<" + name + ">")
	w.out.WriteString(w.escape.Replace(text))
	w.out.WriteString("</" + name + ">\n")
}

// forbidden reports what XML 1.0 (2.2) has no way to write.
func forbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}
