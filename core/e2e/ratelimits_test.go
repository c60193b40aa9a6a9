package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/ratelimit/redistest"
	"github.com/pakhus/pakhus/sdk/registrytest"
)

// limited starts a registry with rate limits, behind a proxy that says who the
// client is. Periods are a day, so that none ends while a test counts.
func limited(t *testing.T, limits string) *registrytest.Registry {
	t.Helper()
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, []byte("trusted_proxies: [127.0.0.0/8]\nrate_limits:\n"+limits), 0o600); err != nil {
		t.Fatal(err)
	}
	return registrytest.Start(t, "--config", config)
}

// times asks the same n times, and returns how often that was refused with 429.
func times(t *testing.T, n int, url, token, from string) (refused int) {
	t.Helper()
	for range n {
		if ask(t, "GET", url, token, "X-Forwarded-For", from).status == http.StatusTooManyRequests {
			refused++
		}
	}
	return refused
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	r := limited(t, `
  authenticated_packages_api: {enabled: true, requests: 5, period_seconds: 86400}
  unauthenticated_packages_api: {enabled: true, requests: 4, period_seconds: 86400}
  authenticated_api: {enabled: true, requests: 3, period_seconds: 86400}
  unauthenticated_api: {enabled: true, requests: 2, period_seconds: 86400}
  login: {requests: 3, period_seconds: 86400}
  allow: [198.51.100.0/24, robot]
`)
	public := r.NewProject(t, "public")
	list := fmt.Sprintf("%s/api/v4/projects/%d/packages", r.URL, public.ID)
	npm := list + "/npm/absent"
	user := func() registrytest.User { return r.NewUser(t, "reporter", public.Path) }

	t.Run("count packages apart from the rest, and each client apart", func(t *testing.T) {
		t.Parallel()
		ann, bob, deploy := user(), user(), r.NewDeployToken(t, public.Path, "read_package_registry")
		for _, c := range []struct {
			what, url, token, from string
			want                   int // of 10 requests
		}{
			{"ann's packages", npm, ann.Token, "192.0.2.1", 5},
			{"ann's other requests", list, ann.Token, "192.0.2.1", 7},
			{"bob's packages", npm, bob.Token, "192.0.2.1", 5},
			{"a deploy token's packages", npm, deploy, "192.0.2.1", 5},
			{"nobody's packages", npm, "", "192.0.2.1", 6},
			{"nobody's packages elsewhere", npm, "", "192.0.2.2", 6},
			{"nobody's other requests", list, "", "192.0.2.1", 8},
			{"packages at instance level", r.URL + "/api/v4/packages/npm/absent", "", "192.0.2.1", 10},
			{"nobody's packages from an allowed network", npm, "", "198.51.100.7", 0},
			{"health", r.URL + "/-/liveness", "", "192.0.2.1", 0},
		} {
			if got := times(t, 10, c.url, c.token, c.from); got != c.want {
				t.Errorf("%s: %d of 10 refused, want %d", c.what, got, c.want)
			}
		}
		// Only the proxy's own word counts, not what the client wrote before it.
		if got := times(t, 10, npm, "", "198.51.100.7, 192.0.2.9"); got != 6 {
			t.Errorf("a forged address: %d of 10 refused", got)
		}
	})
	t.Run("let an allowed user through", func(t *testing.T) {
		t.Parallel()
		r.CLI(t, "user", "create", "robot")
		if got := times(t, 10, npm, r.NewToken(t, "robot", "api"), "192.0.2.3"); got != 0 {
			t.Errorf("%d refused", got)
		}
	})
	t.Run("answer as GitLab does", func(t *testing.T) {
		t.Parallel()
		times(t, 5, npm, "", "192.0.2.4")
		host, path := strings.TrimPrefix(r.URL, "http://"), strings.TrimPrefix(npm, r.URL)
		before := time.Now().Unix()
		got := exchange(t, host, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-For: 192.0.2.4\r\nConnection: close\r\n\r\n")
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		reset := (before/86400 + 1) * 86400
		for _, line := range []string{
			"HTTP/1.1 429 Too Many Requests", "Content-Type: text/plain", "RateLimit-Name: throttle_unauthenticated_packages_api",
			"RateLimit-Limit: 1", "RateLimit-Observed: 6", "RateLimit-Remaining: 0", "RateLimit-Reset: " + strconv.FormatInt(reset, 10),
			"RateLimit-ResetTime: " + time.Unix(reset, 0).UTC().Format(http.TimeFormat),
		} {
			if !strings.Contains(head+"\r\n", line+"\r\n") {
				t.Errorf("%q is missing from\n%s", line, head)
			}
		}
		_, after, _ := strings.Cut(head, "Retry-After: ")
		after, _, _ = strings.Cut(after, "\r\n")
		if n, err := strconv.ParseInt(after, 10, 64); err != nil || n > reset-before || n < reset-before-10 {
			t.Errorf("Retry-After: %s", after)
		}
		if body != "Retry later\n" {
			t.Errorf("body %q", body)
		}
	})
	t.Run("end a stale token's attempts, and nobody else's", func(t *testing.T) {
		t.Parallel()
		blocked, good := user(), user()
		r.CLI(t, "user", "block", blocked.Username)
		wrong := good.Token[:len(good.Token)-1] + "?"
		for i, want := range []int{401, 401, 401, 429, 429} {
			if a := ask(t, "GET", npm, wrong, "X-Forwarded-For", "192.0.2.5"); a.status != want {
				t.Errorf("attempt %d: %d", i+1, a.status)
			} else if want == 429 && a.header.Get("RateLimit-Name") != "throttle_unauthenticated_protected_paths" {
				t.Errorf("attempt %d: %v", i+1, a.header)
			}
		}
		if a := ask(t, "GET", npm, good.Token, "X-Forwarded-For", "192.0.2.5"); a.status != http.StatusNotFound {
			t.Errorf("a good token from there: %d", a.status)
		}
		if a := ask(t, "GET", npm, blocked.Token, "X-Forwarded-For", "192.0.2.6"); a.status != http.StatusForbidden {
			t.Errorf("a blocked user's: %d", a.status)
		}
	})
	t.Run("end guesses of a password", func(t *testing.T) {
		t.Parallel()
		ann := user()
		signIn := func(secret, from string) int {
			return send(t, "PUT", list+"/npm/-/user/org.couchdb.user:"+ann.Username, "",
				fmt.Sprintf(`{"name":%q,"password":%q}`, ann.Username, secret), "X-Forwarded-For", from).status
		}
		for i, c := range []struct {
			secret, from string
			want         int
		}{
			{ann.Token, "192.0.2.7", 201},
			{"guess", "192.0.2.7", 401},
			{"guess", "192.0.2.7", 401},
			{ann.Token, "198.51.100.7", 201},
			{"guess", "192.0.2.7", 401},
			{"guess", "192.0.2.7", 429},
			{ann.Token, "192.0.2.7", 429},
			{ann.Token, "192.0.2.8", 201},
		} {
			if got := signIn(c.secret, c.from); got != c.want {
				t.Errorf("sign-in %d: %d, want %d", i+1, got, c.want)
			}
		}
	})
	t.Run("end guesses on the sign-in page", func(t *testing.T) {
		t.Parallel()
		a := send(t, "POST", list+"/npm/-/v1/login", "", "{}", "X-Forwarded-For", "198.51.100.7")
		_, page, _ := strings.Cut(a.body, "/-/login/")
		page, _, _ = strings.Cut(page, `"`)
		form := url.Values{"username": {"nobody"}, "password": {"guess"}}.Encode()
		for i, want := range []int{401, 401, 401, 429} {
			got := send(t, "POST", r.URL+"/-/login/"+page, "", form, "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", "192.0.2.10")
			if got.status != want {
				t.Errorf("guess %d: %d %s", i+1, got.status, got.body)
			}
		}
	})
}

func TestADryRunOfRateLimitsRefusesNothing(t *testing.T) {
	t.Parallel()
	r := limited(t, "  unauthenticated_api: {enabled: true, requests: 2, period_seconds: 86400}\n  dry_run: true\n")
	if n := times(t, 10, r.URL+"/api/v4/projects/1/packages", "", "192.0.2.1"); n != 0 {
		t.Errorf("%d refused", n)
	}
	if n := strings.Count(r.Log(), "client=ip:192.0.2.1"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, r.Log())
	}
}

func TestNodesShareRateLimits(t *testing.T) {
	t.Parallel()
	limits := "  unauthenticated_api: {enabled: true, requests: 6, period_seconds: 86400}\n  redis: {url: '" + redistest.Start(t).URL + "'}\n"
	one, two := limited(t, limits), limited(t, limits)
	const list = "/api/v4/projects/1/packages"
	if n := times(t, 5, one.URL+list, "", "192.0.2.1"); n != 0 {
		t.Errorf("%d of the first five refused", n)
	}
	if n := times(t, 5, two.URL+list, "", "192.0.2.1"); n != 4 {
		t.Errorf("on another node %d of five refused", n)
	}
	if n := times(t, 1, two.URL+list, "", "192.0.2.2"); n != 0 {
		t.Error("somebody else is refused")
	}
}
