package server

import (
	"net/http"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// listPersonalTokens answers with the caller's tokens; to administrators with
// those of anybody they name, or all.
func (s *Server) listPersonalTokens(r *manageCall) error {
	f := accounts.TokenFilter{Kinds: []string{accounts.PersonalToken}, UserID: r.whole("user_id", 1)}
	switch {
	case r.caller.Actor.Admin:
	case f.UserID == 0:
		f.UserID = r.caller.Actor.UserID
	case f.UserID != r.caller.Actor.UserID:
		return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized") // as in GitLab
	}
	return s.answerTokens(r, f, func(t accounts.Token) any { return documentOfToken(t, "") })
}

// personalToken finds the token that the path names, "self" for the one that the
// request came with. What is somebody else's does not exist.
func (s *Server) personalToken(r *manageCall) (accounts.Token, error) {
	f := accounts.TokenFilter{UserID: r.caller.Actor.UserID}
	if r.segment(3) == "self" {
		if f.ID = r.caller.Actor.TokenID; f.ID == 0 {
			return accounts.Token{}, registry.Errorf(registry.CodeInvalid, "this request did not come with a token")
		}
		return s.Accounts.Token(r.c.Request.Context(), f)
	}
	var err error
	if f.ID, err = r.id(3); err != nil {
		return accounts.Token{}, err
	}
	f.Kinds = []string{accounts.PersonalToken}
	if r.caller.Actor.Admin {
		f.UserID = 0
	}
	t, err := s.Accounts.Token(r.c.Request.Context(), f)
	if registry.CodeOf(err) == registry.CodeNotFound {
		return t, registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	return t, err
}

func (s *Server) showPersonalToken(r *manageCall) error {
	t, err := s.personalToken(r)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, documentOfToken(t, ""))
}

func (s *Server) revokePersonalToken(r *manageCall) error {
	t, err := s.personalToken(r)
	if err != nil {
		return err
	}
	return s.revokeToken(r, t)
}

func (s *Server) rotatePersonalToken(r *manageCall) error {
	t, err := s.personalToken(r)
	if err != nil {
		return err
	}
	return s.rotateToken(r, t)
}

// createPersonalToken makes a token for any user: administrators may. Everybody
// else makes theirs with a sign-in, which proves more than a token does.
func (s *Server) createPersonalToken(r *manageCall) error {
	id, err := r.id(3)
	if err != nil {
		return err
	}
	if err := r.noBot(); err != nil {
		return err
	}
	n := s.newToken(r)
	if err := r.err(); err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	u, err := s.Accounts.UserByID(ctx, id)
	if err != nil {
		return err
	}
	secret, t, err := s.Accounts.CreatePersonalToken(ctx, u, n)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, documentOfToken(t, secret))
}

// noBot refuses to let bots make tokens: these would outlive theirs.
func (r *manageCall) noBot() error {
	if r.caller.Actor.Bot {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - a bot cannot make tokens")
	}
	return nil
}

// newToken reads what is said of a token that is to be made.
func (s *Server) newToken(r *manageCall) accounts.NewPersonalToken {
	n := accounts.NewPersonalToken{Name: r.required("name"), Description: r.text("description"), ExpiresAt: r.expiry(tokenLife)}
	n.Scopes, n.Granular = s.scopes(r)
	return n
}

func (s *Server) revokeToken(r *manageCall, t accounts.Token) error {
	if err := s.Accounts.RevokeToken(r.c.Request.Context(), t.ID); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

// rotateToken answers with a token in the place of one that is good.
func (s *Server) rotateToken(r *manageCall, t accounts.Token) error {
	expires := r.expiry(rotatedLife)
	if err := r.err(); err != nil {
		return err
	}
	secret, rotated, err := s.Accounts.RotateToken(r.c.Request.Context(), t.ID, expires)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, documentOfToken(rotated, secret))
}
