package urlpath_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/urlpath"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path     string
		segments []string
		trailing bool
	}{
		{"/", nil, false},
		{"/a", []string{"a"}, false},
		{"/a/b/", []string{"a", "b"}, true},
		{"/@scope%2fname", []string{"@scope/name"}, false},
		{"/%40scope%2Fname/-/x.tgz", []string{"@scope/name", "-", "x.tgz"}, false},
		{"/a%252fb", []string{"a%2fb"}, false}, // unescaped once: the rest is text
		{"/a%252e%252e", []string{"a%2e%2e"}, false},
		{"/%252e%252e", []string{"%2e%2e"}, false},
		{"/a;b=c/d", []string{"a;b=c", "d"}, false}, // a semicolon means nothing
		{"/a+b", []string{"a+b"}, false},
		{"/...", []string{"..."}, false},
		{"/..a/a..", []string{"..a", "a.."}, false},
		{"/caf%C3%A9", []string{"café"}, false},
		{"/a%3Fb%23c", []string{"a?b#c"}, false},
		{"/" + strings.Repeat("a", 255), []string{strings.Repeat("a", 255)}, false},
	} {
		p, err := urlpath.Parse(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		var texts []string
		for _, s := range p.Segments {
			texts = append(texts, s.Text)
			if s.HasSlash != strings.Contains(s.Text, "/") {
				t.Errorf("%s: segment %q: HasSlash is %v", c.path, s.Text, s.HasSlash)
			}
		}
		if !slices.Equal(texts, c.segments) || p.TrailingSlash != c.trailing {
			t.Errorf("%s: %q, trailing %v", c.path, texts, p.TrailingSlash)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "a", "*", "//", "//a", "/a//b", "/a//", // empty segments
		"/.", "/..", "/a/../b", "/a/./b", "/a/..",
		"/%2e", "/%2e%2e", "/%2E%2e/a", "/.%2e", "/a/%2e%2e%2fb",
		"/%2f", "/%2fetc", "/a%2f", "/a%2f%2fb", "/a%2f..%2fb", "/a%2f%2e%2e", "/%2F%2F%2Fetc%2Fpasswd",
		`/a\b`, "/a%5cb", "/..%5c..%5cb",
		"/a%00b", "/a\x00b", "/a%0d%0aSet-Cookie:x", "/a%0Ab", "/a%09b", "/a%7fb", "/a%C2%85b",
		"/a%ff", "/%c0%ae%c0%ae/a", "/%ed%a0%80", // not UTF-8: a lone byte, an overlong dot, a surrogate
		"/a%", "/a%2", "/a%zz", "/a%2x", "/%%32e", "/a%u002e",
		"/" + strings.Repeat("a", 256),
		"/x%2f" + strings.Repeat("a", 256),
		"/" + strings.Repeat("a/", 2048),
	} {
		p, err := urlpath.Parse(path)
		if registry.CodeOf(err) != registry.CodeInvalid {
			t.Errorf("%q: %v %v, want CodeInvalid", path, p, err)
			continue
		}
		if !strings.HasSuffix(err.Error(), "should be a valid file path") {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestPackage(t *testing.T) {
	t.Parallel()
	const mount = "/api/v4/projects/group%2Fproject/packages/npm"
	for _, c := range []struct {
		path      string
		separates bool
		want      string // "!": refused
	}{
		{mount, false, ""},
		{mount + "/", false, ""},
		{mount + "/demo", false, "demo"},
		{mount + "/demo/", false, "demo/"},
		{mount + "/@s/demo", false, "@s/demo"},
		{mount + "/@s%2fdemo", true, "@s/demo"},
		{mount + "/@s%2fdemo", false, "!"},
		{mount + "/@s%252fdemo", true, "@s%2fdemo"},
		{mount + "/@s%2Fdemo/-/demo-1.0.0.tgz", true, "@s/demo/-/demo-1.0.0.tgz"},
	} {
		p, err := urlpath.Parse(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		got, err := urlpath.Package(p, 6, c.separates)
		if c.want == "!" {
			if registry.CodeOf(err) != registry.CodeInvalid {
				t.Errorf("%s: %q %v, want CodeInvalid", c.path, got, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q %v, want %q", c.path, got, err, c.want)
		}
	}
}

// Whatever is taken is safe, is what net/url makes of it, and is read once only.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"/a/b/", "/@s%2fname", "/%252e%252e", "/..", "/%2e%2e", "/a%00", "/a\\b", "/é", "/a;b", "//", "/%c0%ae", "/%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, err := urlpath.Parse(path)
		if err != nil {
			return
		}
		unescaped, err := url.PathUnescape(path)
		if err != nil {
			t.Fatalf("taken, but net/url says %v", err)
		}
		joined, err := urlpath.Package(p, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		if "/"+joined != unescaped {
			t.Fatalf("%q is read as %q", unescaped, joined)
		}
		for piece := range strings.SplitSeq(strings.TrimSuffix(joined, "/"), "/") {
			if joined == "" {
				break
			}
			if piece == "" || piece == "." || piece == ".." || len(piece) > 255 || !utf8.ValidString(piece) || strings.ContainsAny(piece, "\\\x00\r\n") {
				t.Fatalf("unsafe segment %q", piece)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := urlpath.Parse("/api/v4/projects/12/packages/npm/@scope%2fname/-/name-1.0.0.tgz")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := urlpath.Package(p, 6, true); err != nil {
			b.Fatal(err)
		}
	}
}
