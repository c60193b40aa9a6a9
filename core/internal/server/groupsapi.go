package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// groupsAPI mounts GitLab's API about groups. Whoever may see them, sees them.
func (s *Server) groupsAPI(e *gin.Engine) {
	look := authz.Management{}
	create := authz.Management{SignedIn: true, Writes: true} // what it takes depends on where: see createGroup
	own := authz.Management{SignedIn: true, Writes: true, Least: registry.Owner}
	const groups = "/api/v4/groups"
	s.manage(e, groups, map[string]managed{
		http.MethodGet: {look, ofInstance, s.listGroups}, http.MethodPost: {create, ofInstance, s.createGroup},
	})
	s.manage(e, groups+"/:id", map[string]managed{
		http.MethodGet: {look, ofGroup, s.showGroup}, http.MethodPut: {own, ofGroup, s.changeGroup}, http.MethodDelete: {own, ofGroup, s.deleteGroup},
	})
	s.manage(e, groups+"/:id/subgroups", map[string]managed{http.MethodGet: {look, ofGroup, s.listSubgroups}})
	s.manage(e, groups+"/:id/projects", map[string]managed{http.MethodGet: {look, ofGroup, s.listGroupProjects}})
}

// groupDocument is a group in GitLab's JSON.
type groupDocument struct {
	ID         int64               `json:"id"`
	Name       string              `json:"name"`
	Path       string              `json:"path"`
	Visibility registry.Visibility `json:"visibility"`
	FullName   string              `json:"full_name"`
	FullPath   string              `json:"full_path"`
	ParentID   *int64              `json:"parent_id"`
	CreatedAt  apiTime             `json:"created_at"`
}

func groupDocumentOf(g accounts.ShownGroup) groupDocument {
	return groupDocument{g.ID, g.Name, g.Path, g.Visibility, g.FullName, g.FullPath, unlessNone(g.ParentID), apiTime(g.CreatedAt)}
}

// unlessNone is an id; null of 0.
func unlessNone(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

// listGroups answers with a page of the groups that the caller sees. As in
// GitLab, of those who are signed in only administrators get more than what they
// are members of, unless they ask for it.
func (s *Server) listGroups(r *manageCall) error {
	a := r.caller.Actor
	f := accounts.GroupFilter{TopLevel: r.boolean("top_level_only"), Member: a.Kind == registry.User && !a.Admin}
	if all := r.decided("all_available"); all != nil {
		f.Member = !*all
	}
	return s.answerGroups(r, f)
}

func (s *Server) listSubgroups(r *manageCall) error {
	f := accounts.GroupFilter{ParentID: r.caller.Group.ID}
	if all := r.decided("all_available"); all != nil {
		f.Member = !*all
	}
	return s.answerGroups(r, f)
}

func (s *Server) answerGroups(r *manageCall, f accounts.GroupFilter) error {
	f.Viewer, f.Search, f.Visibility, f.Least = r.viewer(), r.text("search"), r.visibility(), r.accessLevel("min_access_level")
	if r.boolean("owned") {
		f.Least = registry.Owner
	}
	if f.Least > registry.NoAccess {
		f.Member = true
	}
	part := r.part(false, "name", "path", "id")
	if err := r.err(); err != nil {
		return err
	}
	groups, extent, err := s.Accounts.Groups(r.c.Request.Context(), f, part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, groups, extent, groupDocumentOf)
}

func (s *Server) showGroup(r *manageCall) error {
	return s.answerGroup(r, http.StatusOK, r.caller.Group.ID)
}

func (s *Server) answerGroup(r *manageCall, status int, id int64) error {
	g, err := s.Accounts.ShowGroup(r.c.Request.Context(), id)
	if err != nil {
		return err
	}
	return r.json(status, groupDocumentOf(g))
}

// createGroup makes a group: at the root for administrators, or for everybody
// where the registry is set up so; below another one for its Maintainers, as in
// GitLab. Whoever makes one at the root owns it.
func (s *Server) createGroup(r *manageCall) error {
	n := accounts.NewGroup{Name: r.required("name"), Path: r.required("path"), Visibility: r.visibility(), ParentID: r.whole("parent_id", 1)}
	if err := r.err(); err != nil {
		return err
	}
	a := r.caller.Actor
	if n.ParentID == 0 {
		if !a.Admin && (!s.UsersCanCreateGroups || a.Bot) {
			return forbidden()
		}
		n.OwnerID = a.UserID
	} else if err := s.within(r, n.ParentID, registry.Maintainer, "Group Not Found"); err != nil {
		return err
	}
	g, err := s.Accounts.CreateGroup(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return s.answerGroup(r, http.StatusCreated, g.ID)
}

// within refuses who has less than a role on a group that a field names.
func (s *Server) within(r *manageCall, id int64, least registry.AccessLevel, missing string) error {
	ctx := r.c.Request.Context()
	g, err := s.Accounts.GroupByID(ctx, id)
	if registry.CodeOf(err) == registry.CodeNotFound {
		return registry.Errorf(registry.CodeNotFound, "%s", missing)
	}
	if err != nil || r.caller.Actor.Admin {
		return err
	}
	level, err := s.Accounts.LevelOn(ctx, r.caller.Actor.UserID, g)
	switch {
	case err != nil:
		return err
	case level >= least:
		return nil
	case authz.VisibleGroup(r.caller.Actor, &g, level, nil):
		return forbidden()
	}
	return registry.Errorf(registry.CodeNotFound, "%s", missing)
}

func (s *Server) changeGroup(r *manageCall) error {
	c := accounts.GroupChange{Name: r.said("name"), Path: r.said("path")}
	if v := r.visibility(); v != "" {
		c.Visibility = &v
	}
	if err := r.err(); err != nil {
		return err
	}
	if err := s.Accounts.ChangeGroup(r.c.Request.Context(), r.caller.Group.ID, c); err != nil {
		return err
	}
	return s.answerGroup(r, http.StatusOK, r.caller.Group.ID)
}

func (s *Server) deleteGroup(r *manageCall) error {
	if err := s.Accounts.DeleteGroup(r.c.Request.Context(), r.caller.Group.ID); err != nil {
		return err
	}
	return r.accepted()
}
