package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// ScopeGranular is the only scope of a token that is limited by its
// GranularScopes instead. By itself it allows nothing.
const ScopeGranular Scope = "granular"

// ScopeAccess is how a granular scope says where it holds. The names are GitLab's.
type ScopeAccess string

// The accesses.
const (
	// AccessSelected: the projects and groups that are named, and all below the groups.
	AccessSelected ScopeAccess = "selected_memberships"
	// AccessMemberships: wherever the token's owner has a role; of a deploy token, where it belongs.
	AccessMemberships ScopeAccess = "all_memberships"
)

// GranularScope is a part of what a granular token may do: which actions, where,
// with packages of which names. What it says is never more than what the token's
// owner may do. It is stored and sent as it stands here.
type GranularScope struct {
	Access      ScopeAccess `json:"access"`
	ProjectIDs  []int64     `json:"project_ids,omitempty"` // of AccessSelected
	GroupIDs    []int64     `json:"group_ids,omitempty"`   // likewise
	Permissions []string    `json:"permissions"`
	// NamePatterns are matched as those of protection rules; none: packages of any name.
	NamePatterns []string `json:"package_name_patterns,omitempty"`
}

// Verb is what a permission lets do with packages. The names are GitLab's.
type Verb string

// The verbs.
const (
	// VerbRead: documents about packages.
	VerbRead Verb = "read"
	// VerbDownload: files, and on a format's routes the documents that lead to them.
	VerbDownload Verb = "download"
	VerbUpload   Verb = "upload"
	VerbDelete   Verb = "delete"
)

// Permission is the name of what a verb does to packages of a format; without
// one, to those of every format.
func Permission(v Verb, format string) string {
	if format == "" {
		return string(v) + "_package"
	}
	return string(v) + "_" + format + "_package"
}

// ParsePermission reads a permission's name. Whether there is such a format is
// not asked.
func ParsePermission(name string) (v Verb, format string, ok bool) {
	verb, rest, _ := strings.Cut(name, "_")
	v = Verb(verb)
	switch v {
	case VerbRead, VerbDownload, VerbUpload, VerbDelete:
	default:
		return "", "", false
	}
	if rest == "package" {
		return v, "", true
	}
	format, ok = strings.CutSuffix(rest, "_package")
	return v, format, ok && regexp.MustCompile(`\A[a-z][a-z0-9_]{0,30}\z`).MatchString(format)
}

// What one token may say; an answer is made of it at every request.
const (
	maxGranularScopes = 20
	maxBoundaries     = 100
	maxNamePatterns   = 50
	maxNamePattern    = 255 // characters; as of protection rules
)

// CheckGranularScopes says what is wrong with the scopes of a token that is to be
// made, CodeInvalid. Whether the projects and groups are there is not asked.
func CheckGranularScopes(scopes []GranularScope) error {
	if len(scopes) == 0 {
		return Wrong("granular_scopes", "is empty")
	}
	if len(scopes) > maxGranularScopes {
		return Wrong("granular_scopes", "has more than %d members", maxGranularScopes)
	}
	for i, s := range scopes {
		if err := s.check(); err != nil {
			return Wrong("granular_scopes", "%d: %v", i, err)
		}
	}
	return nil
}

func (s GranularScope) check() error {
	boundaries := slices.Concat(s.ProjectIDs, s.GroupIDs)
	switch {
	case s.Access != AccessSelected && s.Access != AccessMemberships:
		return fmt.Errorf("access %q: choose from %s, %s", s.Access, AccessSelected, AccessMemberships)
	case s.Access == AccessSelected && len(boundaries) == 0:
		return fmt.Errorf("access %s takes project_ids or group_ids", s.Access)
	case s.Access != AccessSelected && len(boundaries) > 0:
		return fmt.Errorf("access %s takes no project_ids and no group_ids", s.Access)
	case len(boundaries) > maxBoundaries:
		return fmt.Errorf("more than %d projects and groups", maxBoundaries)
	case slices.ContainsFunc(boundaries, func(id int64) bool { return id <= 0 }):
		return fmt.Errorf("ids are numbers from 1")
	case len(s.Permissions) == 0:
		return fmt.Errorf("permissions are missing")
	case len(s.NamePatterns) > maxNamePatterns:
		return fmt.Errorf("more than %d package_name_patterns", maxNamePatterns)
	}
	for _, p := range s.Permissions {
		if _, _, ok := ParsePermission(p); !ok {
			return fmt.Errorf("there is no permission %q", p)
		}
	}
	for _, p := range s.NamePatterns {
		if n := utf8.RuneCountInString(p); n == 0 || n > maxNamePattern || !utf8.ValidString(p) || strings.ContainsRune(p, 0) {
			return fmt.Errorf("package_name_patterns are of 1 to %d characters", maxNamePattern)
		}
	}
	return nil
}

// Names limits packages by their names, as they are displayed. The zero Names is
// no limit.
type Names struct {
	limited  bool
	patterns []string
}

// OnlyNames limits to the names that match any of the patterns; without one, no
// name does.
func OnlyNames(patterns []string) Names { return Names{limited: true, patterns: patterns} }

// Limited reports whether there is a limit at all.
func (n Names) Limited() bool { return n.limited }

// None reports whether no name is within the limit.
func (n Names) None() bool { return n.limited && len(n.patterns) == 0 }

// Patterns are those of a limit.
func (n Names) Patterns() []string { return n.patterns }

// Include reports whether a package of the name is within the limit.
func (n Names) Include(name string) bool {
	return !n.limited || slices.ContainsFunc(n.patterns, func(p string) bool { return MatchName(p, name) })
}

// InsufficientGranularScope is the refusal of what a granular token was not given,
// CodeForbidden: clients tell it by its word from other refusals.
func InsufficientGranularScope(format string, args ...any) *Error {
	e := Errorf(CodeForbidden, format, args...)
	e.Word = "insufficient_granular_scope"
	return e
}
