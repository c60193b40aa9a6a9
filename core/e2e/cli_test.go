package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// run runs a pakhus command as a person would and returns its exit code.
func run(t *testing.T, r *registrytest.Registry, args ...string) (code int, out, errs string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), r.Bin, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r.RememberAnswer(stdout.Bytes())
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return failed.ExitCode(), stdout.String(), stderr.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, stdout.String(), stderr.String()
}

func TestCommands(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	data := []string{"--data", r.Dir}
	ok := func(args ...string) string {
		t.Helper()
		code, out, errs := run(t, r, append(args, data...)...)
		if code != 0 {
			t.Fatalf("pakhus %s: exit %d\n%s", strings.Join(args, " "), code, errs)
		}
		return out
	}
	refused := func(code int, says string, args ...string) {
		t.Helper()
		got, _, errs := run(t, r, append(args, data...)...)
		if got != code || !strings.Contains(errs, says) {
			t.Errorf("pakhus %s: exit %d, want %d with %q\n%s", strings.Join(args, " "), got, code, says, errs)
		}
	}
	ok("user", "create", "ann", "--password", "correct horse")
	ok("group", "create", "acme", "--visibility", "internal")
	ok("group", "create", "acme/team", "--visibility", "internal")
	ok("project", "create", "acme/team/web", "--visibility", "internal")
	ok("member", "add", "--user", "ann", "--group", "acme", "--role", "maintainer")
	token := strings.TrimSpace(ok("token", "create", "--user", "ann", "--expires", "2999-01-01"))
	if a := ask(t, "GET", r.URL+"/api/v4/projects/acme%2Fteam%2Fweb/packages/npm/-/whoami", token); a.status != http.StatusOK || !strings.Contains(a.body, "ann") {
		t.Errorf("the token is not ann's: %d %s", a.status, a.body)
	}
	var deploy struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Token    string `json:"token"`
	}
	if err := json.Unmarshal([]byte(ok("token", "create", "--project", "acme/team/web", "--scopes", "read_package_registry", "--json")), &deploy); err != nil || !strings.HasPrefix(deploy.Token, "gldt-") || deploy.Username == "" {
		t.Errorf("%+v, %v", deploy, err)
	}
	if out := ok("plugin", "list"); !strings.Contains(out, "npm") || !strings.Contains(out, "running") {
		t.Error(out)
	}
	if out := ok("gc"); !strings.Contains(out, "0 blobs removed") {
		t.Error(out)
	}
	if out := ok("config", "verify"); !strings.Contains(out, "listen: 127.0.0.1:8080") {
		t.Error(out)
	}
	refused(1, "already been taken", "user", "create", "ANN")
	refused(1, `no user "eve"`, "token", "create", "--user", "eve")
	refused(1, "scope", "token", "create", "--user", "ann", "--scopes", "everything")
	refused(1, "visibility", "group", "create", "x", "--visibility", "secret")
	refused(2, "--role", "member", "add", "--user", "ann", "--group", "acme", "--role", "king")
	refused(2, "--expires", "token", "create", "--user", "ann", "--expires", "tomorrow")
	refused(2, "unknown flag", "user", "create", "bob", "--passwort", "x")
	refused(2, "unknown command", "frobnicate")
	ok("token", "revoke", "2")
}

// Starting says what is wrong, and starts nothing.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	other := t.TempDir()
	if err := os.Chmod(other, 0o755); err != nil { //nolint:gosec // a test's folder
		t.Fatal(err)
	}
	start := func(says string, args ...string) {
		t.Helper()
		code, _, errs := run(t, r, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
		if code != 1 || !strings.Contains(errs, says) {
			t.Errorf("serve %v: exit %d, want 1 with %q\n%s", args, code, says, errs)
		}
	}
	// The plugin is another one than the configuration says.
	write("formats: {npm: {enabled: true, sha256: " + strings.Repeat("ab", 32) + "}}\n")
	start("its sha256 is", "--config", config, "--data", other)
	write("formats: {npm: {enabled: true, path: /nowhere/plugin, sha256: " + strings.Repeat("ab", 32) + "}}\n")
	start("/nowhere/plugin", "--config", config, "--data", other)
	// A binary that is no plugin at all.
	write("formats: {npm: {enabled: true, path: /bin/true}}\n")
	start("formats.npm.sha256", "--config", config, "--data", other)
	// The data folder is in use.
	start("used by another pakhus", "--data", r.Dir)
	start("there is no such setting", "--config", func() string { write("lisen: x\n"); return config }(), "--data", other)
}
