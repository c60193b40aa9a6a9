package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// caller sends requests to one source as one person, without a client.
type caller struct {
	base  string
	token string // empty: nobody
	key   bool   // the token is an API key, as "nuget push" sends it
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func inProject(reg *registrytest.Registry, p registrytest.Project, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/projects/%d/packages/nuget", reg.URL, p.ID), token: token}
}

func inGroup(reg *registrytest.Registry, g registrytest.Group, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/groups/%d/-/packages/nuget", reg.URL, g.ID), token: token}
}

// try sends a request; path begins where the source's address ends.
func (c caller) try(tb testing.TB, method, path string, body []byte, headers ...string) (answer, error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.token == "":
	case c.key:
		req.Header.Set("X-NuGet-ApiKey", c.token)
	default:
		req.SetBasicAuth(registrytest.DeployUsername, c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
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

func (c caller) send(tb testing.TB, method, path string, body []byte, headers ...string) answer {
	tb.Helper()
	a, err := c.try(tb, method, path, body, headers...)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func (c caller) get(tb testing.TB, path string) answer {
	tb.Helper()
	return c.send(tb, "GET", path, nil)
}

// pushTo pushes a package as clients do.
func (c caller) pushTo(tb testing.TB, path string, content []byte) answer {
	tb.Helper()
	body, media := form(tb, content)
	return c.send(tb, "PUT", path, body, "Content-Type", media)
}

func form(tb testing.TB, content []byte) ([]byte, string) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("package", "package.nupkg")
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// push pushes a small package that must be taken, and returns it.
func (c caller) push(tb testing.TB, id, version string, more ...string) []byte {
	tb.Helper()
	content := nupkg(tb, id, version, more...)
	if a := c.pushTo(tb, "/", content); a.status != http.StatusCreated {
		tb.Fatalf("push %s %s: %d %s", id, version, a.status, a.body)
	}
	return content
}

// wantStatus checks a status, and that a refusal says why where clients look.
func (a answer) wantStatus(tb testing.TB, what string, want int) answer {
	tb.Helper()
	if a.status != want {
		tb.Errorf("%s: %d, not %d: %s", what, a.status, want, a.body)
		return a
	}
	if warned := a.header.Get("X-Nuget-Warning") != ""; warned != (want >= http.StatusBadRequest) {
		tb.Errorf("%s: %d with X-NuGet-Warning %q", what, want, a.header.Get("X-Nuget-Warning"))
	}
	if challenge := a.header.Get("Www-Authenticate"); (want == http.StatusUnauthorized) != (challenge == `Basic realm="GitLab Packages Registry"`) {
		tb.Errorf("%s: %d with the challenge %q", what, want, challenge)
	}
	return a
}

func (a answer) json(tb testing.TB, into any) {
	tb.Helper()
	if err := json.Unmarshal(a.body, into); err != nil || a.status != http.StatusOK {
		tb.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

// nuspec is a manifest; more goes into its metadata.
func nuspec(id, version string, more ...string) string {
	return `<?xml version="1.0" encoding="utf-8"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>` +
		`<id>` + id + `</id><version>` + version + `</version><authors>Ann, Bob</authors><description>A demo of ` + id + `</description>` +
		strings.Join(more, "") + `</metadata></package>`
}

func nupkg(tb testing.TB, id, version string, more ...string) []byte {
	tb.Helper()
	return zipped(tb, id+".nuspec", nuspec(id, version, more...), "lib/netstandard2.0/"+id+".dll", "MZ", "README.md", "# Read me", "icon.png", "\x89PNG\r\n\x1a\n....", "LICENSE.txt", "Do what you like.")
}

func zipped(tb testing.TB, members ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err == nil {
			_, err = f.Write([]byte(members[i+1]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
