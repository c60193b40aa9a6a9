package plugins

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolation is what keeps every plugin process from the rest of the machine.
func isolation() []string {
	return []string{
		"verified_binary", "no_environment", "no_stdin", "private_sockets", "peer_credentials",
		"process_group", "parent_death_signal", "no_new_privileges", "open_files_256", "no_core_dumps",
	}
}

// attributes of a plugin process. Its group is its own, so that a terminal's
// Ctrl-C does not reach it; and it dies with the thread that starts it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// executable is what to execute when the binary is open as the first extra
// file: that file, whatever its name means by now. What was hashed is what runs.
func executable(string) string { return "/proc/self/fd/3" }

// hardenThread makes the calling thread's children unable to gain privileges
// through set-uid programs.
func hardenThread() {
	// Kernels that lack it are older than any that Go runs on.
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// limit bounds a process's open files (a plugin needs two sockets and its log),
// and its core dumps, which would hold what it was working on.
func limit(pid int) {
	const openFiles = 256
	// A process that is gone already needs no limit.
	_ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: openFiles, Max: openFiles}, nil)
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
}

// awaitExit waits for the end of a child, without reaping it.
func awaitExit(pid int) {
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// isPeer reports whether the other end of a Unix socket is that process, as us.
func isPeer(fd uintptr, pid int) bool {
	cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && int(cred.Pid) == pid && int(cred.Uid) == os.Geteuid()
}
