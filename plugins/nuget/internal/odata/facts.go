package odata

import (
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// Facts are what a query chooses and orders packages by.
type Facts struct {
	ID                      string
	Version                 version.Version
	Title, Description      string
	Tags                    string // parted by spaces
	IsLatestVersion         bool   // of the releases
	IsAbsoluteLatestVersion bool   // of all versions
}

// IsPrerelease reports whether the version is one.
func (f *Facts) IsPrerelease() bool { return f.Version.IsPrerelease() }

// Property is one of the facts that are text.
type Property int

// The properties.
const (
	ID Property = iota
	Version
	NormalizedVersion
	Title
	Description
	Tags
	properties // how many there are
)

// subject is what a filter is matched with. Nothing is told apart by case, as in
// the gallery's database; so every text is made lower case, once.
type subject struct {
	facts *Facts
	lower [properties]string
	known [properties]bool
}

func (s *subject) text(p Property) string {
	if !s.known[p] {
		s.known[p] = true
		s.lower[p] = strings.ToLower(s.facts.text(p))
	}
	return s.lower[p]
}

func (f *Facts) text(p Property) string {
	switch p {
	case ID:
		return f.ID
	case Version:
		return f.Version.Original()
	case NormalizedVersion:
		return f.Version.Normalized()
	case Title:
		return f.Title
	case Description:
		return f.Description
	default:
		// A client looks for a whole tag by the spaces around it.
		return " " + f.Tags + " "
	}
}
