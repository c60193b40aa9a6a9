package server

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// What granular tokens take: package authz says what they may do, and here is what
// of packages they see, and what they are told otherwise.

// limitNames are the packages that the request may see, by their names: for a
// read those that may be read, for a write those that may be written.
func (r *call) limitNames() packages.NameLimits {
	if !r.caller.Actor.Has(registry.ScopeGranular) || r.about.nothing() {
		return packages.NameLimits{}
	}
	action := r.route.Action
	if action == spec.ActionNone {
		action = spec.ActionReadPackage
	}
	return packages.LimitNames(r.about.projectIDs(), r.namesIn(authz.Verbs(action)...))
}

// namesIn are what a granular token's verbs extend to in each of the request's projects.
func (r *call) namesIn(verbs ...registry.Verb) []registry.Names {
	if r.about.project != nil {
		return []registry.Names{authz.Names(r.caller.Actor, r.about.project, r.caller.Level, verbs...)}
	}
	levels := make(map[int64]registry.AccessLevel, len(r.caller.Standings))
	for _, s := range r.caller.Standings {
		levels[s.Project.ID] = s.Level
	}
	names := make([]registry.Names, len(r.about.within.Projects))
	for i := range r.about.within.Projects {
		p := &r.about.within.Projects[i]
		names[i] = authz.Names(r.caller.Actor, p, levels[p.ID], verbs...)
	}
	return names
}

// mayNowhere reports whether a granular token that may read of a group was given
// what the route asks for in none of its projects.
func (r *call) mayNowhere() bool {
	verbs := authz.Verbs(r.route.Action)
	if !r.caller.Actor.Has(registry.ScopeGranular) || len(verbs) == 0 || r.about.project != nil || r.about.nothing() {
		return false
	}
	return !slices.ContainsFunc(r.namesIn(verbs...), func(n registry.Names) bool { return !n.None() })
}

// remembers reports whether a kept answer may be given to the caller, and one be
// kept that is made for them: not if there is anything that it might show and
// their token hides.
func (r *call) remembers() bool {
	return !r.caller.Actor.Has(registry.ScopeGranular) || !slices.ContainsFunc(r.namesIn(registry.VerbDownload), registry.Names.Limited)
}

// mayDownload refuses the stored files of packages that a granular token may read
// of, and not download.
func (r *call) mayDownload(projectID int64, name string) error {
	if !r.caller.Actor.Has(registry.ScopeGranular) || r.about.nothing() {
		return nil
	}
	i := slices.Index(r.about.projectIDs(), projectID)
	if i < 0 || !r.namesIn(registry.VerbDownload)[i].Include(name) {
		return registry.InsufficientGranularScope("Access denied: the token lacks the required permission [%s] for the package %q.",
			registry.Permission(registry.VerbDownload, r.manifest.Format), name)
	}
	return nil
}

// forbidden is the 403 of what the caller may not do in a project; of a granular
// token that was not given it, with what it lacks.
func forbiddenIn(a registry.Actor, p *registry.Project, level registry.AccessLevel, format string, verbs ...registry.Verb) error {
	if len(verbs) == 0 || p != nil && authz.Grants(a, p, level, verbs...) || !a.Has(registry.ScopeGranular) {
		return forbidden()
	}
	where := "this"
	if p != nil {
		where = p.FullPath
	}
	return registry.InsufficientGranularScope("Access denied: the token lacks the required permission [%s] for %q.", registry.Permission(verbs[0], format), where)
}

// forbidden is forbiddenIn for a request to a format, or what a job is told.
func (r *call) forbidden() error {
	if r.caller.Actor.Job != nil {
		return forbiddenTo(r.caller)
	}
	verbs := authz.Verbs(r.route.Action)
	if g := r.caller.Group; g != nil {
		if len(verbs) == 0 || !r.caller.Actor.Has(registry.ScopeGranular) {
			return forbidden()
		}
		return registry.InsufficientGranularScope("Access denied: the token lacks the required permission [%s] for %q.",
			registry.Permission(verbs[0], r.manifest.Format), g.FullPath)
	}
	return forbiddenIn(r.caller.Actor, r.caller.Project, r.caller.Level, r.manifest.Format, verbs...)
}
