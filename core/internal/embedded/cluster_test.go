package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// In a container process numbers are small and come back after a restart.
func TestStaleLockFileWhoseNumberIsTakenByAnotherProgram(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(openDir(t), "pg")}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.proc.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, s.Done(), "Done closed")
	stop(t, s)

	at := layout(cfg.Dir)
	who, ok, err := ownerOf(at.data())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	stranger := exec.CommandContext(t.Context(), "/bin/sh", "-c", "read -r x")
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: who.credential()}
	if _, err := stranger.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	raw, err := os.ReadFile(at.pidFile())
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\n")
	if err := os.WriteFile(at.pidFile(), fmt.Appendf(nil, "%d\n%s", stranger.Process.Pid, rest), 0o600); err != nil { //nolint:gosec // a test's own folder
		t.Fatal(err)
	}

	again := start(t, cfg)
	if got := ask(t, again.URL(), "select 'fine'"); got != "fine" {
		t.Errorf("the server answers %q", got)
	}
}

func TestClusterThatACrashLeftHalfMadeIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	if err := os.MkdirAll(filepath.Join(dir, "data.unfinished", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("of an earlier attempt"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Dir: dir})
	if got := ask(t, s.URL(), "select 'fine'"); got != "fine" {
		t.Errorf("the server answers %q", got)
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(openDir(t), "pg")}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	conf := filepath.Join(layout(cfg.Dir).data(), "postgresql.conf")
	f, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // a folder of the test
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("no_such_setting = 1\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("error is %v, want PostgreSQL's own words", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(openDir(t), "pg")
	_, err := Start(ctx, Config{Dir: dir})
	wantError(t, err, context.Canceled)
	start(t, Config{Dir: dir}) // and leaves nothing in the way
}
