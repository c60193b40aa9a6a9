package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// target is a running registry.
type target struct {
	name    string
	base    string // of package URLs, without a slash at the end
	token   string
	process *exec.Cmd
	restart func() (time.Duration, error) // of Pakhus
	client  *http.Client
}

func newTarget(name, base, token string, process *exec.Cmd) *target {
	return &target{name: name, base: base, token: token, process: process, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}, Timeout: 5 * time.Minute,
	}}
}

func (t *target) stop() {
	_ = t.process.Process.Signal(syscall.SIGTERM)
	_ = t.process.Wait()
}

// memory reads a field of the process's status, in KiB.
func (t *target) memory(field string) int64 { return memoryOf(t.process.Process.Pid, field) }

func memoryOf(pid int, field string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// start runs a command and waits until url answers with one of the statuses.
func start(url string, statuses []int, name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(url) //nolint:noctx,gosec // a server of our own
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		for _, s := range statuses {
			if resp.StatusCode == s {
				return cmd, nil
			}
		}
	}
	_ = cmd.Process.Kill()
	return nil, fmt.Errorf("%s does not answer at %s:\n%s", name, url, said.String())
}

func startPakhus(dir string) (*target, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "pakhus")
	launch := func() (*exec.Cmd, error) {
		return start("http://"+address+"/-/readiness", []int{http.StatusOK}, "bin/pakhus", "serve", "--data", data, "--listen", address, "--log-level", "warn")
	}
	cmd, err := launch()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(data, "first-run.json"))
	if err != nil {
		return nil, err
	}
	var first struct {
		Token     string `json:"token"`
		ProjectID int64  `json:"project_id"`
	}
	if err := json.Unmarshal(text, &first); err != nil {
		return nil, err
	}
	t := newTarget("Pakhus", fmt.Sprintf("http://%s/api/v4/projects/%d/packages/npm", address, first.ProjectID), first.Token, cmd)
	t.restart = func() (time.Duration, error) {
		t.stop()
		begin := time.Now()
		t.process, err = launch()
		return time.Since(begin), err
	}
	return t, nil
}

// verdaccioConfig keeps tokens as signed documents: as installed, each request
// with a token costs it a bcrypt check, some hundred milliseconds.
const verdaccioConfig = `
storage: %[1]s/storage
auth: {htpasswd: {file: %[1]s/htpasswd, max_users: 10}}
security: {api: {jwt: {sign: {expiresIn: 60d}}}}
uplinks: {}
packages: {'**': {access: $authenticated, publish: $authenticated, unpublish: $authenticated}}
max_body_size: 2000mb
log: {type: stdout, format: json, level: fatal}
`

func startVerdaccio(dir string) (*target, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "verdaccio")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(data, "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, verdaccioConfig, data), 0o600); err != nil {
		return nil, err
	}
	program, err := filepath.Glob(".cache/bench/verdaccio-*/node_modules/verdaccio/bin/verdaccio")
	if err != nil || len(program) == 0 {
		return nil, errors.New("Verdaccio is not installed; run scripts/bench-peers.sh") //nolint:staticcheck // a name
	}
	cmd, err := start("http://"+address+"/-/ping", []int{http.StatusOK}, ".cache/clients/bin/node", program[0], "--config", config, "--listen", address)
	if err != nil {
		return nil, err
	}
	body := `{"name":"bench","password":"correct-horse"}`
	req, err := http.NewRequest(http.MethodPut, "http://"+address+"/-/user/org.couchdb.user:bench", strings.NewReader(body)) //nolint:noctx // a benchmark
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var login struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&login); err != nil || login.Token == "" {
		return nil, fmt.Errorf("sign in to Verdaccio: %s, %w", resp.Status, err)
	}
	return newTarget("Verdaccio", "http://"+address, login.Token, cmd), nil
}

func startReference(dir, program string) (*target, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cmd, err := start("http://"+address+"/", []int{http.StatusUnauthorized}, program, filepath.Join(dir, "ref"), address, "token")
	if err != nil {
		return nil, err
	}
	return newTarget("reference", "http://"+address, "token", cmd), nil
}

// do sends one request and reads its answer to the end.
func (t *target) do(method, path string, body []byte, header http.Header) (*http.Response, error) {
	req, err := http.NewRequest(method, t.base+path, bytes.NewReader(body)) //nolint:noctx // a benchmark
	if err != nil {
		return nil, err
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, errors.Join(err, resp.Body.Close())
}
