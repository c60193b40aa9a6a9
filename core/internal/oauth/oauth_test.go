package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/oauth"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const callback = "https://client.example/callback"

// world is an authorization server with an application, and the user ann.
type world struct {
	*pgtest.Database
	server *oauth.Server
	url    string
	ann    registry.Actor
	app    accounts.Application
	secret string

	mu   sync.Mutex
	done []string // what the audit was told
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{Database: pgtest.New(t)}
	a := accounts.New(w.Pool)
	ann, err := a.CreateUser(t.Context(), accounts.NewUser{Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	w.ann = registry.Actor{Kind: registry.User, UserID: ann.ID, Username: "ann"}
	w.secret, w.app, err = a.CreateApplication(t.Context(), accounts.NewApplication{
		Name: "Client", RedirectURIs: []string{callback}, Scopes: []string{"api", "read_api"}, Confidential: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = oauth.New(oauth.Config{Pool: w.Pool, Log: hclog.NewNullLogger(), Done: func(_ context.Context, by registry.Actor, what audit.Change) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done = append(w.done, by.Username+" "+what.Type)
		return nil
	}})
	web := httptest.NewServer(w.server.Handler())
	t.Cleanup(web.Close)
	w.url = web.URL
	return w
}

// said is what the server answered to an application.
type said struct {
	status int
	fields map[string]any
}

func (s said) text(name string) string {
	text, _ := s.fields[name].(string)
	return text
}

func (s said) refusedAs(t *testing.T, what, code string) {
	t.Helper()
	if s.status != http.StatusBadRequest || s.text("error") != code {
		t.Errorf("%s: %d %v, want %s", what, s.status, s.fields, code)
	}
}

// ask sends a form, as the application.
func (w *world) ask(t *testing.T, path string, pairs ...string) said {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(w.app.UID, w.secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	s := said{status: resp.StatusCode}
	if err := json.NewDecoder(resp.Body).Decode(&s.fields); err != nil {
		t.Fatal(err)
	}
	return s
}

// allowed has ann allow the application what it asks for, and returns the code.
func (w *world) allowed(t *testing.T) string {
	t.Helper()
	query := url.Values{"client_id": {w.app.UID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"api"}}
	asked, answer, err := w.server.Authorize(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oauth/authorize?"+query.Encode(), nil))
	if err != nil || asked == nil {
		t.Fatalf("%s, %v", answer, err)
	}
	if answer, err = w.server.Allow(t.Context(), asked, w.ann); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	return at.Query().Get("code")
}

func (w *world) exchange(t *testing.T, code string) said {
	t.Helper()
	return w.ask(t, oauth.TokenPath, "grant_type", "authorization_code", "code", code, "redirect_uri", callback)
}

func (w *world) refresh(t *testing.T, token string) said {
	t.Helper()
	return w.ask(t, oauth.TokenPath, "grant_type", "refresh_token", "refresh_token", token)
}

func (w *world) exec(t *testing.T, sql string) {
	t.Helper()
	if tag, err := w.Pool.Exec(t.Context(), sql); err != nil || tag.RowsAffected() == 0 {
		t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}

// good reports whether the registry takes an access token.
func (w *world) good(t *testing.T, token string) bool {
	t.Helper()
	caller, err := auth.New(w.Pool).Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: token}, true, auth.ProjectRef{})
	return err == nil && caller.Actor.OAuth && caller.Actor.UserID == w.ann.UserID
}

func TestTimeEndsCodesAndTokens(t *testing.T) {
	t.Parallel()
	w := setup(t)
	code := w.allowed(t)
	w.exec(t, "update oauth_grants set code_expires_at = now()")
	w.exchange(t, code).refusedAs(t, "an old code", "invalid_grant")

	got := w.exchange(t, w.allowed(t))
	if got.status != http.StatusOK || !w.good(t, got.text("access_token")) {
		t.Fatalf("%d %v", got.status, got.fields)
	}
	w.exec(t, "update tokens set expires_at = now() where kind = 'oauth'")
	if w.good(t, got.text("access_token")) {
		t.Error("an old access token is good")
	}
	if info, err := w.server.Info(t.Context(), got.text("access_token")); err != nil || info != nil {
		t.Errorf("an old access token: %+v, %v", info, err)
	}
	if a := w.ask(t, oauth.IntrospectPath, "token", got.text("access_token")); a.fields["active"] != false {
		t.Errorf("an old access token: %v", a.fields)
	}
	if again := w.refresh(t, got.text("refresh_token")); again.status != http.StatusOK || !w.good(t, again.text("access_token")) {
		t.Errorf("its refresh: %d %v", again.status, again.fields)
	}
	got = w.exchange(t, w.allowed(t))
	w.exec(t, "update oauth_refresh_tokens set expires_at = now()")
	w.refresh(t, got.text("refresh_token")).refusedAs(t, "an old refresh token", "invalid_grant")
}

// No secret is stored, and none is one of another kind.
func TestWhatIsStoredIsADigest(t *testing.T) {
	t.Parallel()
	w := setup(t)
	code := w.allowed(t)
	got := w.exchange(t, code)
	device := w.ask(t, oauth.DeviceAuthorizationPath, "scope", "api")
	if got.status != http.StatusOK || device.status != http.StatusOK {
		t.Fatalf("%v %v", got.fields, device.fields)
	}
	for _, secret := range []string{w.secret, code, got.text("access_token"), got.text("refresh_token"), device.text("device_code"), device.text("user_code")} {
		for _, table := range []string{"oauth_applications", "oauth_grants", "oauth_refresh_tokens", "oauth_device_codes", "tokens"} {
			var n int
			if err := w.Pool.QueryRow(t.Context(), "select count(*) from "+table+" x where strpos(x::text, $1) > 0 or strpos(x::text, encode($1::bytea, 'hex')) > 0", secret).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s has %d of a secret, %v", table, n, err)
			}
		}
	}
	for _, other := range []string{got.text("refresh_token"), w.secret, code} {
		if w.good(t, other) {
			t.Errorf("%.6s… is an access token", other)
		}
	}
}

// Of many who come at once with one code, or one refresh token, one gets tokens; and
// because the others came, too, even that ends.
func TestOneOfManyAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	race := func(what string, try func() said) {
		var (
			all  sync.WaitGroup
			mu   sync.Mutex
			good []string
		)
		for range 8 {
			all.Go(func() {
				if s := try(); s.status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					good = append(good, s.text("access_token"))
				}
			})
		}
		all.Wait()
		if len(good) != 1 {
			t.Fatalf("%s: %d got tokens", what, len(good))
		}
		if w.good(t, good[0]) {
			t.Errorf("%s: the token outlives its theft", what)
		}
	}
	code := w.allowed(t)
	race("a code", func() said { return w.exchange(t, code) })
	got := w.exchange(t, w.allowed(t))
	race("a refresh token", func() said { return w.refresh(t, got.text("refresh_token")) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if all := strings.Join(w.done, ", "); strings.Count(all, "ann token.created") != 3 || strings.Count(all, "ann oauth_grant.revoked") < 2 {
		t.Errorf("the audit was told %s", all)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	w := setup(t)
	start := func() (deviceCode, userCode string) {
		t.Helper()
		d := w.ask(t, oauth.DeviceAuthorizationPath, "scope", "read_api")
		if d.status != http.StatusOK {
			t.Fatalf("%v", d.fields)
		}
		return d.text("device_code"), d.text("user_code")
	}
	poll := func(code string) said {
		return w.ask(t, oauth.TokenPath, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", code)
	}
	decide := func(userCode string, allowed bool) bool {
		t.Helper()
		d, err := w.server.Device(t.Context(), userCode)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := w.server.Decide(t.Context(), d, w.ann, allowed)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	w.ask(t, oauth.DeviceAuthorizationPath, "scope", "sudo").refusedAs(t, "a scope that nobody has", "invalid_scope")

	code, user := start()
	poll(code).refusedAs(t, "at first", "authorization_pending")
	for range 2 {
		poll(code).refusedAs(t, "in haste", "slow_down")
	}
	var interval int
	if err := w.Pool.QueryRow(t.Context(), "select poll_interval from oauth_device_codes").Scan(&interval); err != nil || interval != 15 {
		t.Errorf("the interval is %d, %v", interval, err)
	}
	w.exec(t, "update oauth_device_codes set polled_at = now() - interval '15 seconds'")
	poll(code).refusedAs(t, "with patience", "authorization_pending")
	if !decide(user, true) {
		t.Error("the decision came too late")
	}
	if _, err := w.server.Device(t.Context(), user); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("a decided one: %v", err)
	}
	got := poll(code)
	if got.status != http.StatusOK || !w.good(t, got.text("access_token")) || got.text("scope") != "read_api" {
		t.Errorf("%d %v", got.status, got.fields)
	}
	poll(code).refusedAs(t, "once more", "invalid_grant")

	code, user = start()
	decide(user, false)
	poll(code).refusedAs(t, "refused", "access_denied")

	code, user = start()
	decide(user, true)
	w.exec(t, "update users set state = 'blocked' where username = 'ann'")
	poll(code).refusedAs(t, "allowed by who is blocked by now", "access_denied")
	w.exec(t, "update users set state = 'active' where username = 'ann'")

	code, user = start()
	late, err := w.server.Device(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, "update oauth_device_codes set expires_at = now()")
	if ok, err := w.server.Decide(t.Context(), late, w.ann, true); ok || err != nil {
		t.Errorf("decided too late: %t, %v", ok, err)
	}
	if _, err := w.server.Device(t.Context(), user); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("an old one: %v", err)
	}
	poll(code).refusedAs(t, "too late", "expired_token")
}

// Nobody is told what the database says.
func TestAFaultIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	code := w.allowed(t)
	w.Pool.Close()
	got := w.exchange(t, code)
	if got.status != http.StatusInternalServerError || got.text("error") != "server_error" || strings.Contains(got.text("error_description"), "closed") {
		t.Errorf("%d %v", got.status, got.fields)
	}
}
