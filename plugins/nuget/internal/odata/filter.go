package odata

import (
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// Filter is a condition on packages. The zero Filter is met by all.
type Filter struct{ condition condition }

// Match reports whether the facts meet the filter. Texts are compared without
// regard to case, versions by what they mean.
func (f Filter) Match(facts *Facts) bool {
	return f.condition == nil || f.condition.met(&subject{facts: facts})
}

// ExactID returns the id, in lower case, of everything that meets the filter, if
// the filter asks for one: there is no need to look at any other.
func (f Filter) ExactID() (id string, ok bool) { return exactID(f.condition) }

func exactID(c condition) (string, bool) {
	switch c := c.(type) {
	case equal:
		if p, ok := c.left.(property); ok && Property(p) == ID {
			if l, ok := c.right.(literal); ok {
				return string(l), true
			}
		}
	case all:
		for _, one := range c {
			if id, ok := exactID(one); ok {
				return id, true
			}
		}
	}
	return "", false
}

// condition is a node of a filter.
type condition interface{ met(s *subject) bool }

type (
	all    []condition
	some   []condition
	not    struct{ condition }
	equal  struct{ left, right term }
	within struct{ part, whole term }
	begins struct{ whole, part term }
	truth  bool
	flag   func(f *Facts) bool
)

func (c all) met(s *subject) bool {
	for _, one := range c {
		if !one.met(s) {
			return false
		}
	}
	return true
}

func (c some) met(s *subject) bool {
	for _, one := range c {
		if one.met(s) {
			return true
		}
	}
	return false
}

func (c not) met(s *subject) bool    { return !c.condition.met(s) }
func (c within) met(s *subject) bool { return strings.Contains(c.whole.text(s), c.part.text(s)) }
func (c begins) met(s *subject) bool { return strings.HasPrefix(c.whole.text(s), c.part.text(s)) }
func (c truth) met(*subject) bool    { return bool(c) }
func (c flag) met(s *subject) bool   { return c(s.facts) }

func (c equal) met(s *subject) bool {
	p, isProperty := c.left.(property)
	l, isLiteral := c.right.(literal)
	if isProperty && isLiteral {
		switch Property(p) {
		case Version, NormalizedVersion:
			v, err := version.Parse(string(l))
			return err == nil && v.Compare(s.facts.Version) == 0
		case Tags:
			return strings.TrimSpace(c.left.text(s)) == strings.TrimSpace(string(l))
		}
	}
	return c.left.text(s) == c.right.text(s)
}

// term is a text in a condition, in lower case.
type term interface{ text(s *subject) string }

type (
	property Property
	literal  string // in lower case; null is the empty one
)

func (t property) text(s *subject) string { return s.text(Property(t)) }
func (t literal) text(*subject) string    { return string(t) }
