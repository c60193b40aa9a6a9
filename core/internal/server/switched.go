package server

import (
	"slices"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// switchedOn refuses what is asked of a route that is off. Where no project or
// group says anything about it, that is known before anything else of the
// request is looked at.
func (s *Server) switchedOn(r *call) (err error) {
	if r.switches, err = s.Features.Current(r.c.Request.Context()); err != nil {
		return err
	}
	r.goesBy = features.Names(r.manifest.Format, r.route)
	if r.switches.Everywhere(r.goesBy) && !r.switches.On(r.goesBy, features.Place{}) {
		return off()
	}
	return nil
}

// switchedOnHere does so where the project or group has a say, once it is known
// and before a secret in the body is looked at. Whoever must not learn that there
// is such a place is told what they would be told otherwise.
func (s *Server) switchedOnHere(r *call) error {
	if r.switches.Everywhere(r.goesBy) || r.switches.On(r.goesBy, placeOf(r.caller)) {
		return nil
	}
	if err := s.admit(r); err != nil {
		return err
	}
	return off()
}

// onlySwitchedOn leaves out of a group's projects those in which the route is
// off: nothing of them is read or changed through the group either.
func (r *call) onlySwitchedOn(projects []registry.Project) []registry.Project {
	if r.switches.Everywhere(r.goesBy) {
		return projects
	}
	return slices.DeleteFunc(projects, func(p registry.Project) bool { return !r.switches.On(r.goesBy, placeOfProject(&p)) })
}

func placeOf(c auth.Caller) features.Place {
	switch {
	case c.Project != nil:
		return placeOfProject(c.Project)
	case c.Group != nil:
		return features.Place{GroupIDs: c.Group.AncestorIDs}
	}
	return features.Place{}
}

func placeOfProject(p *registry.Project) features.Place {
	return features.Place{ProjectID: p.ID, GroupIDs: p.GroupAncestorIDs}
}

// off is what is said of a route that is off: the same as where there is none.
func off() error { return registry.Errorf(registry.CodeNotFound, "Not Found") }
