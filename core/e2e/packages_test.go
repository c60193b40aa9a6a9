package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// The packages API beside a format that is mounted below the same path.
func TestPackagesAPI(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"what a deletion does to npm", testDeletedPackage},
		{"what a file's deletion leaves", testDeletedFile},
		{"roles", testPackagesRoles},
		{"formats are not shadowed", testFormatsBesidePackages},
		{"the examples", testPackagesExamples},
	} {
		t.Run(part.name, func(t *testing.T) { t.Parallel(); part.test(t, r) })
	}
}

func packagesURL(r *registrytest.Registry, p registrytest.Project) string {
	return fmt.Sprintf("%s/api/v4/projects/%d/packages", r.URL, p.ID)
}

// publish publishes a version with npm's request, and returns its tarball.
func publish(t *testing.T, r *registrytest.Registry, p registrytest.Project, token, name, version string) []byte {
	t.Helper()
	document, tarball := publication(t, name, version)
	if a := send(t, "PUT", packagesURL(r, p)+"/npm/"+name, token, document); a.status != http.StatusOK {
		t.Fatalf("publish %s@%s: %d %s", name, version, a.status, a.body)
	}
	return tarball
}

// publication is what npm sends to publish a version, and its tarball.
func publication(t *testing.T, name, version string) (document string, _ []byte) {
	t.Helper()
	manifest := fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
	var tarball bytes.Buffer
	zipped := gzip.NewWriter(&tarball)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		t.Fatal(err)
	}
	_, _ = archive.Write([]byte(manifest))
	_ = archive.Close()
	_ = zipped.Close()
	document = fmt.Sprintf(`{"name":%q,"dist-tags":{"latest":%q},"versions":{%q:%s},"_attachments":{"%s-%s.tgz":{"data":%q}}}`,
		name, version, version, manifest, name, version, base64.StdEncoding.EncodeToString(tarball.Bytes()))
	return document, tarball.Bytes()
}

// ids are those of a version and of its only file.
func ids(t *testing.T, r *registrytest.Registry, p registrytest.Project, name, version string) (pkg, file int64) {
	t.Helper()
	one := func(url string) int64 {
		a := ask(t, "GET", url, r.Token)
		var list []struct{ ID int64 }
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 {
			t.Fatalf("%s: %d %s", url, a.status, a.body)
		}
		return list[0].ID
	}
	pkg = one(packagesURL(r, p) + "?package_name=" + name + "&package_version=" + version)
	return pkg, one(fmt.Sprintf("%s/%d/package_files", packagesURL(r, p), pkg))
}

func testDeletedPackage(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	maintainer := r.NewUser(t, "maintainer", p.Path).Token
	tarball := publish(t, r, p, maintainer, "web", "1.0.0")
	publish(t, r, p, maintainer, "web", "2.0.0")
	npm := packagesURL(r, p) + "/npm/web"
	before := ask(t, "GET", npm, maintainer)
	if !strings.Contains(before.body, `"1.0.0"`) {
		t.Fatalf("%d %s", before.status, before.body)
	}
	pkg, file := ids(t, r, p, "web", "1.0.0")
	one := fmt.Sprintf("%s/%d", packagesURL(r, p), pkg)
	if a := ask(t, "GET", fmt.Sprintf("%s/package_files/%d/download", one, file), maintainer); a.status != http.StatusOK || a.body != string(tarball) {
		t.Errorf("the bytes are not those of the tarball: %d", a.status)
	}
	if a := ask(t, "GET", one, maintainer); a.status != http.StatusOK || !strings.Contains(a.body, `"version":"2.0.0"`) || !strings.Contains(a.body, `"creator_id":`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, "DELETE", one, maintainer); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	after := ask(t, "GET", npm, maintainer, "If-None-Match", before.header.Get("ETag"))
	if after.status != http.StatusOK || strings.Contains(after.body, `"1.0.0"`) || !strings.Contains(after.body, `"2.0.0"`) {
		t.Errorf("the packument: %d %s", after.status, after.body)
	}
	if a := ask(t, "GET", npm+"/-/web-1.0.0.tgz", maintainer); a.status != http.StatusNotFound {
		t.Errorf("the tarball: %d", a.status)
	}
	again := fmt.Sprintf(`{"name":"web","versions":{"1.0.0":{"name":"web","version":"1.0.0"}},"_attachments":{"web-1.0.0.tgz":{"data":%q}}}`,
		base64.StdEncoding.EncodeToString(tarball))
	if a := send(t, "PUT", npm, maintainer, again); a.status != http.StatusForbidden || !strings.Contains(a.body, "Package already exists.") {
		t.Errorf("published again: %d %s", a.status, a.body)
	}
}

func testDeletedFile(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	publish(t, r, p, r.Token, "web", "1.0.0")
	pkg, file := ids(t, r, p, "web", "1.0.0")
	one := fmt.Sprintf("%s/%d", packagesURL(r, p), pkg)
	if a := ask(t, "DELETE", fmt.Sprintf("%s/package_files/%d", one, file), r.Token); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := ask(t, "GET", one+"/package_files", r.Token); a.status != http.StatusOK || a.body != "[]" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, "GET", one, r.Token); a.status != http.StatusOK {
		t.Errorf("the package: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", packagesURL(r, p)+"/npm/web/-/web-1.0.0.tgz", r.Token); a.status != http.StatusNotFound {
		t.Errorf("the tarball: %d", a.status)
	}
}

// testPackagesRoles is a cut through the table that the server's own tests have whole.
func testPackagesRoles(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	for _, visibility := range []string{"private", "public"} {
		p := r.NewProject(t, visibility)
		publish(t, r, p, r.Token, "web", "1.0.0")
		pkg, file := ids(t, r, p, "web", "1.0.0")
		one := fmt.Sprintf("%s/%d", packagesURL(r, p), pkg)
		blocked := r.NewUser(t, "maintainer", p.Path)
		r.CLI(t, "user", "block", blocked.Username)
		hidden, refused := http.StatusNotFound, http.StatusNotFound
		if visibility == "public" {
			hidden, refused = http.StatusOK, http.StatusForbidden
		}
		for _, c := range []struct {
			who, header, token string
			read, destroy      int
		}{
			{"anonymous", "PRIVATE-TOKEN", "", hidden, refused},
			{"stranger", "PRIVATE-TOKEN", r.NewUser(t, "", "").Token, hidden, refused},
			{"guest", "PRIVATE-TOKEN", r.NewUser(t, "guest", p.Path).Token, 200, 403},
			{"reporter", "PRIVATE-TOKEN", r.NewUser(t, "reporter", p.Path).Token, 200, 403},
			{"developer", "PRIVATE-TOKEN", r.NewUser(t, "developer", p.Path).Token, 200, 403},
			{"blocked", "PRIVATE-TOKEN", blocked.Token, 403, 403},
			{"deploy token", "Deploy-Token", r.NewDeployToken(t, p.Path, "read_package_registry", "write_package_registry"), hidden, refused},
			{"nonsense", "PRIVATE-TOKEN", "glpat-nonsense", 401, 401},
			{"maintainer", "PRIVATE-TOKEN", r.NewUser(t, "maintainer", p.Path).Token, 200, 204},
		} {
			for _, step := range []struct {
				method, url string
				want        int
			}{
				{"GET", packagesURL(r, p), c.read},
				{"GET", one, c.read},
				{"GET", one + "/package_files", c.read},
				{"GET", fmt.Sprintf("%s/package_files/%d/download", one, file), c.read},
				{"DELETE", fmt.Sprintf("%s/package_files/%d", one, file), c.destroy},
				{"DELETE", one, c.destroy},
			} {
				if a := ask(t, step.method, step.url, "", c.header, c.token); a.status != step.want {
					t.Errorf("%s, %s: %s %s: %d, want %d: %s", visibility, c.who, step.method, step.url, a.status, step.want, a.body)
				}
			}
		}
	}
}

func testFormatsBesidePackages(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "public")
	publish(t, r, p, r.Token, "package_files", "1.0.0")
	for path, want := range map[string]int{
		"":                       http.StatusOK,
		"/npm":                   http.StatusNotFound,
		"/npm/package_files":     http.StatusOK, // npm's package of that name
		"/npm/-/ping":            http.StatusOK,
		"/npmx":                  http.StatusNotFound,
		"/npmx/package_files":    http.StatusNotFound,
		"/n/-/ping":              http.StatusNotFound,
		"/1%2f..%2f2":            http.StatusBadRequest,
		"/%2e%2e/package_files":  http.StatusBadRequest,
		"/1/package_files/1%00x": http.StatusBadRequest,
		"/1/package_files/1/raw": http.StatusNotFound,
		"/":                      http.StatusNotFound,
	} {
		if got := raw(t, strings.TrimPrefix(r.URL, "http://"), fmt.Sprintf("GET /api/v4/projects/%d/packages%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", p.ID, path)); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// testPackagesExamples runs the lines of docs/api/packages.md that begin with
// curl, in their order, and compares with the status that each names.
func testPackagesExamples(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("a client is missing: curl")
	}
	page, err := os.ReadFile("../../docs/api/packages.md")
	if err != nil {
		t.Fatal(err)
	}
	p := r.NewProject(t, "private")
	tarball := publish(t, r, p, r.Token, "left-pad", "1.3.0")
	pkg, file := ids(t, r, p, "left-pad", "1.3.0")
	dir := t.TempDir()
	examples := regexp.MustCompile(`(?m)^curl (.*?) +# (\d{3})`).FindAllStringSubmatch(string(page), -1)
	if len(examples) < 9 {
		t.Fatalf("%d examples; the expression that finds them is wrong", len(examples))
	}
	for _, e := range examples {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", curl+` -sS -w '\n%{http_code}' `+e[1])
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PACKAGES="+packagesURL(r, p), "AUTH=PRIVATE-TOKEN: "+r.Token, fmt.Sprint("PACKAGE=", pkg), fmt.Sprint("FILE=", file))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", e[0], err)
		}
		if lines := strings.Split(string(out), "\n"); lines[len(lines)-1] != e[2] {
			t.Errorf("%s: %s", e[0], out)
		}
	}
	if got, err := os.ReadFile(dir + "/left-pad-1.3.0.tgz"); err != nil || !bytes.Equal(got, tarball) {
		t.Errorf("the downloaded file: %d bytes, %v", len(got), err)
	}
}
