package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// within waits until something holds: a switch takes effect within a second, and
// a busy machine may take longer to see it.
func within(t *testing.T, what string, holds func() bool, why ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, w := range why {
				t.Log(w())
			}
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, []byte("feature_flags: {npm/audit_quick: false, npm/nonsense: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := registrytest.Start(t, "--config", config)
	t.Run("places", func(t *testing.T) { testFeaturePlaces(t, r) })
	t.Run("a real npm", func(t *testing.T) { testFeaturesWithNPM(t, r) })
	t.Run("a sign-in", func(t *testing.T) { testFeatureOfSignIn(t, r) })
	t.Run("a file without a call of the plugin", func(t *testing.T) { testFeatureOfDirectFile(t, r) })
	t.Run("the configuration", func(t *testing.T) { testFeaturesConfigured(t, r, config) })
	t.Run("the examples", func(t *testing.T) { testFeatureExamples(t, r) })
}

// What a project, a group and the instance say, at each level, of a document
// that was answered from memory before.
func testFeaturePlaces(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	group := r.NewGroup(t, "private")
	one, two := r.NewProjectIn(t, group, "one", "private"), r.NewProjectIn(t, group, "two", "private")
	publish(t, r, one, r.Token, "first", "1.0.0")
	publish(t, r, two, r.Token, "second", "1.0.0")
	stranger := r.NewUser(t, "", "")
	below := fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm/", r.URL, group.ID)
	check := func(what string, want map[string]int) {
		t.Helper()
		for url, status := range want {
			within(t, what+": "+url, func() bool { return ask(t, "GET", url, r.Token).status == status })
		}
	}
	first, second := packagesURL(r, one)+"/npm/first", packagesURL(r, two)+"/npm/second"
	check("on", map[string]int{first: 200, second: 200, below + "first": 200, below + "second": 200})
	etag := ask(t, "GET", first, r.Token).header.Get("ETag")

	r.CLI(t, "feature", "set", "npm/packument", "off", "--project", one.Path)
	check("off in a project", map[string]int{first: 404, second: 200, below + "first": 404, below + "second": 200})
	if a := ask(t, "GET", first, r.Token, "If-None-Match", etag); a.status != http.StatusNotFound || !strings.Contains(a.body, `"error":"Not Found"`) {
		t.Errorf("a client that has it: %d %s", a.status, a.body)
	}
	// Who must not know of the project learns nothing.
	for who, token := range map[string]string{"a stranger": stranger.Token, "nobody": ""} {
		hidden := ask(t, "GET", first, token)
		absent := ask(t, "GET", r.URL+"/api/v4/projects/999999/packages/npm/first", token)
		if hidden.status != absent.status {
			t.Errorf("%s: %d, and %d where there is no project", who, hidden.status, absent.status)
		}
	}
	r.CLI(t, "feature", "set", "npm/packument", "off", "--group", group.Path)
	check("off in the group", map[string]int{first: 404, second: 404, below + "second": 404})
	r.CLI(t, "feature", "set", "npm/packument", "on", "--project", two.Path)
	check("on again in a project", map[string]int{first: 404, second: 200, below + "second": 404})
	r.CLI(t, "feature", "unset", "npm/packument", "--all")
	check("on again", map[string]int{first: 200, second: 200, below + "first": 200, below + "second": 200})
	// The whole format, for those without credentials too.
	r.CLI(t, "feature", "set", "npm", "off", "--group", group.Path)
	check("without the format", map[string]int{first: 404, packagesURL(r, one) + "/npm/-/ping": 404, packagesURL(r, one): 200})
	r.CLI(t, "feature", "unset", "npm", "--all")
	check("with it", map[string]int{first: 200})
}

// npm publishes and installs, is refused, and may again: switched by API, without a restart.
func testFeaturesWithNPM(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	program, err := exec.LookPath("npm")
	if err != nil {
		t.Fatal("a client is missing: npm")
	}
	p, dir := r.NewProject(t, "private"), t.TempDir()
	url := packagesURL(r, p) + "/npm/"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".npmrc", "registry="+url+"\n"+strings.TrimPrefix(url, "http:")+":_authToken="+r.Token+"\nfetch-retries=0\nupdate-notifier=false\n")
	npm := func(args ...string) (string, bool) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "npm_config_cache="+filepath.Join(dir, ".cache"))
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	set := func(name, value string) {
		t.Helper()
		if a := send(t, "POST", r.URL+"/api/v4/features/"+name, r.Token, fmt.Sprintf(`{"value":%q,"project":%q}`, value, p.Path)); a.status != http.StatusCreated {
			t.Fatalf("%s %s: %d %s", name, value, a.status, a.body)
		}
	}
	version := func(v string) { t.Helper(); write("package.json", fmt.Sprintf(`{"name":"switched","version":%q}`, v)) }

	version("1.0.0")
	if out, ok := npm("publish"); !ok {
		t.Fatal(out)
	}
	set("npm%2Fpublish", "false")
	version("1.1.0")
	if out, ok := npm("publish"); ok || !strings.Contains(out, "E404") {
		t.Errorf("published, or another reason:\n%s", out)
	}
	if out, ok := npm("view", "switched", "version"); !ok || strings.TrimSpace(out) != "1.0.0" {
		t.Errorf("reading is on:\n%s", out)
	}
	set("npm%2Fpublish", "true")
	if out, ok := npm("publish"); !ok {
		t.Errorf("it is on again:\n%s", out)
	}
	set("npm%2Ftarball", "false")
	if out, ok := npm("pack", "switched@1.1.0", "--prefer-online"); ok || !strings.Contains(out, "404") {
		t.Errorf("the tarball came:\n%s", out)
	}
	set("npm%2Ftarball", "true")
	if out, ok := npm("pack", "switched@1.1.0"); !ok {
		t.Error(out)
	}
}

// Where signing in is off no password is tried: the answer does not depend on it.
func testFeatureOfSignIn(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "public")
	r.CLI(t, "feature", "set", "npm/login_user", "off", "--project", p.Path)
	for _, password := range []string{r.Password, "wrong"} {
		body := fmt.Sprintf(`{"name":%q,"password":%q}`, r.Username, password)
		within(t, "sign-in is off", func() bool {
			return send(t, "PUT", packagesURL(r, p)+"/npm/-/user/org.couchdb.user:"+r.Username, "", body).status == http.StatusNotFound
		})
	}
}

// Maven's files are sent without asking the plugin.
func testFeatureOfDirectFile(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	url := packagesURL(r, p) + "/maven/com/acme/lib/1.0/lib-1.0.pom"
	pom := `<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>lib</artifactId><version>1.0</version><packaging>pom</packaging></project>`
	if a := send(t, "PUT", url, r.Token, pom, "Content-Type", "application/xml"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	status := func() int { return ask(t, "GET", url, r.Token).status }
	for range 2 { // the second time from memory
		if got := status(); got != http.StatusOK {
			t.Fatalf("the file: %d", got)
		}
	}
	r.CLI(t, "feature", "set", "maven", "off", "--project", p.Path)
	within(t, "the file is off", func() bool { return status() == http.StatusNotFound })
	if a := send(t, "PUT", url, r.Token, pom, "Content-Type", "application/xml"); a.status != http.StatusNotFound {
		t.Errorf("a write: %d", a.status)
	}
	r.CLI(t, "feature", "unset", "maven", "--project", p.Path)
	within(t, "the file is on", func() bool { return status() == http.StatusOK })
}

// The file says what holds where nothing was set, and is read again on SIGHUP.
func testFeaturesConfigured(t *testing.T, r *registrytest.Registry, config string) {
	t.Helper()
	p := r.NewProject(t, "private")
	quick := func() int {
		return send(t, "POST", packagesURL(r, p)+"/npm/-/npm/v1/security/audits/quick", r.Token, `{"requires":{},"dependencies":{}}`).status
	}
	if got := quick(); got != http.StatusNotFound {
		t.Errorf("configured off: %d", got)
	}
	if !strings.Contains(r.Log(), "npm/nonsense") {
		t.Error("nobody was warned of a name that nothing has")
	}
	r.CLI(t, "feature", "set", "npm/audit_quick", "on", "--project", p.Path)
	within(t, "on in the project", func() bool { return quick() == http.StatusOK })
	r.CLI(t, "feature", "unset", "npm/audit_quick", "--project", p.Path)
	within(t, "off again", func() bool { return quick() == http.StatusNotFound })
	if err := os.WriteFile(config, []byte("feature_flags: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(r.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	within(t, "on after SIGHUP", func() bool { return quick() == http.StatusOK })
}

func testFeatureExamples(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	r.NewGroupAt(t, "acme", "private")
	r.CLI(t, "project", "create", "acme/web")
	runExamples(t, "features.md", 6, "HOST="+r.URL, "AUTH=PRIVATE-TOKEN: "+r.Token)
}
