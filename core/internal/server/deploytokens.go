package server

import (
	"net/http"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

// deployTokenDocument is a deploy token in GitLab's JSON.
type deployTokenDocument struct {
	ID        int64              `json:"id"`
	Name      string             `json:"name"`
	Username  string             `json:"username"`
	ExpiresAt *apiTime           `json:"expires_at"`
	Revoked   bool               `json:"revoked"`
	Expired   bool               `json:"expired"`
	Scopes    []string           `json:"scopes"`
	Granular  bool               `json:"granular,omitzero"`
	Granulars []granularDocument `json:"granular_scopes,omitzero"`
	Token     string             `json:"token,omitzero"` // shown once
}

func documentOfDeployToken(t accounts.Token, secret string) deployTokenDocument {
	d := deployTokenDocument{
		ID: t.ID, Name: t.Name, Username: t.Username, Revoked: t.Revoked, Expired: t.Expired(time.Now()), Scopes: t.Scopes,
		Granular: len(t.Granular) > 0, Granulars: granularDocuments(t.Granular), Token: secret,
	}
	if t.ExpiresAt != nil {
		at := apiTime(*t.ExpiresAt)
		d.ExpiresAt = &at
	}
	return d
}

// listDeployTokens answers with those of a project or group, or of the whole
// instance; with "active", those that are good, or are not.
func (s *Server) listDeployTokens(r *manageCall) error {
	f := r.home(accounts.DeployToken)
	if r.given("active") {
		active := r.boolean("active")
		f.Active = &active
	}
	return s.answerTokens(r, f, func(t accounts.Token) any { return documentOfDeployToken(t, "") })
}

func (s *Server) showDeployToken(r *manageCall) error {
	t, err := s.homeToken(r, accounts.DeployToken)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, documentOfDeployToken(t, ""))
}

// createDeployToken makes one; it is good for ever if nothing is said, as in GitLab.
func (s *Server) createDeployToken(r *manageCall) error {
	if err := r.noBot(); err != nil {
		return err
	}
	f := r.home()
	n := accounts.NewDeployToken{Name: r.required("name"), Username: r.text("username"), ProjectID: f.ProjectID, GroupID: f.GroupID}
	n.Scopes, n.Granular = s.scopes(r)
	if text := r.text("expires_at"); text != "" {
		end, err := time.Parse(time.RFC3339, text)
		if err != nil {
			if end, err = time.Parse(time.DateOnly, text); err != nil {
				r.wrong = append(r.wrong, "expires_at is invalid")
			}
		}
		n.ExpiresAt = &end
	}
	if err := r.err(); err != nil {
		return err
	}
	secret, t, err := s.Accounts.CreateDeployToken(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, documentOfDeployToken(t, secret))
}

func (s *Server) revokeDeployToken(r *manageCall) error {
	t, err := s.homeToken(r, accounts.DeployToken)
	if err != nil {
		return err
	}
	return s.revokeToken(r, t)
}
