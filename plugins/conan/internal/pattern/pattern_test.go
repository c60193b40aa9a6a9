package pattern_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/conan/internal/pattern"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pattern.Pattern{
		"":                     {},
		"*":                    {},
		"*/*":                  {},
		"hello":                {Name: "^hello$", Prefix: "hello"},
		"Hel*":                 {Name: "^Hel.*$", Prefix: "hel"},
		"*lo":                  {Name: "^.*lo$"},
		"hello/":               {Name: "^hello$", Prefix: "hello"},
		"hello/1.?":            {Name: "^hello$", Version: `^1\..$`, Prefix: "hello"},
		"hello/[12].0":         {Name: "^hello$", Version: `^[12]\.0$`, Prefix: "hello"},
		"[!a]b":                {Name: "^[^a]b$"},
		"a[":                   {Name: `^a\[$`, Prefix: "a"},
		"a[]b":                 {Name: `^a\[\]b$`, Prefix: "a"},
		"a[z-a]":               {Name: `^a\[z-a\]$`, Prefix: "a"},
		"a[a-b-c]":             {Name: `^a\[a-b-c\]$`, Prefix: "a"},
		"a[--a]":               {Name: `^a\[--a\]$`, Prefix: "a"},
		"a[a-c1_]":             {Name: `^a[a-c1_]$`, Prefix: "a"},
		"hello/1.0@user":       {Name: "^hello$", Version: `^1\.0$`, User: "^user$", Prefix: "hello"},
		"hello/*@user/stable":  {Name: "^hello$", User: "^user$", Channel: "^stable$", Prefix: "hello"},
		"*/*@*/*":              {User: "^.*$", Channel: "^.*$"},
		"hello@":               {Name: "^hello$", Prefix: "hello"},
		"a|b(c)+{1}^$\\d.":     {Name: `^a\|b\(c\)\+\{1\}\^\$\\d\.$`, Prefix: `a|b(c)+{1}^$\d.`},
		"hello/1.0@_/_":        {Name: "^hello$", Version: `^1\.0$`, User: "^_$", Channel: "^_$", Prefix: "hello"},
		"hello/1.0@u/c/more/x": {Name: "^hello$", Version: `^1\.0$`, User: "^u$", Channel: "^c/more/x$", Prefix: "hello"},
	} {
		got, err := pattern.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{strings.Repeat("a", 201), "a*b*c*d*e*f*", "a\x00", "\xff"} {
		if _, err := pattern.Parse(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzParse: what comes out is always an expression, which PostgreSQL would refuse a whole search for.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"hello/1.*@user/stable", "[a-c]*", "[!", "a[b-a]", "[[:alpha:]]", "[a--]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pattern.Parse(text)
		if err != nil {
			return
		}
		for _, e := range []string{p.Name, p.Version, p.User, p.Channel} {
			if _, err := regexp.Compile(strings.ToValidUTF8(e, "")); err != nil {
				t.Errorf("%q: %v", e, err)
			}
		}
	})
}
