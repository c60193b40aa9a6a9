package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// elsewhere is a registry whose people may sign in with an OpenID provider.
type elsewhere struct {
	*registrytest.Registry
	provider *mockoidc.MockOIDC
	config   string
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	provider, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Shutdown() })
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(provider.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	text := "oidc_providers:\n"
	for name, settings := range map[string]string{
		"open":    "label: Our Provider, allow_signup: true",
		"closed":  "label: Closed",
		"trusted": "label: Trusted, link_by_username: true",
		"members": "label: Members, allow_signup: true, allowed_groups: [engineering], scopes: [openid, profile, groups]",
		"company": "label: Company, allow_signup: true, allowed_domains: [example.com]",
	} {
		text += fmt.Sprintf("  %s: {issuer: %q, client_id: %q, client_secret_file: %q, %s}\n", name, provider.Issuer(), provider.ClientID, secret, settings)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &elsewhere{registrytest.Start(t, "--config", config), provider, config}
	e.Remember(provider.ClientSecret)
	return e
}

// away takes a browser to a provider, and returns where that would send it back to.
func (e *elsewhere) away(t *testing.T, b *browser, provider, returnTo string, who *mockoidc.MockUser) string {
	t.Helper()
	leaving := b.do(t, http.MethodPost, e.URL+"/users/auth/"+provider, url.Values{"return_to": {returnTo}}.Encode())
	if leaving.location == nil || !strings.HasPrefix(leaving.location.String(), e.provider.AuthorizationEndpoint()) {
		t.Fatalf("not sent to the provider: %d %s, to %v", leaving.status, leaving.body, leaving.location)
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if leaving.location.Query().Get(name) == "" {
			t.Errorf("sent to the provider without %s", name)
		}
	}
	e.provider.QueueUser(who)
	stop := &browser{registry: "nowhere", Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	back := stop.get(t, leaving.location.String())
	if back.location == nil {
		t.Fatalf("the provider: %d %s", back.status, back.body)
	}
	return back.location.String()
}

// visit signs somebody in by a provider, in a browser of their own.
func (e *elsewhere) visit(t *testing.T, provider string, who *mockoidc.MockUser) seen {
	t.Helper()
	b := newBrowser(t, e.URL)
	return b.get(t, e.away(t, b, provider, "", who))
}

func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t)
	signedInAs := func(what string, page seen, name string) {
		t.Helper()
		if page.status != http.StatusOK || !strings.Contains(page.body, "signed in as <strong>"+name+"</strong>") {
			t.Errorf("%s: %d %s, want %s", what, page.status, page.body, name)
		}
	}
	refused := func(what string, page seen, says string) {
		t.Helper()
		if page.status != http.StatusForbidden || !strings.Contains(page.body, says) {
			t.Errorf("%s: %d %s", what, page.status, page.body)
		}
	}
	bob := newPerson(t, e.Registry, "bob")
	page := newBrowser(t, e.URL).get(t, e.URL+"/users/sign_in")
	if !strings.Contains(page.body, "Sign in with Our Provider") || !strings.Contains(page.body, `action="/users/auth/closed"`) {
		t.Errorf("the sign-in page: %s", page.body)
	}

	// The way of an application leads over the provider back to it.
	app := application(t, e.Registry, "--redirect-uri", "https://client.example/callback")
	app.RedirectURL = "https://client.example/callback"
	jane := &mockoidc.MockUser{Subject: "jane", PreferredUsername: "jane.doe", Email: "jane@example.com"}
	b := newBrowser(t, e.URL)
	page = b.get(t, app.AuthCodeURL("s"))
	consent := b.get(t, e.away(t, b, "open", page.at.Query().Get("return_to"), jane))
	if consent.status != http.StatusOK || !strings.Contains(consent.body, "Allow Client?") || !strings.Contains(consent.body, "jane.doe") {
		t.Fatalf("%d at %s: %s", consent.status, consent.at, consent.body)
	}
	token, err := app.Exchange(t.Context(), b.submit(t, consent, url.Values{"decision": {"allow"}}).location.Query().Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	remember(e.Registry, token)
	if a := ask(t, "GET", e.URL+"/api/v4/user", token.AccessToken); a.status != http.StatusOK || !strings.Contains(a.body, `"username":"jane.doe"`) {
		t.Errorf("%d %s", a.status, a.body)
	}

	signedInAs("the same person again", e.visit(t, "open", jane), "jane.doe")
	renamed := *jane
	renamed.PreferredUsername = "somebody"
	signedInAs("by another name", e.visit(t, "open", &renamed), "jane.doe")
	signedInAs("another person of the name", e.visit(t, "open", &mockoidc.MockUser{Subject: "other", PreferredUsername: "jane.doe"}), "jane.doe1")
	signedInAs("a name that cannot be one", e.visit(t, "open", &mockoidc.MockUser{Subject: "odd", PreferredUsername: "Ünal Ö@example.com"}), "nal")
	signedInAs("a reserved name", e.visit(t, "open", &mockoidc.MockUser{Subject: "reserved", PreferredUsername: "admin"}), "admin1")
	// A name proves nothing, nor does an address, unless the operator says so.
	signedInAs("a name that somebody has", e.visit(t, "open", &mockoidc.MockUser{Subject: "no-bob", PreferredUsername: bob.name, EmailVerified: true}), "bob1")
	refused("a stranger", e.visit(t, "closed", &mockoidc.MockUser{Subject: "stranger", PreferredUsername: bob.name}), "no account for you")
	signedInAs("the trusted name", e.visit(t, "trusted", &mockoidc.MockUser{Subject: "bob", PreferredUsername: "BOB"}), "bob")
	refused("who has the trusted name, too", e.visit(t, "trusted", &mockoidc.MockUser{Subject: "bob-2", PreferredUsername: "bob"}), "no account for you")
	signedInAs("who was tied", e.visit(t, "closed", &mockoidc.MockUser{Subject: "bob"}), "bob")

	newPerson(t, e.Registry, "carol")
	e.CLI(t, "user", "link", "carol", "--config", e.config, "--provider", "closed", "--subject", "known")
	signedInAs("by the operator's word", e.visit(t, "closed", &mockoidc.MockUser{Subject: "known", PreferredUsername: bob.name}), "carol")

	refused("in another group", e.visit(t, "members", &mockoidc.MockUser{Subject: "g1", PreferredUsername: "g1", Groups: []string{"design"}}), "no group")
	signedInAs("in the group", e.visit(t, "members", &mockoidc.MockUser{Subject: "g2", PreferredUsername: "g2", Groups: []string{"design", "engineering"}}), "g2")
	for address, verified := range map[string]bool{"d@example.com": false, "d@evil.example": true, "d@sub.example.com": true, "": true} {
		refused(address, e.visit(t, "company", &mockoidc.MockUser{Subject: "d", PreferredUsername: "d", Email: address, EmailVerified: verified}), "domain")
	}
	signedInAs("of the company", e.visit(t, "company", &mockoidc.MockUser{Subject: "d", PreferredUsername: "d", Email: "d@Example.com", EmailVerified: true}), "d")

	// Who comes back has to have gone away, in the same browser, once.
	b = newBrowser(t, e.URL)
	back := e.away(t, b, "open", "", jane)
	refused("in another browser", newBrowser(t, e.URL).get(t, back), "did not begin here")
	forged := strings.Replace(back, "state=", "state=x", 1)
	refused("with another state", b.get(t, forged), "did not begin here")
	refused("after a wrong one", b.get(t, back), "did not begin here")
	b = newBrowser(t, e.URL)
	back = e.away(t, b, "open", "", jane)
	refused("at another provider", b.get(t, strings.Replace(back, "/open/", "/closed/", 1)), "did not begin here")
	b = newBrowser(t, e.URL)
	back = e.away(t, b, "open", "https://evil.example/", jane)
	if in := b.get(t, back); in.location != nil {
		t.Errorf("led to %v", in.location)
	}
	refused("twice", b.get(t, back), "did not begin here")
	b = newBrowser(t, e.URL)
	back = e.away(t, b, "open", "", jane)
	at, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	refused("refused by the provider", b.get(t, at.Scheme+"://"+at.Host+at.Path+"?error=access_denied&state="+at.Query().Get("state")), "has refused")

	if got := b.do(t, http.MethodPost, e.URL+"/users/auth/open", "", "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d", got.status)
	}
	if got := b.get(t, e.URL+"/users/auth/open"); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a link: %d", got.status)
	}
	if got := b.do(t, http.MethodPost, e.URL+"/users/auth/nobody", ""); got.status != http.StatusNotFound {
		t.Errorf("no such provider: %d", got.status)
	}
	e.CLI(t, "user", "block", "jane.doe")
	refused("blocked", e.visit(t, "open", jane), "blocked")
}
