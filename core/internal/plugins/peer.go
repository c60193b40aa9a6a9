package plugins

import "net"

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
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	allowed := false
	err = raw.Control(func(fd uintptr) { allowed = isPeer(fd, l.pid) })
	return err == nil && allowed
}
