package server

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// applicationsAPI mounts GitLab's API about OAuth applications of the instance.
func (s *Server) applicationsAPI(e *gin.Engine) {
	admin := authz.Management{Admin: true, Writes: true}
	const applications = "/api/v4/applications"
	s.manage(e, applications, map[string]managed{
		http.MethodGet: {authz.Management{Admin: true}, ofInstance, s.listApplications}, http.MethodPost: {admin, ofInstance, s.createApplication},
	})
	s.manage(e, applications+"/:application_id", map[string]managed{http.MethodDelete: {admin, ofInstance, s.deleteApplication}})
	s.manage(e, applications+"/:application_id/renew-secret", map[string]managed{http.MethodPost: {admin, ofInstance, s.renewApplicationSecret}})
}

// applicationDocument is an application in GitLab's JSON.
type applicationDocument struct {
	ID              int64  `json:"id"`
	ApplicationID   string `json:"application_id"`
	ApplicationName string `json:"application_name"`
	CallbackURL     string `json:"callback_url"`
	Confidential    bool   `json:"confidential"`
	Secret          string `json:"secret,omitzero"` // shown once
}

func documentOfApplication(a accounts.Application, secret string) applicationDocument {
	return applicationDocument{a.ID, a.UID, a.Name, strings.Join(a.RedirectURIs, "\n"), a.Confidential, secret}
}

func (s *Server) listApplications(r *manageCall) error {
	part := accounts.Part{Page: r.page()}
	if err := r.err(); err != nil {
		return err
	}
	applications, extent, err := s.Accounts.Applications(r.c.Request.Context(), part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, applications, extent, func(a accounts.Application) applicationDocument { return documentOfApplication(a, "") })
}

func (s *Server) createApplication(r *manageCall) error {
	n := accounts.NewApplication{
		Name: r.required("name"), RedirectURIs: strings.Fields(r.required("redirect_uri")), Scopes: strings.Fields(r.required("scopes")), Confidential: true,
	}
	if r.given("confidential") {
		n.Confidential = r.boolean("confidential")
	}
	if err := r.err(); err != nil {
		return err
	}
	secret, a, err := s.Accounts.CreateApplication(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, documentOfApplication(a, secret))
}

func (s *Server) deleteApplication(r *manageCall) error {
	id, err := r.id(3)
	if err != nil {
		return err
	}
	if _, err := s.Accounts.DeleteApplication(r.c.Request.Context(), id); err != nil {
		return applicationNotFound(err)
	}
	return r.empty(http.StatusNoContent)
}

func (s *Server) renewApplicationSecret(r *manageCall) error {
	id, err := r.id(3)
	if err != nil {
		return err
	}
	secret, a, err := s.Accounts.RenewApplicationSecret(r.c.Request.Context(), id)
	if err != nil {
		return applicationNotFound(err)
	}
	return r.json(http.StatusCreated, documentOfApplication(a, secret))
}

func applicationNotFound(err error) error {
	if registry.CodeOf(err) == registry.CodeNotFound {
		return registry.Errorf(registry.CodeNotFound, "Application Not Found")
	}
	return err
}
