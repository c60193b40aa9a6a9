package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pakhus/pakhus/core/internal/oidc/oidctest"
	"github.com/pakhus/pakhus/sdk/registrytest"
)

// ci is a registry that trusts an issuer of GitHub's kind, called "github".
type ci struct {
	*registrytest.Registry
	issuer *oidctest.Issuer
	config string
}

const ciAudience = "https://registry.example.com"

func newCI(t *testing.T) *ci {
	t.Helper()
	c := &ci{issuer: oidctest.Start(t), config: filepath.Join(t.TempDir(), "pakhus.yaml")}
	c.configure(t, fmt.Sprintf("    github: {url: '%s', kind: github, audience: '%s', web_url: 'https://git.example.com'}\n", c.issuer.URL, ciAudience))
	c.Registry = registrytest.Start(t, "--config", c.config)
	return c
}

func (c *ci) configure(t *testing.T, issuers string) {
	t.Helper()
	text := "rate_limits: {login: {enabled: false}}\ntrusted_publishing:\n  allow_loopback_http: true\n  issuers:\n" + issuers
	if err := os.WriteFile(c.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rule makes a trusted publisher of a project, and returns its id and its bot's.
func (c *ci) rule(t *testing.T, p registrytest.Project, level int) (id, bot int64) {
	t.Helper()
	return c.ruleOf(t, p, level, "repo:acme/web:*")
}

func (c *ci) ruleOf(t *testing.T, p registrytest.Project, level int, subject string) (id, bot int64) {
	t.Helper()
	a := send(t, "POST", fmt.Sprintf("%s/api/v4/projects/%d/trusted_publishers", c.URL, p.ID), c.Token,
		fmt.Sprintf(`{"name":"release","issuer":"github","subject":%q,"access_level":%d}`, subject, level))
	var made struct {
		ID     int64
		UserID int64 `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return made.ID, made.UserID
}

func (c *ci) idToken(t *testing.T) string {
	t.Helper()
	return c.idTokenOf(t, "repo:acme/web:ref:refs/heads/main")
}

func (c *ci) idTokenOf(t *testing.T, subject string) string {
	t.Helper()
	token := c.issuer.Token(t, c.issuer.Claims(ciAudience, subject, map[string]any{
		"repository": "acme/web", "ref": "refs/heads/main", "sha": strings.Repeat("ab", 20), "run_id": "77", "run_number": "12", "actor": "ann", "event_name": "push",
	}))
	c.Remember(token)
	return token
}

// job exchanges an ID token for a job token of a project.
func (c *ci) job(t *testing.T, p registrytest.Project) string {
	t.Helper()
	return c.jobAs(t, p, "repo:acme/web:ref:refs/heads/main")
}

// jobAs is job for an ID token of any subject.
func (c *ci) jobAs(t *testing.T, p registrytest.Project, subject string) string {
	t.Helper()
	a := ask(t, "POST", fmt.Sprintf("%s/api/v4/projects/%d/oidc/token", c.URL, p.ID), c.idTokenOf(t, subject))
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	c.Remember(got.Token)
	return got.Token
}

func TestTrustedPublishing(t *testing.T) {
	t.Parallel()
	c := newCI(t)
	t.Run("with a real npm", func(t *testing.T) { testJobWithNPM(t, c) })
	t.Run("between projects", func(t *testing.T) { testJobsBetweenProjects(t, c) })
	t.Run("in a group", func(t *testing.T) { testJobInAGroup(t, c) })
	t.Run("a token made with a job's", func(t *testing.T) { testTokenOfAJobToken(t, c) })
	t.Run("and what is published with it", func(t *testing.T) { testPublishedByTokenOfAJobToken(t, c) })
	t.Run("formats with Basic", func(t *testing.T) { testJobWithBasic(t, c) })
	t.Run("the examples", func(t *testing.T) { testPublishingExamples(t, c) })
	t.Run("issuers that are no more", func(t *testing.T) { testIssuersReloaded(t, c) })
}

// A job publishes with npm, as its workflow would; what it published has its run, and
// when the rule goes, so does the token.
func testJobWithNPM(t *testing.T, c *ci) {
	t.Helper()
	program, err := exec.LookPath("npm")
	if err != nil {
		t.Fatal("a client is missing: npm")
	}
	p, dir := c.NewProject(t, "private"), t.TempDir()
	rule, _ := c.rule(t, p, 30)
	job := c.job(t, p)
	url := packagesURL(c.Registry, p) + "/npm/"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(".npmrc", "registry="+url+"\n"+strings.TrimPrefix(url, "http:")+":_authToken="+job+"\nfetch-retries=0\nupdate-notifier=false\n")
	npm := func(args ...string) (string, bool) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "npm_config_cache="+filepath.Join(dir, ".cache"))
		out, err := cmd.CombinedOutput()
		return string(out), err == nil
	}
	write("package.json", `{"name":"built","version":"1.0.0"}`)
	if out, ok := npm("publish"); !ok {
		t.Fatal(out)
	}
	if out, ok := npm("view", "built", "version"); !ok || strings.TrimSpace(out) != "1.0.0" {
		t.Errorf("view:\n%s", out)
	}
	pkg, _ := ids(t, c.Registry, p, "built", "1.0.0")
	one := fmt.Sprintf("%s/%d", packagesURL(c.Registry, p), pkg)
	for _, path := range []string{one, one + "/package_files", one + "/pipelines"} {
		if a := ask(t, "GET", path, job); a.status != http.StatusOK || !strings.Contains(a.body, `"web_url":"https://git.example.com/acme/web/actions/runs/77"`) ||
			!strings.Contains(a.body, `"repository":"acme/web"`) || !strings.Contains(a.body, `"ref":"main"`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := ask(t, "DELETE", one, job); a.status != http.StatusForbidden {
		t.Errorf("a developer deletes: %d %s", a.status, a.body)
	}
	if a := ask(t, "DELETE", fmt.Sprintf("%s/api/v4/projects/%d/trusted_publishers/%d", c.URL, p.ID, rule), c.Token); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	within(t, "the token ends", func() bool { return ask(t, "GET", one, job).status == http.StatusUnauthorized })
	write("package.json", `{"name":"built","version":"1.1.0"}`)
	if out, ok := npm("publish"); ok || !strings.Contains(out, "E401") {
		t.Errorf("published, or another reason:\n%s", out)
	}
}

func testJobsBetweenProjects(t *testing.T, c *ci) {
	t.Helper()
	home, target, open := c.NewProject(t, "private"), c.NewProject(t, "private"), c.NewProject(t, "public")
	_, bot := c.rule(t, home, 40)
	job := c.job(t, home)
	for _, p := range []registrytest.Project{target, open} {
		publish(t, c.Registry, p, c.Token, "lib", "1.0.0")
	}
	api := fmt.Sprintf("%s/api/v4/projects/%d", c.URL, target.ID)
	lib := packagesURL(c.Registry, target) + "/npm/lib"
	if a := ask(t, "GET", packagesURL(c.Registry, open)+"/npm/lib", job); a.status != http.StatusOK {
		t.Errorf("public: %d %s", a.status, a.body)
	}
	document, _ := publication(t, "lib", "2.0.0")
	if a := send(t, "PUT", packagesURL(c.Registry, open)+"/npm/lib", job, document); a.status != http.StatusForbidden {
		t.Errorf("publishes into a public one: %d %s", a.status, a.body)
	}
	shutOut := fmt.Sprintf("Authentication by CI/CD job token not allowed from %s to project #%d.", home.Path, target.ID)
	for what, a := range map[string]answer{"npm": ask(t, "GET", lib, job), "the packages API": ask(t, "GET", packagesURL(c.Registry, target), job)} {
		if a.status != http.StatusForbidden || !strings.Contains(a.body, shutOut) {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	for _, s := range []struct{ path, body string }{
		{"/job_token_scope/allowlist", fmt.Sprintf(`{"target_project_id":%d}`, home.ID)},
		{"/members", fmt.Sprintf(`{"user_id":%d,"access_level":30}`, bot)},
	} {
		if a := send(t, "POST", api+s.path, c.Token, s.body); a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", s.path, a.status, a.body)
		}
	}
	within(t, "it is let in", func() bool { return ask(t, "GET", lib, job).status == http.StatusOK })
	if a := send(t, "PUT", lib, job, document); a.status != http.StatusOK {
		t.Errorf("publishes: %d %s", a.status, a.body)
	}
	pkg, _ := ids(t, c.Registry, target, "lib", "2.0.0")
	if a := ask(t, "GET", fmt.Sprintf("%s/%d", packagesURL(c.Registry, target), pkg), c.Token); !strings.Contains(a.body, fmt.Sprintf(`"project_id":%d`, home.ID)) {
		t.Errorf("its run is of its own project: %s", a.body)
	}
	if a := ask(t, "DELETE", fmt.Sprintf("%s/job_token_scope/allowlist/%d", api, home.ID), c.Token); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	within(t, "it is not let in any more", func() bool { return ask(t, "GET", lib, job).status == http.StatusForbidden })
}

// A job sees of a group what it may read there, and changes its own project alone.
func testJobInAGroup(t *testing.T, c *ci) {
	t.Helper()
	group := c.NewGroup(t, "private")
	home, other := c.NewProjectIn(t, group, "home", "private"), c.NewProjectIn(t, group, "other", "private")
	publish(t, c.Registry, home, c.Token, "mine", "1.0.0")
	publish(t, c.Registry, other, c.Token, "theirs", "1.0.0")
	_, bot := c.rule(t, home, 30)
	job := c.job(t, home)
	npm := fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm/", c.URL, group.ID)
	reads := func(mine, theirs int) func() bool {
		return func() bool {
			return ask(t, "GET", npm+"mine", "", "JOB-TOKEN", job).status == mine && ask(t, "GET", npm+"theirs", "", "JOB-TOKEN", job).status == theirs
		}
	}
	within(t, "its own project's alone", reads(200, 404))
	api := fmt.Sprintf("%s/api/v4/projects/%d", c.URL, other.ID)
	if a := send(t, "POST", api+"/job_token_scope/groups_allowlist", c.Token, fmt.Sprintf(`{"target_group_id":%d}`, group.ID)); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := send(t, "POST", api+"/members", c.Token, fmt.Sprintf(`{"user_id":%d,"access_level":20}`, bot)); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	within(t, "the other one's, too", reads(200, 200))
	tag := func(name string) int {
		return send(t, "PUT", npm+"-/package/"+name+"/dist-tags/next", job, `"1.0.0"`).status
	}
	if mine, theirs := tag("mine"), tag("theirs"); mine >= 300 || theirs != http.StatusForbidden {
		t.Errorf("tags: %d, %d", mine, theirs)
	}
	if a := ask(t, "GET", fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm/mine", c.URL, c.NewGroup(t, "private").ID), job); a.status != http.StatusNotFound {
		t.Errorf("a group that is not its: %d %s", a.status, a.body)
	}
}

// Conan has a token made with the one it is given: it is the job's, and ends with it.
func testTokenOfAJobToken(t *testing.T, c *ci) {
	t.Helper()
	p := c.NewProject(t, "private")
	rule, _ := c.rule(t, p, 30)
	job := c.job(t, p)
	mount := packagesURL(c.Registry, p) + "/conan/v2/users/"
	basic := func(user string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+job)) }
	if a := ask(t, "GET", mount+"authenticate", "", "Authorization", basic("ann")); a.status != http.StatusUnauthorized {
		t.Errorf("another name: %d %s", a.status, a.body)
	}
	made := ask(t, "GET", mount+"authenticate", "", "Authorization", basic("gitlab-ci-token"))
	c.RememberAnswer([]byte(made.body))
	if made.status != http.StatusOK || made.body == job || !strings.HasPrefix(made.body, "glcbt-") {
		t.Fatalf("%d", made.status)
	}
	if a := ask(t, "GET", packagesURL(c.Registry, p), made.body); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := ask(t, "GET", c.URL+"/api/v4/user", "", "PRIVATE-TOKEN", made.body); a.status != http.StatusUnauthorized {
		t.Errorf("as a person's: %d %s", a.status, a.body)
	}
	if a := ask(t, "DELETE", fmt.Sprintf("%s/api/v4/projects/%d/trusted_publishers/%d", c.URL, p.ID, rule), c.Token); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	within(t, "it ends", func() bool {
		return ask(t, "GET", packagesURL(c.Registry, p), made.body).status == http.StatusUnauthorized
	})
}

// What a job publishes with the token that Conan has made of its own is its run's, too.
func testPublishedByTokenOfAJobToken(t *testing.T, c *ci) {
	t.Helper()
	p := c.NewProject(t, "private")
	c.rule(t, p, 30)
	mount := packagesURL(c.Registry, p) + "/conan/v2/"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("gitlab-ci-token:"+c.job(t, p)))
	made := ask(t, "GET", mount+"users/authenticate", "", "Authorization", basic)
	c.RememberAnswer([]byte(made.body))
	at := mount + "conans/built/1.0/_/_/revisions/0123456789abcdef0123456789abcdef/files/"
	for _, f := range [][2]string{{"conanfile.py", "#"}, {"conanmanifest.txt", "1700000000\nconanfile.py: 0123456789abcdef0123456789abcdef\n"}} {
		if a := send(t, "PUT", at+f[0], "", f[1], "Authorization", "Bearer "+made.body); a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", f[0], a.status, a.body)
		}
	}
	var packages []struct{ Pipeline struct{ ID int64 } }
	a := ask(t, "GET", packagesURL(c.Registry, p), c.Token)
	if err := json.Unmarshal([]byte(a.body), &packages); err != nil || len(packages) != 1 || packages[0].Pipeline.ID == 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Maven's and NuGet's clients send Basic: GitLab's case 73.
func testJobWithBasic(t *testing.T, c *ci) {
	t.Helper()
	p := c.NewProject(t, "private")
	c.rule(t, p, 30)
	job := c.job(t, p)
	file := packagesURL(c.Registry, p) + "/maven/com/acme/app/1.0/app-1.0.pom"
	const pom = "<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>app</artifactId><version>1.0</version><packaging>pom</packaging></project>"
	for _, s := range []struct {
		user, token string
		want        int
	}{{"ann", job, 401}, {"gitlab-ci-token", "glcbt-wrong", 401}, {"gitlab-ci-token", job, 200}} {
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.user+":"+s.token))
		if a := send(t, "PUT", file, "", pom, "Authorization", basic, "Content-Type", "application/octet-stream"); a.status != s.want {
			t.Errorf("%s: %d %s", s.user, a.status, a.body)
		}
	}
	if a := ask(t, "GET", packagesURL(c.Registry, p)+"/nuget/index.json", "", "JOB-TOKEN", job); a.status != http.StatusOK {
		t.Errorf("nuget: %d %s", a.status, a.body)
	}
}

func testPublishingExamples(t *testing.T, c *ci) {
	t.Helper()
	p, other := c.NewProject(t, "private"), c.NewProject(t, "private")
	group := c.NewGroup(t, "private")
	rule, _ := c.rule(t, p, 30)
	c.rule(t, other, 30)
	publishing := c.job(t, p)
	document, _ := publication(t, "built", "1.0.0")
	if a := send(t, "PUT", packagesURL(c.Registry, p)+"/npm/built", publishing, document); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	pkg, _ := ids(t, c.Registry, p, "built", "1.0.0")
	// The rule that is deleted is not the one of the token that is used afterwards.
	again := send(t, "POST", fmt.Sprintf("%s/api/v4/projects/%d/trusted_publishers", c.URL, p.ID), c.Token, `{"name":"x","issuer":"github","subject":"repo:acme/other:*"}`)
	var spare struct{ ID int64 }
	if err := json.Unmarshal([]byte(again.body), &spare); err != nil || spare.ID == rule {
		t.Fatalf("%d %s", again.status, again.body)
	}
	runExamples(t, "trusted-publishing.md", 20, "API="+c.URL+"/api/v4", fmt.Sprintf("PROJECT=%s/api/v4/projects/%d", c.URL, p.ID), "AUTH=PRIVATE-TOKEN: "+c.Token, "NAME="+p.Path,
		"JSON=Content-Type: application/json", "ID_TOKEN="+c.idToken(t), "JOB_TOKEN="+publishing, "PUBLISHER="+strconv.FormatInt(spare.ID, 10),
		"OTHER="+strconv.FormatInt(other.ID, 10), "GROUP="+strconv.FormatInt(group.ID, 10), "PACKAGE="+strconv.FormatInt(pkg, 10))
}

// The configuration is read again on SIGHUP. Who is not trusted any more is let in no more.
func testIssuersReloaded(t *testing.T, c *ci) {
	t.Helper()
	p := c.NewProject(t, "private")
	c.rule(t, p, 30)
	c.job(t, p)
	other := oidctest.Start(t)
	c.configure(t, fmt.Sprintf("    other: {url: '%s', kind: generic, audience: x}\n", other.URL))
	if err := syscall.Kill(c.PID(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	exchange := fmt.Sprintf("%s/api/v4/projects/%d/oidc/token", c.URL, p.ID)
	within(t, "it is not trusted any more", func() bool {
		a := ask(t, "POST", exchange, c.idToken(t))
		return a.status == http.StatusUnauthorized && strings.Contains(a.body, "issuer")
	})
	if a := ask(t, "GET", fmt.Sprintf("%s/api/v4/projects/%d/trusted_publishers", c.URL, p.ID), c.Token); !strings.Contains(a.body, `"issuer_name":null`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	token := other.Token(t, other.Claims("x", "repo:acme/web:x", nil))
	if a := ask(t, "POST", exchange, token); a.status != http.StatusForbidden {
		t.Errorf("the new one, which no rule speaks of: %d %s", a.status, a.body)
	}
}
