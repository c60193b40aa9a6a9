package authz

import "github.com/pakhus/pakhus/core/internal/registry"

// Protected reports whether a rule that fits a package's name keeps an actor, who
// has the role level on the project, from what takes the role least there.
// NoAccess: the rule does not speak of that.
//
// As in GitLab (Packages::Protection::CheckRuleExistenceService), administrators
// pass, and a deploy token, which has no role, is kept out by any rule, whatever
// it speaks of. What the registry itself does is bound by none.
func Protected(a registry.Actor, level, least registry.AccessLevel) bool {
	switch {
	case Unbound(a):
		return false
	case a.Kind == registry.User:
		return level < least
	}
	return true
}

// Unbound reports whether no protection rule binds an actor.
func Unbound(a registry.Actor) bool {
	return a.Kind == registry.System || a.Kind == registry.User && a.Admin
}
