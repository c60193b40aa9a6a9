// Package e2e holds tests of the registry as a whole.
package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A page that names files of this repository must name files that exist.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	t.Parallel()
	file := regexp.MustCompile("`((?:core|sdk|plugins|migrations|docs|scripts)/[A-Za-z0-9_./-]+\\.[a-z]+)`")
	for _, page := range []string{"docs/request-path.md", "README.md", "docs/runbook.md", "docs/plugin-guide/first-format.md"} {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		found := file.FindAllSubmatch(text, -1)
		if page == "docs/request-path.md" && len(found) < 10 {
			t.Errorf("%s names %d files; the expression that finds them is wrong", page, len(found))
		}
		for _, m := range found {
			if _, err := os.Stat(filepath.Join("../..", string(m[1]))); err != nil {
				t.Errorf("%s names %s: %v", page, m[1], err)
			}
		}
	}
}

// Links between pages must lead somewhere.
func TestDocumentsLinkToPagesThatExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+\.md|[^)#:]+/)\)`)
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../../docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(append(pages, deeper...), "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), string(m[1]))); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}
