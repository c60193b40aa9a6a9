// Package websession keeps browsers signed in. The cookie holds a random text, of
// which the database has the digest; everything else is the database's. It is for
// pages only: the API takes tokens.
package websession

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
)

// How long a session lasts: at most, unused, and before anybody has signed in.
const (
	lifetime = 7 * 24 * time.Hour
	idle     = 24 * time.Hour
	waiting  = 15 * time.Minute
)

// What a session holds.
const (
	userKey  = "user_id"
	stampKey = "stamp" // of the password with which it began; see stamp
)

// User is who has signed in.
type User struct {
	ID       int64
	Username string
	Name     string
	Admin    bool
}

// Sessions are the sessions of all browsers.
type Sessions struct {
	pool    *pgxpool.Pool
	manager *scs.SessionManager
}

// New makes a Sessions.
func New(pool *pgxpool.Pool) *Sessions {
	m := scs.New()
	m.Store = &store{pool}
	m.HashTokenInStore = true
	m.Lifetime, m.IdleTimeout = lifetime, idle
	// As the library has them already; what browsers are told is written out here.
	m.Cookie.HttpOnly, m.Cookie.SameSite, m.Cookie.Path, m.Cookie.Domain = true, http.SameSiteLaxMode, "/", ""
	return &Sessions{pool: pool, manager: m}
}

// cookieName is that of the session's cookie. Behind https, its prefix has browsers
// take it from nobody but this host, and over https only.
func cookieName(secure bool) string {
	if secure {
		return "__Host-pakhus_session"
	}
	return "pakhus_session"
}

// Load puts the request's session into a context, which the other methods take,
// and finds who has signed in; nil is nobody. A session ends with a block of its
// user, and with a change of their password.
func (s *Sessions) Load(r *http.Request, secure bool) (context.Context, *User, error) {
	token := ""
	if c, err := r.Cookie(cookieName(secure)); err == nil {
		token = c.Value
	}
	ctx, err := s.manager.Load(context.WithValue(r.Context(), foundKey{}, &found{}), token)
	if err != nil {
		return nil, nil, fmt.Errorf("load session: %w", err)
	}
	id := s.manager.GetInt64(ctx, userKey)
	if id == 0 {
		return ctx, nil, nil
	}
	u, now, err := s.user(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if u == nil || now != s.manager.GetString(ctx, stampKey) {
		return ctx, nil, s.SignOut(ctx)
	}
	return ctx, u, nil
}

// user finds somebody who may have a session; nil if they may not.
func (s *Sessions) user(ctx context.Context, id int64) (*User, string, error) {
	u := User{ID: id}
	var hash *string
	err := s.pool.QueryRow(ctx, "select username, name, is_admin, password_hash from users where id = $1 and state = 'active' and kind = 'human'", id).
		Scan(&u.Username, &u.Name, &u.Admin, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("find a session's user: %w", postgres.Translate(err))
	}
	return &u, stamp(hash), nil
}

// stamp is the same as long as the password is. It tells nothing of it.
func stamp(hash *string) string {
	if hash == nil {
		return ""
	}
	sum := sha256.Sum256([]byte("pakhus session\x00" + *hash))
	return hex.EncodeToString(sum[:])
}

// SignIn makes the session one of a user. Its cookie becomes another: one that
// somebody had planted before is worth nothing.
func (s *Sessions) SignIn(ctx context.Context, userID int64) error {
	u, now, err := s.user(ctx, userID)
	if err != nil {
		return err
	}
	if u == nil {
		return errors.New("a user who may have no session")
	}
	if err := s.manager.Clear(ctx); err != nil {
		return fmt.Errorf("clear session: %w", err)
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	s.manager.Put(ctx, userKey, userID)
	s.manager.Put(ctx, stampKey, now)
	return nil
}

// SignOut ends the session.
func (s *Sessions) SignOut(ctx context.Context) error {
	if err := s.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Keep keeps a text for as long as a sign-in may take; for Take.
func (s *Sessions) Keep(ctx context.Context, key, value string) {
	s.manager.Put(ctx, key, value)
	if s.manager.GetInt64(ctx, userKey) == 0 {
		s.manager.SetDeadline(ctx, time.Now().Add(waiting).UTC())
	}
}

// Take returns a text that was kept, and forgets it; empty if there is none.
func (s *Sessions) Take(ctx context.Context, key string) string { return s.manager.PopString(ctx, key) }

// Save writes what became of the session, and its cookie. It comes before the answer.
func (s *Sessions) Save(ctx context.Context, w http.ResponseWriter, secure bool) error {
	as := *s.manager // the cookie is this request's
	as.Cookie.Name, as.Cookie.Secure = cookieName(secure), secure
	switch s.manager.Status(ctx) {
	case scs.Modified:
		token, expiry, err := s.manager.Commit(ctx)
		if err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		as.WriteSessionCookie(ctx, w, token, expiry)
	case scs.Destroyed:
		as.WriteSessionCookie(ctx, w, "", time.Time{})
	case scs.Unmodified:
	}
	return nil
}
