package authz

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Verbs are those of which an action takes one, of a granular token: who may
// download may also read what leads there.
func Verbs(action spec.Action) []registry.Verb {
	switch action {
	case spec.ActionReadPackage:
		return []registry.Verb{registry.VerbRead, registry.VerbDownload}
	case spec.ActionCreatePackage:
		return []registry.Verb{registry.VerbUpload}
	case spec.ActionDestroyPackage:
		return []registry.Verb{registry.VerbDelete}
	case spec.ActionNone:
	}
	return nil
}

// For is an actor who asks about packages of one format: what a granular token
// says of that format holds as what it says of all, and what it says of others is
// gone. Before that, only what it says of all formats counts.
func For(a registry.Actor, format string) registry.Actor {
	if !granular(a) {
		return a
	}
	scopes := make([]registry.GranularScope, len(a.Granular))
	for i, s := range a.Granular {
		permissions := []string{}
		for _, p := range s.Permissions {
			if v, of, ok := registry.ParsePermission(p); ok && (of == "" || of == format) {
				permissions = append(permissions, registry.Permission(v, ""))
			}
		}
		s.Permissions = permissions
		scopes[i] = s
	}
	a.Granular = scopes
	return a
}

// Grants reports whether a granular token was given one of some verbs in a
// project, on which its owner has the role level. It is true of everybody else.
func Grants(a registry.Actor, p *registry.Project, level registry.AccessLevel, verbs ...registry.Verb) bool {
	return !granular(a) || slices.ContainsFunc(a.Granular, func(s registry.GranularScope) bool {
		return says(s, verbs) && within(a, s, p, level)
	})
}

// Names are those of the packages of a project that a granular token was given
// one of some verbs on; no limit of everybody else's.
func Names(a registry.Actor, p *registry.Project, level registry.AccessLevel, verbs ...registry.Verb) registry.Names {
	if !granular(a) {
		return registry.Names{}
	}
	var patterns []string
	for _, s := range a.Granular {
		if !says(s, verbs) || !within(a, s, p, level) {
			continue
		}
		if len(s.NamePatterns) == 0 {
			return registry.Names{}
		}
		patterns = append(patterns, s.NamePatterns...)
	}
	slices.Sort(patterns)
	return registry.OnlyNames(slices.Compact(patterns))
}

func granular(a registry.Actor) bool { return a.Has(registry.ScopeGranular) }

// says reports whether a scope has one of some verbs, on packages of all formats.
func says(s registry.GranularScope, verbs []registry.Verb) bool {
	return slices.ContainsFunc(verbs, func(v registry.Verb) bool { return slices.Contains(s.Permissions, registry.Permission(v, "")) })
}

// within reports whether a scope holds in a project.
func within(a registry.Actor, s registry.GranularScope, p *registry.Project, level registry.AccessLevel) bool {
	switch s.Access {
	case registry.AccessSelected:
		return slices.Contains(s.ProjectIDs, p.ID) || slices.ContainsFunc(p.GroupAncestorIDs, func(id int64) bool { return slices.Contains(s.GroupIDs, id) })
	case registry.AccessMemberships:
		return level > registry.NoAccess || a.Kind == registry.DeployToken && atHome(a, p)
	}
	return false
}

// elsewhere reports whether a project lies outside of all that a granular token
// was given: there its owner is nobody in particular.
func elsewhere(a registry.Actor, p *registry.Project, level registry.AccessLevel) bool {
	return granular(a) && !slices.ContainsFunc(a.Granular, func(s registry.GranularScope) bool { return within(a, s, p, level) })
}

// withinGroup reports whether a scope holds in a whole group.
func withinGroup(a registry.Actor, s registry.GranularScope, g *registry.Group, level registry.AccessLevel) bool {
	switch s.Access {
	case registry.AccessSelected:
		return slices.ContainsFunc(g.AncestorIDs, func(id int64) bool { return slices.Contains(s.GroupIDs, id) })
	case registry.AccessMemberships:
		return level > registry.NoAccess || a.Kind == registry.DeployToken && a.GroupID != 0 && slices.Contains(g.AncestorIDs, a.GroupID)
	}
	return false
}

// elsewhereThan is elsewhere of a group.
func elsewhereThan(a registry.Actor, g *registry.Group, level registry.AccessLevel) bool {
	return granular(a) && !slices.ContainsFunc(a.Granular, func(s registry.GranularScope) bool { return withinGroup(a, s, g, level) })
}

// grantsGroup is Grants of a whole group.
func grantsGroup(a registry.Actor, g *registry.Group, level registry.AccessLevel, verbs ...registry.Verb) bool {
	return !granular(a) || slices.ContainsFunc(a.Granular, func(s registry.GranularScope) bool {
		return says(s, verbs) && withinGroup(a, s, g, level)
	})
}
