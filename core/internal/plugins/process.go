package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
)

// spawner starts processes from one operating system thread that lives as long
// as it does: Linux ties a child's death signal to the thread that made the child.
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		defer close(s.done)
		for fn := range s.work {
			fn()
		}
	}()
	return s
}

func (s *spawner) run(fn func() error) error {
	result := make(chan error, 1)
	s.work <- func() { result <- fn() }
	return <-result
}

func (s *spawner) close() {
	close(s.work)
	<-s.done
}

// process is one plugin process; it implements go-plugin's runner.
type process struct {
	spawner *spawner
	binary  *os.File
	path    string
	env     []string

	stdout, stderr *os.File
	pid            int
	gone           chan struct{} // closed when the process has ended
	once           sync.Once
}

var _ runner.Runner = (*process)(nil)

// newProcess makes a process of an opened binary; env is all the environment it gets.
func newProcess(s *spawner, binary *os.File, path string, env []string) *process {
	return &process{spawner: s, binary: binary, path: path, env: env, gone: make(chan struct{})}
}

// limits for a plugin: it needs two sockets and its log, and a core dump would
// hold what it was working on.
const maxOpenFiles = 256

// Start runs the open binary with nothing inherited: no environment, no
// terminal, no files but its pipes, a process group of its own, and a signal
// that ends it with the core.
func (p *process) Start(context.Context) error {
	outR, outW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_ = outR.Close()
		_ = outW.Close()
		return fmt.Errorf("pipe: %w", err)
	}
	p.stdout, p.stderr = outR, errR
	defer func() { _ = outW.Close(); _ = errW.Close() }()
	// In the child, the first extra file is number 3.
	cmd := exec.Command("/proc/self/fd/3") //nolint:noctx,gosec // outlives every request; the file was checked
	cmd.Args = []string{p.path}
	cmd.Env = p.env
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = outW, errW // and no stdin: /dev/null
	cmd.ExtraFiles = []*os.File{p.binary}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.spawner.run(cmd.Start); err != nil {
		_ = outR.Close()
		_ = errR.Close()
		return fmt.Errorf("start %s: %w", p.path, err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		_, _ = cmd.Process.Wait()
		// Children of the plugin must not outlive it, nor hold its pipes open.
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
		close(p.gone)
	}()
	p.limit(unix.RLIMIT_NOFILE, maxOpenFiles)
	p.limit(unix.RLIMIT_CORE, 0)
	return nil
}

func (p *process) limit(resource int, value uint64) {
	limit := unix.Rlimit{Cur: value, Max: value}
	// A process that is gone already needs no limit.
	_ = unix.Prlimit(p.pid, resource, &limit, nil)
}

// Wait returns when the process has ended.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill ends the process and all its children at once.
func (p *process) Kill(context.Context) error {
	if p.pid == 0 {
		return nil
	}
	p.once.Do(func() { _ = syscall.Kill(-p.pid, syscall.SIGKILL) })
	<-p.gone
	return nil
}

// Diagnose is asked when the handshake failed.
func (p *process) Diagnose(context.Context) string {
	return "the plugin did not greet the core as a plugin does; it may be a program of another kind or for another machine"
}

// Stdout carries go-plugin's handshake.
func (p *process) Stdout() io.ReadCloser { return p.stdout }

// Stderr carries the plugin's log.
func (p *process) Stderr() io.ReadCloser { return p.stderr }

// Name is the binary's path.
func (p *process) Name() string { return p.path }

// ID is the process id.
func (p *process) ID() string {
	if p.pid == 0 {
		return ""
	}
	return strconv.Itoa(p.pid)
}

// PluginToHost takes only what is expected: a Unix socket.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" {
		return "", "", errors.New("the plugin does not listen on a Unix socket")
	}
	return network, address, nil
}

// HostToPlugin changes nothing: both see the same file system.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
