package authz

import "github.com/pakhus/pakhus/core/internal/registry"

// Management is what a request to the management API takes.
type Management struct {
	// Least is the least role on the project or group. NoAccess: whoever may see it.
	Least registry.AccessLevel
	// Writes: a token of scope read_api does not do.
	Writes bool
	// SignedIn: only people, even where anybody may see.
	SignedIn bool
	// Admin: only administrators of the instance.
	Admin bool
}

// Manage says whether an actor may do what m takes on what they have the role
// level on; seen says whether that exists as far as they are concerned. Whether
// the token's scope covers it is decided before: see [CoversManagement].
//
// Deploy tokens are for packages: here they are nobody.
func Manage(a registry.Actor, seen bool, level registry.AccessLevel, m Management) Verdict {
	person := a.Kind == registry.User
	switch {
	case !seen && !person:
		return Unauthenticated
	case !seen:
		return Hidden
	case a.Admin && person:
		return Allowed
	case !person && (m.SignedIn || m.Writes || m.Admin || m.Least > registry.NoAccess):
		return Unauthenticated
	case m.Admin, level < m.Least:
		return Forbidden
	}
	return Allowed
}

// CoversManagement reports whether the scopes of a person's token reach as far
// as a management request that writes, or one that does not. Granular tokens are
// for packages: their scopes never do.
func CoversManagement(a registry.Actor, writes bool) bool {
	if a.Kind != registry.User || a.Has(registry.ScopeAPI) {
		return true
	}
	return !writes && a.Has(registry.ScopeReadAPI)
}

// VisibleGroup reports whether a group exists, as far as an actor is concerned:
// as in GitLab, whoever sees one of its projects knows what it is in.
func VisibleGroup(a registry.Actor, group *registry.Group, level registry.AccessLevel, standings []registry.Standing) bool {
	if group == nil {
		return false
	}
	if seesGroup(a, group, level) {
		return true
	}
	for _, s := range standings {
		if Visible(a, &s.Project, s.Level) {
			return true
		}
	}
	return false
}
