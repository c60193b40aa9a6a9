package registry

import (
	"strings"
	"time"
	"unicode"
)

// AdminLevel stands above all roles where a rule names who may: no member has
// it, administrators of the instance pass. The number is GitLab's.
const AdminLevel AccessLevel = 60

// ProtectionRule has the packages of some names take more than the usual role.
// The fields are those of GitLab's packages_protection_rules.
type ProtectionRule struct {
	ID          int64
	ProjectID   int64
	PackageType string // a format's name
	NamePattern string // see Matches
	ForPush     AccessLevel
	ForDelete   AccessLevel // of both, NoAccess: the usual role; one of them says more
	UpdatedAt   time.Time
}

// Matches reports whether a package's name, as it is displayed, fits the rule's
// pattern: see MatchName.
func (r ProtectionRule) Matches(name string) bool { return MatchName(r.NamePattern, name) }

// MatchName is Match for names of packages. As in GitLab (ILIKE), letters have no case.
func MatchName(pattern, name string) bool { return Match(foldCase(pattern), foldCase(name)) }

// Match reports whether a text fits a pattern: "*" is any text, also none,
// everything else is itself.
func Match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == first
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	// Each text between two wildcards is best found as early as it can be: no choice is ever taken back.
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, last)
}

// foldCase makes equal what differs in case only. By way of the capitals, so that
// letters with one capital and two small ones ("s" and "ſ") are one letter: no
// name evades a rule by being spelled like it.
func foldCase(s string) string {
	return strings.Map(func(c rune) rune { return unicode.ToLower(unicode.ToUpper(c)) }, s)
}
