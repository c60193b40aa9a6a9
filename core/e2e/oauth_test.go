package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// application is an application that has been registered, as x/oauth2 knows it.
func application(t *testing.T, r *registrytest.Registry, flags ...string) *oauth2.Config {
	t.Helper()
	var app struct {
		ID     string `json:"application_id"`
		Secret string
	}
	if err := json.Unmarshal(r.CLI(t, append([]string{"application", "create", "Client"}, flags...)...), &app); err != nil || len(app.ID) != 64 {
		t.Fatalf("%+v: %v", app, err)
	}
	c := &oauth2.Config{ClientID: app.ID, ClientSecret: app.Secret, Endpoint: oauth2.Endpoint{
		AuthURL: r.URL + "/oauth/authorize", TokenURL: r.URL + "/oauth/token", DeviceAuthURL: r.URL + "/oauth/authorize_device",
		AuthStyle: oauth2.AuthStyleInHeader,
	}}
	r.Remember(app.Secret)
	if app.Secret == "" {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// code has a person allow an application, and returns the code that came of it.
func (b *browser) code(t *testing.T, c *oauth2.Config, p person, options ...oauth2.AuthCodeOption) string {
	t.Helper()
	page := b.get(t, c.AuthCodeURL("the state", options...))
	if page.at.Path == "/users/sign_in" {
		page = b.signIn(t, page, p)
	}
	if page.status != http.StatusOK || !strings.Contains(page.body, "Allow Client?") || !strings.Contains(page.body, p.name) {
		t.Fatalf("no consent page: %d %s", page.status, page.body)
	}
	done := b.submit(t, page, url.Values{"decision": {"allow"}})
	if done.location == nil || !strings.HasPrefix(done.location.String(), c.RedirectURL) || done.location.Query().Get("state") != "the state" {
		t.Fatalf("allowed: %d %s, to %v", done.status, done.body, done.location)
	}
	return done.location.Query().Get("code")
}

// refusedAs checks that a token was refused with an error of OAuth.
func refusedAs(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.Response.StatusCode != status || refused.ErrorCode != code {
		t.Errorf("%s: %v, want %d %s", what, err, status, code)
	}
}

func remember(r *registrytest.Registry, token *oauth2.Token) {
	r.Remember(token.AccessToken, token.RefreshToken)
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	ann := newPerson(t, r, "ann")
	project := r.NewProject(t, "private")
	r.CLI(t, "member", "add", "--user", ann.name, "--project", project.Path, "--role", "developer")
	for name, test := range map[string]func(*testing.T, *registrytest.Registry, registrytest.Project, person){
		"code": testAuthorizationCode, "wrong authorizations": testWrongAuthorizations, "wrong codes": testWrongCodes, "refresh": testRefresh, "revoke": testRevoke,
		"device": testDevice, "read_api": testReadAPI, "sessions": testSessions, "authorized applications": testAuthorizedApplications, "a package client's sign-in": testWebLoginBySession, "forms of other sites": testForgedForms,
		"native": testNativeApplication, "administration": testApplications, "audit": testOAuthAudit, "examples": testOAuthExamples,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, r, project, ann) })
	}
}

// The whole way: allowed in a browser, exchanged with PKCE, used to read and to publish.
func testAuthorizationCode(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--redirect-uri", "https://client.example/callback", "--scopes", "api,read_api")
	app.RedirectURL, app.Scopes = "https://client.example/callback", []string{"api"}
	verifier := oauth2.GenerateVerifier()
	code := newBrowser(t, r.URL).code(t, app, ann, oauth2.S256ChallengeOption(verifier))
	r.Remember(code, verifier)
	token, err := app.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	if !strings.HasPrefix(token.AccessToken, "gloat-") || token.TokenType != "Bearer" || token.Extra("scope") != "api" || token.Extra("created_at") == nil ||
		time.Until(token.Expiry) > 2*time.Hour || time.Until(token.Expiry) < 115*time.Minute || token.RefreshToken == "" {
		t.Errorf("got %+v", token)
	}
	publish(t, r, project, token.AccessToken, "oauth-package", "1.0.0")
	list := packagesURL(r, project)
	if a := ask(t, "GET", list, token.AccessToken); a.status != http.StatusOK || !strings.Contains(a.body, `"oauth-package"`) {
		t.Errorf("the packages API: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", r.URL+"/api/v4/user", token.AccessToken); a.status != http.StatusOK || !strings.Contains(a.body, `"ann"`) {
		t.Errorf("who: %d %s", a.status, a.body)
	}
	// As in GitLab, it is no personal token.
	if a := ask(t, "GET", list, "", "PRIVATE-TOKEN", token.AccessToken); a.status != http.StatusUnauthorized {
		t.Errorf("as PRIVATE-TOKEN: %d", a.status)
	}
	if a := ask(t, "GET", r.URL+"/oauth/token/info", token.AccessToken); a.status != http.StatusOK ||
		!strings.Contains(a.body, app.ClientID) || !strings.Contains(a.body, `"scope":["api"]`) {
		t.Errorf("info: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", r.URL+"/oauth/token/info", r.Token); a.status != http.StatusUnauthorized || !strings.Contains(a.body, "invalid_token") {
		t.Errorf("info about another token: %d %s", a.status, a.body)
	}
	r.CLI(t, "user", "create", "blocked", "--password", "a long password")
	blocked := person{"blocked", "a long password"}
	second, err := app.Exchange(t.Context(), newBrowser(t, r.URL).code(t, app, blocked))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, second)
	r.CLI(t, "user", "block", "blocked")
	if a := ask(t, "GET", list, second.AccessToken); a.status != http.StatusForbidden {
		t.Errorf("a blocked user: %d %s", a.status, a.body)
	}
	_, err = app.TokenSource(t.Context(), &oauth2.Token{RefreshToken: second.RefreshToken}).Token()
	refusedAs(t, "a blocked user's refresh", err, 400, "invalid_grant")
}

// Who is not known to be the application learns nothing; the application is told.
func testWrongAuthorizations(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
	t.Helper()
	const callback = "https://client.example/callback"
	app := application(t, r, "--redirect-uri", callback, "--scopes", "read_api")
	public := application(t, r, "--redirect-uri", callback, "--public")
	b := newBrowser(t, r.URL)
	b.signIn(t, b.get(t, r.URL+"/users/sign_in"), ann)
	for what, query := range map[string]url.Values{
		"another redirect":      {"client_id": {app.ClientID}, "redirect_uri": {callback + "/x"}, "response_type": {"code"}},
		"another host":          {"client_id": {app.ClientID}, "redirect_uri": {"https://evil.example/callback"}, "response_type": {"code"}},
		"no redirect":           {"client_id": {app.ClientID}, "response_type": {"code"}},
		"an unknown client":     {"client_id": {"nobody"}, "redirect_uri": {callback}, "response_type": {"code"}},
		"a client that is none": {"client_id": {"\x00"}, "redirect_uri": {callback}, "response_type": {"code"}},
	} {
		if page := b.get(t, app.Endpoint.AuthURL+"?"+query.Encode()); page.status != http.StatusBadRequest || page.location != nil {
			t.Errorf("%s: %d, to %v", what, page.status, page.location)
		}
	}
	known := url.Values{"client_id": {app.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"read_api"}, "state": {"s"}}
	with := func(from url.Values, pairs ...string) string {
		v := maps.Clone(from)
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return app.Endpoint.AuthURL + "?" + v.Encode()
	}
	for what, c := range map[string][2]string{
		"a scope that it has not":     {with(known, "scope", "api"), "invalid_scope"},
		"a scope that nobody has":     {with(known, "scope", "read_api sudo"), "invalid_scope"},
		"openid, which is not served": {with(known, "scope", "openid"), "invalid_scope"},
		"the default scope":           {with(known, "scope", ""), "invalid_scope"},
		"the implicit flow":           {with(known, "response_type", "token"), "unsupported_response_type"},
		"a plain challenge":           {with(known, "code_challenge", "x", "code_challenge_method", "plain"), "invalid_request"},
		"a challenge without method":  {with(known, "code_challenge", "x"), "invalid_request"},
		"without asking":              {with(known, "prompt", "none"), "interaction_required"},
		"a public client, no PKCE":    {with(known, "client_id", public.ClientID, "scope", "api"), "invalid_request"},
	} {
		page := b.get(t, c[0])
		if page.location == nil || !strings.HasPrefix(page.location.String(), callback+"?") || page.location.Query().Get("error") != c[1] || page.location.Query().Get("state") != "s" {
			t.Errorf("%s: %d, to %v, want %s", what, page.status, page.location, c[1])
		}
	}
	page := b.get(t, with(known))
	denied := b.submit(t, page, url.Values{"decision": {"deny"}})
	if denied.location == nil || denied.location.Query().Get("error") != "access_denied" || denied.location.Query().Get("state") != "s" {
		t.Errorf("denied: %d, to %v", denied.status, denied.location)
	}
	if undecided := b.submit(t, page, nil); undecided.status != http.StatusBadRequest {
		t.Errorf("undecided: %d", undecided.status)
	}
	// The form of one person's page is worth nothing in another's browser.
	if stolen := newBrowser(t, r.URL).submit(t, page, url.Values{"decision": {"allow"}}); stolen.status != http.StatusUnauthorized || stolen.location != nil {
		t.Errorf("without a session: %d, to %v", stolen.status, stolen.location)
	}
}

func testWrongCodes(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	const callback = "https://client.example/callback"
	app := application(t, r, "--redirect-uri", callback+","+callback+"/2")
	other := application(t, r, "--redirect-uri", callback)
	app.RedirectURL, other.RedirectURL = callback, callback
	verifier := oauth2.GenerateVerifier()
	b := newBrowser(t, r.URL)
	code := b.code(t, app, ann, oauth2.S256ChallengeOption(verifier))
	elsewhere := *app
	elsewhere.RedirectURL += "/2"
	wrong := *app
	wrong.ClientSecret = "gloas-wrong"
	exchange := func(c *oauth2.Config, code string, options ...oauth2.AuthCodeOption) error {
		_, err := c.Exchange(t.Context(), code, options...)
		return err
	}
	refusedAs(t, "another verifier", exchange(app, code, oauth2.VerifierOption(oauth2.GenerateVerifier())), 400, "invalid_grant")
	refusedAs(t, "no verifier", exchange(app, code), 400, "invalid_request")
	refusedAs(t, "another redirect", exchange(&elsewhere, code, oauth2.VerifierOption(verifier)), 400, "invalid_grant")
	refusedAs(t, "another client", exchange(other, code, oauth2.VerifierOption(verifier)), 400, "invalid_grant")
	refusedAs(t, "another secret", exchange(&wrong, code, oauth2.VerifierOption(verifier)), 401, "invalid_client")
	refusedAs(t, "no code", exchange(app, "nonsense", oauth2.VerifierOption(verifier)), 400, "invalid_grant")
	token, err := app.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	list := packagesURL(r, project)
	if a := ask(t, "GET", list, token.AccessToken); a.status != http.StatusOK {
		t.Errorf("before: %d", a.status)
	}
	refusedAs(t, "a second time", exchange(app, code, oauth2.VerifierOption(verifier)), 400, "invalid_grant")
	goneWithin(t, list, token.AccessToken)
	_, err = app.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	refusedAs(t, "refresh after a code came twice", err, 400, "invalid_grant")
	// Neither does the URL carry what belongs into the body, nor is there another grant.
	if a := ask(t, "POST", app.Endpoint.TokenURL+"?grant_type=authorization_code&code="+code, ""); a.status != http.StatusBadRequest {
		t.Errorf("in the query: %d %s", a.status, a.body)
	}
	form := url.Values{"grant_type": {"password"}, "username": {ann.name}, "password": {ann.password}, "client_id": {app.ClientID}, "client_secret": {app.ClientSecret}}
	a := send(t, "POST", app.Endpoint.TokenURL, "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "unsupported_grant_type") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the password grant: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", app.Endpoint.TokenURL, ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d %s", a.status, a.header)
	}
}

// goneWithin waits until a token is refused: a second, and room for a busy machine.
func goneWithin(t *testing.T, url, token string) {
	t.Helper()
	began := time.Now()
	for ask(t, "GET", url, token).status != http.StatusUnauthorized {
		if time.Since(began) > 3*time.Second {
			t.Fatalf("still let in after %s", time.Since(began))
		}
	}
}

func testRefresh(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--redirect-uri", "https://client.example/callback", "--scopes", "api,read_api")
	other := application(t, r, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL, app.Scopes = "https://client.example/callback", []string{"read_api", "api"}
	first, err := app.Exchange(t.Context(), newBrowser(t, r.URL).code(t, app, ann))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, first)
	refresh := func(c *oauth2.Config, token string) (*oauth2.Token, error) {
		got, err := c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token}).Token()
		if err == nil {
			remember(r, got)
		}
		return got, err
	}
	_, err = refresh(other, first.RefreshToken)
	refusedAs(t, "another client's", err, 400, "invalid_grant")
	_, err = refresh(app, first.AccessToken)
	refusedAs(t, "with the access token", err, 400, "invalid_grant")
	second, err := refresh(app, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	list := packagesURL(r, project)
	goneWithin(t, list, first.AccessToken)
	if a := ask(t, "GET", list, second.AccessToken); a.status != http.StatusOK || second.RefreshToken == first.RefreshToken {
		t.Errorf("the second: %d %s", a.status, a.body)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second.RefreshToken}, "scope": {"read_api"}}
	a := send(t, "POST", app.Endpoint.TokenURL, "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Authorization", basic(app.ClientID, app.ClientSecret))
	var third oauth2.Token
	if err := json.Unmarshal([]byte(a.body), &third); err != nil || a.status != http.StatusOK || !strings.Contains(a.body, `"scope":"read_api"`) {
		t.Fatalf("a narrower one: %d %s", a.status, a.body)
	}
	remember(r, &third)
	// Somebody has the second one, too.
	_, err = refresh(app, second.RefreshToken)
	refusedAs(t, "a second time", err, 400, "invalid_grant")
	goneWithin(t, list, third.AccessToken)
	_, err = refresh(app, third.RefreshToken)
	refusedAs(t, "the family", err, 400, "invalid_grant")
}

func basic(user, password string) string {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(user, password)
	return req.Header.Get("Authorization")
}

func testRevoke(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--redirect-uri", "https://client.example/callback")
	other := application(t, r, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL = "https://client.example/callback"
	b := newBrowser(t, r.URL)
	post := func(c *oauth2.Config, path, token string) answer {
		return send(t, "POST", r.URL+path, "", url.Values{"token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"Authorization", basic(c.ClientID, c.ClientSecret))
	}
	list := packagesURL(r, project)
	for _, which := range []string{"access", "refresh"} {
		token, err := app.Exchange(t.Context(), b.code(t, app, ann))
		if err != nil {
			t.Fatal(err)
		}
		remember(r, token)
		subject := map[string]string{"access": token.AccessToken, "refresh": token.RefreshToken}[which]
		a := post(app, "/oauth/introspect", subject)
		if a.status != http.StatusOK || !strings.Contains(a.body, `"active":true`) || !strings.Contains(a.body, `"username":"ann"`) || !strings.Contains(a.body, `"scope":"api"`) {
			t.Errorf("introspect: %d %s", a.status, a.body)
		}
		if a := post(other, "/oauth/introspect", subject); a.status != http.StatusOK || !strings.Contains(a.body, `"active":false`) || strings.Contains(a.body, "ann") {
			t.Errorf("introspect another's: %d %s", a.status, a.body)
		}
		if a := post(other, "/oauth/revoke", subject); a.status != http.StatusForbidden || !strings.Contains(a.body, "unauthorized_client") {
			t.Errorf("revoke another's: %d %s", a.status, a.body)
		}
		if a := ask(t, "GET", list, token.AccessToken); a.status != http.StatusOK {
			t.Errorf("still: %d", a.status)
		}
		if a := post(app, "/oauth/revoke", subject); a.status != http.StatusOK {
			t.Errorf("revoke: %d %s", a.status, a.body)
		}
		goneWithin(t, list, token.AccessToken)
		if a := post(app, "/oauth/introspect", subject); a.status != http.StatusOK || !strings.Contains(a.body, `"active":false`) {
			t.Errorf("introspect what was revoked: %d %s", a.status, a.body)
		}
		if a := post(app, "/oauth/revoke", subject); a.status != http.StatusOK {
			t.Errorf("revoke again: %d %s", a.status, a.body)
		}
		_, err = app.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		refusedAs(t, "refresh", err, 400, "invalid_grant")
	}
	if a := post(&oauth2.Config{ClientID: app.ClientID, ClientSecret: "wrong"}, "/oauth/introspect", "x"); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("introspect without authentication: %d %s", a.status, a.body)
	}
}

// A command line without a browser of its own, with a public application.
func testDevice(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--public")
	app.Scopes = []string{"api"}
	b := newBrowser(t, r.URL)
	for _, decision := range []string{"allow", "deny"} {
		device, err := app.DeviceAuth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.Remember(device.DeviceCode)
		if device.VerificationURI != r.URL+"/oauth/device" || !strings.Contains(device.VerificationURIComplete, device.UserCode) || device.Interval != 5 {
			t.Errorf("got %+v", device)
		}
		poll := func() error {
			form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device.DeviceCode}, "client_id": {app.ClientID}}
			a := send(t, "POST", app.Endpoint.TokenURL, "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
			var refused struct{ Error string }
			if err := json.Unmarshal([]byte(a.body), &refused); err != nil || a.status != http.StatusBadRequest {
				t.Fatalf("%d %s", a.status, a.body)
			}
			return errors.New(refused.Error)
		}
		if err := poll(); err.Error() != "authorization_pending" {
			t.Errorf("first: %v", err)
		}
		if err := poll(); err.Error() != "slow_down" {
			t.Errorf("at once again: %v", err)
		}
		page := b.get(t, device.VerificationURI)
		if page.at.Path == "/users/sign_in" {
			page = b.signIn(t, page, ann)
		}
		if wrong := b.submit(t, page, url.Values{"user_code": {"BBBB-BBBB"}}); wrong.status != http.StatusUnprocessableEntity {
			t.Errorf("another code: %d %s", wrong.status, wrong.body)
		}
		// As people type.
		page = b.submit(t, page, url.Values{"user_code": {strings.ToLower(strings.ReplaceAll(device.UserCode, "-", " "))}})
		if page.status != http.StatusOK || !strings.Contains(page.body, "Allow Client?") {
			t.Fatalf("%d %s", page.status, page.body)
		}
		done := b.submit(t, page, url.Values{"decision": {decision}})
		if done.status != http.StatusOK {
			t.Errorf("%s: %d %s", decision, done.status, done.body)
		}
		if again := b.submit(t, page, url.Values{"decision": {"allow"}}); again.status != http.StatusUnprocessableEntity {
			t.Errorf("decided twice: %d %s", again.status, again.body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		token, err := app.DeviceAccessToken(ctx, device)
		cancel()
		if decision == "deny" {
			refusedAs(t, "denied", err, 400, "access_denied")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		remember(r, token)
		publish(t, r, project, token.AccessToken, "device-package", "1.0.0")
		if err := poll(); err.Error() != "invalid_grant" {
			t.Errorf("a device code's second use: %v", err)
		}
		refreshed, err := app.TokenSource(t.Context(), &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
		if err != nil {
			t.Fatal(err)
		}
		remember(r, refreshed)
	}
}

func testReadAPI(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--redirect-uri", "https://client.example/callback", "--scopes", "read_api")
	app.RedirectURL, app.Scopes = "https://client.example/callback", []string{"read_api"}
	token, err := app.Exchange(t.Context(), newBrowser(t, r.URL).code(t, app, ann))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	if a := ask(t, "GET", packagesURL(r, project), token.AccessToken); a.status != http.StatusOK {
		t.Errorf("read: %d %s", a.status, a.body)
	}
	document, _ := publication(t, "read-only", "1.0.0")
	url := fmt.Sprintf("%s/api/v4/projects/%d/packages/npm/read-only", r.URL, project.ID)
	if a := send(t, "PUT", url, token.AccessToken, document); a.status != http.StatusForbidden {
		t.Errorf("publish: %d %s", a.status, a.body)
	}
}

// A program on somebody's machine opens whatever port is free (RFC 8252).
func testNativeApplication(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--public", "--redirect-uri", "http://127.0.0.1/callback,com.example.app:/callback")
	b := newBrowser(t, r.URL)
	for redirect, want := range map[string]bool{
		"http://127.0.0.1:49152/callback": true, "http://[::1]:1234/callback": true, "com.example.app:/callback": true,
		"http://127.0.0.1:49152/other": false, "http://127.0.0.1.evil.example:1/callback": false, "https://evil.example/callback": false,
		"com.example.other:/callback": false,
	} {
		app.RedirectURL = redirect
		verifier := oauth2.GenerateVerifier()
		if !want {
			if page := b.get(t, app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))); page.status != http.StatusBadRequest {
				t.Errorf("%s: %d", redirect, page.status)
			}
			continue
		}
		token, err := app.Exchange(t.Context(), b.code(t, app, ann, oauth2.S256ChallengeOption(verifier)), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatalf("%s: %v", redirect, err)
		}
		remember(r, token)
	}
}
