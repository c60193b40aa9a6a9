//go:build unix && !linux

package plugins

import "syscall"

// What follows is for developing on systems other than Linux: what they do not
// offer is left out, and isolation says so.

func isolation() []string {
	return []string{"no_environment", "no_stdin", "private_sockets", "process_group"}
}

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// executable is the name: between the look at the binary and its start there is
// a moment in which another could take its place.
func executable(path string) string { return path }

func hardenThread() {}

func limit(int) {}

func awaitExit(int) {}

func isPeer(uintptr, int) bool { return true } // the folder and the token guard the socket
