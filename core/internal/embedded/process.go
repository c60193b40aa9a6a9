package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// process is a child that has been started.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed after Wait
}

// launch starts cmd. The kernel's death signal is tied to the thread that started the child, not
// to the process, so that thread waits for the child and does nothing else.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its outcome is in ProcessState
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// end sends sig and waits until the process is gone or ctx ends.
func (p *process) end(ctx context.Context, sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal PostgreSQL: %w", err)
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("PostgreSQL did not end: %w", ctx.Err())
	}
}

// state says how the process ended; only after exited is closed.
func (p *process) state() string { return p.cmd.ProcessState.String() }

// awaitLeftover waits until no process of an earlier server works on the cluster: this process holds the
// lock, so whoever started that server is dead and it is ending, too. It is told so again.
func awaitLeftover(ctx context.Context, at layout, log hclog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, leftover)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		pids, err := serversOn(at)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return forgetReusedPID(at.pidFile())
		}
		if !told {
			told = true
			log.Info("waiting for the PostgreSQL of an earlier run to end", "processes", pids)
			if pm, err := readPIDFile(at.pidFile()); err == nil {
				tellToEnd(pm.pid, pids)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a PostgreSQL of an earlier run still works on %s (processes %v): %w", at.data(), pids, ctx.Err())
		case <-tick.C:
		}
	}
}

// tellToEnd asks the postmaster for a fast shutdown, if it is one of those that work on the data.
func tellToEnd(postmaster int, pids []int) {
	for _, pid := range pids {
		if pid == postmaster {
			_ = syscall.Kill(pid, syscall.SIGINT) // it may be gone by now
		}
	}
}

// forgetReusedPID removes postmaster.pid when its number belongs to another program by now, as
// happens in containers, where numbers are small: PostgreSQL would take that for a running server.
// A file whose process is gone stays, PostgreSQL learns from it.
func forgetReusedPID(pidFile string) error {
	pm, err := readPIDFile(pidFile)
	if err != nil || !knowsServers() || !alive(pm.pid) {
		return nil //nolint:nilerr // no such file, or PostgreSQL says itself what is wrong with it
	}
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a stale lock file: %w", err)
	}
	return nil
}

// alive reports whether there is a process of that number, whoever owns it.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
