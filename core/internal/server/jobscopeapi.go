package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// jobScopeAPI mounts GitLab's API of a project's job token scope: which other
// projects' jobs it lets in.
func (s *Server) jobScopeAPI(e *gin.Engine) {
	const scope = "/api/v4/projects/:id/job_token_scope"
	manages := func(writes bool, answer func(*manageCall) error) managed {
		return managed{Management: authz.Management{SignedIn: true, Least: registry.Maintainer, Writes: writes}, subject: ofProject, answer: answer}
	}
	s.manage(e, scope, map[string]managed{
		http.MethodGet:   manages(false, s.showJobScope),
		http.MethodPatch: manages(true, s.changeJobScope),
	})
	s.manage(e, scope+"/allowlist", map[string]managed{
		http.MethodGet:  manages(false, s.listAllowedProjects),
		http.MethodPost: manages(true, s.allowProject),
	})
	s.manage(e, scope+"/allowlist/:target_project_id", map[string]managed{http.MethodDelete: manages(true, s.disallowProject)})
	s.manage(e, scope+"/groups_allowlist", map[string]managed{
		http.MethodGet:  manages(false, s.listAllowedGroups),
		http.MethodPost: manages(true, s.allowGroup),
	})
	s.manage(e, scope+"/groups_allowlist/:target_group_id", map[string]managed{http.MethodDelete: manages(true, s.disallowGroup)})
}

func (s *Server) showJobScope(r *manageCall) error {
	enabled, err := s.Accounts.JobScope(r.c.Request.Context(), r.caller.Project.ID)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, struct {
		Inbound  bool `json:"inbound_enabled"`
		Outbound bool `json:"outbound_enabled"` // which projects a project's jobs go to is not bounded here
	}{Inbound: enabled})
}

func (s *Server) changeJobScope(r *manageCall) error {
	_ = r.required("enabled")
	enabled := r.boolean("enabled")
	if err := r.err(); err != nil {
		return err
	}
	if err := s.Accounts.SetJobScope(r.c.Request.Context(), r.caller.Project.ID, enabled); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

func (s *Server) listAllowedProjects(r *manageCall) error {
	part := accounts.Part{Page: r.page()}
	if err := r.err(); err != nil {
		return err
	}
	projects, extent, err := s.Accounts.AllowedProjects(r.c.Request.Context(), r.caller.Project.ID, part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, projects, extent, projectDocumentOf)
}

// allowProject lets the jobs of another project in.
func (s *Server) allowProject(r *manageCall) error {
	_ = r.required("target_project_id")
	target := r.whole("target_project_id", 1)
	if err := r.err(); err != nil {
		return err
	}
	if err := s.Accounts.AllowProject(r.c.Request.Context(), r.viewer(), r.caller.Project.ID, target); err != nil {
		return err
	}
	return r.json(http.StatusCreated, struct {
		Source int64 `json:"source_project_id"`
		Target int64 `json:"target_project_id"`
	}{r.caller.Project.ID, target})
}

func (s *Server) disallowProject(r *manageCall) error {
	target, err := r.id(6)
	if err != nil {
		return err
	}
	if err := s.Accounts.DisallowProject(r.c.Request.Context(), r.caller.Project.ID, target); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

// allowedGroupDocument is a group on a list, in GitLab's JSON. There is no page
// of it here, and so no web_url.
type allowedGroupDocument struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

func (s *Server) listAllowedGroups(r *manageCall) error {
	part := accounts.Part{Page: r.page()}
	if err := r.err(); err != nil {
		return err
	}
	groups, extent, err := s.Accounts.AllowedGroups(r.c.Request.Context(), r.caller.Project.ID, part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, groups, extent, func(g accounts.ShownGroup) allowedGroupDocument {
		return allowedGroupDocument{g.ID, g.Name}
	})
}

// allowGroup lets the jobs of all projects in a group in, and of those below it.
func (s *Server) allowGroup(r *manageCall) error {
	_ = r.required("target_group_id")
	target := r.whole("target_group_id", 1)
	if err := r.err(); err != nil {
		return err
	}
	if err := s.Accounts.AllowGroup(r.c.Request.Context(), r.viewer(), r.caller.Project.ID, target); err != nil {
		return err
	}
	return r.json(http.StatusCreated, struct {
		Source int64 `json:"source_project_id"`
		Target int64 `json:"target_group_id"`
	}{r.caller.Project.ID, target})
}

func (s *Server) disallowGroup(r *manageCall) error {
	target, err := r.id(6)
	if err != nil {
		return err
	}
	if err := s.Accounts.DisallowGroup(r.c.Request.Context(), r.caller.Project.ID, target); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}
