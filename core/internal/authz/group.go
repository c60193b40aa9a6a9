package authz

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Readable is what a request about a group may read.
type Readable struct {
	Projects []registry.Project
	// Hidden: there are projects that credentials might open.
	Hidden bool
}

// DecideGroup says whether an actor may ask about a group at all, and which of
// its projects the request is about: those whose packages the actor may read.
// group nil means there is none; level is the actor's role on the group.
//
// As in GitLab, whoever may read one project of a group may ask about the group
// ("within public registries", members of a subgroup's project). What may be
// changed is decided project by project, by Decide, once it is known which.
func DecideGroup(a registry.Actor, group *registry.Group, level registry.AccessLevel, standings []registry.Standing) (Verdict, Readable) {
	var r Readable
	unseen := Hidden
	if a.Kind == registry.Anonymous {
		unseen = Unauthenticated
	}
	if group == nil {
		return unseen, r
	}
	seen := seesGroup(a, group, level)
	for _, s := range standings {
		switch Decide(a, &s.Project, s.Level, spec.ActionReadPackage) {
		case Allowed:
			r.Projects = append(r.Projects, s.Project)
		case Unauthenticated:
			r.Hidden = r.Hidden || s.Project.PackageAccess != registry.PackagesDisabled
		case Forbidden:
			// Who sees a project knows what it is in. Jobs are told of some that they do not see.
			seen = seen || a.Job == nil || Visible(a, &s.Project, s.Level)
		case Hidden:
		}
	}
	if len(r.Projects) == 0 && !seen {
		return unseen, r
	}
	if !scoped(a, spec.ActionReadPackage) || len(r.Projects) == 0 && !grantsGroup(a, group, level, Verbs(spec.ActionReadPackage)...) {
		return Forbidden, r
	}
	return Allowed, r
}

// seesGroup reports whether the group exists, as far as the actor is concerned,
// even if there is nothing in it for them.
func seesGroup(a registry.Actor, g *registry.Group, level registry.AccessLevel) bool {
	if elsewhereThan(a, g, level) {
		return g.Visibility == registry.Public
	}
	switch a.Kind {
	case registry.User:
		return a.Admin || level >= registry.Guest || g.Visibility != registry.Private
	case registry.DeployToken:
		return g.Visibility == registry.Public || (a.GroupID != 0 && slices.Contains(g.AncestorIDs, a.GroupID))
	case registry.System:
		return true
	case registry.Anonymous:
	}
	return g.Visibility == registry.Public
}
