package server_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
)

// Behind https, the session's cookie goes over nothing else.
func TestTheSessionCookieBehindHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.config.ExternalURL = "https://registry.example.com"
	s.serve(t)
	if _, err := s.accounts.CreateUser(t.Context(), accounts.NewUser{Username: "ann", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	form := url.Values{"username": {"ann"}, "password": {"correct horse"}, "return_to": {"/oauth/authorize?client_id=x"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/users/sign_in", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://registry.example.com") // the proxy calls this server by its address
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	set := resp.Header.Values("Set-Cookie")
	if len(set) != 1 || resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/oauth/authorize?client_id=x" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, part := range []string{"__Host-pakhus_session=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
		if !strings.Contains(set[0], part) || strings.Contains(set[0], "Domain") {
			t.Errorf("the cookie %q has no %q", set[0], part)
		}
	}
	s.manage(t, "GET", "/.well-known/oauth-authorization-server", "", "").want(t, "metadata", 200, `"issuer":"https://registry.example.com"`)
}

func TestPagesSayWhatTheyTake(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, allow := range map[string]string{
		"/users/sign_in": "GET, POST, HEAD", "/users/sign_out": "POST", "/oauth/authorize": "GET, POST, HEAD", "/oauth/token": "POST", "/oauth/token/info": "GET, HEAD",
	} {
		if a := s.manage(t, "PUT", path, "", "").want(t, path, 405); a.header.Get("Allow") != allow {
			t.Errorf("%s: %q", path, a.header.Get("Allow"))
		}
	}
}
