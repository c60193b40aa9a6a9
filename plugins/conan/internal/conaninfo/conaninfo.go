// Package conaninfo reads conaninfo.txt: what a package was built for. Both
// majors of Conan write it, each its own way.
package conaninfo

import (
	"strings"
	"unicode/utf8"
)

// Info is what is searched by. A file that is none gives what could be read of it.
type Info struct {
	Settings   map[string]string `json:"settings"`
	Options    map[string]string `json:"options"`
	Requires   []string          `json:"requires"`
	RecipeHash string            `json:"recipe_hash,omitzero"` // Conan 1's alone: clients tell by it whose package it is
}

// Parse reads the file. Sections begin with a line in brackets; Conan 1 indents
// what is in them. Values may hold anything, brackets too, so only a line that is
// a known section's name and nothing else begins one.
func Parse(text string) Info {
	info := Info{Settings: map[string]string{}, Options: map[string]string{}, Requires: []string{}}
	if !utf8.ValidString(text) {
		return info
	}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := header(line); ok {
			section = name
			continue
		}
		if line == "" {
			continue
		}
		switch section {
		case "settings":
			assign(info.Settings, line)
		case "options":
			assign(info.Options, line)
		case "requires":
			info.Requires = append(info.Requires, line)
		case "recipe_hash":
			if info.RecipeHash == "" {
				info.RecipeHash = line
			}
		}
	}
	return info
}

func header(line string) (string, bool) {
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false
	}
	name := line[1 : len(line)-1]
	return name, name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == ""
}

func assign(to map[string]string, line string) {
	if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) != "" {
		to[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
}
