package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// caller sends requests to one project as one person, without a package client.
type caller struct {
	base   string // the project's npm registry
	token  string // empty: nobody
	client *http.Client
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// sentence is what npm prints of a refusal.
func (a answer) sentence(tb testing.TB) string {
	tb.Helper()
	var doc struct{ Error string }
	if err := json.Unmarshal(a.body, &doc); err != nil {
		tb.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return doc.Error
}

func newCaller(reg *registrytest.Registry, p registrytest.Project, token string) caller {
	return caller{base: npmURL(reg, p), token: token, client: http.DefaultClient}
}

// send sends a request. Headers are pairs of name and value.
func (c caller) send(tb testing.TB, method, path string, body []byte, headers ...string) answer {
	tb.Helper()
	a, err := c.try(tb, method, path, body, headers...)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// try is send for those who expect the connection to break.
func (c caller) try(tb testing.TB, method, path string, body []byte, headers ...string) (answer, error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{resp.StatusCode, resp.Header, read}, nil
}

// publish publishes a small package, and returns its tarball.
func (c caller) publish(tb testing.TB, name, version string) []byte {
	tb.Helper()
	p := newPublication(tb, name, version)
	if a := c.send(tb, http.MethodPut, path(name), p.encode()); a.status != http.StatusOK {
		tb.Fatalf("publish %s@%s: %d %s", name, version, a.status, a.body)
	}
	return p.tarball
}

// newPublication is a small package that npm would publish.
func newPublication(tb testing.TB, name, version string) publication {
	tb.Helper()
	return publication{name: name, version: version, tarball: pack(tb, map[string]any{"name": name, "version": version}, nil)}
}

// path is a package's, as npm escapes it.
func path(name string) string { return "/" + strings.Replace(name, "/", "%2f", 1) }

// tarballPath is the path that dist.tarball names.
func tarballPath(name, version string) string {
	return "/" + name + "/-/" + name + "-" + version + ".tgz"
}
