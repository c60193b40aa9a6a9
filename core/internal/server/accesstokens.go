package server

import (
	"net/http"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// home selects the tokens of the project or group that the path names.
func (r *manageCall) home(kinds ...string) accounts.TokenFilter {
	f := accounts.TokenFilter{Kinds: kinds}
	switch {
	case r.caller.Project != nil:
		f.ProjectID = r.caller.Project.ID
	case r.caller.Group != nil:
		f.GroupID = r.caller.Group.ID
	}
	return f
}

// homeToken finds the token of a project or group that the path names.
func (s *Server) homeToken(r *manageCall, kinds ...string) (accounts.Token, error) {
	f := r.home(kinds...)
	var err error
	if f.ID, err = r.id(5); err != nil {
		return accounts.Token{}, err
	}
	t, err := s.Accounts.Token(r.c.Request.Context(), f)
	if registry.CodeOf(err) == registry.CodeNotFound {
		return t, registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	return t, err
}

// accessTokens are the kinds of tokens that bots have.
func accessTokens() []string {
	return []string{accounts.ProjectAccessToken, accounts.GroupAccessToken}
}

func (s *Server) listAccessTokens(r *manageCall) error {
	return s.answerTokens(r, r.home(accessTokens()...), func(t accounts.Token) any { return documentOfToken(t, "") })
}

func (s *Server) showAccessToken(r *manageCall) error {
	t, err := s.homeToken(r, accessTokens()...)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, documentOfToken(t, ""))
}

// createAccessToken makes a bot with a role, Maintainer if nothing is said, and
// its token. Nobody makes a bot that may more than they do.
func (s *Server) createAccessToken(r *manageCall) error {
	if err := r.noBot(); err != nil {
		return err
	}
	n := accounts.NewAccessToken{NewPersonalToken: s.newToken(r), AccessLevel: registry.AccessLevel(r.whole("access_level", 1))}
	f := r.home()
	n.ProjectID, n.GroupID = f.ProjectID, f.GroupID
	if n.AccessLevel == registry.NoAccess {
		n.AccessLevel = registry.Maintainer
	}
	switch n.AccessLevel {
	case registry.Guest, registry.Planner, registry.Reporter, registry.Developer, registry.Maintainer, registry.Owner:
	default:
		r.wrong = append(r.wrong, "access_level does not have a valid value")
	}
	if err := r.err(); err != nil {
		return err
	}
	if !r.caller.Actor.Admin && n.AccessLevel > r.caller.Level {
		return registry.Errorf(registry.CodeInvalid, "access_level %d is higher than your own, %d", n.AccessLevel, r.caller.Level)
	}
	secret, t, err := s.Accounts.CreateAccessToken(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, documentOfToken(t, secret))
}

func (s *Server) revokeAccessToken(r *manageCall) error {
	t, err := s.homeToken(r, accessTokens()...)
	if err != nil {
		return err
	}
	return s.revokeToken(r, t)
}

// rotateAccessToken: as with making one, nobody gets a bot that may more.
func (s *Server) rotateAccessToken(r *manageCall) error {
	t, err := s.homeToken(r, accessTokens()...)
	if err != nil {
		return err
	}
	if !r.caller.Actor.Admin && t.AccessLevel > r.caller.Level {
		return registry.Errorf(registry.CodeForbidden, "Forbidden")
	}
	return s.rotateToken(r, t)
}
