package archive_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/archive"
)

func TestFindNuspec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		files []string
		want  string // or, if the error is one, a part of it
		wrong bool
	}{
		{"at the root", []string{"_rels/.rels", "Demo.nuspec", "lib/net45/Demo.dll", "[Content_Types].xml"}, "Demo.nuspec", false},
		{"in capitals", []string{"DEMO.NUSPEC"}, "DEMO.NUSPEC", false},
		{"nothing but the extension", []string{".nuspec"}, ".nuspec", false},
		{"others further in", []string{"content/a.nuspec", "Demo.nuspec", "content/b.nuspec"}, "Demo.nuspec", false},
		{"further in only", []string{"lib/a.dll", "package/Demo.nuspec"}, "package/Demo.nuspec", false},
		{"behind a backslash", []string{`package\Demo.nuspec`}, `package\Demo.nuspec`, false},
		{"a directory of that name", []string{"Demo.nuspec/", "Real.nuspec"}, "Real.nuspec", false},
		{"nothing at all", nil, "the package has no .nuspec file in it", true},
		{"no manifest", []string{"a.dll", "nuspec", "a.nuspec.txt", "b.nuspec/"}, "the package has no .nuspec file in it", true},
		{"two", []string{"a.nuspec", "b.nuspec"}, "more than one .nuspec file at its root", true},
		{"one twice", []string{"a.nuspec", "a.nuspec"}, "more than one .nuspec file at its root", true},
		{"two in two cases", []string{"a.nuspec", "A.NuSpec"}, "more than one .nuspec file at its root", true},
		{"two further in", []string{"x/a.nuspec", `y\a.nuspec`}, "no .nuspec file at its root, and more than one elsewhere", true},
	} {
		got, err := archive.FindNuspec(c.files)
		if !c.wrong && (err != nil || got != c.want) || c.wrong && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestCheckSymbols(t *testing.T) {
	t.Parallel()
	usual := []string{"_rels/.rels", "Demo.nuspec", "[Content_Types].xml", "package/services/metadata/core-properties/1.psmdcp", ".signature.p7s", "lib/", `lib\`}
	pdbs := func(n int) []string {
		files := usual
		for i := range n {
			files = append(slices.Clip(files), fmt.Sprintf("lib/net45/Demo%d.PDB", i))
		}
		return files
	}
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"one PDB", pdbs(1), ""},
		{"a hundred", pdbs(100), ""},
		{"one too many", pdbs(101), "the symbol package has more than 100 .pdb files in it"},
		{"none", usual, "the symbol package has no .pdb file in it"},
		{"nothing", nil, "the symbol package has no .pdb file in it"},
		{"a directory of that name", []string{"a.pdb/"}, "the symbol package has no .pdb file in it"},
		{"an assembly", append(pdbs(1), "lib/net45/Demo.dll"), `the symbol package has the file "lib/net45/Demo.dll" in it`},
		{"a file without extension", append(pdbs(1), "lib.pdb/LICENSE"), `has the file "lib.pdb/LICENSE" in it`},
		{"a file behind a backslash", append(pdbs(1), `lib.pdb\LICENSE`), `has the file "lib.pdb\\LICENSE" in it`},
		{"a long name", append(pdbs(1), strings.Repeat("a", 60000)), "in it: only .pdb, .nuspec"},
	} {
		err := archive.CheckSymbols(c.files)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || len(err.Error()) > 500) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
