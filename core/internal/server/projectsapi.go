package server

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// projectsAPI mounts GitLab's API about projects. Whoever may see them, sees them.
func (s *Server) projectsAPI(e *gin.Engine) {
	look := authz.Management{}
	create := authz.Management{SignedIn: true, Writes: true} // what it takes depends on where: see createProject
	change := authz.Management{SignedIn: true, Writes: true, Least: registry.Maintainer}
	own := authz.Management{SignedIn: true, Writes: true, Least: registry.Owner}
	const projects = "/api/v4/projects"
	s.manage(e, projects, map[string]managed{
		http.MethodGet: {look, ofInstance, s.listProjects}, http.MethodPost: {create, ofInstance, s.createProject},
	})
	s.manage(e, projects+"/:id", map[string]managed{
		http.MethodGet: {look, ofProject, s.showProject}, http.MethodPut: {change, ofProject, s.changeProject},
		http.MethodDelete: {own, ofProject, s.deleteProject},
	})
	s.manage(e, projects+"/:id/archive", map[string]managed{http.MethodPost: {own, ofProject, s.archiveProject(true)}})
	s.manage(e, projects+"/:id/unarchive", map[string]managed{http.MethodPost: {own, ofProject, s.archiveProject(false)}})
}

// projectDocument is a project in GitLab's JSON.
type projectDocument struct {
	ID                int64                  `json:"id"`
	Name              string                 `json:"name"`
	NameWithNamespace string                 `json:"name_with_namespace"`
	Path              string                 `json:"path"`
	PathWithNamespace string                 `json:"path_with_namespace"`
	CreatedAt         apiTime                `json:"created_at"`
	Namespace         namespaceDocument      `json:"namespace"`
	Visibility        registry.Visibility    `json:"visibility"`
	Archived          bool                   `json:"archived"`
	PackagesEnabled   bool                   `json:"packages_enabled"`
	PackageAccess     registry.PackageAccess `json:"package_registry_access_level"`
}

// namespaceDocument is the group that a project is in.
type namespaceDocument struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Path     string `json:"path"`
	Kind     string `json:"kind"` // group: there are no others
	FullPath string `json:"full_path"`
	ParentID *int64 `json:"parent_id"`
}

func projectDocumentOf(p accounts.ShownProject) projectDocument {
	g := p.Namespace
	return projectDocument{
		ID: p.ID, Name: p.Name, NameWithNamespace: g.FullName + " / " + p.Name, Path: p.Path, PathWithNamespace: p.FullPath,
		CreatedAt: apiTime(p.CreatedAt), Namespace: namespaceDocument{g.ID, g.Name, g.Path, "group", g.FullPath, unlessNone(g.ParentID)},
		Visibility: p.Visibility, Archived: p.Archived, PackagesEnabled: p.PackageAccess != registry.PackagesDisabled, PackageAccess: p.PackageAccess,
	}
}

func (s *Server) listProjects(r *manageCall) error {
	return s.answerProjects(r, accounts.ProjectFilter{Member: r.boolean("membership")})
}

func (s *Server) listGroupProjects(r *manageCall) error {
	return s.answerProjects(r, accounts.ProjectFilter{GroupID: r.caller.Group.ID, Below: r.boolean("include_subgroups")})
}

// answerProjects answers with a page of the projects that the caller sees, the
// newest first.
func (s *Server) answerProjects(r *manageCall, f accounts.ProjectFilter) error {
	f.Viewer, f.Search, f.Visibility, f.Archived = r.viewer(), r.text("search"), r.visibility(), r.decided("archived")
	f.Least = r.accessLevel("min_access_level")
	if r.boolean("owned") {
		f.Least = registry.Owner
	}
	part := r.part(true, "created_at", "id", "name", "path")
	if err := r.err(); err != nil {
		return err
	}
	projects, extent, err := s.Accounts.Projects(r.c.Request.Context(), f, part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, projects, extent, projectDocumentOf)
}

func (s *Server) showProject(r *manageCall) error {
	return s.answerProject(r, http.StatusOK, r.caller.Project.ID)
}

func (s *Server) answerProject(r *manageCall, status int, id int64) error {
	p, err := s.Accounts.ShowProject(r.c.Request.Context(), id)
	if err != nil {
		return err
	}
	return r.json(status, projectDocumentOf(p))
}

// packageAccess is who may use a project's packages. packages_enabled is
// GitLab's older word for it, and counts only without the newer one.
func (p *parameters) packageAccess() registry.PackageAccess {
	level := p.oneOf("package_registry_access_level", string(registry.PackagesDisabled), string(registry.PackagesPrivate),
		string(registry.PackagesEnabled), string(registry.PackagesPublic))
	enabled := p.decided("packages_enabled")
	switch {
	case level != "" || enabled == nil:
		return registry.PackageAccess(level)
	case *enabled:
		return registry.PackagesEnabled
	}
	return registry.PackagesDisabled
}

// createProject makes a project in a group, for its Maintainers.
func (s *Server) createProject(r *manageCall) error {
	n := accounts.NewProject{Name: r.text("name"), Path: r.text("path"), Visibility: r.visibility(), PackageAccess: r.packageAccess()}
	r.oneAtLeast("name", "path")
	if n.Path == "" {
		n.Path = pathOf(n.Name)
	}
	if n.GroupID = r.whole("namespace_id", 1); !r.given("namespace_id") {
		r.wrong = append(r.wrong, "namespace_id is missing") // GitLab's default is one's own namespace, which there is none of
	} else if r.text("namespace_id") == "" {
		r.wrong = append(r.wrong, "namespace_id is empty")
	}
	if err := r.err(); err != nil {
		return err
	}
	if err := s.within(r, n.GroupID, registry.Maintainer, "Namespace Not Found"); err != nil {
		return err
	}
	p, err := s.Accounts.CreateProject(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return s.answerProject(r, http.StatusCreated, p.ID)
}

// pathOf makes a path of a name, as GitLab does.
func pathOf(name string) string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9_-]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// changeProject: who sees a project is for its Owners to say, as in GitLab.
func (s *Server) changeProject(r *manageCall) error {
	c := accounts.ProjectChange{Name: r.said("name"), Path: r.said("path")}
	if v := r.visibility(); v != "" {
		c.Visibility = &v
	}
	access := r.packageAccess()
	if access == registry.PackagesEnabled && !r.given("package_registry_access_level") && r.caller.Project.PackageAccess != registry.PackagesDisabled {
		access = "" // they are enabled already, in whatever way
	}
	if access != "" {
		c.PackageAccess = &access
	}
	if err := r.err(); err != nil {
		return err
	}
	if c.Visibility != nil && *c.Visibility != r.caller.Project.Visibility && !r.reaches(registry.Owner) {
		return forbidden()
	}
	if err := s.Accounts.ChangeProject(r.c.Request.Context(), r.caller.Project.ID, c); err != nil {
		return err
	}
	return s.answerProject(r, http.StatusOK, r.caller.Project.ID)
}

func (s *Server) archiveProject(archived bool) func(*manageCall) error {
	return func(r *manageCall) error {
		if err := s.Accounts.ChangeProject(r.c.Request.Context(), r.caller.Project.ID, accounts.ProjectChange{Archived: &archived}); err != nil {
			return err
		}
		return s.answerProject(r, http.StatusCreated, r.caller.Project.ID)
	}
}

func (s *Server) deleteProject(r *manageCall) error {
	if err := s.Accounts.DeleteProject(r.c.Request.Context(), r.caller.Project.ID); err != nil {
		return err
	}
	return r.accepted()
}
