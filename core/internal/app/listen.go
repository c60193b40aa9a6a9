package app

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"
)

// unheard is how long a client may take nothing of what it is sent. A download
// may last for hours, so there is no deadline on an answer; but a client that
// has stopped reading must not hold a connection, a file and a plugin for ever.
const unheard = 5 * time.Minute

// listen opens the server's address. The kernel ends its connections whose
// other end has acknowledged nothing for patience.
func listen(ctx context.Context, address string, patience time.Duration) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if ctl := c.Control(func(fd uintptr) { err = giveUpAfter(int(fd), patience) }); ctl != nil {
			return ctl
		}
		return err
	}}
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}
