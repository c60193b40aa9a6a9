package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ownDataDir makes the data folder this process's own until release, or says
// that it is another's. Two servers on one folder would sweep away each other's
// uploads. The kernel gives the lock back when the process ends, however it ends.
func ownDataDir(dir string) (release func(), err error) {
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(run, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(run, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the data folder %s is used by another pakhus", dir)
		}
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// longestRunDir leaves room for a socket's own name: a socket's path has at
// most some hundred bytes.
const longestRunDir = 60

// socketDir is where plugins' sockets go: into the data folder, whose owner we
// are and where a killed process's are found again; a new temporary folder
// (empty) if that is too long.
func socketDir(dataDir string) (string, error) {
	dir := filepath.Join(dataDir, "run", "plugins")
	if len(dir) > longestRunDir {
		return "", nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("remove sockets of a process that was killed: %w", err)
	}
	return dir, nil
}
