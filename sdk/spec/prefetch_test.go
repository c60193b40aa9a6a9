package spec_test

import (
	"testing"

	"github.com/pakhus/pakhus/sdk/spec"
)

func TestFill(t *testing.T) {
	t.Parallel()
	params := map[string]string{"name": "a", "version": "{name}", "none": ""}
	for template, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"{name}":               "a",
		"{name}@{version}/x":   "a@{name}/x", // in one pass
		"{none}":               "",
		"{none}{none}rest":     "rest",
		"{none}-{name}":        "-a",
		"{unknown}/{name}":     "{unknown}/a",
		"{a{name}}":            "{aa}",
		"{name":                "{name",
		"name}":                "name}",
		"{}{name}":             "{}a",
		"{name}{name}{version": "aa{version",
	} {
		if got := spec.Fill(template, params); got != want {
			t.Errorf("%q: %q, want %q", template, got, want)
		}
	}
}
