package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testTokens has npm itself look at a package, install it and publish another,
// with a token of every kind.
func testTokens(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	elsewhere := reg.NewProject(t, "private")
	newCaller(reg, p, reg.Token).publish(t, "hello", "1.0.0")
	project, group := fmt.Sprintf("/projects/%d", p.ID), fmt.Sprintf("/groups/%d", p.Group.ID)
	person := reg.NewUser(t, "developer", p.Path)
	const read, write = "read_package_registry", "write_package_registry"

	revoked := made(t, reg, project+"/access_tokens", `{"name":"bot","access_level":40,"scopes":["api"]}`)
	manage(t, reg, "DELETE", fmt.Sprintf("%s/access_tokens/%d", project, revoked.ID), "")
	brief := time.Now().Add(2 * time.Second)
	expired := made(t, reg, project+"/deploy_tokens", fmt.Sprintf(`{"name":"d","username":"robot","scopes":[%q],"expires_at":%q}`, write, brief.UTC().Format(time.RFC3339Nano)))
	deploy := func(place string, scopes ...string) string {
		list, err := json.Marshal(scopes)
		if err != nil {
			t.Fatal(err)
		}
		return made(t, reg, place+"/deploy_tokens", fmt.Sprintf(`{"name":"d","username":"robot","scopes":%s}`, list)).Token
	}
	bot := func(place, role string, level int) string {
		return made(t, reg, place+"/access_tokens", fmt.Sprintf(`{"name":%q,"access_level":%d,"scopes":["api"]}`, role, level)).Token
	}
	granular := func(patterns string, permissions ...string) string {
		list, err := json.Marshal(permissions)
		if err != nil {
			t.Fatal(err)
		}
		return made(t, reg, project+"/access_tokens", fmt.Sprintf(`{"name":"bot","access_level":40,"granular_scopes":[{"access":"selected_memberships",
			"project_ids":[%d],"permissions":%s,"package_name_patterns":%s}]}`, p.ID, list, patterns)).Token
	}
	const works, unauthorized, forbidden, missing = "", "E401", "E403", "E404"
	rows := []struct {
		name, auth, reads, publishes string
	}{
		{"personal, api", bearer(person.Token), works, works},
		{"personal, read_api", bearer(reg.NewToken(t, person.Username, "read_api")), works, forbidden},
		{"personal of a stranger", bearer(reg.NewUser(t, "", "").Token), missing, missing},
		{"project access token, developer", bearer(bot(project, "developer", 30)), works, works},
		{"project access token, reporter", bearer(bot(project, "reporter", 20)), works, forbidden},
		{"group access token, maintainer", bearer(bot(group, "maintainer", 40)), works, works},
		{"group access token, guest", bearer(bot(group, "guest", 10)), works, forbidden},
		{"deploy token, read", bearer(deploy(project, read)), works, forbidden},
		{"deploy token, write", bearer(deploy(project, write)), works, works},
		{"deploy token, read and write", bearer(deploy(project, read, write)), works, works},
		{"deploy token under its name", basic("robot", deploy(project, read, write)), works, works},
		{"deploy token under another name", basic("somebody", deploy(project, read, write)), unauthorized, unauthorized},
		{"deploy token of the group", bearer(deploy(group, write)), works, works},
		{"deploy token of another project", bearer(deploy(fmt.Sprintf("/projects/%d", elsewhere.ID), read, write)), missing, missing},
		{"granular, to download", bearer(granular(`[]`, "download_package")), works, forbidden},
		{"granular, to publish", bearer(granular(`[]`, "download_npm_package", "upload_npm_package")), works, works},
		{"granular, of another format", bearer(granular(`[]`, "download_maven_package", "upload_maven_package")), forbidden, forbidden},
		{"granular, of other names", bearer(granular(`["@acme/*"]`, "download_package", "upload_package")), missing, forbidden},
		{"granular, of these names", bearer(granular(`["hel*", "library-*"]`, "download_package", "upload_package")), works, works},
		{"an application's, api", bearer(application(t, reg, p, "api")), works, works},
		{"an application's, read_api", bearer(application(t, reg, p, "read_api")), works, forbidden},
		{"revoked", bearer(revoked.Token), unauthorized, unauthorized},
		{"expired", bearer(expired.Token), unauthorized, unauthorized},
	}
	<-time.After(time.Until(brief) + 1100*time.Millisecond) // what is known of a token may be a second old
	npm := filepath.Join(clientPrograms(t), "npm")
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{
				".npmrc":               fmt.Sprintf("registry=%s/\n%s/:%s\n", npmURL(reg, p), strings.TrimPrefix(npmURL(reg, p), "http:"), row.auth),
				"app/package.json":     `{"name":"app","version":"1.0.0"}`,
				"library/package.json": fmt.Sprintf(`{"name":"library-%d","version":"1.0.0"}`, i),
			}
			for name, content := range files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := func(in, want string, args ...string) {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), npm, append(args, "--userconfig", filepath.Join(dir, ".npmrc"), "--cache", filepath.Join(dir, "cache"), "--no-audit", "--no-fund", "--no-update-notifier")...)
				cmd.Dir, cmd.Env = filepath.Join(dir, in), append(os.Environ(), "HOME="+dir, "CI=true")
				said, err := cmd.CombinedOutput()
				if got := string(regexp.MustCompile(`\bE[0-9]{3}\b`).Find(said)); (err == nil) != (want == works) || got != want {
					t.Errorf("npm %s: %v, want %q:\n%s", args[0], err, want, said)
				}
			}
			run("app", row.reads, "view", "hello", "version")
			run("app", row.reads, "install", "hello")
			run("library", row.publishes, "publish", "--force")
			_, err := os.Stat(filepath.Join(dir, "app", "node_modules", "hello", "package.json"))
			if installed := err == nil; installed != (row.reads == works) {
				t.Errorf("installed: %v", installed)
			}
			a := newCaller(reg, p, reg.Token).send(t, "GET", fmt.Sprintf("/library-%d", i), nil)
			if published := a.status == http.StatusOK; published != (row.publishes == works) {
				t.Errorf("published: %d", a.status)
			}
		})
	}
}

// bearer and basic are a line of .npmrc, without what it is for.
func bearer(token string) string { return "_authToken=" + token }

func basic(username, token string) string {
	return "_auth=" + base64.StdEncoding.EncodeToString([]byte(username+":"+token))
}

// madeToken is a token as the management API answers with it, once.
type madeToken struct {
	ID    int64
	Token string
}

// made makes a token.
func made(t *testing.T, reg *registrytest.Registry, path, body string) madeToken {
	t.Helper()
	var m madeToken
	if err := json.Unmarshal(manage(t, reg, "POST", path, body), &m); err != nil || m.Token == "" {
		t.Fatalf("%s: no token, %v", path, err)
	}
	return m
}

// manage asks the management API as the administrator.
func manage(t *testing.T, reg *registrytest.Registry, method, path, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, reg.URL+"/api/v4"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", reg.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, answer, err)
	}
	reg.RememberAnswer(answer)
	return answer
}

// application is an access token that a developer of the project has let an
// application have, by the device flow: what a command line would do.
func application(t *testing.T, reg *registrytest.Registry, p registrytest.Project, scope string) string {
	t.Helper()
	name, password := "device-"+strings.ReplaceAll(scope, "_", "-"), "a password that is long"
	reg.CLI(t, "user", "create", name, "--password", password)
	reg.CLI(t, "member", "add", "--user", name, "--project", p.Path, "--role", "developer")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	post := func(path string, form url.Values, into any) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, reg.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s, %v", path, resp.StatusCode, answer, err)
		}
		reg.RememberAnswer(answer)
		if into == nil {
			return
		}
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s: %s: %v", path, answer, err)
		}
	}
	var app struct {
		ID string `json:"application_id"`
	}
	if err := json.Unmarshal(reg.CLI(t, "application", "create", "npm "+scope, "--public", "--scopes", scope), &app); err != nil {
		t.Fatal(err)
	}
	var device struct {
		Code string `json:"device_code"`
		User string `json:"user_code"`
	}
	post("/oauth/authorize_device", url.Values{"client_id": {app.ID}, "scope": {scope}}, &device)
	reg.Remember(device.Code)
	post("/users/sign_in", url.Values{"username": {name}, "password": {password}}, nil)
	post("/oauth/device", url.Values{"user_code": {device.User}, "decision": {"allow"}}, nil)
	var token struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	post("/oauth/token", url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {device.Code}, "client_id": {app.ID},
	}, &token)
	if token.Access == "" || token.Refresh == "" {
		t.Fatal("there are no tokens")
	}
	return token.Access
}
