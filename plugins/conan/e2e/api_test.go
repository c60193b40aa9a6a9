package e2e_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"  //nolint:gosec // Conan's digest
	"crypto/sha1" //nolint:gosec // likewise
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// caller sends requests to one remote as one person, without a client.
type caller struct {
	base   string // the remote's URL
	token  string // empty: nobody
	bearer bool   // the token is one that the remote gave
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func inProject(reg *registrytest.Registry, p registrytest.Project, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/projects/%d/packages/conan", reg.URL, p.ID), token: token}
}

func inGroup(reg *registrytest.Registry, g registrytest.Group, token string) caller {
	return caller{base: fmt.Sprintf("%s/api/v4/groups/%d/-/packages/conan", reg.URL, g.ID), token: token}
}

func inInstance(reg *registrytest.Registry, token string) caller {
	return caller{base: reg.URL + "/api/v4/packages/conan", token: token}
}

// try sends a request; path begins where the remote's URL ends.
func (c caller) try(tb testing.TB, method, path string, body []byte, headers ...string) (answer, error) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	switch {
	case c.token == "":
	case c.bearer:
		req.Header.Set("Authorization", "Bearer "+c.token)
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

// put sends a file as clients do.
func (c caller) put(tb testing.TB, path, content string) answer {
	tb.Helper()
	sum := sha1.Sum([]byte(content)) //nolint:gosec // what clients send
	return c.send(tb, "PUT", path, []byte(content), "X-Checksum-Sha1", hex.EncodeToString(sum[:]))
}

// wantStatus checks a status, and the challenge of a refusal.
func (a answer) wantStatus(tb testing.TB, what string, want int) answer {
	tb.Helper()
	if a.status != want {
		tb.Errorf("%s: %d, not %d: %s", what, a.status, want, a.body)
		return a
	}
	if challenge := a.header.Get("Www-Authenticate"); (want == http.StatusUnauthorized) != (challenge == `Basic realm="GitLab Packages Registry"`) {
		tb.Errorf("%s: %d with the challenge %q", what, want, challenge)
	}
	return a
}

// json reads a document, of the one media type that clients take.
func (a answer) json(tb testing.TB, into any) {
	tb.Helper()
	if media := a.header.Get("Content-Type"); a.status != http.StatusOK || media != "application/json" {
		tb.Fatalf("%d, %q: %s", a.status, media, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		tb.Fatalf("%s: %v", a.body, err)
	}
}

// Revisions and package ids as they look.
func revision(n int) string {
	sum := md5.Sum(fmt.Appendf(nil, "revision %d", n)) //nolint:gosec // Conan's
	return hex.EncodeToString(sum[:])
}

func packageID(n int) string {
	sum := sha1.Sum(fmt.Appendf(nil, "package %d", n)) //nolint:gosec // Conan's
	return hex.EncodeToString(sum[:])
}

// recipeFiles are those of a small recipe, in the order in which clients send them.
func recipeFiles(ref string) [][2]string {
	return [][2]string{
		{"conan_export.tgz", gzipped("export of " + ref)},
		{"conan_sources.tgz", gzipped("sources of " + ref)},
		{"conanfile.py", "# " + ref},
		{"conanmanifest.txt", manifestOf(ref)},
	}
}

// packageFiles are those of a small package, likewise.
func packageFiles(ref string) [][2]string {
	return [][2]string{
		{"conan_package.tgz", gzipped("package of " + ref)},
		{"conaninfo.txt", "[settings]\nos=Linux\narch=x86_64\n[options]\nshared=False\n[requires]\nzlib/1.2.Z\n"},
		{"conanmanifest.txt", manifestOf(ref)},
	}
}

func manifestOf(ref string) string {
	sum := md5.Sum([]byte(ref)) //nolint:gosec // Conan's
	return "1700000000\nconanfile.py: " + hex.EncodeToString(sum[:]) + "\n"
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// recipe is a reference as it stands in paths of the second protocol.
func recipe(ref string) string {
	name, owner, ok := strings.Cut(ref, "@")
	if !ok {
		owner = "_/_"
	} else if !strings.Contains(owner, "/") {
		owner += "/_"
	}
	return "/v2/conans/" + name + "/" + owner
}

// upload sends files below a revision's path, which must be taken.
func (c caller) upload(tb testing.TB, path string, files [][2]string) {
	tb.Helper()
	for _, f := range files {
		if a := c.put(tb, path+"/files/"+f[0], f[1]); a.status != http.StatusOK {
			tb.Fatalf("put %s/files/%s: %d %s", path, f[0], a.status, a.body)
		}
	}
}

// uploadRecipe uploads a small recipe with that revision, and packages of it.
func (c caller) uploadRecipe(tb testing.TB, ref, rrev string, pids ...string) {
	tb.Helper()
	at := recipe(ref) + "/revisions/" + rrev
	c.upload(tb, at, recipeFiles(ref+rrev))
	for _, pid := range pids {
		c.upload(tb, at+"/packages/"+pid+"/revisions/"+revision(1), packageFiles(ref+pid))
	}
}
