// Package redistest runs a real Redis for a test.
package redistest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Server is a redis-server of a test's own, on a socket in a folder of its own.
type Server struct {
	URL string // as rate_limits.redis.url takes it

	socket  string
	process *exec.Cmd
}

// startTime is how long a Redis may take until it answers, on a busy machine.
const startTime = 10 * time.Second

// Start runs a Redis until tb ends. Without a redis-server the test is skipped;
// in CI, where .ci/run installs one, it fails.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal("redistest: there is no redis-server; .ci/run installs it")
		}
		tb.Skip("there is no redis-server: apt-get install redis-server")
	}
	dir, err := os.MkdirTemp("", "redis-") //nolint:usetesting // TempDir's paths are too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{socket: filepath.Join(dir, "s")}
	s.URL = "unix://" + s.socket
	s.Start(tb)
	tb.Cleanup(s.Stop)
	return s
}

// Start starts it again after Stop, with nothing in it.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	s.process = exec.CommandContext(context.Background(), "redis-server", //nolint:gosec // a test's
		"--port", "0", "--unixsocket", s.socket, "--save", "", "--appendonly", "no", "--dir", filepath.Dir(s.socket))
	if err := s.process.Start(); err != nil {
		tb.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		c, err := new(net.Dialer).DialContext(tb.Context(), "unix", s.socket)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Since(began) > startTime {
			tb.Fatalf("redistest: %v", err)
		}
	}
}

// Stop ends it, without a word to those connected.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}
