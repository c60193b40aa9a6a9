package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// GitLab's API of applications is for administrators.
func testApplications(t *testing.T, r *registrytest.Registry, project registrytest.Project, ann person) {
	t.Helper()
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
	t.Helper()
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

// What the page of OAuth says to do, works.
func testOAuthExamples(t *testing.T, r *registrytest.Registry, _ registrytest.Project, ann person) {
	t.Helper()
	app := application(t, r, "--public", "--redirect-uri", "http://127.0.0.1/callback")
	app.RedirectURL = "http://127.0.0.1:4711/callback"
	verifier := oauth2.GenerateVerifier()
	token, err := app.Exchange(t.Context(), newBrowser(t, r.URL).code(t, app, ann, oauth2.S256ChallengeOption(verifier)), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	remember(r, token)
	device, err := app.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var other struct{ ID int64 }
	if err := json.Unmarshal(r.CLI(t, "application", "create", "Other", "--redirect-uri", "https://client.example/callback"), &other); err != nil {
		t.Fatal(err)
	}
	runExamples(t, "oauth.md", 14, "HOST="+r.URL, "AUTH=PRIVATE-TOKEN: "+r.Token, "CLIENT_ID="+app.ClientID, "DEVICE_CODE="+device.DeviceCode,
		"ACCESS_TOKEN="+token.AccessToken, "REFRESH_TOKEN="+token.RefreshToken, fmt.Sprint("APPLICATION=", other.ID))
}
