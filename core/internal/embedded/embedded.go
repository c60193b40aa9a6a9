// Package embedded runs a PostgreSQL for one machine: its binaries are found or
// fetched, its cluster is made on first use, and it lives and dies with this process.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// ErrInUse is what Start answers when another process runs a server on the same directory.
var ErrInUse = errors.New("the directory is in use")

// ErrNotRunning is what RunningURL answers when no server runs on the directory.
var ErrNotRunning = errors.New("no embedded PostgreSQL is running")

// leftover is how long Start waits for the server of an earlier process to end.
const leftover = 10 * time.Second

// Config says where the server lives and what it promises.
type Config struct {
	Dir      string // cluster, password, lock and log; made if missing, and given to the server's account
	BinDir   string // of initdb and postgres; "": found on the machine, else fetched
	CacheDir string // of fetched binaries; "": /var/cache/pakhus for root, else the user's cache
	Durable  bool   // false: no fsync, and more connections. Only for tests
	Log      hclog.Logger
}

// Server is a running PostgreSQL. Its methods are safe for concurrent use.
type Server struct {
	url      string
	proc     *process
	lock     *os.File
	stopping atomic.Bool
	died     chan struct{}
}

// Start starts PostgreSQL on cfg.Dir and returns when it answers; the first time it makes the
// cluster. A crashed server's data is recovered, which takes as long as it takes: ctx bounds Start.
// The server outlives ctx. It ends with Stop, or quickly and cleanly when this process dies.
// Started by root, PostgreSQL runs as the account postgres, or nobody.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	at, err := open(cfg.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(at.lock())
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, died: make(chan struct{})}
	defer func() {
		if err != nil {
			s.abort(ctx)
		}
	}()

	if err := awaitLeftover(ctx, at, cfg.Log); err != nil {
		return nil, err
	}
	who, err := chooseAccount(at.data())
	if err != nil {
		return nil, err
	}
	if err := at.giveTo(who); err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, cfg, at, who)
	if err != nil {
		return nil, err
	}
	cl := &cluster{layout: at, account: who, bin: bin, durable: cfg.Durable, log: cfg.Log}
	if err := cl.create(ctx); err != nil {
		return nil, err
	}
	if s.proc, err = cl.launch(ctx); err != nil {
		return nil, err
	}
	if s.url, err = cl.awaitReady(ctx, s.proc); err != nil {
		return nil, err
	}
	go s.watch(cfg.Log)
	return s, nil
}

// URL returns the superuser's URL of the database pakhus. It contains the password.
func (s *Server) URL() string { return s.url }

// Done returns a channel that is closed when the server ends without Stop.
func (s *Server) Done() <-chan struct{} { return s.died }

// Stop ends all sessions, writes everything to disk and ends the server. When ctx ends first
// the server is stopped hard, which loses nothing but costs a recovery at the next start.
// Stopping a stopped server does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	defer func() { _ = s.lock.Close() }()
	if err := s.proc.end(ctx, syscall.SIGINT); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftover)
	defer cancel()
	if err := s.proc.end(hard, syscall.SIGQUIT); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

func (s *Server) watch(log hclog.Logger) {
	<-s.proc.exited
	if s.stopping.Load() {
		return
	}
	log.Error("PostgreSQL ended by itself", "state", s.proc.state())
	close(s.died)
}

// abort undoes a Start that failed.
func (s *Server) abort(ctx context.Context) {
	defer func() { _ = s.lock.Close() }()
	if s.proc == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftover)
	defer cancel()
	_ = s.proc.end(ctx, syscall.SIGQUIT)
}

// open makes the server's directory, or takes the one that is there.
func open(dir string) (layout, error) {
	if dir == "" {
		return "", errors.New("embedded: Dir is empty")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("make PostgreSQL's directory: %w", err)
	}
	// What the kernel says of a process's directory has no symbolic links in it.
	abs, err = filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", dir, err)
	}
	return layout(abs), nil
}
