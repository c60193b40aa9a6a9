package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// footprint measures what Pakhus takes: at rest, under eight large publishes at
// once, and until it is ready again.
func footprint(r *report, t *target) error {
	after, err := t.restart()
	if err != nil {
		return err
	}
	r.Pakhus = map[string]string{
		"ready after": after.Round(time.Millisecond).String(),
		"idle core":   fmt.Sprintf("%d MiB", t.memory("VmRSS")>>10),
	}
	r.Pakhus["idle plugin"] = fmt.Sprintf("%d MiB", memoryOf(childOf(t.process.Process.Pid, "pakhus-plugin"), "VmRSS")>>10)

	before := t.memory("VmHWM")
	bodies := make([]body, 8)
	for i := range bodies {
		bodies[i] = newBody(fmt.Sprintf("large-%d", i), "1.0.0", 50<<20)
	}
	var wg sync.WaitGroup
	failed := make(chan error, len(bodies))
	for _, b := range bodies {
		wg.Go(func() {
			if err := t.publish(b); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	peak := t.memory("VmHWM")
	r.Pakhus["peak of eight 50 MiB publishes at once"] = fmt.Sprintf("%d MiB (%d MiB more than at rest)", peak>>10, (peak-before)>>10)
	return nil
}

// childOf finds a child process by its command line.
func childOf(parent int, name string) int {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(parent)).Output()
	if err != nil {
		return 0
	}
	for field := range strings.FieldsSeq(string(out)) {
		line, err := os.ReadFile("/proc/" + field + "/cmdline")
		if err == nil && strings.Contains(string(line), name) {
			pid, _ := strconv.Atoi(field)
			return pid
		}
	}
	return 0
}
