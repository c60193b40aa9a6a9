package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/migrations"
)

const envURL = "PAKHUS_TEST_DATABASE_URL"

// testServer is the PostgreSQL that tests share.
type testServer struct {
	url      string // of the maintenance database
	template string
	alive    *os.File // see removeAfterUs; the garbage collector would close it
}

// server starts what the first test needs and keeps it for the rest of the process: tests have
// no main function that could own it.
var server = sync.OnceValues(func() (*testServer, error) { //nolint:gochecknoglobals // see above
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s := &testServer{url: os.Getenv(envURL)}
	if s.url == "" {
		return s, s.startEmbedded(ctx)
	}
	if _, err := url.Parse(s.url); err != nil {
		return nil, fmt.Errorf("%s is not a URL", envURL)
	}
	return s, s.ensureTemplate(ctx)
})

// startEmbedded starts a server in a folder that is removed when this process is gone. Its own
// database is the template. (Copying a cluster made earlier was tried: it is not faster.)
func (s *testServer) startEmbedded(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "pakhus-pgtest-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	if s.alive, err = removeAfterUs(ctx, dir); err != nil {
		return err
	}
	pg, err := embedded.Start(ctx, embedded.Config{Dir: dir, Durable: false})
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, pg.URL()); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	s.url, s.template = onDatabase(pg.URL(), "postgres"), "pakhus"
	return nil
}

// removeAfterUs leaves a shell behind that removes dir as soon as this process is gone, however
// it went. It learns that from its standard input, the other end of which only we hold. The server
// takes a moment longer to go and may still write, hence the second removal.
func removeAfterUs(ctx context.Context, dir string) (ours *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer func() { _ = r.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", `read -r x; rm -rf "$1"; sleep 2; rm -rf "$1"`, "sh", dir) //nolint:gosec // a folder of our own
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("start the shell that tidies up: %w", err)
	}
	return w, nil
}

// ensureTemplate makes the template database once per server and schema. Test processes that
// start at once wait for each other.
func (s *testServer) ensureTemplate(ctx context.Context) error {
	version, err := schemaVersion()
	if err != nil {
		return err
	}
	s.template = "pakhus_template_" + version
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", s.template); err != nil {
		return fmt.Errorf("wait for the template: %w", err)
	}
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", s.template).Scan(&exists)
	if err != nil || exists {
		return err
	}
	unfinished := s.template + "_unfinished"
	for _, sql := range []string{
		fmt.Sprintf("drop database if exists %s with (force)", unfinished),
		fmt.Sprintf("create database %s", unfinished),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("create the template: %w", err)
		}
	}
	if err := postgres.Migrate(ctx, onDatabase(s.url, unfinished)); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	// Nobody may connect: a database in use cannot be copied.
	for _, sql := range []string{
		fmt.Sprintf("alter database %s with allow_connections false", unfinished),
		fmt.Sprintf("alter database %s rename to %s", unfinished, s.template),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("finish the template: %w", err)
		}
	}
	return nil
}

// schemaVersion names everything that the template's content depends on.
func schemaVersion() (string, error) {
	h := sha256.New()
	queue := riverpgxv5.New(nil).GetMigrationFS(riverdriver.MigrationLineMain)
	for _, files := range []fs.FS{migrations.Files, queue} {
		err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(files, path)
			_, _ = fmt.Fprintf(h, "%s %d %s", path, len(raw), raw)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read migrations: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
