package embedded

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
)

func connect(ctx context.Context, url string) (*pgx.Conn, error) { return pgx.Connect(ctx, url) }

func lookup(t *testing.T, name string) account {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return account{name: name, uid: uid, gid: gid}
}

func TestMajorOf(t *testing.T) {
	t.Parallel()
	for banner, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 18beta1\n":                        18,
		"postgres (PostgreSQL) 9.6.24\n":                         9,
		"postgres (Acme) 15":                                     0,
		"postgres (PostgreSQL) next":                             0,
		"":                                                       0,
	} {
		got, err := majorOf(banner)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("majorOf(%q) = %d, %v; want %d", banner, got, err, want)
		}
	}
}

func TestReadPIDFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want postmaster
		ok   bool
	}{
		"on its socket":   {"71\n/d\n1795619977\n5432\n.\n\n 10168624 4\nready   \n", postmaster{pid: 71, ready: true}, true},
		"on TCP":          {"71\n/d\n1795619977\n40001\n\n127.0.0.1\n 10168624 4\nready   \n", postmaster{pid: 71, tcpPort: 40001, ready: true}, true},
		"still starting":  {"71\n/d\n1795619977\n5432\n.\n", postmaster{pid: 71}, true},
		"stopping":        {"71\n/d\n1795619977\n5432\n.\n\n 10168624 4\nstopping\n", postmaster{pid: 71}, true},
		"empty":           {"", postmaster{}, false},
		"no number":       {"postgres\n", postmaster{}, false},
		"a process group": {"-71\n", postmaster{}, false},
		"TCP, no port":    {"71\n/d\n1795619977\nhttp\n\n127.0.0.1\n 1 4\nready\n", postmaster{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "postmaster.pid")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readPIDFile(path)
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("read %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestBinariesThatDoNotServe(t *testing.T) {
	t.Parallel()
	// fake is a directory with programs that say to be this version.
	fake := func(t *testing.T, version string) string {
		t.Helper()
		dir := openDir(t)
		for _, tool := range []string{"initdb", "postgres"} {
			script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
			if err := os.WriteFile(filepath.Join(dir, tool), []byte(script), 0o755); err != nil { //nolint:gosec // a program
				t.Fatal(err)
			}
		}
		return dir
	}
	for name, c := range map[string]struct {
		dir   func(t *testing.T) string
		major int
		want  string
	}{
		"missing":             {func(t *testing.T) string { t.Helper(); return openDir(t) }, 0, "look for initdb"},
		"too old":             {func(t *testing.T) string { t.Helper(); return fake(t, "14.2") }, 0, "15 or newer"},
		"not the cluster's":   {func(t *testing.T) string { t.Helper(); return fake(t, "16.1") }, 15, "made by 15"},
		"not PostgreSQL":      {func(t *testing.T) string { t.Helper(); return fake(t, "") }, 0, "not a version"},
		"new enough":          {func(t *testing.T) string { t.Helper(); return fake(t, "15.0") }, 0, ""},
		"just like the first": {func(t *testing.T) string { t.Helper(); return fake(t, "16.1") }, 16, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := usable(t.Context(), c.dir(t), c.major, self())
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestClusterIsServedByItsOwnVersion(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "pg")
	at := layout(dir)
	if err := os.MkdirAll(at.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at.version(), []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := installed(t.Context())[0]
	_, err := Start(t.Context(), Config{Dir: dir, BinDir: bin})
	if err == nil || !strings.Contains(err.Error(), "the cluster was made by 12") {
		t.Errorf("error is %v, want one that names the cluster's version", err)
	}
	if _, err := Start(t.Context(), Config{Dir: dir, Log: hclog.NewNullLogger()}); err == nil {
		t.Error("a cluster of a version that cannot be had was started")
	}
}

func TestBlockedBy(t *testing.T) {
	t.Parallel()
	top := openDir(t)
	shut := filepath.Join(top, "shut")
	inner := filepath.Join(shut, "inner")
	if err := os.MkdirAll(inner, 0o755); err != nil { //nolint:gosec // passable by others
		t.Fatal(err)
	}
	if err := os.Chmod(shut, 0o710); err != nil { //nolint:gosec // passable by its group
		t.Fatal(err)
	}
	stranger := account{uid: 54321, gid: 54321}
	member := account{uid: 54321, gid: os.Getegid()}
	for _, c := range []struct {
		name string
		who  account
		path string
		want string
	}{
		{"a stranger on an open way", stranger, top, ""},
		{"a stranger below a closed folder", stranger, inner, shut},
		{"a member of its group", member, inner, ""},
		{"its owner", self(), inner, ""},
		{"a path that is not there yet", stranger, filepath.Join(inner, "new"), shut},
	} {
		if got := c.who.blockedBy(c.path); got != c.want {
			t.Errorf("%s: blocked by %q, want %q", c.name, got, c.want)
		}
	}
}
