package accounts

import (
	"context"
	"fmt"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// User is a person or a bot.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
}

// NewUser is a user to be made.
type NewUser struct {
	Username string
	Name     string
	Password string // empty: cannot sign in with a password
	Admin    bool
}

// minPassword is the least length of a password, in bytes; GitLab's.
const minPassword = 8

// CreateUser makes a user.
func (a *Accounts) CreateUser(ctx context.Context, n NewUser) (User, error) {
	if err := checkRoot("username", n.Username); err != nil {
		return User{}, err
	}
	var hash *string
	if n.Password != "" {
		if len(n.Password) < minPassword {
			return User{}, registry.Errorf(registry.CodeInvalid, "password is shorter than %d characters", minPassword)
		}
		h, err := auth.HashPassword(n.Password)
		if err != nil {
			return User{}, err
		}
		hash = &h
	}
	u := User{Username: n.Username, Name: n.Name, Admin: n.Admin}
	if u.Name == "" {
		u.Name = u.Username
	}
	err := a.db.QueryRow(ctx, "insert into users (username, name, password_hash, is_admin) values ($1, $2, $3, $4) returning id",
		u.Username, u.Name, hash, u.Admin).Scan(&u.ID)
	if postgres.IsUniqueViolation(err, "") {
		return User{}, registry.Errorf(registry.CodeConflict, "username %q has already been taken", n.Username)
	}
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", postgres.Translate(err))
	}
	return u, nil
}

// FindUser finds a user by name, without case.
func (a *Accounts) FindUser(ctx context.Context, username string) (User, error) {
	var u User
	err := a.db.QueryRow(ctx, "select id, username, name, is_admin from users where lower(username) = lower($1)", username).
		Scan(&u.ID, &u.Username, &u.Name, &u.Admin)
	return u, missing(err, "user %q", username)
}

// UserByID finds a user by number.
func (a *Accounts) UserByID(ctx context.Context, id int64) (User, error) {
	var u User
	err := a.db.QueryRow(ctx, "select id, username, name, is_admin from users where id = $1", id).Scan(&u.ID, &u.Username, &u.Name, &u.Admin)
	return u, missing(err, "user %d", id)
}

// BlockUser blocks a user, or lets a blocked one in again. Every token of a
// blocked user is refused from the next request on.
func (a *Accounts) BlockUser(ctx context.Context, username string, blocked bool) error {
	state := "active"
	if blocked {
		state = "blocked"
	}
	var id int64
	err := a.db.QueryRow(ctx, "update users set state = $2 where lower(username) = lower($1) returning id", username, state).Scan(&id)
	return missing(err, "user %q", username)
}
