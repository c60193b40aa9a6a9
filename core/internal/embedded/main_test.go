package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// childDir makes this test binary another process that runs a server on that directory.
const childDir = "PAKHUS_TEST_EMBEDDED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(runChild(dir))
	}
	os.Exit(m.Run())
}

// runChild says the server's URL, or why there is none, and keeps the server until its input ends.
func runChild(dir string) int {
	ctx := context.Background()
	s, err := Start(ctx, Config{Dir: dir, Durable: true})
	if err != nil {
		_, _ = fmt.Fprintf(os.Stdout, "error: %v\n", err)
		return 1
	}
	_, _ = fmt.Fprintln(os.Stdout, s.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Stop(ctx); err != nil {
		return 1
	}
	return 0
}

// child is another process with a server.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  string // the first line: a URL, or "error: …"
}

// startChild runs this test binary as who.
func startChild(t *testing.T, who account, dir string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), reachableSelf(t)) //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential()}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start child as %s: %v", who.name, err)
	}
	c := &child{cmd: cmd, stdin: stdin}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said nothing: %v", err)
	}
	c.said = line[:len(line)-1]
	return c
}

// kill kills the child the hard way and waits until the kernel has done so.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
}

// stop ends the child in order.
func (c *child) stop(t *testing.T) {
	t.Helper()
	_ = c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("the child failed: %v", err)
	}
}

// reachableSelf copies this binary to where other accounts may run it.
func reachableSelf(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(self) //nolint:gosec // this very binary
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openDir(t), "embedded.test")
	if err := os.WriteFile(path, raw, 0o755); err != nil { //nolint:gosec // others must run it
		t.Fatal(err)
	}
	return path
}

// openDir is a temporary folder that all accounts may pass through; t.TempDir is closed.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil { //nolint:gosec // that is the point
			t.Fatal(err)
		}
	}
	return dir
}

// start starts a server that ends with the test.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// keep writes a row that must still be there later: see wantKept.
func keep(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "create table kept as select 42 as answer"); err != nil {
		t.Fatalf("write a row: %v", err)
	}
}

// wantKept checks that the row of keep is there.
func wantKept(t *testing.T, url string) {
	t.Helper()
	if got := ask(t, url, "select answer::text from kept"); got != "42" {
		t.Errorf("the row is %q, want 42", got)
	}
}

// ask returns the only value of a query as text.
func ask(t *testing.T, url, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// within fails the test unless the channel is closed in time.
func within(t *testing.T, limit time.Duration, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("after %v still not: %s", limit, what)
	}
}

// eventually polls what gives no signal.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(limit)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}
