package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
)

// tuning is appended to the new cluster's postgresql.conf, which is the operator's from then on.
const tuning = `
# Pakhus: for one machine and one application. Change as you like.
shared_buffers = 128MB
max_connections = 60
jit = off
`

// maxLog is the size from which a start moves the log of earlier runs aside.
const maxLog = 16 << 20

// cluster is a PostgreSQL data directory and how it is run.
type cluster struct {
	layout
	account account
	bin     string
	durable bool
	log     hclog.Logger
	tcpPort int // set by launch; 0: the socket
}

// create makes the cluster if there is none. One that a crash left half made is made anew.
func (c *cluster) create(ctx context.Context) error {
	if _, err := os.Stat(c.version()); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at the cluster: %w", err)
	}
	c.log.Info("making the database cluster", "dir", c.data(), "account", c.account.name, "binaries", c.bin)
	if err := c.newPassword(c.account); err != nil {
		return err
	}
	unfinished := c.data() + ".unfinished"
	// Accounts differ in what they know of locales. C.UTF-8 gives every machine the same
	// order (by code point) and upper and lower case for all letters.
	var err error
	for _, ctype := range []string{"C.UTF-8", "C"} {
		if err = c.initdb(ctx, unfinished, ctype); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(unfinished, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // in the directory that the operator gave us
	if err != nil {
		return fmt.Errorf("open postgresql.conf: %w", err)
	}
	_, err = conf.WriteString(tuning)
	if err := errors.Join(err, conf.Sync(), conf.Close()); err != nil {
		return fmt.Errorf("write postgresql.conf: %w", err)
	}
	if err := os.Rename(unfinished, c.data()); err != nil {
		return fmt.Errorf("finish the cluster: %w", err)
	}
	return c.sync()
}

func (c *cluster) initdb(ctx context.Context, dir, ctype string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove an unfinished cluster: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the cluster's folder: %w", err)
	}
	if c.account.other() {
		if err := os.Chown(dir, c.account.uid, c.account.gid); err != nil {
			return fmt.Errorf("give %s to the account %s: %w", dir, c.account.name, err)
		}
	}
	secret, err := os.Open(c.password())
	if err != nil {
		return fmt.Errorf("open password: %w", err)
	}
	defer func() { _ = secret.Close() }()

	// The death signal is the thread's: see launch.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd, done, err := c.command(ctx, "initdb", dir)
	if err != nil {
		return err
	}
	defer done()
	cmd.ExtraFiles = append(cmd.ExtraFiles, secret)
	cmd.Args = append(cmd.Args,
		"--username="+superuser, "--auth=scram-sha-256", "--pwfile=/dev/fd/"+strconv.Itoa(2+len(cmd.ExtraFiles)),
		"--encoding=UTF8", "--locale=C", "--lc-ctype="+ctype, "--data-checksums")
	if !c.durable {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// command prepares a program of PostgreSQL that works on the data directory dir, as the server's
// account. It gets nothing of this process's environment, which may hold secrets and PG*
// variables. done gives up what the command no longer needs once it has started.
func (c *cluster) command(ctx context.Context, tool, dir string) (_ *exec.Cmd, done func(), err error) {
	arg, extra, done := dir, []*os.File(nil), func() {}
	if closed := c.account.blockedBy(filepath.Dir(dir)); closed != "" {
		f, name, err := passThrough(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("the account %s cannot reach %s, %s is closed to it (chmod o+x it, or choose another data directory): %w",
				c.account.name, dir, closed, err)
		}
		arg, extra, done = name, []*os.File{f}, func() { _ = f.Close() }
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, tool), "-D", arg) //nolint:gosec // found by findBinaries
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	if tz := os.Getenv("TZ"); tz != "" {
		cmd.Env = append(cmd.Env, "TZ="+tz)
	}
	cmd.ExtraFiles = extra
	cmd.SysProcAttr = attributes(c.account, c.durable)
	return cmd, done, nil
}

// launch starts the server, which outlives ctx.
func (c *cluster) launch(ctx context.Context) (*process, error) {
	if !c.socketFits() {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		c.tcpPort = port
	}
	out, err := c.openLog()
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd, done, err := c.command(context.WithoutCancel(ctx), "postgres", c.data())
	if err != nil {
		return nil, err
	}
	defer done()
	for _, s := range c.settings() {
		cmd.Args = append(cmd.Args, "-c", s)
	}
	cmd.Stdout, cmd.Stderr = out, out
	return launch(cmd)
}

// settings are what must hold whatever postgresql.conf says.
func (c *cluster) settings() []string {
	s := []string{
		"cluster_name=pakhus",
		"password_encryption=scram-sha-256",
		"log_destination=stderr", "logging_collector=off", "log_checkpoints=off",
		// Statements may hold the passwords of roles, and errors of statements come back to us anyway.
		"log_min_messages=log", "log_min_error_statement=panic", "log_statement=none",
	}
	if c.tcpPort != 0 {
		s = append(s, "listen_addresses=127.0.0.1", "unix_socket_directories=", "port="+strconv.Itoa(c.tcpPort))
	} else {
		// "." is the data directory; it is shorter than its name, and closed to other accounts.
		s = append(s, "listen_addresses=", "unix_socket_directories=.", "port="+strconv.Itoa(socketPort))
	}
	if !c.durable {
		s = append(s, "fsync=off", "full_page_writes=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0", "max_connections=200")
	}
	return s
}

func (c *cluster) openLog() (*os.File, error) {
	if info, err := os.Stat(c.layout.log()); err == nil && info.Size() > maxLog {
		if err := os.Rename(c.layout.log(), c.layout.log()+".1"); err != nil {
			return nil, fmt.Errorf("move the old log aside: %w", err)
		}
	}
	f, err := os.OpenFile(c.layout.log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	return f, nil
}

// awaitReady returns the URL of the database pakhus once the server answers, and makes the
// database if it is not there yet.
func (c *cluster) awaitReady(ctx context.Context, p *process) (string, error) {
	admin, err := c.url("postgres", c.tcpPort)
	if err != nil {
		return "", err
	}
	conn, err := c.firstConnection(ctx, p, admin)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists)
	if err != nil {
		return "", fmt.Errorf("look for the database: %w", err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, "create database "+database); err != nil {
			return "", fmt.Errorf("create the database: %w", err)
		}
	}
	return c.url(database, c.tcpPort)
}

func (c *cluster) firstConnection(ctx context.Context, p *process, url string) (*pgx.Conn, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn, nil
		}
		last = err
		select {
		case <-p.exited:
			return nil, fmt.Errorf("PostgreSQL did not start (%s): %s", p.state(), c.logTail())
		case <-ctx.Done():
			return nil, fmt.Errorf("PostgreSQL did not answer in time: %w (last: %w)", ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// logTail returns the end of PostgreSQL's log, where it says why it ended.
func (c *cluster) logTail() string {
	raw, err := os.ReadFile(c.layout.log())
	if err != nil {
		return "no log: " + err.Error()
	}
	if n := len(raw) - 1000; n > 0 {
		raw = raw[n:]
	}
	return strings.TrimSpace(string(raw))
}
