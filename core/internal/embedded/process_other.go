//go:build unix && !linux

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// attributes: without Linux's death signal, a killed process leaves its server behind, and the
// next start ends that one first.
func attributes(who account, _ bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: who.credential()}
}

func passThrough(string) (*os.File, string, error) {
	return nil, "", errors.New("only Linux has a way round")
}

func knowsServers() bool { return false }

// serversOn trusts postmaster.pid.
func serversOn(at layout) ([]int, error) {
	pm, err := readPIDFile(at.pidFile())
	if err != nil || !alive(pm.pid) {
		return nil, nil //nolint:nilerr // no such file, or PostgreSQL says itself what is wrong with it
	}
	return []int{pm.pid}, nil
}
