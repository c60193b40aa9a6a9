package server

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// about is what a request is about, as far as the caller may know of it: one
// project, the readable projects of a group, or nothing of the kind.
type about struct {
	project *registry.Project
	group   *registry.Group
	within  authz.Readable // of group
	names   packages.NameLimits
}

// nothing: a ping, a sign-in.
func (a about) nothing() bool { return a.project == nil && a.group == nil }

// projectIDs are the projects whose packages the request may read.
func (a about) projectIDs() []int64 {
	if a.project != nil {
		return []int64{a.project.ID}
	}
	ids := make([]int64, len(a.within.Projects))
	for i, p := range a.within.Projects {
		ids[i] = p.ID
	}
	return ids
}

// settings are the format's in the project; about several projects nothing is decided.
func (a about) settings(format string) spec.PackageSettings {
	if a.project == nil {
		return spec.PackageSettings{}
	}
	return host.Settings(a.project.PackageSettings[format])
}

// maxFileSize is the largest file that the project takes, in bytes; 0: it has no
// limit of its own.
func (a about) maxFileSize(format string) int64 {
	if a.project == nil {
		return 0
	}
	return a.project.PackageSettings[format].MaxFileSize
}

// place is the project or group that a URL names.
type place struct {
	project auth.ProjectRef
	group   auth.GroupRef
}

// place reads it: from the path's :id, or at instance level from what the
// format's convention says of a package's name. The zero place is none.
func (r *call) place() place {
	switch {
	case r.level == spec.LevelProject:
		return place{project: auth.ParseProjectRef(r.target)}
	case r.level == spec.LevelGroup:
		return place{group: auth.ParseGroupRef(r.target)}
	case r.names == "":
		return place{}
	case r.route.Convention.Names == spec.NamesRootGroup:
		return place{group: auth.GroupRef{Path: r.names, Root: true}}
	}
	// Never by number: a package is not called after one.
	return place{project: auth.ProjectRef{Path: r.names}}
}

// baseURL is the format's mount that the request came through: of a project or
// group by its number, as GitLab links do; as the client named it when there is
// none to tell of.
func (s *Server) baseURL(r *call) string {
	origin, id := s.origin(r.c.Request), url.PathEscape(r.target)
	switch r.level {
	case spec.LevelInstance:
		return origin + "/api/v4/packages/" + r.manifest.Format
	case spec.LevelGroup:
		if r.about.group != nil {
			id = formatID(r.about.group.ID)
		}
		return origin + "/api/v4/groups/" + id + "/-/packages/" + r.manifest.Format
	case spec.LevelProject:
	}
	if r.about.project != nil {
		id = formatID(r.about.project.ID)
	}
	return origin + "/api/v4/projects/" + id + "/packages/" + r.manifest.Format
}

// changed is the project that a plan changes, with the caller's role on it: the
// request's, or of a request about several the one that the plan names. There,
// what the caller may do was not known before the plugin had said where it is to
// be done.
func (r *call) changed(p *spec.Plan) (registry.Standing, error) {
	if r.about.project != nil {
		if p.ProjectID != 0 && p.ProjectID != r.about.project.ID {
			return registry.Standing{}, fmt.Errorf("plugin sent a plan for project %d, which the request is not about", p.ProjectID)
		}
		return registry.Standing{Project: *r.about.project, Level: r.caller.Level}, nil
	}
	named := func(id int64) bool { return id == p.ProjectID }
	i := slices.IndexFunc(r.caller.Standings, func(s registry.Standing) bool { return named(s.Project.ID) })
	if i < 0 || !slices.ContainsFunc(r.about.within.Projects, func(p registry.Project) bool { return named(p.ID) }) {
		return registry.Standing{}, fmt.Errorf("plugin sent a plan for project %d, which the request is not about", p.ProjectID)
	}
	s := r.caller.Standings[i]
	switch authz.Decide(r.caller.Actor, &s.Project, s.Level, r.route.Action) {
	case authz.Allowed:
		return s, nil
	case authz.Unauthenticated:
		return registry.Standing{}, r.deniedAnonymous()
	case authz.Forbidden, authz.Hidden: // not hidden: the request may read there
	}
	return registry.Standing{}, forbiddenIn(r.caller.Actor, &s.Project, s.Level, r.manifest.Format, authz.Verbs(r.route.Action)...)
}

func specProject(p *registry.Project) spec.Project {
	if p == nil {
		return spec.Project{}
	}
	return spec.Project{ID: p.ID, Path: p.FullPath, Visibility: spec.Visibility(p.Visibility)}
}

func specGroup(g *registry.Group) spec.Group {
	if g == nil {
		return spec.Group{}
	}
	return spec.Group{ID: g.ID, Path: g.FullPath}
}
