package pattern_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/pattern"
)

func validators() map[string]string {
	return map[string]string{
		"name": `(?:@[a-z]+/)?[a-z]+`,
		"file": `[a-z0-9.-]+`,
		"path": `[a-z]+(?:/[a-z]+)*`,
		"alt":  `a|ab`,
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          map[string]string // nil: no match
	}{
		{"", "", map[string]string{}},
		{"", "a", nil},
		{"-/ping", "-/ping", map[string]string{}},
		{"-/ping", "-/pingx", nil},
		{"-/ping", "x/-/ping", nil},
		{"{name:name}", "demo", map[string]string{"name": "demo"}},
		{"{name:name}", "@scope/demo", map[string]string{"name": "@scope/demo"}},
		{"{name:name}", "demo/x", nil},
		{"{name:name}", "demo\n", nil},
		{"{name:name}/-/{file:file}", "@s/demo/-/demo-1.0.tgz", map[string]string{"name": "@s/demo", "file": "demo-1.0.tgz"}},
		{"a.b/{f:file}", "aXb/c", nil}, // literals are no expressions
		{"a.b/{f:file}", "a.b/c", map[string]string{"f": "c"}},
		{"{path:path}/{file:file}", "com/example/a.jar", map[string]string{"path": "com/example", "file": "a.jar"}},
		{"{x:alt}", "ab", map[string]string{"x": "ab"}}, // an alternative does not escape its parameter
		{"{x:alt}c", "abc", map[string]string{"x": "ab"}},
		{"{x:alt}", "b", nil},
	} {
		p, err := pattern.Compile(c.pattern, validators())
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		params, ok := p.Match(c.path)
		if ok != (c.want != nil) || !maps.Equal(params, c.want) && len(params)+len(c.want) > 0 {
			t.Errorf("%s on %q: %v %v, want %v", c.pattern, c.path, params, ok, c.want)
		}
	}
}

func TestRefusedPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, reason string }{
		{"{name}", "expected {name:validator}"},
		{"{Name:name}", "expected {name:validator}"},
		{"{:name}", "expected {name:validator}"},
		{"{a:name:x}", "expected {name:validator}"},
		{"{name:name", "unclosed {"},
		{"{a{b:name}}", "unclosed {"},
		{"a}b", "unexpected }"},
		{"{a:name}/{a:file}", "has a parameter a already"},
		{"{a:other}", "no validator other"},
		{strings.Repeat("x", 1025), "longer than"},
	} {
		_, err := pattern.Compile(c.pattern, validators())
		if err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.pattern, err, c.reason)
		}
	}
}

func TestRefusedValidators(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, reason string }{
		{`(a)`, "captures"},
		{`(?P<x>a)`, "captures"},
		{`a(`, "does not compile"},
		{`a)(b`, "does not compile"},
		{`(?=a)b`, "does not compile"},
		{`^a$`, "anchor"},
		{`\Aa\z`, "anchor"},
		{`\bword\b`, "word boundary"},
		{`(?m:^a)`, "anchor"},
		{`a*`, "empty string"},
		{``, "empty string"},
		{strings.Repeat("a", 1025), "longer than"},
	} {
		if err := pattern.CheckValidator(c.expr); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.expr, err, c.reason)
		}
		if _, err := pattern.Compile("{a:v}", map[string]string{"v": c.expr}); err == nil {
			t.Errorf("%s: a pattern with it compiles", c.expr)
		}
	}
}

func TestEqualSkeletonsFitTheSamePaths(t *testing.T) {
	t.Parallel()
	skeleton := func(p string, v map[string]string) string {
		compiled, err := pattern.Compile(p, v)
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Skeleton()
	}
	v := map[string]string{"a": "[a-z]+", "b": "[a-z]+", "c": "[0-9]+"}
	if skeleton("x/{p:a}", v) != skeleton("x/{q:b}", v) {
		t.Error("names alone make skeletons differ")
	}
	if skeleton("x/{p:a}", v) == skeleton("x/{p:c}", v) {
		t.Error("different validators give one skeleton")
	}
}

// No pattern and path may panic; what matches is put together again from its parts.
func FuzzPattern(f *testing.F) {
	f.Add("{name:name}/-/{file:file}", "@s/demo/-/a.tgz")
	f.Add("{x:alt}{y:alt}", "aab")
	f.Add("{", "}")
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := pattern.Compile(text, validators())
		if err != nil {
			return
		}
		params, ok := p.Match(path)
		if !ok {
			return
		}
		again := text
		for name, value := range params {
			for validator := range validators() {
				again = strings.ReplaceAll(again, "{"+name+":"+validator+"}", value)
			}
		}
		if again != path {
			t.Errorf("%q on %q: %v", text, path, params)
		}
	})
}
