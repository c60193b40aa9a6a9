package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func testSessions(t *testing.T, r *registrytest.Registry, _ registrytest.Project, _ person) {
	t.Helper()
	eve := newPerson(t, r, "eve")
	page := r.URL + "/users/sign_in"
	b := newBrowser(t, r.URL)
	if wrong := b.signIn(t, b.get(t, page), person{eve.name, "wrong password"}); wrong.status != http.StatusUnauthorized || b.sessionCookie(t) != "" {
		t.Errorf("a wrong password: %d, cookie %q", wrong.status, b.sessionCookie(t))
	}
	// Not even with a token of her own: one that may read only would become a session.
	token := r.NewToken(t, eve.name, "read_api")
	if wrong := b.signIn(t, b.get(t, page), person{eve.name, token}); wrong.status != http.StatusUnauthorized {
		t.Errorf("a token: %d", wrong.status)
	}
	// Whoever plants a cookie has none of the sessions that begin with it.
	const planted = "planted-by-somebody-else"
	at, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(at, []*http.Cookie{{Name: "pakhus_session", Value: planted, Path: "/"}})
	in := b.signIn(t, b.get(t, page), eve)
	if in.status != http.StatusOK || !strings.Contains(in.body, "signed in as <strong>eve</strong>") {
		t.Fatalf("%d %s", in.status, in.body)
	}
	first := b.sessionCookie(t)
	if first == planted || len(first) < 32 {
		t.Errorf("the session is %q", first)
	}
	r.Remember(first)
	thief := newBrowser(t, r.URL)
	thief.Jar.SetCookies(at, []*http.Cookie{{Name: "pakhus_session", Value: planted, Path: "/"}})
	if got := thief.get(t, page); strings.Contains(got.body, "eve") {
		t.Error("the planted cookie has a session")
	}
	h := in.header
	if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
		!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
	form := url.Values{"username": {eve.name}, "password": {eve.password}}.Encode()
	noRedirect := &browser{registry: r.URL, Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	set := noRedirect.do(t, http.MethodPost, page, form).header.Get("Set-Cookie")
	for _, part := range []string{"pakhus_session=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Expires="} {
		if !strings.Contains(set, part) {
			t.Errorf("the cookie %q has no %q", set, part)
		}
	}
	// It leads nowhere else.
	for _, to := range []string{"https://evil.example/", "//evil.example/oauth/", `/\evil.example/oauth/`, "/api/v4/user", "javascript:alert(1)"} {
		if got := b.get(t, page+"?"+url.Values{"return_to": {to}}.Encode()); got.location != nil || !strings.Contains(got.body, "signed in as") {
			t.Errorf("%s: %d, to %v", to, got.status, got.location)
		}
	}
	// Signed out, the cookie is worth nothing even to who has kept it.
	kept := newBrowser(t, r.URL)
	kept.Jar.SetCookies(at, []*http.Cookie{{Name: "pakhus_session", Value: first, Path: "/"}})
	if got := kept.get(t, page); !strings.Contains(got.body, "eve") {
		t.Errorf("the session's cookie elsewhere: %d %s", got.status, got.body)
	}
	if out := b.do(t, http.MethodPost, r.URL+"/users/sign_out", ""); out.status != http.StatusOK || out.at.Path != "/users/sign_in" || b.sessionCookie(t) != "" {
		t.Errorf("signed out: %d at %s", out.status, out.at)
	}
	if got := kept.get(t, page); strings.Contains(got.body, "eve") {
		t.Error("a session outlived its end")
	}
	// A new password ends sessions, and so does a block, even one that is over.
	for what, end := range map[string]func(){
		"password": func() {
			var u []struct{ ID int64 }
			a := ask(t, "GET", r.URL+"/api/v4/users?username=eve", r.Token)
			if err := json.Unmarshal([]byte(a.body), &u); err != nil || len(u) != 1 {
				t.Fatal(a.body)
			}
			eve.password = "another long password"
			r.Remember(eve.password)
			if a := send(t, "PUT", fmt.Sprintf("%s/api/v4/users/%d", r.URL, u[0].ID), r.Token, `{"password":"another long password"}`); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
		},
		"block": func() { r.CLI(t, "user", "block", "eve"); r.CLI(t, "user", "unblock", "eve") },
	} {
		b := newBrowser(t, r.URL)
		if in := b.signIn(t, b.get(t, page), eve); !strings.Contains(in.body, "signed in as") {
			t.Fatalf("%s: %d %s", what, in.status, in.body)
		}
		end()
		if got := b.get(t, page); strings.Contains(got.body, "signed in as") {
			t.Errorf("%s: the session goes on", what)
		}
	}
	r.CLI(t, "user", "block", "eve")
	b = newBrowser(t, r.URL)
	if in := b.signIn(t, b.get(t, page), eve); in.status != http.StatusUnauthorized {
		t.Errorf("blocked: %d", in.status)
	}
}

// Who has signed in with a browser need not do so again for a package client.
func testWebLoginBySession(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	npm := packagesURL(r, project) + "/npm"
	start := func() (loginURL, doneURL string) {
		t.Helper()
		var login struct{ LoginURL, DoneURL string }
		if a := send(t, "POST", npm+"/-/v1/login", "", "{}"); json.Unmarshal([]byte(a.body), &login) != nil || login.LoginURL == "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, u := range []string{login.LoginURL, login.DoneURL} {
			r.Remember(u[strings.LastIndexByte(u, '/')+1:])
		}
		return login.LoginURL, login.DoneURL
	}
	page, done := start()
	b := newBrowser(t, r.URL)
	if got := b.get(t, page); got.status != http.StatusOK || strings.Contains(got.body, "Continue as") {
		t.Errorf("nobody's page: %d %s", got.status, got.body)
	}
	asAnn := url.Values{"as": {ann.name}}.Encode()
	if got := b.do(t, http.MethodPost, page, asAnn); got.status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", got.status)
	}
	b.signIn(t, b.get(t, r.URL+"/users/sign_in"), ann)
	if got := b.get(t, page); !strings.Contains(got.body, "Continue as "+ann.name) {
		t.Errorf("ann's page: %d %s", got.status, got.body)
	}
	if got := b.do(t, http.MethodPost, page, asAnn, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d", got.status)
	}
	if got := b.do(t, http.MethodPost, page, url.Values{"as": {"root"}}.Encode()); got.status != http.StatusUnauthorized {
		t.Errorf("as somebody else: %d", got.status)
	}
	if got := b.do(t, http.MethodPost, page, asAnn); got.status != http.StatusOK || !strings.Contains(got.body, "You are signed in") {
		t.Errorf("ann's form: %d %s", got.status, got.body)
	}
	a := ask(t, "GET", done, "")
	r.RememberAnswer([]byte(a.body))
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Token == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := ask(t, "GET", npm+"/-/whoami", got.Token); a.status != http.StatusOK || !strings.Contains(a.body, ann.name) {
		t.Errorf("who: %d %s", a.status, a.body)
	}
}

// People see who acts for them, and end it.
func testAuthorizedApplications(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	joe := newPerson(t, r, "joe")
	app := application(t, r, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL = "https://client.example/callback"
	tokens := map[string]string{}
	browsers := map[string]*browser{}
	for _, p := range []person{joe, ann} {
		browsers[p.name] = newBrowser(t, r.URL)
		token, err := app.Exchange(t.Context(), browsers[p.name].code(t, app, p))
		if err != nil {
			t.Fatal(err)
		}
		remember(r, token)
		tokens[p.name] = token.AccessToken
	}
	const path = "/oauth/authorized_applications"
	if got := newBrowser(t, r.URL).get(t, r.URL+path); got.at.Path != "/users/sign_in" {
		t.Errorf("nobody's page is at %s", got.at)
	}
	page := browsers["joe"].get(t, r.URL+path)
	end := regexp.MustCompile(path + `/[0-9]+`).FindString(page.body)
	if end == "" || !strings.Contains(page.body, "Client") {
		t.Fatalf("%d %s", page.status, page.body)
	}
	if got := newBrowser(t, r.URL).do(t, http.MethodPost, r.URL+end, ""); got.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", got.status)
	}
	if got := browsers["joe"].do(t, http.MethodPost, r.URL+end, "", "Origin", "https://evil.example"); got.status != http.StatusForbidden {
		t.Errorf("another site: %d", got.status)
	}
	if got := browsers["joe"].do(t, http.MethodPost, r.URL+path+"/999999", ""); got.status != http.StatusNotFound {
		t.Errorf("no such application: %d", got.status)
	}
	if got := browsers["joe"].do(t, http.MethodPost, r.URL+end, ""); got.status != http.StatusOK || strings.Contains(got.body, end) {
		t.Errorf("revoked: %d %s", got.status, got.body)
	}
	goneWithin(t, r.URL+"/api/v4/user", tokens["joe"])
	if a := ask(t, "GET", packagesURL(r, project), tokens["ann"]); a.status != http.StatusOK {
		t.Errorf("ann's token: %d", a.status)
	}
}

// Passwords, secrets of applications and codes of devices can be guessed a few
// times, and then no more.
func TestGuessesEnd(t *testing.T) {
	t.Parallel()
	r := limited(t, `
  login: {requests: 3, period_seconds: 86400}
  unauthenticated_api: {enabled: true, requests: 12, period_seconds: 86400}
`)
	ann := newPerson(t, r, "ann")
	app, public := application(t, r), application(t, r, "--public")
	statuses := func(what string, want []int, try func() int) {
		t.Helper()
		for i, w := range want {
			if got := try(); got != w {
				t.Errorf("%s %d: %d, want %d", what, i+1, got, w)
			}
		}
	}
	post := func(path, from string, form url.Values) answer {
		return send(t, "POST", r.URL+path, "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", from)
	}
	statuses("password", []int{401, 401, 401, 429, 429}, func() int {
		return post("/users/sign_in", "192.0.2.1", url.Values{"username": {"ann"}, "password": {"guess"}}).status
	})
	statuses("secret", []int{401, 401, 401, 429}, func() int {
		return post("/oauth/token", "192.0.2.2", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {app.ClientID}, "client_secret": {"guess"}}).status
	})
	statuses("another application's secret, from there", []int{401}, func() int {
		return post("/oauth/token", "192.0.2.2", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {public.ClientID}, "client_secret": {"guess"}}).status
	})
	b := newBrowser(t, r.URL)
	b.submit(t, b.get(t, r.URL+"/users/sign_in"), url.Values{"username": {ann.name}, "password": {ann.password}})
	statuses("device code", []int{422, 422, 422, 429}, func() int {
		return b.do(t, http.MethodPost, r.URL+"/oauth/device", url.Values{"user_code": {"BCDF-GHJK"}}.Encode(), "X-Forwarded-For", "192.0.2.3").status
	})
	statuses("devices that begin", []int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 429}, func() int {
		return post("/oauth/authorize_device", "192.0.2.4", url.Values{"client_id": {public.ClientID}}).status
	})
}

// A browser says where a form comes from; what comes from elsewhere does nothing.
func testForgedForms(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL = "https://client.example/callback"
	b := newBrowser(t, r.URL)
	page := b.signIn(t, b.get(t, app.AuthCodeURL("s")), ann)
	for _, forged := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"}} {
		if got := b.submit(t, page, url.Values{"decision": {"allow"}}, forged...); got.status != http.StatusForbidden || got.location != nil {
			t.Errorf("%v: %d, to %v", forged, got.status, got.location)
		}
		if got := b.do(t, http.MethodPost, r.URL+"/users/sign_out", "", forged...); got.status != http.StatusForbidden {
			t.Errorf("%v: signed out, %d", forged, got.status)
		}
		if got := b.do(t, http.MethodPost, r.URL+"/users/sign_in", url.Values{"username": {ann.name}, "password": {ann.password}}.Encode(), forged...); got.status != http.StatusForbidden {
			t.Errorf("%v: signed in, %d", forged, got.status)
		}
	}
	if got := b.submit(t, page, url.Values{"decision": {"allow"}}, "Sec-Fetch-Site", "same-origin", "Origin", r.URL); got.location == nil || got.location.Query().Get("code") == "" {
		t.Errorf("its own form: %d, to %v", got.status, got.location)
	}
}
