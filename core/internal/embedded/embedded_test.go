package embedded

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRestartFindsItsData(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(openDir(t), "pg"), Durable: true}

	first, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, first.URL())
	for setting, want := range map[string]string{ //nolint:gosec // no credentials
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
		"jit": "off", "max_connections": "60", "password_encryption": "scram-sha-256", "listen_addresses": "",
	} {
		if got := ask(t, first.URL(), "select setting from pg_settings where name = '"+setting+"'"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got, err := RunningURL(cfg.Dir); err != nil || got != first.URL() {
		t.Errorf("RunningURL gives %v, and not the server's URL", err)
	}
	stop(t, first)
	stop(t, first) // does nothing
	_, err = RunningURL(cfg.Dir)
	wantError(t, err, ErrNotRunning)
	select {
	case <-first.Done():
		t.Error("Done is closed although the server was stopped")
	default:
	}

	began := time.Now()
	second := start(t, cfg)
	t.Logf("started again in %v", time.Since(began))
	wantKept(t, second.URL())
}

func TestKilledServerIsNoticedAndRecovers(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(openDir(t), "pg"), Durable: true}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s.URL())
	if err := s.proc.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, s.Done(), "Done closed after kill -9 of PostgreSQL")
	stop(t, s)

	again := start(t, cfg)
	wantKept(t, again.URL())
}

func TestServerEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	c := startChild(t, self(), dir)
	keep(t, c.said)
	c.kill(t)

	at := layout(dir)
	eventually(t, 10*time.Second, "PostgreSQL ended after kill -9 of its parent", func() bool {
		pids, err := serversOn(at)
		return err == nil && len(pids) == 0
	})
	again := start(t, Config{Dir: dir, Durable: true})
	wantKept(t, again.URL())
}

func TestStartWaitsForTheServerOfAKilledParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	c := startChild(t, self(), dir)
	keep(t, c.said)
	c.kill(t)
	again := start(t, Config{Dir: dir, Durable: true}) // at once, while the old one shuts down
	wantKept(t, again.URL())
}

func TestTwoStartsOnOneDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	s := start(t, Config{Dir: dir})
	_, err := Start(t.Context(), Config{Dir: dir})
	wantError(t, err, ErrInUse)
	if want := strconv.Itoa(os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("the error does not name the process %s: %v", want, err)
	}
	if got := ask(t, s.URL(), "select 'fine'"); got != "fine" {
		t.Errorf("the first server answers %q", got)
	}
}

// As an ordinary user PostgreSQL runs as that user. The accounts that this test can be depend on
// who runs it.
func TestRunsAsAnOrdinaryUser(t *testing.T) {
	t.Parallel()
	for _, who := range ordinary(t) {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			home := openDir(t)
			if err := os.Chown(home, who.uid, who.gid); err != nil {
				t.Fatal(err)
			}
			c := startChild(t, who, filepath.Join(home, "pg"))
			if got := ask(t, c.said, "select current_database()"); got != "pakhus" {
				t.Errorf("the child's server answers %q (it said %q)", got, c.said)
			}
			c.stop(t)
		})
	}
}

func TestAnotherAccountsClusterIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a cluster away")
	}
	dir := filepath.Join(openDir(t), "pg")
	stop(t, start(t, Config{Dir: dir}))
	nobody := lookup(t, "nobody")
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // so that only the cluster's owner is in the way
		t.Fatal(err)
	}
	if err := os.Remove(layout(dir).lock()); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, nobody, dir)
	if !strings.Contains(c.said, "belongs to the account") {
		t.Errorf("the child said %q, want whom the cluster belongs to", c.said)
	}
}

func TestDirectoryBelowAClosedOne(t *testing.T) {
	t.Parallel()
	// t.TempDir lies below a folder that only its owner may enter, as /root is.
	cfg := Config{Dir: filepath.Join(t.TempDir(), "pg")}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s.URL())
	if got, err := RunningURL(cfg.Dir); err != nil || got != s.URL() {
		t.Errorf("RunningURL gives %v, and not the server's URL", err)
	}
	stop(t, s)
	again := start(t, cfg)
	wantKept(t, again.URL())
}

func TestDirectoryTooLongForASocket(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(openDir(t), strings.Repeat("long", 25), "pg")}
	s := start(t, cfg)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	if u.Hostname() != "127.0.0.1" {
		t.Errorf("the server is at %q, want 127.0.0.1", u.Hostname())
	}
	if got := ask(t, s.URL(), "select 'fine'"); got != "fine" {
		t.Errorf("the server answers %q", got)
	}
	if got, err := RunningURL(cfg.Dir); err != nil || got != s.URL() {
		t.Errorf("RunningURL gives %v, and not the server's URL", err)
	}
}

func TestPasswordIsNeeded(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	s := start(t, Config{Dir: dir})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(superuser, "wrong")
	if conn, err := connect(t.Context(), u.String()); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a wrong password was accepted")
	}
	info, err := os.Stat(layout(dir).password())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file has mode %v, want 0600", info.Mode().Perm())
	}
}

func TestServerInheritsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: filepath.Join(openDir(t), "pg")})
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.proc.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range strings.FieldsFunc(string(raw), func(r rune) bool { return r == 0 }) {
		name, _, _ := strings.Cut(entry, "=")
		// PostgreSQL sets the second row itself.
		if !slices.Contains([]string{
			"PATH", "LC_ALL", "TZ",
			"LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME", "PGLOCALEDIR", "PGSYSCONFDIR",
		}, name) {
			t.Errorf("the server has inherited %s", name)
		}
	}
	group, err := syscall.Getpgid(s.proc.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if group == syscall.Getpgrp() {
		t.Error("the server is in our process group: Ctrl-C would reach it")
	}
}

// self is who runs this test.
func self() account {
	return account{name: "self", uid: os.Geteuid(), gid: os.Getegid()}
}

// ordinary lists the accounts other than root that this test can be.
func ordinary(t *testing.T) []account {
	t.Helper()
	if os.Geteuid() != 0 {
		return []account{self()}
	}
	return []account{lookup(t, "nobody")}
}
