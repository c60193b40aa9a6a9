package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// browser is a person before a browser: it keeps cookies, and follows what leads to
// the registry, but not to an application.
type browser struct {
	*http.Client
	registry string
}

func newBrowser(t *testing.T, registry string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{registry: registry, Client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), registry) {
			return nil
		}
		return http.ErrUseLastResponse
	}}}
}

// seen is the page that a browser ended at, or the way that it was to take to an application.
type seen struct {
	answer

	at       *url.URL
	location *url.URL // nil: it ended at a page
}

func (b *browser) do(t *testing.T, method, target, body string, headers ...string) seen {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" || method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	s := seen{answer: answer{resp.StatusCode, resp.Header, string(text)}, at: resp.Request.URL}
	if s.location, err = resp.Location(); errors.Is(err, http.ErrNoLocation) {
		s.location = nil
	} else if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *browser) get(t *testing.T, target string) seen {
	t.Helper()
	return b.do(t, http.MethodGet, target, "")
}

// submit fills in the first form of a page, and sends it.
func (b *browser) submit(t *testing.T, page seen, fields url.Values, headers ...string) seen {
	t.Helper()
	form := regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">(.*?)</form>`).FindStringSubmatch(page.body)
	if form == nil {
		t.Fatalf("%s has no form: %d %s", page.at, page.status, page.body)
	}
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form[2], -1) {
		values.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for name, v := range fields {
		values[name] = v
	}
	to, err := page.at.Parse(html.UnescapeString(form[1]))
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, http.MethodPost, to.String(), values.Encode(), headers...)
}

// person is a user with a password.
type person struct{ name, password string }

func newPerson(t *testing.T, r *registrytest.Registry, name string) person {
	t.Helper()
	p := person{name, name + " has a long password"}
	r.CLI(t, "user", "create", p.name, "--password", p.password)
	return p
}

// signIn signs somebody in on the sign-in page that a browser was led to.
func (b *browser) signIn(t *testing.T, page seen, p person) seen {
	t.Helper()
	if page.at.Path != "/users/sign_in" {
		t.Fatalf("%s is not the sign-in page: %d %s", page.at, page.status, page.body)
	}
	return b.submit(t, page, url.Values{"username": {p.name}, "password": {p.password}})
}

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

func remember(r *registrytest.Registry, token *oauth2.Token) { r.Remember(token.AccessToken, token.RefreshToken) }

func TestOAuth(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	ann := newPerson(t, r, "ann")
	project := r.NewProject(t, "private")
	r.CLI(t, "member", "add", "--user", ann.name, "--project", project.Path, "--role", "developer")
	for name, test := range map[string]func(*testing.T, *registrytest.Registry, registrytest.Project, person){
		"code": testAuthorizationCode, "wrong authorizations": testWrongAuthorizations, "wrong codes": testWrongCodes, "refresh": testRefresh, "revoke": testRevoke,
		"device": testDevice, "read_api": testReadAPI, "sessions": testSessions, "forms of other sites": testForgedForms,
		"native": testNativeApplication, "administration": testApplications, "audit": testOAuthAudit,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, r, project, ann) })
	}
}

// The whole way: allowed in a browser, exchanged with PKCE, used to read and to publish.
func testAuthorizationCode(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
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
		v := url.Values{}
		for name, values := range from {
			v[name] = values
		}
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

// sessionCookie is the one that a browser has for the registry.
func (b *browser) sessionCookie(t *testing.T) string {
	t.Helper()
	at, err := url.Parse(b.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(at) {
		if c.Name == "pakhus_session" {
			return c.Value
		}
	}
	return ""
}

func testSessions(t *testing.T, r *registrytest.Registry, _ registrytest.Project, _ person) {
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

// A browser says where a form comes from; what comes from elsewhere does nothing.
func testForgedForms(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
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

// A program on somebody's machine opens whatever port is free (RFC 8252).
func testNativeApplication(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
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

// GitLab's API of applications is for administrators.
func testApplications(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	api := r.URL + "/api/v4/applications"
	ofAnn := r.NewToken(t, ann.name, "api")
	for _, method := range []string{"GET", "POST"} {
		if a := ask(t, method, api, ofAnn); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	for body, says := range map[string]string{
		`{"name":"x","redirect_uri":"https://x.example/","scopes":"sudo"}`:           "scopes",
		`{"name":"x","redirect_uri":"javascript:alert(1)","scopes":"api"}`:           "redirect_uri",
		`{"name":"x","redirect_uri":"https://x.example/#f","scopes":"api"}`:          "redirect_uri",
		`{"name":"x","redirect_uri":"/relative","scopes":"api"}`:                     "redirect_uri",
		`{"name":"x","redirect_uri":"myapp:/cb","scopes":"api"}`:                     "redirect_uri",
		`{"name":"x","scopes":"api"}`:                                                "redirect_uri is missing",
		`{"name":"x","redirect_uri":"http://x.ex/","scopes":"api","confidential":0}`: "redirect_uri",
	} {
		if a := send(t, "POST", api, r.Token, body); a.status != http.StatusBadRequest || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	a := send(t, "POST", api, r.Token, `{"name":"Managed","redirect_uri":"https://client.example/callback\nhttps://client.example/2","scopes":"api"}`)
	var made struct {
		ID            int64
		ApplicationID string `json:"application_id"`
		Secret        string
		CallbackURL   string `json:"callback_url"`
		Confidential  bool
	}
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != http.StatusCreated || !strings.HasPrefix(made.Secret, "gloas-") || !made.Confidential {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r.Remember(made.Secret)
	if a := ask(t, "GET", api+"?per_page=100", r.Token); a.status != http.StatusOK || !strings.Contains(a.body, made.ApplicationID) || strings.Contains(a.body, "secret") {
		t.Errorf("list: %d %s", a.status, a.body)
	}
	one := fmt.Sprintf("%s/%d", api, made.ID)
	renewed := send(t, "POST", one+"/renew-secret", r.Token, "")
	r.RememberAnswer([]byte(renewed.body))
	if renewed.status != http.StatusCreated || !strings.Contains(renewed.body, `"secret":"gloas-`) || strings.Contains(renewed.body, made.Secret) {
		t.Errorf("renewed: %d %s", renewed.status, renewed.body)
	}
	var now struct{ Secret string }
	if err := json.Unmarshal([]byte(renewed.body), &now); err != nil {
		t.Fatal(err)
	}
	app := &oauth2.Config{
		ClientID: made.ApplicationID, ClientSecret: made.Secret, RedirectURL: "https://client.example/callback",
		Endpoint: oauth2.Endpoint{AuthURL: r.URL + "/oauth/authorize", TokenURL: r.URL + "/oauth/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	b := newBrowser(t, r.URL)
	page := b.signIn(t, b.get(t, app.AuthCodeURL("s")), ann)
	code := b.submit(t, page, url.Values{"decision": {"allow"}}).location.Query().Get("code")
	_, err := app.Exchange(t.Context(), code)
	refusedAs(t, "the old secret", err, 401, "invalid_client")
	app.ClientSecret = now.Secret
	token, err := app.Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	if a := ask(t, "GET", packagesURL(r, project), token.AccessToken); a.status != http.StatusOK {
		t.Errorf("used: %d", a.status)
	}
	if a := ask(t, "DELETE", one, r.Token); a.status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", a.status, a.body)
	}
	goneWithin(t, packagesURL(r, project), token.AccessToken)
	if a := ask(t, "DELETE", one, r.Token); a.status != http.StatusNotFound {
		t.Errorf("deleted again: %d", a.status)
	}
	if a := ask(t, "GET", r.URL+"/.well-known/oauth-authorization-server", ""); a.status != http.StatusOK ||
		!strings.Contains(a.body, `"issuer":"`+r.URL+`"`) || !strings.Contains(a.body, `"device_authorization_endpoint":"`+r.URL+`/oauth/authorize_device"`) {
		t.Errorf("metadata: %d %s", a.status, a.body)
	}
}

func testOAuthAudit(t *testing.T, r *registrytest.Registry, _ registrytest.Project, _ person) {
	zoe := newPerson(t, r, "zoe")
	app := application(t, r, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL = "https://client.example/callback"
	b := newBrowser(t, r.URL)
	b.signIn(t, b.get(t, r.URL+"/users/sign_in"), person{zoe.name, "wrong password"})
	code := b.code(t, app, zoe)
	token, err := app.Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	_, err = app.Exchange(t.Context(), code)
	refusedAs(t, "twice", err, 400, "invalid_grant")
	wanted := []string{
		"refused 401 /users/sign_in zoe/",
		"done 200 /users/sign_in zoe/password @ [user.signed_in]",
		"done 200 /oauth/authorize zoe/password @ [oauth_grant.created]",
		"done 200 /oauth/token zoe/oauth @ [token.created]",
		"done 200 /oauth/token zoe/password @ [oauth_grant.revoked]",
	}
	var said string
	within(t, "all is audited", func() bool {
		a := ask(t, "GET", r.URL+"/api/v4/audit_events?per_page=100", r.Token)
		var all []deed
		if err := json.Unmarshal([]byte(a.body), &all); err != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		said = ""
		for _, d := range all {
			said += d.String() + "\n"
		}
		return missing(said, wanted) == ""
	}, func() string { return missing(said, wanted) + "\nof\n" + said })
}
