package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// The management API, and what it does to a format.
func TestManagementAPI(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"a project's limit of a file's size", testOwnLimit},
		{"an archived project", testArchived},
		{"reuse after deletion", testReuse},
		{"a project that goes", testGone},
		{"the examples", testManagementExamples},
	} {
		t.Run(part.name, func(t *testing.T) { t.Parallel(); part.test(t, r) })
	}
}

func projectURL(r *registrytest.Registry, p registrytest.Project) string {
	return fmt.Sprintf("%s/api/v4/projects/%d", r.URL, p.ID)
}

// change asks for a change, and waits until it has taken effect everywhere.
func change(t *testing.T, r *registrytest.Registry, method, url, body string, want int) {
	t.Helper()
	if a := send(t, method, url, r.Token, body); a.status != want {
		t.Fatalf("%s %s: %d %s", method, url, a.status, a.body)
	}
	<-time.After(time.Second)
}

// document is npm's document of a version with an attachment of a size.
func document(name, version string, size int) string {
	content := strings.Repeat("AAAA", size/3)
	return fmt.Sprintf(`{"name":%q,"versions":{%q:{"name":%q,"version":%q}},"_attachments":{"%s-%s.tgz":{"data":%q}}}`,
		name, version, name, version, name, version, content)
}

func testOwnLimit(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	settings := projectURL(r, p) + "/package_settings/npm"
	change(t, r, "PUT", settings, `{"max_file_size":3000}`, http.StatusOK)
	a := send(t, "PUT", packagesURL(r, p)+"/npm/web", r.Token, document("web", "1.0.0", 6000))
	if (a.status != http.StatusRequestEntityTooLarge && a.status != http.StatusBadRequest) || strings.Contains(a.body, "gzip") {
		t.Errorf("more than the project takes: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", packagesURL(r, p), r.Token); a.body != "[]" {
		t.Errorf("it was published: %s", a.body)
	}
	publish(t, r, p, r.Token, "web", "1.0.0") // which is smaller
	change(t, r, "PUT", settings, `{"inherited":true}`, http.StatusOK)
	// As large as before, it is looked at, and found to be no tarball.
	if again := send(t, "PUT", packagesURL(r, p)+"/npm/web", r.Token, document("web", "2.0.0", 6000)); !strings.Contains(again.body, "gzip") {
		t.Errorf("without a limit of its own: %d %s", again.status, again.body)
	}
}

func testArchived(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	developer := r.NewUser(t, "developer", p.Path).Token
	tarball := publish(t, r, p, developer, "web", "1.0.0")
	change(t, r, "POST", projectURL(r, p)+"/archive", "", http.StatusCreated)
	for _, token := range []string{developer, r.Token} {
		if a := send(t, "PUT", packagesURL(r, p)+"/npm/web", token, document("web", "2.0.0", 30)); a.status != http.StatusForbidden {
			t.Errorf("publish: %d %s", a.status, a.body)
		}
	}
	if a := ask(t, "GET", packagesURL(r, p)+"/npm/web/-/web-1.0.0.tgz", developer); a.status != http.StatusOK || a.body != string(tarball) {
		t.Errorf("read: %d", a.status)
	}
	change(t, r, "POST", projectURL(r, p)+"/unarchive", "", http.StatusCreated)
	publish(t, r, p, developer, "web", "2.0.0")
}

func testReuse(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	publish(t, r, p, r.Token, "web", "1.0.0")
	pkg, _ := ids(t, r, p, "web", "1.0.0")
	if a := ask(t, "DELETE", fmt.Sprintf("%s/%d", packagesURL(r, p), pkg), r.Token); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	change(t, r, "PUT", r.URL+"/api/v4/groups/"+url.PathEscape(p.Group.Path)+"/package_settings", `{"allow_reuse_after_delete":true}`, http.StatusOK)
	publish(t, r, p, r.Token, "web", "1.0.0")
}

// What goes is gone for its format too, on the next request that asks the database.
func testGone(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "public")
	publish(t, r, p, r.Token, "web", "1.0.0")
	change(t, r, "DELETE", projectURL(r, p), "", http.StatusAccepted)
	for _, at := range []string{packagesURL(r, p), packagesURL(r, p) + "/npm/web", packagesURL(r, p) + "/npm/web/-/web-1.0.0.tgz"} {
		if a := ask(t, "GET", at, r.Token); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", at, a.status, a.body)
		}
	}
	if a := send(t, "PUT", packagesURL(r, p)+"/npm/web", r.Token, document("web", "2.0.0", 30)); a.status != http.StatusNotFound {
		t.Errorf("publish: %d %s", a.status, a.body)
	}
}

// testManagementExamples runs the lines of docs/api/management.md that begin with
// curl, in their order, and compares with the status that each names.
func testManagementExamples(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("a client is missing: curl")
	}
	page, err := os.ReadFile("../../docs/api/management.md")
	if err != nil {
		t.Fatal(err)
	}
	g := r.NewGroup(t, "private")
	user := r.NewUser(t, "", "")
	found := ask(t, "GET", r.URL+"/api/v4/users?username="+user.Username, r.Token)
	var userID int
	if _, err := fmt.Sscanf(found.body, `[{"id":%d,`, &userID); err != nil {
		t.Fatalf("%s: %v", found.body, err)
	}
	examples := regexp.MustCompile(`(?m)^curl (.*?) +# (\d{3})`).FindAllStringSubmatch(string(page), -1)
	if len(examples) < 35 {
		t.Fatalf("%d examples; the expression that finds them is wrong", len(examples))
	}
	for _, e := range examples {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", curl+` -sS -w '\n%{http_code}' `+e[1])
		cmd.Env = append(os.Environ(), "API="+r.URL+"/api/v4", "AUTH=PRIVATE-TOKEN: "+r.Token,
			fmt.Sprint("USER_ID=", userID), fmt.Sprint("GROUP_ID=", g.ID), "GROUP_PATH="+g.Path)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", e[0], err, stderr.String())
		}
		if lines := strings.Split(string(out), "\n"); lines[len(lines)-1] != e[2] {
			t.Errorf("%s: %s", e[0], out)
		}
	}
}
