package server

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestNegotiate(t *testing.T) {
	t.Parallel()
	const full, short = "application/json", "application/vnd.npm.install-v1+json"
	for accept, want := range map[string]string{
		"":                 full,
		"*/*":              full,
		"application/json": full,
		short:              short,
		short + "; q=1.0, application/json; q=0.8, */*": short,
		"application/json, " + short + "; q=0.5":        full,
		"text/html":                                     full, // a document they did not ask for, rather than none
		"gibberish":                                     full,
	} {
		got, err := negotiate([]string{full, short}, http.Header{"Accept": {accept}})
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v", accept, got, err)
		}
	}
	if got, err := negotiate(nil, http.Header{"Accept": {"x/y"}}); got != "" || err != nil {
		t.Errorf("without offers: %q, %v", got, err)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	const tag = `W/"abc"`
	for header, want := range map[string]bool{
		`W/"abc"`: true, `"abc"`: true, `"x", W/"abc"`: true, `"abcd"`: false, ``: false, `abc`: false, `*`: false,
	} {
		if got := matches(http.Header{"If-None-Match": {header}}, tag); got != want {
			t.Errorf("%s: %t", header, got)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"gzip": true, "gzip, deflate, br": true, "br;q=1, gzip;q=0.5": true, "gzip;q=0": false, "GZIP": true, "": false, "deflate": false, "gzip; q=0.0": false,
	} {
		if got := acceptsGzip(http.Header{"Accept-Encoding": {header}}); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
}

func TestErrorBodies(t *testing.T) {
	t.Parallel()
	for style, want := range map[spec.ErrorStyle]map[string]any{
		spec.ErrorMessage:         {"message": "404 Project Not Found", "request_id": "r"},
		spec.ErrorMessageAndError: {"message": "404 Project Not Found", "error": "Project Not Found", "request_id": "r"},
		spec.ErrorProblem:         {"type": "about:blank", "status": 404.0, "title": "Not Found", "detail": "Project Not Found", "request_id": "r"},
	} {
		_, body := errorBody(style, 404, "Project Not Found", "r")
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("style %d: %s", style, body)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("style %d: %s is %v", style, k, got[k])
			}
		}
	}
	for sentence, message := range map[string]string{
		"Forbidden": "403 Forbidden", "Forbidden - Your account has been blocked.": "403 Forbidden - Your account has been blocked.",
		"Package protected.": "403 Forbidden - Package protected.",
	} {
		if _, body := errorBody(spec.ErrorMessage, 403, sentence, "r"); string(body) != `{"message":"`+message+`","request_id":"r"}` {
			t.Errorf("%s: %s", sentence, body)
		}
	}
	if kind, body := errorBody(spec.ErrorText, 404, "Recipe not found", "r"); kind != "text/plain; charset=utf-8" || string(body) != "Recipe not found" {
		t.Errorf("text: %s %s", kind, body)
	}
}

func TestAPluginsRefusalNamesTheRequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, body, want string }{
		{"application/json", `{"error":"no"}`, `{"error":"no","request_id":"r"}`},
		{"application/problem+json; charset=utf-8", ` {"detail":"no"} `, `{"detail":"no","request_id":"r"}`},
		{"application/json", `{}`, `{"request_id":"r"}`},
		{"application/json", `[]`, `[]`},
		{"application/json", ``, ``},
		{"application/json", `{"request_id":"x"}`, `{"request_id":"x"}`},
		{"text/plain", `{"error":"no"}`, `{"error":"no"}`},
	} {
		if got := string(withRequestID(c.kind, []byte(c.body), "r")); got != c.want {
			t.Errorf("%s %s: %s", c.kind, c.body, got)
		}
	}
}

// A code that nobody gave a status would be a 500 by accident.
func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for code := registry.CodeInternal; code <= registry.CodeUnprocessable; code++ {
		if _, ok := statuses()[code]; !ok {
			t.Errorf("code %d has none", code)
		}
	}
}

func TestCredentialsAreNotForwarded(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	asked := []string{
		"Authorization", "cookie", "Private-Token", "DEPLOY-TOKEN", "Job-Token", "X-NuGet-ApiKey", "Proxy-Authorization",
		"X-Forwarded-For", "npm-command",
	}
	for _, name := range asked {
		h.Set(name, "secret")
	}
	h.Set("User-Agent", "npm")
	got := forwarded(asked, h)
	if len(got) != 2 || got.Get("Npm-Command") != "secret" || got.Get("User-Agent") != "npm" {
		t.Errorf("forwarded %v", got)
	}
}

func TestAPluginSpeaksForItselfOnly(t *testing.T) {
	t.Parallel()
	from := http.Header{}
	for _, name := range []string{
		"Set-Cookie", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Content-Length", "Transfer-Encoding", "Connection",
		"WWW-Authenticate", "Refresh", "Clear-Site-Data", "X-Request-Id", "Content-Security-Policy",
	} {
		from.Set(name, "x")
	}
	from.Set("Content-Type", "application/json")
	from.Set("X-Checksum-Sha1", "abc")
	got := responseHeader(from)
	if got.Get("Content-Type") != "application/json" || got.Get("X-Checksum-Sha1") != "abc" ||
		got.Get("Content-Security-Policy") != "sandbox; default-src 'none'" || got.Get("X-Content-Type-Options") != "nosniff" || len(got) != 4 {
		t.Errorf("got %v", got)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	r := &call{params: map[string]string{"name": "{file}", "file": "x"}}
	// A parameter's own braces are text, whatever the order of the map.
	for range 20 {
		if got := r.fill("{name}/-/{file}"); got != "{file}/-/x" {
			t.Fatalf("got %q", got)
		}
	}
}
