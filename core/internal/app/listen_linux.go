package app

import (
	"time"

	"golang.org/x/sys/unix"
)

// giveUpAfter bounds how long sent data may stay unacknowledged, or wait for a
// client that takes none; accepted connections inherit it (tcp(7), RFC 5482).
func giveUpAfter(fd int, patience time.Duration) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(patience.Milliseconds()))
}
