// Package urlpath is the one place where a URL's path is unescaped and checked.
// Routing, permissions, caching and plugins all share its result, so that no two
// of them can read one URL differently.
package urlpath

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// The bounds of a path, in bytes.
const (
	MaxPath    = 4096 // as sent, escaped
	MaxSegment = 255  // unescaped; GitLab's bound of names
)

// Path is a path whose segments are unescaped once and safe.
type Path struct {
	Segments      []Segment
	TrailingSlash bool // and there is a segment before it
}

// Segment is the text between two slashes: valid UTF-8 without control
// characters and backslashes, not empty, not "." or "..".
type Segment struct {
	Text     string // unescaped once; what is still escaped is text
	HasSlash bool   // Text has a "/" that was sent as "%2F"
}

// Parse splits and unescapes a path as it stands on the request line
// (url.URL.EscapedPath). The error has CodeInvalid.
//
// A segment with an escaped slash is bounded by what its pieces may be; a
// segment without one by MaxSegment.
func Parse(escapedPath string) (Path, error) {
	if len(escapedPath) > MaxPath {
		return Path{}, invalid()
	}
	rest, ok := strings.CutPrefix(escapedPath, "/")
	if !ok {
		return Path{}, invalid()
	}
	if rest == "" {
		return Path{}, nil
	}
	rest, trailing := strings.CutSuffix(rest, "/")
	p := Path{Segments: make([]Segment, 0, strings.Count(rest, "/")+1), TrailingSlash: trailing}
	for raw := range strings.SplitSeq(rest, "/") {
		text, ok := unescape(raw)
		if !ok {
			return Path{}, invalid()
		}
		s := Segment{Text: text, HasSlash: strings.Contains(text, "/")}
		for piece := range strings.SplitSeq(text, "/") {
			if !safe(piece) {
				return Path{}, invalid()
			}
		}
		p.Segments = append(p.Segments, s)
	}
	return p, nil
}

// Package returns the path below a format's mount: the segments from an index
// on, joined by "/", with the trailing slash if there is one after them. An
// escaped slash separates segments if separates is true, and is refused with
// CodeInvalid otherwise.
func Package(p Path, from int, separates bool) (string, error) {
	if from >= len(p.Segments) {
		return "", nil
	}
	segments := p.Segments[from:]
	size := 1
	for _, s := range segments {
		if s.HasSlash && !separates {
			return "", invalid()
		}
		size += len(s.Text) + 1
	}
	var b strings.Builder
	b.Grow(size)
	for i, s := range segments {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(s.Text)
	}
	if p.TrailingSlash {
		b.WriteByte('/')
	}
	return b.String(), nil
}

// invalid is GitLab's sentence for paths that it does not take. It does not
// repeat the path, which may hold anything.
func invalid() error {
	return registry.Errorf(registry.CodeInvalid, "the request's path should be a valid file path")
}

// safe reports whether an unescaped piece between slashes can be a segment. A
// backslash separates segments on some systems, and no format has it in names.
func safe(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > MaxSegment || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c == '\\' || unicode.IsControl(c) })
}

// unescape undoes percent-encoding once. Unlike url.PathUnescape it allocates
// nothing for a segment without it.
func unescape(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, ok1 := hex(s[i+1])
		low, ok2 := hex(s[i+2])
		if !ok1 || !ok2 {
			return "", false
		}
		out = append(out, high<<4|low)
		i += 2
	}
	return string(out), true
}

func hex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	default:
		return 0, false
	}
}
