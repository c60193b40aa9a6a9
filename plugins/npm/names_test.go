package npm

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"demo": true, "@acme/web": true, "@acme/web.js": true, "lodash.merge": true, "Upper": true, "a+b": true, "_x": true, ".x": true,
		"@a/b": true, "@-a/b": false, "@a-/b": true,
		"": false, ".": false, "..": false, "-": false, "@acme": false, "@acme/": false, "@/web": false, "@acme/.": false, "@acme/..": false, "@acme/-": false,
		"@g/my_inv@@lid": false, "@inv@lid_scope/package": false, "@scope/sub/group": false, "@scope/../../package": false,
		"@scope%2e%2e%2fpackage": false, "@x.git/y": false, "@x.atom/y": false, "a b": false, "a~b": false, "a'b": false, "a/b": false, "ä": false, "a\x00": false,
		strings.Repeat("a", 255): true, strings.Repeat("a", 256): false,
	} {
		if got := checkName(name) == nil; got != ok {
			t.Errorf("%q: %t, want %t", name, got, ok)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{
		"1.0.0": true, "0.0.0": true, "1.0.0-alpha.1": true, "1.0.0+build.5": true, "1.0.0-0A.is.legal": true, "999999999999.0.0": true,
		"1": false, "1.2": false, "v1.0.0": false, "=1.0.0": false, "1./2.3": false, "../../../../../1.2.3": false, "%2e%2e%2f1.2.3": false,
		"01.0.0": false, "1.0.0-01": false, "": false, "latest": false, "1.0.0 ": false, "1.0.0-": false,
	} {
		if got := checkVersion(version) == nil; got != ok {
			t.Errorf("%q: %t, want %t", version, got, ok)
		}
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	for tag, ok := range map[string]bool{
		"latest": true, "beta": true, "next-1": true, "ümlaut": true, "": false, "  ": false, "1.0.0": false, "1": false, "v1": false,
		strings.Repeat("a", 256): false,
	} {
		if got := checkTag(tag) == nil; got != ok {
			t.Errorf("%q: %t, want %t", tag, got, ok)
		}
	}
}

func TestHighest(t *testing.T) {
	t.Parallel()
	for want, versions := range map[string][]string{
		"1.10.0":       {"1.9.0", "1.10.0", "1.2.0"},
		"2.0.0-beta.2": {"1.0.0", "2.0.0-beta.2", "2.0.0-beta.1"},
		"2.0.0":        {"2.0.0-rc.1", "2.0.0"},
		"":             {},
	} {
		if got := highest(versions); got != want {
			t.Errorf("%v: %q, want %q", versions, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"demo", "@a/b", "..", "@scope%2f..", "-", "a\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != nil {
			return
		}
		// What is let in can stand in a URL and in a file's name.
		for part := range strings.SplitSeq(name, "/") {
			if part == "" || part == "." || part == ".." || part == "-" {
				t.Fatalf("%q", name)
			}
		}
		if strings.ContainsAny(name, " \\%?#\x00\r\n\"'<>") || strings.Count(name, "/") > 1 || len(name) > maxName {
			t.Fatalf("%q", name)
		}
	})
}
