package server

import (
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/weblogin"
	"github.com/pakhus/pakhus/sdk/spec"
)

// pollLogin tells a waiting client how its sign-in stands; the one call that
// finds it done gets the token.
func (s *Server) pollLogin(r *call, o *spec.PollLogin) error {
	ctx := r.c.Request.Context()
	result, err := s.WebLogins.Poll(ctx, o.LoginID)
	if err != nil {
		return err
	}
	switch result.State {
	case weblogin.Pending:
		s.write(r, o.Pending)
	case weblogin.Ready:
		secret, err := s.Auth.Issue(ctx, result.Actor, result.Name)
		if err != nil {
			return err
		}
		attemptOf(ctx).Actor = result.Actor
		if err := s.auditDone(ctx, o.Template.Status, audit.Change{Type: "token.created", Name: result.Name}); err != nil {
			return err
		}
		s.write(r, filled(o.Template, o.Placeholder, secret))
	default:
		s.write(r, o.Gone)
	}
	return nil
}
