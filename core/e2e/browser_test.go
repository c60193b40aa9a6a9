package e2e

import (
	"errors"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

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
	maps.Copy(values, fields)
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
