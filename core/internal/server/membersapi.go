package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// membersAPI mounts GitLab's API about the members of projects and groups.
func (s *Server) membersAPI(e *gin.Engine) {
	look := authz.Management{SignedIn: true}
	leave := authz.Management{SignedIn: true, Writes: true} // everybody for themselves: see removeMember
	for _, place := range []struct {
		subject subject
		path    string
		least   registry.AccessLevel // who gives roles, as in GitLab
	}{{ofProject, "/api/v4/projects/:id/members", registry.Maintainer}, {ofGroup, "/api/v4/groups/:id/members", registry.Owner}} {
		change := authz.Management{SignedIn: true, Least: place.least, Writes: true}
		s.manage(e, place.path, map[string]managed{
			http.MethodGet: {look, place.subject, s.listMembers(false)}, http.MethodPost: {change, place.subject, s.addMember},
		})
		s.manage(e, place.path+"/all", map[string]managed{http.MethodGet: {look, place.subject, s.listMembers(true)}})
		s.manage(e, place.path+"/all/:user_id", map[string]managed{http.MethodGet: {look, place.subject, s.showMember(6, true)}})
		s.manage(e, place.path+"/:user_id", map[string]managed{
			http.MethodGet: {look, place.subject, s.showMember(5, false)}, http.MethodPut: {change, place.subject, s.changeMember},
			http.MethodDelete: {leave, place.subject, s.removeMember(place.least)},
		})
	}
}

// memberDocument is a member in GitLab's JSON.
type memberDocument struct {
	publicUser

	AccessLevel registry.AccessLevel `json:"access_level"`
	CreatedAt   apiTime              `json:"created_at"`
	ExpiresAt   *string              `json:"expires_at"` // the day on which the role is none any more
}

func memberDocumentOf(m accounts.Member) memberDocument {
	d := memberDocument{publicUser: publicUserOf(m.User), AccessLevel: m.AccessLevel, CreatedAt: apiTime(m.Since)}
	if m.ExpiresAt != nil {
		day := m.ExpiresAt.Format(time.DateOnly)
		d.ExpiresAt = &day
	}
	return d
}

// at is the project or group that the path names.
func (r *manageCall) at() accounts.Place {
	return accounts.Place{Group: r.caller.Group, Project: r.caller.Project}
}

// grantor is the caller as one who gives roles.
func (r *manageCall) grantor() accounts.Grantor {
	return accounts.Grantor{AccessLevel: r.caller.Level, Admin: r.caller.Actor.Admin}
}

func (s *Server) listMembers(inherited bool) func(*manageCall) error {
	return func(r *manageCall) error {
		f := accounts.MemberFilter{
			In: r.at(), Inherited: inherited, Query: r.text("query"), UserIDs: r.numbers("user_ids"), Without: r.numbers("skip_users"),
		}
		page := r.page()
		if err := r.err(); err != nil {
			return err
		}
		members, extent, err := s.Accounts.Members(r.c.Request.Context(), f, accounts.Part{Page: page})
		if err != nil {
			return err
		}
		return answerList(s, r, page, members, extent, memberDocumentOf)
	}
}

// numbers is a field that may say several ids.
func (p *parameters) numbers(name string) []int64 {
	var ids []int64
	for _, text := range p.list(name) {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			p.wrong = append(p.wrong, name+" is invalid")
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

func (s *Server) showMember(segment int, inherited bool) func(*manageCall) error {
	return func(r *manageCall) error {
		id, err := r.id(segment)
		if err != nil {
			return err
		}
		return s.answerMember(r, http.StatusOK, id, inherited)
	}
}

func (s *Server) answerMember(r *manageCall, status int, userID int64, inherited bool) error {
	m, err := s.Accounts.FindMember(r.c.Request.Context(), r.at(), userID, inherited)
	if err != nil {
		return err
	}
	return r.json(status, memberDocumentOf(m))
}

// role reads what a member is to get.
func (r *manageCall) role() accounts.Role {
	r.required("access_level")
	return accounts.Role{AccessLevel: r.accessLevel("access_level"), ExpiresAt: r.day("expires_at")}
}

// addMember gives a role to somebody who has none of their own here, by number or
// by user name.
func (s *Server) addMember(r *manageCall) error {
	role := r.role()
	id, username := r.whole("user_id", 1), r.text("username")
	if (id == 0) == (username == "") && !r.refused("user_id") {
		r.wrong = append(r.wrong, "user_id, username are missing, exactly one parameter must be provided")
	}
	if err := r.err(); err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	if username != "" {
		u, err := s.Accounts.FindUser(ctx, username)
		if registry.CodeOf(err) == registry.CodeNotFound {
			return userNotFound()
		}
		if err != nil {
			return err
		}
		id = u.ID
	}
	if err := s.Accounts.Invite(ctx, r.grantor(), r.at(), id, role); err != nil {
		return err
	}
	return s.answerMember(r, http.StatusCreated, id, false)
}

func (s *Server) changeMember(r *manageCall) error {
	role := r.role()
	id, err := r.id(5)
	if err == nil {
		err = r.err()
	}
	if err != nil {
		return err
	}
	ctx := r.c.Request.Context()
	if !r.given("expires_at") { // it stays as it is
		m, err := s.Accounts.FindMember(ctx, r.at(), id, false)
		if err != nil {
			return err
		}
		role.ExpiresAt = m.ExpiresAt
	}
	if err := s.Accounts.ChangeMember(ctx, r.grantor(), r.at(), id, role); err != nil {
		return err
	}
	return s.answerMember(r, http.StatusOK, id, false)
}

// removeMember takes a role; whoever gives them takes them, and everybody may
// leave.
func (s *Server) removeMember(least registry.AccessLevel) func(*manageCall) error {
	return func(r *manageCall) error {
		keep := r.boolean("skip_subresources")
		id, err := r.id(5)
		if err == nil {
			err = r.err()
		}
		if err != nil {
			return err
		}
		if id != r.caller.Actor.UserID && !r.reaches(least) {
			return forbidden()
		}
		if err := s.Accounts.RemoveMember(r.c.Request.Context(), r.grantor(), r.at(), id, keep); err != nil {
			return err
		}
		return r.empty(http.StatusNoContent)
	}
}
