package plugins

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin/runner"
)

// spawner starts processes from one operating system thread that lives as long
// as it does: Linux ties a child's death signal to the thread that made the child.
type spawner struct {
	work chan func()
	quit chan struct{}
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		defer close(s.done)
		hardenThread()
		for {
			select {
			case fn := <-s.work:
				fn()
			case <-s.quit:
				return
			}
		}
	}()
	return s
}

func (s *spawner) run(fn func() error) error {
	result := make(chan error, 1)
	select {
	case s.work <- func() { result <- fn() }:
		return <-result
	case <-s.quit:
		return errStopped
	}
}

// close ends the thread, and on Linux the processes that it started.
func (s *spawner) close() {
	close(s.quit)
	<-s.done
}

// process is one plugin process. It implements go-plugin's runner, and gives
// go-plugin only the one line of stdout that is the handshake: its readers of
// the rest can be made to panic, to stop reading, and to wait for ever for a
// pipe that a grandchild holds.
type process struct {
	spawner *spawner
	binary  *os.File
	path    string
	dir     string // where its socket has to be
	env     []string
	said    *voice

	greeting  *io.PipeReader // the handshake, and then the end
	greets    *io.PipeWriter
	stdout    *os.File
	stderr    *os.File
	listening sync.WaitGroup // for the end of both

	mu       sync.Mutex
	pid      int // 0 before the start
	unwanted bool
	reaped   bool
	ending   *os.ProcessState
	gone     chan struct{} // closed when the process has ended
}

var _ runner.Runner = (*process)(nil)

// newProcess makes a process of an opened binary; its env is all the environment it gets.
func newProcess(s *spawner, binary *os.File, path, dir string, log hclog.Logger) *process {
	p := &process{spawner: s, binary: binary, path: path, dir: dir, said: newVoice(log), gone: make(chan struct{})}
	p.greeting, p.greets = io.Pipe()
	return p
}

// Start runs the open binary with nothing inherited: no environment, no
// terminal, no files but its pipes and itself, a process group of its own, and
// a signal that ends it with the core.
func (p *process) Start(context.Context) error {
	stdout, out, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	stderr, errs, err := os.Pipe()
	if err != nil {
		_ = stdout.Close()
		_ = out.Close()
		return fmt.Errorf("pipe: %w", err)
	}
	defer func() { _ = out.Close(); _ = errs.Close() }()
	p.stdout, p.stderr = stdout, stderr

	cmd := &exec.Cmd{Path: executable(p.path), Args: []string{p.path}, Env: p.env, Dir: "/"}
	cmd.Stdout, cmd.Stderr = out, errs // and no stdin: /dev/null
	cmd.ExtraFiles = []*os.File{p.binary}
	cmd.SysProcAttr = attributes()

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unwanted {
		err = errors.New("no longer wanted")
	} else {
		err = p.spawner.run(cmd.Start)
	}
	if err != nil {
		_ = stdout.Close()
		_ = stderr.Close()
		return fmt.Errorf("start %s: %w", p.path, err)
	}
	p.pid = cmd.Process.Pid
	limit(p.pid)
	p.listening.Go(p.listenToStdout)
	p.listening.Go(func() { _, _ = io.Copy(p.said.stream(), p.stderr) })
	go p.bury(cmd.Process)
	return nil
}

// bury waits for the end of the process, and sees to what it leaves.
func (p *process) bury(child *os.Process) {
	awaitExit(p.pid)
	p.mu.Lock()
	// Its children must not outlive it. It is not reaped yet, so the group's
	// number cannot have become another's.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	p.ending, _ = child.Wait()
	p.reaped = true
	p.mu.Unlock()

	// What it said last is in the pipes still. A grandchild in another group may
	// hold them open: nobody waits for that.
	const lastWords = 200 * time.Millisecond
	patience := time.AfterFunc(lastWords, func() { _ = p.stdout.Close(); _ = p.stderr.Close() })
	p.listening.Wait()
	if patience.Stop() {
		_ = p.stdout.Close()
		_ = p.stderr.Close()
	}
	close(p.gone)
}

// end ends the process and all of its group at once. It does not wait, and may
// be called at any time, and again; a process not started yet will not be.
func (p *process) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unwanted = true
	if p.pid != 0 && !p.reaped {
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
}

// wait returns when the process has ended, or was never started.
func (p *process) wait() {
	p.mu.Lock()
	started := p.pid != 0
	p.mu.Unlock()
	if started {
		<-p.gone
	}
}

// obituary says how the process ended; for when it has.
func (p *process) obituary() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ending := "in an unknown way"
	if p.ending != nil {
		ending = p.ending.String()
	}
	if words := p.said.lastLines(); words != "" {
		return fmt.Errorf("process %d ended: %s; it said: %s", p.pid, ending, words)
	}
	return fmt.Errorf("process %d ended: %s", p.pid, ending)
}

// listenToStdout hands the handshake on; everything else is logged, before and
// after it, for as long as the process lives: a full pipe would block it.
func (p *process) listenToStdout() {
	defer func() { _ = p.greets.Close() }()
	in := bufio.NewReaderSize(p.stdout, 4<<10)
	stray := p.said.stream()
	for {
		line, err := in.ReadSlice('\n')
		if err == nil && isHandshake(string(line)) {
			_, _ = p.greets.Write(line)
			_ = p.greets.Close()
			break
		}
		_, _ = stray.Write(line)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
	_, _ = io.Copy(stray, in)
}

// isHandshake knows go-plugin's line: "1|1|unix|/path|grpc|".
func isHandshake(line string) bool {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 4 {
		return false
	}
	_, core := strconv.Atoi(parts[0])
	_, major := strconv.Atoi(parts[1])
	return core == nil && major == nil
}

// Wait implements runner.Runner.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements runner.Runner.
func (p *process) Kill(context.Context) error {
	p.end()
	p.wait()
	return nil
}

// Diagnose implements runner.Runner; it is asked when the handshake failed.
func (p *process) Diagnose(context.Context) string {
	return "it did not greet the core as a plugin does: it may be a program of another kind, or for another machine"
}

// Stdout implements runner.Runner.
func (p *process) Stdout() io.ReadCloser { return p.greeting }

// Stderr implements runner.Runner: nothing, see process.
func (p *process) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (p *process) Name() string { return p.path }

// ID implements runner.Runner; empty before the start.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 {
		return ""
	}
	return strconv.Itoa(p.pid)
}

// PluginToHost implements runner.Runner. It takes only what is expected: a
// socket in the folder that was made for it.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(address) != p.dir {
		return "", "", fmt.Errorf("the plugin listens on %s %q, and not on a Unix socket in %s", network, address, p.dir)
	}
	return network, address, nil
}

// HostToPlugin implements runner.Runner: both see the same file system.
func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
