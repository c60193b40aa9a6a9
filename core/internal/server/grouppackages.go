package server

import (
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// authorizeGroup is GitLab's rule for a group's packages: who sees the group, or
// anything in it, is shown what they may read of it, and nobody else that it exists.
func (r *apiCall) authorizeGroup(e endpoint) error {
	c := r.caller
	if !authz.VisibleGroup(c.Actor, c.Group, c.Level, c.Standings) {
		return registry.Errorf(registry.CodeNotFound, "Group Not Found")
	}
	for _, s := range c.Standings {
		if authz.Decide(c.Actor, &s.Project, s.Level, e.action) == authz.Allowed && authz.Grants(c.Actor, &s.Project, s.Level, e.verb) {
			r.readable = append(r.readable, s)
		}
	}
	if len(r.readable) == 0 && c.Actor.Has(registry.ScopeGranular) {
		return registry.InsufficientGranularScope("Access denied: the token lacks the required permission [%s] for %q.",
			registry.Permission(e.verb, ""), c.Group.FullPath)
	}
	return nil
}

// listGroupPackages answers with a page of the packages of a group's projects.
func (s *Server) listGroupPackages(r *apiCall) error {
	p := parametersOf(r.c.Request)
	direct := p.boolean("exclude_subgroups")
	projects := map[int64]registry.Standing{}
	ids, names := []int64{}, []registry.Names{}
	for _, one := range r.readable {
		if direct && one.Project.GroupID != r.caller.Group.ID {
			continue
		}
		projects[one.Project.ID] = one
		ids = append(ids, one.Project.ID)
		names = append(names, authz.Names(r.caller.Actor, &one.Project, one.Level, registry.VerbRead))
	}
	q, err := s.packagesQuery(p, packages.LimitNames(ids, names), "project_path")
	if err != nil {
		return err
	}
	found, extent, err := s.Packages.ListOf(r.c.Request.Context(), ids, q)
	if err != nil {
		return err
	}
	builds, err := s.buildsOf(r, found...)
	if err != nil {
		return err
	}
	documents := make([]packageDocument, 0, len(found))
	for _, one := range found {
		in := projects[one.ProjectID]
		document := s.packageDocument(r, one, in)
		document.Pipeline = pipelineIn(builds, one.ID)
		document.ProjectID, document.ProjectPath = in.Project.ID, in.Project.FullPath
		documents = append(documents, document)
	}
	s.pageHeaders(r.c.Writer.Header(), r.c.Request, q.Page, extent, len(found))
	return r.json(documents)
}
