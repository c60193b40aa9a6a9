package plugins

import (
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// peerListener accepts connections of one process only.
type peerListener struct {
	net.Listener
	pid int
}

// Accept returns the next connection of the process; others are closed.
func (l *peerListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.allowed(c) {
			return c, nil
		}
		_ = c.Close()
	}
}

func (l *peerListener) allowed(c net.Conn) bool {
	unixConn, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return false
	}
	allowed := false
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		allowed = err == nil && int(cred.Pid) == l.pid && int(cred.Uid) == os.Getuid()
	})
	return err == nil && allowed
}
