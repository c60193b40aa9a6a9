package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestPatternsMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern  string
		fit      []string
		fitNever []string
	}{
		{"left-pad", []string{"left-pad", "LEFT-Pad"}, []string{"", "left-pad2", "a-left-pad", "left"}},
		{"*", []string{"", "x", "@acme/web", "com/acme/app", "ünïcode"}, nil},
		{"**", []string{"", "x"}, nil},
		{"@acme/*", []string{"@acme/", "@acme/web", "@ACME/x/y"}, []string{"@acme", "@acme2/web", "x@acme/web"}},
		{"*-api", []string{"-api", "web-API", "-api-api"}, []string{"api", "web-api2"}},
		{"com/acme/*/core", []string{"com/acme/x/core", "com/acme/x/y/core", "com/acme//core"}, []string{"com/acme/core", "com/acme/x/core/y"}},
		{"a*b*c", []string{"abc", "axxbxxc", "abcbc", "aBBc"}, []string{"ac", "acb", "abcd", "xabc"}},
		// Wildcards do not share a letter.
		{"ab*ba", []string{"abba", "abxba"}, []string{"aba", "ab"}},
		{"a*aa", []string{"aaa", "axaa"}, []string{"aa"}},
		// What is special elsewhere is itself.
		{"a.b+c?[d]", []string{"a.b+c?[d]"}, []string{"axb+c?[d]", "a.bbc?[d]", "a.b+cd"}},
		{`100%_\*`, []string{`100%_\`, `100%_\x`}, []string{"100xx", "100%x", `100%_*`}},
		// Letters have no case, also outside of ASCII, and where there are several of one.
		{"ÄRGER-*", []string{"ärger-x"}, []string{"arger-x"}},
		{"kiss", []string{"\u212aISS", "ki\u017f\u017f"}, []string{"kis"}},
	} {
		rule := registry.ProtectionRule{NamePattern: c.pattern}
		for _, name := range c.fit {
			if !rule.Matches(name) {
				t.Errorf("%q does not match %q", c.pattern, name)
			}
		}
		for _, name := range c.fitNever {
			if rule.Matches(name) {
				t.Errorf("%q matches %q", c.pattern, name)
			}
		}
	}
}

// A pattern is a maintainer's and a name anybody's: no pair of them takes long.
func TestPatternsTakeNoTime(t *testing.T) {
	t.Parallel()
	rule := registry.ProtectionRule{NamePattern: strings.Repeat("a*", 127) + "b"}
	began := time.Now()
	for range 1000 {
		if rule.Matches(strings.Repeat("a", 255)) {
			t.Fatal("it matches")
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a thousand comparisons took %s", took)
	}
}
