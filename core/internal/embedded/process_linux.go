package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// attributes: its own process group, so that Ctrl-C in the terminal reaches only this process,
// which then stops it in order; and a signal when this process is killed. SIGINT is PostgreSQL's
// fast and clean shutdown, SIGQUIT the immediate one.
func attributes(who account, clean bool) *syscall.SysProcAttr {
	sig := syscall.SIGQUIT
	if clean {
		sig = syscall.SIGINT
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: sig, Credential: who.credential()}
}

// passThrough opens a directory and returns the name that the child has for it when it is the
// first of its ExtraFiles. The link leads straight to the directory, without passing through its
// parents, so it works where the child's account may not pass (data below /root, say).
func passThrough(dir string) (*os.File, string, error) {
	f, err := os.Open(dir) //nolint:gosec // the directory that the operator gave us
	if err != nil {
		return nil, "", fmt.Errorf("open data directory: %w", err)
	}
	return f, "/proc/self/fd/3", nil
}

func knowsServers() bool { return true }

// serversOn lists the processes named postgres whose current directory is the cluster: postmaster
// and sessions both, for sessions outlive a killed postmaster by a moment.
func serversOn(at layout) ([]int, error) {
	data, err := filepath.EvalSymlinks(at.data())
	if err != nil {
		return nil, nil //nolint:nilerr // there is no cluster yet
	}
	dirs, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, link := range dirs {
		// Errors are processes that have ended or are not ours.
		cwd, err := os.Readlink(link)
		if err != nil || cwd != data {
			continue
		}
		comm, err := os.ReadFile(filepath.Join(filepath.Dir(link), "comm"))
		if err != nil || strings.TrimSpace(string(comm)) != "postgres" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
