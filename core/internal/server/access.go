package server

import (
	"net/http"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// authenticate turns the request's credentials, wherever they stand, into a
// caller. For a login route they stand in the body, which is then consumed and
// returned without its secret.
func (s *Server) authenticate(r *call) (*upload.Body, error) {
	if err := s.identify(r); err != nil {
		return nil, err
	}
	if err := s.switchedOnHere(r); err != nil {
		return nil, err
	}
	if r.route.BodyCredentials == nil {
		return nil, nil
	}
	from := s.clientIP(r.c.Request)
	if err := s.Limits.SigningIn(from); err != nil {
		return nil, err
	}
	body, err := s.receive(r)
	if err != nil {
		return nil, err
	}
	err = s.Limits.SignIn(r.c.Request.Context(), from, func() (err error) {
		r.caller.Actor, err = s.login(r, body)
		r.caller.Actor = authz.For(r.caller.Actor, r.manifest.Format)
		return err
	})
	if err != nil {
		body.Discard()
		return nil, err
	}
	return body, nil
}

// identify finds the caller by the request's headers. Clients send what they
// have been given even where they ask for a new token: a credential that is no
// good any more must not keep them from it, nor from what anybody may ask.
func (s *Server) identify(r *call) (err error) {
	defer func() { r.caller.Actor = authz.For(r.caller.Actor, r.manifest.Format) }()
	if r.route.BodyCredentials != nil {
		r.caller, err = s.nobody(r.c, r.place())
		return err
	}
	open := r.route.Action == spec.ActionNone && !r.route.Authenticated
	r.caller, _, err = s.who(r.c, r.place(), open)
	return err
}

// authorize applies what the manifest declared for the route, and settles what
// the request is about. The plugin has no part in it.
func (s *Server) authorize(r *call) error {
	anonymous := r.caller.Actor.Kind == registry.Anonymous
	if r.route.Authenticated && anonymous {
		return r.deniedAnonymous()
	}
	var verdict authz.Verdict
	r.about = about{}
	attemptOf(r.c.Request.Context()).of(r.caller)
	if r.place().group != (auth.GroupRef{}) {
		verdict = r.authorizeGroup(anonymous)
	} else {
		verdict = r.authorizeProject()
	}
	r.about.names = r.limitNames()
	if r.route.Action == spec.ActionNone {
		return nil // nothing of a project is touched
	}
	if verdict != authz.Allowed && r.level == spec.LevelInstance && r.route.Convention.OrNothing && (r.names == "" || !anonymous) {
		// Somebody unknown who names a place is asked who they are, whether there is one or not.
		r.about = about{}
		return nil
	}
	if verdict == authz.Allowed && r.mayNowhere() {
		verdict = authz.Forbidden
	}
	switch verdict {
	case authz.Allowed:
		return nil
	case authz.Unauthenticated:
		return r.deniedAnonymous()
	case authz.Forbidden:
		return r.forbidden()
	default: // authz.Hidden: it does not exist, or must look so
		return r.notFound()
	}
}

func (r *call) authorizeProject() authz.Verdict {
	c := r.caller
	// The plugin learns of a project only if the caller may.
	if authz.Decide(c.Actor, c.Project, c.Level, spec.ActionReadPackage) == authz.Allowed {
		r.about.project = c.Project
	}
	verdict := authz.Decide(c.Actor, c.Project, c.Level, r.route.Action)
	if verdict == authz.Allowed && r.route.Action != spec.ActionNone {
		r.about.project = c.Project
	}
	return verdict
}

// authorizeGroup: in which project something is to be changed is not known
// before the plugin has said so, and then decided (see call.changed); but never
// by somebody unknown.
func (r *call) authorizeGroup(anonymous bool) authz.Verdict {
	c := r.caller
	verdict, within := authz.DecideGroup(c.Actor, c.Group, c.Level, c.Standings)
	if verdict != authz.Allowed {
		return verdict
	}
	within.Projects = r.onlySwitchedOn(within.Projects)
	r.about = about{group: c.Group, within: within}
	if anonymous && r.route.Action != spec.ActionReadPackage {
		return authz.Unauthenticated
	}
	return authz.Allowed
}

// unlessHidden makes a 401 of "there is no such thing" where somebody unknown
// asked about a group that has more than they can see: many clients send their
// credentials only when asked for them.
func (r *call) unlessHidden(a *answer) (*answer, error) {
	if r.route.Action == spec.ActionNone || r.route.AnonymousDenial != spec.DenyUnauthorized || !r.about.within.Hidden {
		return a, nil
	}
	if o, ok := a.outcome.(*spec.HTTPResponse); ok && o.Status == http.StatusNotFound {
		return nil, r.deniedAnonymous()
	}
	return a, nil
}

// notFound says in GitLab's words what is not there.
func (r *call) notFound() error {
	if r.place().group != (auth.GroupRef{}) {
		return registry.Errorf(registry.CodeNotFound, "Group Not Found")
	}
	return registry.Errorf(registry.CodeNotFound, "Project Not Found")
}

func (r *call) deniedAnonymous() error {
	if r.route.AnonymousDenial == spec.DenyNotFound {
		return r.notFound()
	}
	return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
}
