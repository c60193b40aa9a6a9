//go:build unix

package serve

import (
	"os"

	"golang.org/x/sys/unix"
)

// takeStdout returns the process's stdout, which is the handshake's alone, and
// points os.Stdout and file descriptor 1 at stderr: a print anywhere in the
// plugin, or in a C library, would otherwise break the handshake.
func takeStdout() (*os.File, error) {
	fd, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	if err := duplicate(2, 1); err != nil {
		return nil, err
	}
	os.Stdout = os.Stderr
	return os.NewFile(uintptr(fd), "/dev/stdout"), nil
}
