package server

import "github.com/pakhus/pakhus/core/internal/plan"

// foreseen refuses a write that a protection rule or a granular token's names will
// keep its caller from, before its body is received: where the route says which
// package it is about. A client that waits to be told to send (Expect:
// 100-continue) never is.
//
// What is decided is decided when the plan is committed (package plan), which
// knows all packages that are written. Above a project, only that decides.
func (s *Server) foreseen(r *call) error {
	if r.route.PackageName == "" || r.about.project == nil {
		return nil
	}
	return s.Plans.Foresee(r.c.Request.Context(), plan.Scope{
		Format: r.manifest.Format, Project: *r.about.project, Actor: r.caller.Actor, Level: r.caller.Level, Action: r.route.Action,
	}, r.fill(r.route.PackageName))
}
