// Package registrytest runs a real Pakhus for a test: the server binary with its
// plugins, its embedded PostgreSQL and a folder of its own, as an operator
// would run it. Plugins test themselves against it with the real clients of
// their format.
//
// The binary is the one that PAKHUS_BIN names, or bin/pakhus in a folder above
// the test's. A missing binary fails the test.
package registrytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// startTime is how long a registry may take until it is ready, on a machine
// that is busy with other tests.
const startTime = 60 * time.Second

// Registry is a running server.
type Registry struct {
	URL      string
	Username string // of the administrator
	Password string
	Token    string // the administrator's
	Dir      string // the data folder
	Bin      string

	args    []string
	listen  string
	process *exec.Cmd
	ended   chan struct{}
	names   atomic.Int64
	secrets secrets
}

// Start runs a registry until tb ends. Further arguments are flags of "pakhus serve".
func Start(tb testing.TB, args ...string) *Registry {
	tb.Helper()
	r := &Registry{Bin: binary(tb), Dir: tb.TempDir(), args: args, listen: "127.0.0.1:0"}
	// The embedded PostgreSQL runs as another account if the test runs as root.
	if err := os.Chmod(r.Dir, 0o755); err != nil { //nolint:gosec // a test's folder
		tb.Fatal(err)
	}
	r.start(tb)
	tb.Cleanup(func() { r.stop(tb); r.secrets.check(tb, r.Log()) })
	data, err := os.ReadFile(filepath.Join(r.Dir, "first-run.json"))
	if err != nil {
		tb.Fatalf("registrytest: %v", err)
	}
	var first struct{ Username, Password, Token string }
	if err := json.Unmarshal(data, &first); err != nil {
		tb.Fatalf("registrytest: first-run.json: %v", err)
	}
	r.Username, r.Password, r.Token = first.Username, first.Password, first.Token
	r.Remember(first.Password, first.Token)
	return r
}

func binary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("PAKHUS_BIN"); path != "" {
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "bin", "pakhus")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		above := filepath.Dir(dir)
		if above == dir {
			tb.Fatal("registrytest: there is no bin/pakhus; run make build, or set PAKHUS_BIN")
		}
		dir = above
	}
}

// start runs the process and waits until it is ready.
func (r *Registry) start(tb testing.TB) {
	tb.Helper()
	logFile, err := os.OpenFile(filepath.Join(r.Dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = logFile.Close() }()
	address := filepath.Join(r.Dir, "run", "address")
	_ = os.Remove(address) // of a process that was killed
	args := append([]string{"serve", "--data", r.Dir, "--listen", r.listen}, r.args...)
	cmd := exec.CommandContext(context.Background(), r.Bin, args...) //nolint:gosec // the binary under test
	// Standard output is for the person who starts it: on the first start it shows the
	// secrets that were made, which the log must not.
	cmd.Stdout, cmd.Stderr = nil, logFile
	if !slices.Contains(r.args, "--config") {
		// A test may try more wrong credentials in a minute than a client may. One
		// with a configuration of its own says so there.
		cmd.Env = append(os.Environ(), "PAKHUS_RATE_LIMITS__LOGIN__ENABLED=false")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("registrytest: start %s: %v", r.Bin, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	r.process, r.ended = cmd, ended
	deadline := time.After(startTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			tb.Fatalf("registrytest: the server ended:\n%s", r.Log())
		case <-deadline:
			tb.Fatalf("registrytest: not ready within %s:\n%s", startTime, r.Log())
		case <-tick.C:
		}
		data, err := os.ReadFile(address)
		if err != nil {
			continue
		}
		r.listen = strings.TrimSpace(string(data)) // the same again after a restart
		r.URL = "http://" + r.listen
		if ready(tb.Context(), r.URL) {
			return
		}
	}
}

func ready(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/-/readiness", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// PID is the server's process.
func (r *Registry) PID() int { return r.process.Process.Pid }

// Log returns what the server has logged so far.
func (r *Registry) Log() string {
	data, _ := os.ReadFile(filepath.Join(r.Dir, "serve.log"))
	return string(data)
}

// Kill ends the server without warning (SIGKILL) and waits until it is gone.
func (r *Registry) Kill(tb testing.TB) {
	tb.Helper()
	if err := r.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("registrytest: kill: %v", err)
	}
	<-r.ended
}

// Restart starts a server that was killed, on the same data and address.
func (r *Registry) Restart(tb testing.TB) {
	tb.Helper()
	r.start(tb)
}

func (r *Registry) stop(tb testing.TB) {
	tb.Helper()
	_ = r.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(startTime):
		tb.Errorf("registrytest: the server does not end:\n%s", r.Log())
		_ = r.process.Process.Kill()
		<-r.ended
	}
}

// CLI runs a pakhus command on the registry and returns its JSON output. An
// error fails the test.
func (r *Registry) CLI(tb testing.TB, args ...string) []byte {
	tb.Helper()
	r.rememberArgs(args)
	cmd := exec.CommandContext(tb.Context(), r.Bin, append(args, "--data", r.Dir, "--json")...) //nolint:gosec // the binary under test
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("registrytest: pakhus %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	r.secrets.find(out)
	return out
}

func (r *Registry) cli(tb testing.TB, into any, args ...string) {
	tb.Helper()
	if err := json.Unmarshal(r.CLI(tb, args...), into); err != nil {
		tb.Fatalf("registrytest: pakhus %s: %v", strings.Join(args, " "), err)
	}
}

func (r *Registry) name(prefix string) string {
	return fmt.Sprintf("%s%d", prefix, r.names.Add(1))
}

// Group is a group made for a test.
type Group struct {
	ID   int64  `json:"id"`
	Path string `json:"full_path"`
}

// Project is a project made for a test.
type Project struct {
	ID    int64  `json:"id"`
	Path  string `json:"full_path"`
	Group Group  `json:"-"` // that it was made in
}

// NewGroup makes a group at the root, or in another one. Visibility is private, internal or public.
func (r *Registry) NewGroup(tb testing.TB, visibility string, parent ...Group) Group {
	tb.Helper()
	path := r.name("group")
	for _, p := range parent {
		path = p.Path + "/" + path
	}
	return r.NewGroupAt(tb, path, visibility)
}

// NewGroupAt makes a group of a path whose parent exists.
func (r *Registry) NewGroupAt(tb testing.TB, path, visibility string) Group {
	tb.Helper()
	var g Group
	r.cli(tb, &g, "group", "create", path, "--visibility", visibility)
	return g
}

// NewProject makes a project in a group of its own. Visibility is private, internal or public.
func (r *Registry) NewProject(tb testing.TB, visibility string) Project {
	tb.Helper()
	return r.NewProjectIn(tb, r.NewGroup(tb, visibility), "project", visibility)
}

// NewProjectIn makes a project of a name in a group.
func (r *Registry) NewProjectIn(tb testing.TB, g Group, name, visibility string) Project {
	tb.Helper()
	p := Project{Group: g}
	r.cli(tb, &p, "project", "create", g.Path+"/"+name, "--visibility", visibility)
	return p
}

// SetPackageSettings has a group decide for a format's packages. Flags are those
// of "pakhus group settings": "--duplicates", "refused".
func (r *Registry) SetPackageSettings(tb testing.TB, g Group, format string, flags ...string) {
	tb.Helper()
	r.CLI(tb, append([]string{"group", "settings", g.Path, "--format", format}, flags...)...)
}

// User is a user made for a test, with a token of scope api.
type User struct {
	Username string
	Token    string
}

// NewUser makes a user with a role (guest, reporter, developer, maintainer, owner) on a
// project; with an empty role, a stranger.
func (r *Registry) NewUser(tb testing.TB, role, projectPath string) User {
	tb.Helper()
	u := User{Username: r.name("user")}
	r.CLI(tb, "user", "create", u.Username)
	if role != "" {
		r.CLI(tb, "member", "add", "--user", u.Username, "--project", projectPath, "--role", role)
	}
	u.Token = r.NewToken(tb, u.Username, "api")
	return u
}

// NewToken makes a personal token of a user.
func (r *Registry) NewToken(tb testing.TB, username string, scopes ...string) string {
	tb.Helper()
	var t struct{ Token string }
	r.cli(tb, &t, "token", "create", "--user", username, "--scopes", strings.Join(scopes, ","))
	return t.Token
}

// DeployUsername is the user name of deploy tokens made for a test, under which
// they are taken by Basic. With a person's token any name will do.
const DeployUsername = "deployer"

// NewDeployToken makes a deploy token of a project, named [DeployUsername].
func (r *Registry) NewDeployToken(tb testing.TB, projectPath string, scopes ...string) string {
	tb.Helper()
	var t struct{ Token string }
	r.cli(tb, &t, "token", "create", "--project", projectPath, "--username", DeployUsername, "--scopes", strings.Join(scopes, ","))
	return t.Token
}

// PluginPID returns the process of a format's plugin; 0 while it is being restarted.
func (r *Registry) PluginPID(tb testing.TB, format string) int {
	tb.Helper()
	var states []struct {
		Format string `json:"format"`
		PID    int    `json:"pid"`
	}
	r.cli(tb, &states, "plugin", "list")
	for _, s := range states {
		if s.Format == format {
			return s.PID
		}
	}
	tb.Fatalf("registrytest: there is no plugin for %s", format)
	return 0
}
