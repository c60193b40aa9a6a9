package websession_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/websession"
)

// world is a browser with one cookie, and the user ann.
type world struct {
	*pgtest.Database
	sessions *websession.Sessions
	ann      accounts.User
	cookie   *http.Cookie
}

func setup(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	ann, err := accounts.New(db.Pool).CreateUser(t.Context(), accounts.NewUser{Username: "ann", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	return &world{Database: db, sessions: websession.New(db.Pool), ann: ann}
}

func (w *world) load(t *testing.T) (context.Context, *websession.User) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if w.cookie != nil {
		r.AddCookie(w.cookie)
	}
	ctx, user, err := w.sessions.Load(r, false)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, user
}

func (w *world) save(ctx context.Context, t *testing.T, secure bool) *http.Cookie {
	t.Helper()
	answer := httptest.NewRecorder()
	if err := w.sessions.Save(ctx, answer, secure); err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Result().Cookies() { //nolint:bodyclose // a recorder's has nothing to close
		w.cookie = c
		return c
	}
	return nil
}

func (w *world) signIn(t *testing.T) {
	t.Helper()
	ctx, _ := w.load(t)
	if err := w.sessions.SignIn(ctx, w.ann.ID); err != nil {
		t.Fatal(err)
	}
	w.save(ctx, t, false)
	if _, user := w.load(t); user == nil || user.Username != "ann" {
		t.Fatalf("not signed in: %+v", user)
	}
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func TestASessionIsNotMadeForWhoOnlyLooks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, user := w.load(t)
	if c := w.save(ctx, t, false); c != nil || user != nil {
		t.Errorf("%v %v", c, user)
	}
}

func TestTheCookieIsSafe(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, _ := w.load(t)
	if err := w.sessions.SignIn(ctx, w.ann.ID); err != nil {
		t.Fatal(err)
	}
	c := w.save(ctx, t, true)
	if c.Name != "__Host-pakhus_session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	var stored int
	if err := w.Pool.QueryRow(t.Context(), "select count(*) from web_sessions where digest = $1 or position(convert_to($1, 'UTF8') in data) > 0", c.Value).Scan(&stored); err != nil || stored != 0 {
		t.Errorf("the cookie itself is stored %d times, %v", stored, err)
	}
}

// However it ends, it ends.
func TestTheEndOfASession(t *testing.T) {
	t.Parallel()
	for what, done := range map[string][]string{
		"its time is over":    {"update web_sessions set expires_at = now() where user_id = $1"},
		"another password":    {"update users set password_hash = 'x' where id = $1"},
		"no password":         {"update users set password_hash = null where id = $1"},
		"blocked":             {"update users set state = 'blocked' where id = $1"},
		"deleted":             {"delete from users where id = $1"},
		"blocked for a while": {"update users set state = 'blocked' where id = $1", "update users set state = 'active' where id = $1"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.signIn(t)
			for _, sql := range done {
				w.exec(t, sql, w.ann.ID)
			}
			if _, user := w.load(t); user != nil {
				t.Errorf("still signed in as %+v", user)
			}
		})
	}
}

// What else becomes of a user is no reason to sign in again.
func TestASessionOutlivesAnotherName(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.signIn(t)
	w.exec(t, "update users set name = 'Ann', username = 'anna', is_admin = true where id = $1", w.ann.ID)
	if _, user := w.load(t); user == nil || user.Username != "anna" || !user.Admin {
		t.Errorf("%+v", user)
	}
}

// A request that began before the session ended does not bring it back.
func TestAnEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.signIn(t)
	slow, user := w.load(t)
	if user == nil {
		t.Fatal("not signed in")
	}
	ctx, _ := w.load(t)
	if err := w.sessions.SignOut(ctx); err != nil {
		t.Fatal(err)
	}
	kept := *w.cookie
	w.save(ctx, t, false)
	w.save(slow, t, false)
	w.cookie = &kept
	if _, user := w.load(t); user != nil {
		t.Errorf("back: %+v", user)
	}
}

func TestASessionBeginsAnew(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, _ := w.load(t)
	w.sessions.Keep(ctx, "key", "value")
	before := *w.save(ctx, t, false)
	var left bool
	if err := w.Pool.QueryRow(t.Context(), "select max(expires_at) < now() + interval '16 minutes' from web_sessions").Scan(&left); err != nil || !left {
		t.Errorf("a stranger's session lasts longer: %v", err)
	}
	w.signIn(t)
	if w.cookie.Value == before.Value {
		t.Error("the cookie is the one from before")
	}
	ctx, _ = w.load(t)
	if got := w.sessions.Take(ctx, "key"); got != "" {
		t.Errorf("it has %q from before", got)
	}
	w.cookie = &before
	if _, user := w.load(t); user != nil {
		t.Errorf("the old cookie: %+v", user)
	}
}

func TestBotsHaveNoSessions(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(t, "update users set kind = 'project_bot' where id = $1", w.ann.ID)
	ctx, _ := w.load(t)
	if err := w.sessions.SignIn(ctx, w.ann.ID); err == nil {
		t.Error("a bot has signed in")
	}
}
