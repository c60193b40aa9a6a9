package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	superuser = "pakhus"
	database  = "pakhus"
	// socketPort names the socket's file; nothing listens on TCP then.
	socketPort = 5432
	// maxSocketPath is what fits in sun_path on Linux (108 with the final zero) and, with 104, on BSD and macOS.
	maxSocketPath = 103
)

// layout is the server's directory: absolute, without symbolic links.
type layout string

func (l layout) data() string     { return filepath.Join(string(l), "data") }
func (l layout) lock() string     { return filepath.Join(string(l), "lock") }
func (l layout) log() string      { return filepath.Join(string(l), "postgres.log") }
func (l layout) password() string { return filepath.Join(string(l), "password") }
func (l layout) version() string  { return filepath.Join(l.data(), "PG_VERSION") }
func (l layout) pidFile() string  { return filepath.Join(l.data(), "postmaster.pid") }

// socketFits reports whether a client can name the socket, which lies in the data directory.
func (l layout) socketFits() bool {
	return len(filepath.Join(l.data(), ".s.PGSQL."+strconv.Itoa(socketPort))) <= maxSocketPath
}

// giveTo makes the server's account the owner of what it works with.
func (l layout) giveTo(who account) error {
	if !who.other() {
		return nil
	}
	for _, path := range []string{string(l), l.data(), l.password()} {
		if err := os.Lchown(path, who.uid, who.gid); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("give %s to the account %s: %w", path, who.name, err)
		}
	}
	return nil
}

// newPassword writes a random superuser password that only the server's account may read.
func (l layout) newPassword(who account) error {
	// A crash before the cluster was made leaves one behind.
	if err := os.Remove(l.password()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old password: %w", err)
	}
	f, err := os.OpenFile(l.password(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	_, err = f.WriteString(rand.Text() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	return l.giveTo(who)
}

// sync makes the names in the directory survive a power cut.
func (l layout) sync() error {
	dir, err := os.Open(string(l))
	if err != nil {
		return fmt.Errorf("open PostgreSQL's directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync PostgreSQL's directory: %w", err)
	}
	return nil
}

// url returns the superuser's URL of one database. With port 0 it goes through the socket.
func (l layout) url(db string, port int) (string, error) {
	secret, err := os.ReadFile(l.password())
	if err != nil {
		return "", fmt.Errorf("read the database password: %w", err)
	}
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(superuser, strings.TrimSpace(string(secret))),
		Host:   "127.0.0.1:" + strconv.Itoa(port),
		Path:   "/" + db,
	}
	if port == 0 {
		u.Host = ""
		u.RawQuery = url.Values{"host": {l.data()}, "port": {strconv.Itoa(socketPort)}}.Encode()
	}
	return u.String(), nil
}

// RunningURL returns the superuser's URL of the database pakhus of the server that runs on dir,
// for a command beside it. The error is ErrNotRunning when there is none; only the server's
// account and root may read the password.
func RunningURL(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", dir, err)
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		abs = resolved
	}
	l := layout(abs)
	pm, err := readPIDFile(l.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%w on %s", ErrNotRunning, dir)
	}
	if err != nil {
		return "", err
	}
	if !pm.ready || !alive(pm.pid) {
		return "", fmt.Errorf("%w on %s: process %d of its lock file is gone or not ready", ErrNotRunning, dir, pm.pid)
	}
	return l.url(database, pm.tcpPort)
}

// postmaster is what PostgreSQL says of itself in postmaster.pid.
type postmaster struct {
	pid     int
	tcpPort int // 0: it listens on its socket only
	ready   bool
}

// readPIDFile reads postmaster.pid: process, directory, start, port, socket's directory,
// TCP address, shared memory and state, one a line (PostgreSQL's utils/pidfile.h).
func readPIDFile(path string) (postmaster, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // in the directory that the operator gave us
	if err != nil {
		return postmaster{}, fmt.Errorf("read PostgreSQL's lock file: %w", err)
	}
	line := strings.Split(string(raw), "\n")
	at := func(i int) string {
		if i < len(line) {
			return strings.TrimSpace(line[i])
		}
		return "" // it is written line by line while the server starts
	}
	pid, err := strconv.Atoi(at(0))
	if err != nil || pid <= 0 {
		return postmaster{}, fmt.Errorf("%s does not begin with a process number", path)
	}
	pm := postmaster{pid: pid, ready: at(7) == "ready"}
	if at(5) != "" {
		pm.tcpPort, err = strconv.Atoi(at(3))
		if err != nil {
			return postmaster{}, fmt.Errorf("%s has no port in line 4", path)
		}
	}
	return pm, nil
}
