package server

import (
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
	if r.route.BodyCredentials == nil {
		return nil, nil
	}
	body, err := s.receive(r)
	if err != nil {
		return nil, err
	}
	actor, err := s.login(r, body)
	if err != nil {
		body.Discard()
		return nil, err
	}
	r.caller.Actor = actor
	return body, nil
}

// identify finds the caller by the request's headers. Clients send what they
// have been given even where they ask for a new token: a credential that is no
// good any more must not keep them from it, nor from what anybody may ask.
func (s *Server) identify(r *call) (err error) {
	ctx, ref := r.c.Request.Context(), auth.ParseProjectRef(r.target)
	if r.route.BodyCredentials == nil {
		var (
			credentials auth.Credentials
			present     bool
		)
		if credentials, present, err = auth.Parse(r.c.Request); err == nil {
			r.caller, err = s.Auth.Resolve(ctx, credentials, present, ref)
		}
		open := r.route.Action == spec.ActionNone && !r.route.Authenticated
		if !open || registry.CodeOf(err) != registry.CodeUnauthenticated {
			return err
		}
	}
	r.caller, err = s.Auth.Resolve(ctx, auth.Credentials{}, false, ref)
	return err
}

// authorize applies what the manifest declared for the route. The plugin has
// no part in it.
func (s *Server) authorize(r *call) error {
	c := r.caller
	anonymous := c.Actor.Kind == registry.Anonymous
	if r.route.Authenticated && anonymous {
		return r.deniedAnonymous()
	}
	verdict := authz.Decide(c.Actor, c.Project, c.Level, r.route.Action)
	if r.route.Action == spec.ActionNone {
		// Nothing of the project is touched; the plugin learns of it only if the caller may.
		if authz.Decide(c.Actor, c.Project, c.Level, spec.ActionReadPackage) != authz.Allowed {
			r.caller.Project = nil
		}
		return nil
	}
	switch verdict {
	case authz.Allowed:
		return nil
	case authz.Unauthenticated:
		return r.deniedAnonymous()
	case authz.Forbidden:
		return registry.Errorf(registry.CodeForbidden, "Forbidden")
	default: // authz.Hidden: it does not exist, or must look so
		return registry.Errorf(registry.CodeNotFound, "Project Not Found")
	}
}

func (r *call) deniedAnonymous() error {
	if r.route.AnonymousDenial == spec.DenyNotFound {
		return registry.Errorf(registry.CodeNotFound, "Project Not Found")
	}
	return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
}
