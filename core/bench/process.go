package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of CPU times in /proc, on every Linux there is.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time of a process and all it started so far, those that have
// ended included: PostgreSQL's, the plugins'.
func cpuOf(pid int) time.Duration {
	var sum int64
	for _, s := range familyOf(pid) {
		sum += s.ticks
	}
	return time.Duration(sum) * tick
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stat is what /proc says of a process.
type stat struct {
	pid, parent int
	ticks       int64 // its own and those of children that ended
}

// familyOf lists a process and its descendants.
func familyOf(pid int) []stat {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	children := map[int][]stat{}
	var family []stat
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		s, ok := parseStat(string(text))
		if !ok {
			continue
		}
		if s.pid == pid {
			family = append(family, s)
		}
		children[s.parent] = append(children[s.parent], s)
	}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i].pid]...)
	}
	return family
}

// parseStat reads /proc/PID/stat: see proc_pid_stat(5). The name stands in
// parentheses and may contain anything.
func parseStat(text string) (stat, bool) {
	pid, _, _ := strings.Cut(text, " ")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return stat{}, false
	}
	var s stat
	s.pid, _ = strconv.Atoi(pid)
	s.parent, _ = strconv.Atoi(fields[1])
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(f, 10, 64)
		s.ticks += n
	}
	return s, true
}

// programOf is the name a process was started by. The kernel's own name of it
// may be another: plugins are started from a file that is open already.
func programOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	program, _, _ := strings.Cut(string(text), "\x00")
	return filepath.Base(program)
}

// memoryOf reads a field of a process's status, in MiB.
func memoryOf(pid int, field string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return n / 1024
		}
	}
	return 0
}

// forgetPeak lets VmHWM begin anew: see proc_pid_clear_refs(5).
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200)
}
