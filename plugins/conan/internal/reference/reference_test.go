package reference_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 101)
	for _, c := range []struct{ name, version, user, channel, text, wrong string }{
		{"hello", "1.0", "_", "_", "hello/1.0", ""},
		{"hello", "1.0", "user", "_", "hello/1.0@user", ""},
		{"hello", "1.0", "user", "stable", "hello/1.0@user/stable", ""},
		{"Hello_", "1.0+build.2", "group+sub+project", "x-1", "Hello_/1.0+build.2@group+sub+project/x-1", ""},
		{"__", "_1", "_", "_", "__/_1", ""},
		{long, "1.0", "_", "_", long + "/1.0", ""},
		{"a", "1.0", "_", "_", "", "name"},
		{"", "1.0", "_", "_", "", "name"},
		{long + "a", "1.0", "_", "_", "", "name"},
		{"he llo", "1.0", "_", "_", "", "name"},
		{"hello\n", "1.0", "_", "_", "", "name"},
		{"-hello", "1.0", "_", "_", "", "name"},
		{".hello", "1.0", "_", "_", "", "name"},
		{"+hello", "1.0", "_", "_", "", "name"},
		{"hällo", "1.0", "_", "_", "", "name"},
		{"hello", "1", "_", "_", "", "version"},
		{"hello", "..", "_", "_", "", "version"},
		{"hello", "1.0", "u", "_", "", "user"},
		{"hello", "1.0", "user", "c", "", "channel"},
		{"hello", "1.0", "_", "stable", "", "no user"},
		{long, long, "_", "_", "", "longer than 200"},
	} {
		got, err := reference.Parse(c.name, c.version, c.user, c.channel)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil || got.String() != c.text || got.Key() != c.name+"@"+c.user+"/"+c.channel {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
}

func TestRevisionsAndPackageIDs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "ABCDEF": "abcdef", "rev1": "rev1", strings.Repeat("f", 51): strings.Repeat("f", 51),
		"": "", "a-b": "", "a/b": "", strings.Repeat("f", 52): "", "ä": "", "a\n": "",
	} {
		for what, parse := range map[string]func(string) (string, error){"revision": reference.Revision, "package id": reference.PackageID} {
			if got, err := parse(text); got != want || (err != nil) != (want == "") {
				t.Errorf("%s %q: %q, %v", what, text, got, err)
			}
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for path, where := range map[string]string{
		"conanfile.py": "recipe", "conanmanifest.txt": "recipe package", "conaninfo.txt": "package",
		"conan_export.tgz": "recipe", "conan_sources.txz": "recipe", "conan_export.tzst": "recipe", "conan_package.tgz": "package",
		"conan_package.zip": "", "conan_package.tgz.gz": "", "Conanfile.py": "", "": "", "setup.py": "", "../conanfile.py": "", "conanfile.py\n": "",
		"metadata/logs/build.log": "recipe package", "metadata/a": "recipe package", "metadata/..a/...": "recipe package", "metadata/ü b": "recipe package",
		"metadata": "", "metadata/": "", "metadata//a": "", "metadata/./a": "", "metadata/a/..": "", "metadata/a\\b": "", "metadata/a\nb": "",
		"metadata/" + strings.Repeat("a", 600): "",
	} {
		if got := reference.RecipeFile(path) == nil; got != strings.Contains(where, "recipe") {
			t.Errorf("%q in a recipe: %t", path, got)
		}
		if got := reference.PackageFile(path) == nil; got != strings.Contains(where, "package") {
			t.Errorf("%q in a package: %t", path, got)
		}
	}
	for path, want := range map[string]string{"conan_package.tgz": "conan_package", "conan_export.tzst": "conan_export", "conanfile.py": "", "metadata/a.tgz": ""} {
		if got := reference.Archive(path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func FuzzFiles(f *testing.F) {
	for _, s := range []string{"conanfile.py", "metadata/a/../b", "metadata/\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if reference.RecipeFile(path) != nil {
			return
		}
		for segment := range strings.SplitSeq(path, "/") {
			if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "\\\x00\n") {
				t.Errorf("%q is taken", path)
			}
		}
	})
}
