package names_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
)

func TestCheckID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"a", "A", "7", "Newtonsoft.Json", "My_Package-1.x", "a+b", "a--b", "-a", "_", "NuGet.Temporary.Package", "a.-.b", strings.Repeat("a", 100),
	} {
		if err := names.CheckID(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, c := range []struct{ id, reason string }{
		{"", "the package id is empty"},
		{strings.Repeat("a", 101), "the package id has more than 100 characters"},
		{strings.Repeat("é", 101), "the package id has more than 100 characters"},
		{"a b", "only letters, digits"},
		{"a/b", "only letters, digits"},
		{`a\b`, "only letters, digits"},
		{"a%20b", "only letters, digits"},
		{"../a", "only letters, digits"},
		{"a\n", "only letters, digits"},
		{"$id$", "only letters, digits"},
		{"Ünï", "only letters, digits"},
		{"Kelvin\u212a", "only letters, digits"},
		{"a\xff", "only letters, digits"},
		{"a\x00", "only letters, digits"},
		{".", "a dot must stand between"},
		{"..", "a dot must stand between"},
		{".a", "a dot must stand between"},
		{"a.", "a dot must stand between"},
		{"a..b", "a dot must stand between"},
	} {
		if err := names.CheckID(c.id); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: %v, want %q", c.id, err, c.reason)
		}
	}
}

func TestIDsAreOneWhateverTheirCase(t *testing.T) {
	t.Parallel()
	if names.Key("Newtonsoft.JSON") != "newtonsoft.json" || names.Key("a-B+c_D.1") != "a-b+c_d.1" {
		t.Error(names.Key("Newtonsoft.JSON"), names.Key("a-B+c_D.1"))
	}
}

func TestADependencyMayBeFromAnyServer(t *testing.T) {
	t.Parallel()
	for id, taken := range map[string]bool{
		"Newtonsoft.Json": true, "Ünï.код_1": true, "a+b": true, strings.Repeat("é", 100): true,
		"": false, "a b": false, "a:b": false, "a|b": false, "a/b": false, "a\n": false, "<a>": false, "a\xff": false, strings.Repeat("é", 101): false,
	} {
		if err := names.CheckDependency(id); (err == nil) != taken {
			t.Errorf("%q: %v", id, err)
		}
	}
}
