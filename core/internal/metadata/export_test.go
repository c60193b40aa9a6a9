package metadata

import (
	"regexp"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Lint checks the named queries of a manifest.
func Lint(m *spec.Manifest) (*spec.Manifest, error) { return m, lintQueries(m.Metadata.Queries) }

// Scan cuts SQL into tokens, of which it returns the texts.
func Scan(sql string) ([]string, error) {
	tokens, err := scan(sql)
	texts := make([]string, len(tokens))
	for i, t := range tokens {
		texts[i] = t.text
	}
	return texts, err
}

// OutsideQuotes removes quoted texts and names in the plainest way.
func OutsideQuotes(sql string) string {
	return regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(sql, "x")
}

// Argument checks a value against a type.
func Argument(kind string, v any) (any, error) { return argument(kind, v) }
