package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, token string, headers ...string) answer {
	t.Helper()
	return send(t, method, url, token, "", headers...)
}

// send sends a request with a JSON body; none if it is empty.
func send(t *testing.T, method, url, token, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// One registry for all that only asks.
func TestServer(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	private := r.NewProject(t, "private")
	public := r.NewProject(t, "public")
	guest := r.NewUser(t, "guest", private.Path)
	npm := func(p registrytest.Project) string {
		return fmt.Sprintf("%s/api/v4/projects/%d/packages/npm", r.URL, p.ID)
	}

	t.Run("says how it is", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/-/liveness", "/-/readiness"} {
			for _, method := range []string{"GET", "HEAD"} {
				if a := ask(t, method, r.URL+path, ""); a.status != http.StatusOK {
					t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
				}
			}
		}
		a := ask(t, "GET", r.URL+"/-/plugins", "")
		var states struct {
			Plugins []struct{ Format, State, SHA256 string }
		}
		if err := json.Unmarshal([]byte(a.body), &states); err != nil || len(states.Plugins) != 4 {
			t.Fatalf("%s, %v", a.body, err)
		}
		for i, format := range []string{"conan", "maven", "npm", "nuget"} {
			if p := states.Plugins[i]; p.Format != format || p.State != "running" || len(p.SHA256) != 64 {
				t.Errorf("%+v", p)
			}
		}
	})
	t.Run("shows plugins and routes to no stranger behind a proxy", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/-/plugins", "/-/routes"} {
			url := r.URL + path
			if a := ask(t, "GET", url, "", "X-Forwarded-For", "203.0.113.9"); a.status != http.StatusUnauthorized {
				t.Errorf("%s, anonymous: %d", path, a.status)
			}
			if a := ask(t, "GET", url, guest.Token, "X-Forwarded-For", "203.0.113.9"); a.status != http.StatusForbidden {
				t.Errorf("%s, a user: %d", path, a.status)
			}
			if a := ask(t, "GET", url, r.Token, "X-Forwarded-For", "203.0.113.9"); a.status != http.StatusOK {
				t.Errorf("%s, the administrator: %d", path, a.status)
			}
		}
	})
	t.Run("gives every answer an id, and errors it in the body", func(t *testing.T) {
		t.Parallel()
		a := ask(t, "GET", npm(public)+"/absent", "")
		id := a.header.Get("X-Request-Id")
		if a.status != http.StatusNotFound || id == "" {
			t.Fatalf("%d %q", a.status, id)
		}
		b := ask(t, "GET", npm(private)+"/absent", "")
		if b.status != http.StatusUnauthorized || !strings.Contains(b.body, b.header.Get("X-Request-Id")) {
			t.Errorf("%d %s", b.status, b.body)
		}
	})
	t.Run("hides what is not yours", func(t *testing.T) {
		t.Parallel()
		stranger := r.NewUser(t, "", "")
		hidden := ask(t, "GET", npm(private)+"/x", stranger.Token)
		absent := ask(t, "GET", r.URL+"/api/v4/projects/999999/packages/npm/x", stranger.Token)
		strip := func(a answer) string { return strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "") }
		if hidden.status != http.StatusNotFound || absent.status != http.StatusNotFound || strip(hidden) != strip(absent) {
			t.Errorf("hidden: %d %s\nabsent: %d %s", hidden.status, hidden.body, absent.status, absent.body)
		}
	})
	t.Run("refuses two credentials and wrong ones", func(t *testing.T) {
		t.Parallel()
		if a := ask(t, "GET", npm(public)+"/x", r.Token, "PRIVATE-TOKEN", guest.Token); a.status != http.StatusBadRequest {
			t.Errorf("two: %d %s", a.status, a.body)
		}
		if a := ask(t, "GET", npm(public)+"/x", "glpat-wrong"); a.status != http.StatusUnauthorized || a.header.Get("Www-Authenticate") != "" {
			t.Errorf("wrong: %d %v", a.status, a.header)
		}
	})
	t.Run("knows methods from paths", func(t *testing.T) {
		t.Parallel()
		a := ask(t, "POST", npm(public)+"/-/whoami", r.Token)
		if a.status != http.StatusMethodNotAllowed || !strings.Contains(a.header.Get("Allow"), "GET") {
			t.Errorf("%d, Allow %q", a.status, a.header.Get("Allow"))
		}
		if a := ask(t, "GET", r.URL+"/nowhere", ""); a.status != http.StatusNotFound || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%d", a.status)
		}
	})
	t.Run("takes a project by its escaped path", func(t *testing.T) {
		t.Parallel()
		url := r.URL + "/api/v4/projects/" + strings.ReplaceAll(public.Path, "/", "%2F") + "/packages/npm/-/whoami"
		if a := ask(t, "GET", url, guest.Token); a.status != http.StatusOK || !strings.Contains(a.body, guest.Username) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("reads no path in two ways", func(t *testing.T) {
		t.Parallel()
		host := strings.TrimPrefix(r.URL, "http://")
		mount := fmt.Sprintf("/api/v4/projects/%d/packages/npm", public.ID)
		for path, want := range map[string]int{
			mount + "/..%2f..%2fx":                       http.StatusBadRequest,
			mount + "/../../../../../etc/passwd":         http.StatusBadRequest,
			mount + "/%2e%2e/x":                          http.StatusBadRequest,
			mount + "/a%00b":                             http.StatusBadRequest,
			mount + "/%0d%0ahttp:/%2fexample.com":        http.StatusBadRequest,
			mount + "/a%5cb":                             http.StatusBadRequest,
			mount + "/a//b":                              http.StatusBadRequest,
			mount + "/..%252f..%252fx":                   http.StatusNotFound, // text, and no package's name
			mount + "/x%zz":                              http.StatusBadRequest,
			"//api/v4/projects":                          http.StatusNotFound,
			"/api/v4/projects/1%2f..%2f2/packages/npm/x": http.StatusBadRequest,
		} {
			if got := raw(t, host, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); got != want {
				t.Errorf("%s: %d, want %d", path, got, want)
			}
		}
	})
	t.Run("lets a client with a token that is over sign in", func(t *testing.T) {
		t.Parallel()
		for _, stale := range []string{"glpat-stale", ""} {
			for _, c := range []struct {
				method, path, body string
				want               int
			}{
				{"GET", "/-/ping", "", http.StatusOK},
				{"POST", "/-/v1/login", "{}", http.StatusOK},
				{"PUT", "/-/user/org.couchdb.user:" + guest.Username, fmt.Sprintf(`{"name":%q,"password":%q}`, guest.Username, guest.Token), http.StatusCreated},
				{"PUT", "/-/user/org.couchdb.user:" + guest.Username, fmt.Sprintf(`{"name":%q,"password":"wrong"}`, guest.Username), http.StatusUnauthorized},
				{"GET", "/-/whoami", "", http.StatusUnauthorized},
			} {
				if a := send(t, c.method, npm(public)+c.path, stale, c.body); a.status != c.want {
					t.Errorf("with %q: %s %s: %d, want %d: %s", stale, c.method, c.path, a.status, c.want, a.body)
				}
			}
		}
	})
	t.Run("takes no second request from a body of two lengths", func(t *testing.T) {
		t.Parallel()
		host := strings.TrimPrefix(r.URL, "http://")
		hidden := "GET /-/liveness HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
		body := "0\r\n\r\n" + hidden
		got := exchange(t, host, fmt.Sprintf("POST /-/liveness HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n%s",
			host, len(body), body))
		if n := strings.Count(got, "HTTP/1.1 "); n != 1 {
			t.Errorf("%d answers:\n%s", n, got)
		}
	})
}

// raw sends a request as it stands and returns the status.
func raw(t *testing.T, host, request string) int {
	t.Helper()
	head := exchange(t, host, request)
	var status int
	if _, err := fmt.Sscanf(head, "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("%q: %v", head, err)
	}
	return status
}

// exchange sends a request as it stands and returns all that comes back.
func exchange(t *testing.T, host, request string) string {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answers)
}
