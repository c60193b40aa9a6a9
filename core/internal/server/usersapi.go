package server

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// usersAPI mounts GitLab's API about users.
func (s *Server) usersAPI(e *gin.Engine) {
	mine := authz.Management{SignedIn: true}
	admin := authz.Management{Admin: true, Writes: true}
	const users = "/api/v4/users"
	s.manage(e, "/api/v4/user", map[string]managed{http.MethodGet: {mine, ofInstance, s.showSelf}})
	s.manage(e, users, map[string]managed{
		http.MethodGet: {mine, ofInstance, s.listUsers}, http.MethodPost: {admin, ofInstance, s.createUser},
	})
	s.manage(e, users+"/:user_id", map[string]managed{
		http.MethodGet: {mine, ofInstance, s.showUser}, http.MethodPut: {admin, ofInstance, s.changeUser},
		http.MethodDelete: {admin, ofInstance, s.deleteUser},
	})
	s.manage(e, users+"/:user_id/block", map[string]managed{http.MethodPost: {admin, ofInstance, s.blockUser(true)}})
	s.manage(e, users+"/:user_id/unblock", map[string]managed{http.MethodPost: {admin, ofInstance, s.blockUser(false)}})
}

// publicUser is a user in GitLab's JSON, as everybody sees them.
type publicUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	State    string `json:"state"` // active, blocked
}

// userDocument is a user as they see themselves, and administrators.
type userDocument struct {
	publicUser

	CreatedAt apiTime `json:"created_at"`
	Bot       bool    `json:"bot"`
	IsAdmin   bool    `json:"is_admin"`
}

func publicUserOf(u accounts.User) publicUser {
	state := "active"
	if u.Blocked {
		state = "blocked"
	}
	return publicUser{u.ID, u.Username, u.Name, state}
}

func userDocumentOf(u accounts.User) userDocument {
	return userDocument{publicUserOf(u), apiTime(u.CreatedAt), u.Bot, u.Admin}
}

// userFor is a user as the caller sees them.
func (r *manageCall) userFor(u accounts.User) any {
	if r.caller.Actor.Admin || r.caller.Actor.UserID == u.ID {
		return userDocumentOf(u)
	}
	return publicUserOf(u)
}

func (s *Server) showSelf(r *manageCall) error {
	u, err := s.Accounts.UserByID(r.c.Request.Context(), r.caller.Actor.UserID)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, userDocumentOf(u))
}

// listUsers answers with a page of the users, the newest first. What tells of
// administrators is for them.
func (s *Server) listUsers(r *manageCall) error {
	f := accounts.UserFilter{Username: r.text("username"), Search: r.text("search"), Humans: r.boolean("without_project_bots")}
	active, blocked := r.boolean("active"), r.boolean("blocked")
	if active != blocked {
		f.Blocked = &blocked
	}
	part := r.part(true, "id", "username", "name", "created_at")
	if r.caller.Actor.Admin {
		f.Admins = r.boolean("admins")
	}
	if err := r.err(); err != nil {
		return err
	}
	users, extent, err := s.Accounts.Users(r.c.Request.Context(), f, part)
	if err != nil {
		return err
	}
	return answerList(s, r, part.Page, users, extent, r.userFor)
}

// userOf finds the user that the path names.
func (s *Server) userOf(r *manageCall) (accounts.User, error) {
	id, err := r.id(3)
	if err != nil {
		return accounts.User{}, userNotFound()
	}
	u, err := s.Accounts.UserByID(r.c.Request.Context(), id)
	if registry.CodeOf(err) == registry.CodeNotFound {
		return u, userNotFound()
	}
	return u, err
}

func userNotFound() error { return registry.Errorf(registry.CodeNotFound, "User Not Found") }

func (s *Server) showUser(r *manageCall) error {
	u, err := s.userOf(r)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, r.userFor(u))
}

// createUser makes a user. As in GitLab it must be said what becomes of the
// password; one that nobody knows is none, here: the user has tokens only.
func (s *Server) createUser(r *manageCall) error {
	n := accounts.NewUser{Username: r.required("username"), Name: r.required("name"), Password: r.text("password"), Admin: r.boolean("admin")}
	if !r.boolean("force_random_password") && !r.boolean("reset_password") {
		r.oneAtLeast("password", "reset_password", "force_random_password")
		if r.given("password") && n.Password == "" {
			r.wrong = append(r.wrong, "password is empty")
		}
	}
	if err := r.err(); err != nil {
		return err
	}
	u, err := s.Accounts.CreateUser(r.c.Request.Context(), n)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, userDocumentOf(u))
}

// changeUser: nobody takes being an administrator from themselves, so that there
// is always one.
func (s *Server) changeUser(r *manageCall) error {
	u, err := s.userOf(r)
	if err != nil {
		return err
	}
	c := accounts.UserChange{Username: r.said("username"), Name: r.said("name"), Password: r.said("password"), Admin: r.decided("admin")}
	if c.Password != nil && *c.Password == "" {
		r.wrong = append(r.wrong, "password is empty")
	}
	if err := r.err(); err != nil {
		return err
	}
	if c.Admin != nil && !*c.Admin && u.ID == r.caller.Actor.UserID {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - you cannot take this from yourself")
	}
	if u, err = s.Accounts.ChangeUser(r.c.Request.Context(), u.ID, c); err != nil {
		return err
	}
	return r.json(http.StatusOK, userDocumentOf(u))
}

func (s *Server) deleteUser(r *manageCall) error {
	u, err := s.userOf(r)
	if err != nil {
		return err
	}
	if u.ID == r.caller.Actor.UserID {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - you cannot delete yourself")
	}
	if err := s.Accounts.DeleteUser(r.c.Request.Context(), u.ID); err != nil {
		return err
	}
	return r.empty(http.StatusNoContent)
}

func (s *Server) blockUser(blocked bool) func(*manageCall) error {
	return func(r *manageCall) error {
		u, err := s.userOf(r)
		if err != nil {
			return err
		}
		if blocked && u.ID == r.caller.Actor.UserID {
			return registry.Errorf(registry.CodeForbidden, "Forbidden - The API initiating user cannot be blocked by the API")
		}
		if _, err := s.Accounts.ChangeUser(r.c.Request.Context(), u.ID, accounts.UserChange{Blocked: &blocked}); err != nil {
			return err
		}
		return r.json(http.StatusCreated, true)
	}
}
