package publishers

import (
	"maps"
	"slices"

	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const wildcard = "*"

// Fits reports whether a text is what a pattern says, in which "*" stands for any
// text, also none. Letters have their case.
func Fits(pattern, text string) bool { return registry.Match(pattern, text) }

// differs returns what of a token is not as a rule says; empty if it fits.
func (p Publisher) differs(t oidc.Token) string {
	if p.Issuer != t.Issuer.URL {
		return "issuer"
	}
	if !Fits(p.Subject, t.Subject) {
		return "subject"
	}
	is := func(pattern string) func(string) bool {
		return func(text string) bool { return Fits(pattern, text) }
	}
	if p.Environment != "" && !t.Has("environment", is(p.Environment)) {
		return "environment"
	}
	for _, name := range slices.Sorted(maps.Keys(p.Claims)) {
		if !t.Has(name, is(p.Claims[name])) {
			return "claim " + name
		}
	}
	return ""
}

// best is the rule that a token fits; of several the one with the higher role, and
// of these the oldest. why says of each rule what did not fit, if none does.
func best(rules []Publisher, t oidc.Token) (found *Publisher, why []string) {
	for i := range rules {
		r := &rules[i]
		if d := r.differs(t); d != "" {
			why = append(why, r.Name+": "+d)
			continue
		}
		if found == nil || r.AccessLevel > found.AccessLevel || (r.AccessLevel == found.AccessLevel && r.ID < found.ID) {
			found = r
		}
	}
	return found, why
}
