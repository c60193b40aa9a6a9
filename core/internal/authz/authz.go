// Package authz decides who may do what. The decision is a table: every rule of
// GitLab's package registry that applies here is one row of it.
package authz

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Verdict is what a decision comes to.
type Verdict int

// The verdicts.
const (
	Hidden          Verdict = iota // 404: the project does not exist, or must look so
	Allowed                        //
	Unauthenticated                // 401: credentials might help
	Forbidden                      // 403: the project is visible, the action is not theirs
)

// Decide says whether an actor may perform an action on a project; project nil
// means there is none. level is the actor's highest role on the project or any
// group above it, NoAccess for a stranger.
func Decide(a registry.Actor, project *registry.Project, level registry.AccessLevel, action spec.Action) Verdict {
	if action == spec.ActionNone {
		return Allowed
	}
	anonymous := a.Kind == registry.Anonymous
	if project == nil {
		if anonymous {
			return Unauthenticated
		}
		return Hidden
	}
	r := relationOf(a, project, level)
	if !sees(r, project) {
		switch {
		case anonymous:
			return Unauthenticated
		case a.Job != nil:
			return Forbidden // as in GitLab: who reads a job's log is told why
		}
		return Hidden
	}
	if allows(a, r, project, level, action) {
		return Allowed
	}
	if anonymous {
		return Unauthenticated
	}
	return Forbidden
}

// relation is what an actor is to a project.
type relation int

const (
	nobody   relation = iota // no credentials
	outsider                 // a deploy token from elsewhere, or a granular token for elsewhere
	otherJob                 // a job token that the project does not let in, whatever roles its bot has
	stranger                 // a user without a role
	guest                    // Guest and Planner
	reporter
	developer
	maintainer // and Owner
	admin
	reader // a deploy token of the project or a group above it, with read_package_registry
	writer // likewise, with write_package_registry, or granular
)

func relationOf(a registry.Actor, p *registry.Project, level registry.AccessLevel) relation {
	if elsewhere(a, p, level) {
		return outsider
	}
	switch a.Kind {
	case registry.User:
		switch {
		case a.Job != nil && !a.Job.Reaches(p.ID):
			return otherJob
		case a.Admin && a.Job == nil:
			return admin
		}
		return ofRole(level)
	case registry.DeployToken:
		switch {
		case !atHome(a, p):
			return outsider
		case a.Has(registry.ScopeWritePackageRegistry), granular(a): // of which its permissions are what counts
			return writer
		case a.Has(registry.ScopeReadPackageRegistry):
			return reader
		}
		return outsider
	case registry.System:
		return admin
	}
	return nobody
}

func ofRole(level registry.AccessLevel) relation {
	switch {
	case level >= registry.Maintainer:
		return maintainer
	case level >= registry.Developer:
		return developer
	case level >= registry.Reporter:
		return reporter
	case level >= registry.Guest:
		return guest
	}
	return stranger
}

// atHome: a deploy token belongs to one project, or to a group and all below it.
func atHome(a registry.Actor, p *registry.Project) bool {
	if a.ProjectID != 0 {
		return a.ProjectID == p.ID
	}
	for _, g := range p.GroupAncestorIDs {
		if a.GroupID != 0 && g == a.GroupID {
			return true
		}
	}
	return false
}

// sees reports whether the project exists, as far as the actor is concerned.
// A deploy token is no person: an internal project shows itself to people, or
// whoever was given one project's token could read those of the whole instance.
func sees(r relation, p *registry.Project) bool {
	if r >= guest || p.Visibility == registry.Public || p.PackageAccess == registry.PackagesPublic {
		return true
	}
	return p.Visibility == registry.Internal && (r == stranger || r == otherJob)
}

// rule is one row: what a relation may do.
type rule struct{ read, create, destroy bool }

// rules is the table of GitLab's roles (docs: "Permissions and roles", packages)
// as its current code has it: guests pull, developers publish, maintainers delete.
func rules() map[relation]rule {
	return map[relation]rule{
		guest:      {read: true},
		reporter:   {read: true},
		developer:  {read: true, create: true},
		maintainer: {read: true, create: true, destroy: true},
		admin:      {read: true, create: true, destroy: true},
		reader:     {read: true},
		writer:     {read: true, create: true, destroy: true},
	}
}

// withdraw is the row of archived projects, whoever asks: what is there can be
// read, and stays as it is.
func withdraw(may rule) rule { return rule{read: may.read} }

func allows(a registry.Actor, r relation, p *registry.Project, level registry.AccessLevel, action spec.Action) bool {
	if p.PackageAccess == registry.PackagesDisabled || !scoped(a, action) || !Grants(a, p, level, Verbs(action)...) {
		return false
	}
	may := rules()[r]
	if p.Archived {
		may = withdraw(may)
	}
	if p.PackageAccess != registry.PackagesPrivate {
		// "enabled": as visible as the project; "public": anyone may pull.
		may.read = may.read || sees(r, p)
	}
	switch action {
	case spec.ActionReadPackage:
		return may.read
	case spec.ActionCreatePackage:
		return may.create
	case spec.ActionDestroyPackage:
		return may.destroy
	case spec.ActionNone:
		return true
	}
	return false
}

// scoped reports whether a person's token covers the action, a granular one
// somewhere at least. Other deploy tokens' scopes are part
// of their relation, and job tokens have none.
func scoped(a registry.Actor, action spec.Action) bool {
	if granular(a) {
		return slices.ContainsFunc(a.Granular, func(s registry.GranularScope) bool { return says(s, Verbs(action)) })
	}
	if a.Kind != registry.User || a.Job != nil || a.Has(registry.ScopeAPI) {
		return true
	}
	return action == spec.ActionReadPackage && a.Has(registry.ScopeReadAPI)
}
