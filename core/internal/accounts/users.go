package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// User is a person or a bot.
type User struct {
	ID        int64     `json:"id"`
	Username  string    `json:"username"`
	Name      string    `json:"name"`
	Admin     bool      `json:"admin"`
	Blocked   bool      `json:"-"`
	Bot       bool      `json:"-"` // of a project or group access token
	CreatedAt time.Time `json:"-"`
}

// userColumns are what userTargets reads, of a user u.
const userColumns = "u.id, u.username, u.name, u.is_admin, u.state = 'blocked' as blocked, u.kind <> 'human' as bot, u.created_at"

func userTargets(u *User) []any {
	return []any{&u.ID, &u.Username, &u.Name, &u.Admin, &u.Blocked, &u.Bot, &u.CreatedAt}
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
	hash, err := hashOf(n.Password)
	if err != nil {
		return User{}, err
	}
	u := User{Username: n.Username, Name: n.Name, Admin: n.Admin}
	if err := checkName(&u.Name, u.Username); err != nil {
		return User{}, err
	}
	err = a.db.QueryRow(ctx, "insert into users (username, name, password_hash, is_admin) values ($1, $2, $3, $4) returning id, created_at",
		u.Username, u.Name, hash, u.Admin).Scan(&u.ID, &u.CreatedAt)
	if err != nil {
		return User{}, usernameTaken(err, n.Username)
	}
	return u, nil
}

// hashOf is what is stored of a password; nil of none.
func hashOf(password string) (*string, error) {
	if password == "" {
		return nil, nil //nolint:nilnil // no password is an answer
	}
	if len(password) < minPassword {
		return nil, registry.Wrong("password", "is shorter than %d characters", minPassword)
	}
	h, err := auth.HashPassword(password)
	return &h, err
}

func usernameTaken(err error, username string) error {
	if postgres.IsUniqueViolation(err, "") {
		return registry.Errorf(registry.CodeConflict, "username %q has already been taken", username)
	}
	return fmt.Errorf("write user: %w", postgres.Translate(err))
}

// FindUser finds a user by name, without case.
func (a *Accounts) FindUser(ctx context.Context, username string) (User, error) {
	var u User
	err := a.db.QueryRow(ctx, "select "+userColumns+" from users u where lower(u.username) = lower($1)", username).Scan(userTargets(&u)...)
	return u, missing(err, "user %q", username)
}

// UserByID finds a user by number.
func (a *Accounts) UserByID(ctx context.Context, id int64) (User, error) {
	var u User
	err := a.db.QueryRow(ctx, "select "+userColumns+" from users u where u.id = $1", id).Scan(userTargets(&u)...)
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
