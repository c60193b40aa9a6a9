package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// profiled has perf look at a target and all its processes for one round, and
// leaves DIR/WORKLOAD-TARGET.perf: read it with perf report -i. Without a folder
// it does nothing. The function it returns ends the recording.
func profiled(ctx context.Context, dir, workload string, t *target) (end func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	var pids []string
	for _, s := range familyOf(t.pid()) {
		pids = append(pids, strconv.Itoa(s.pid))
	}
	name := strings.NewReplacer(" ", "-", ",", "").Replace(workload + "-" + t.name + ".perf")
	cmd := exec.CommandContext(ctx, "perf", "record", "-q", "-g", "-F", "499", "-o", filepath.Join(dir, name), "-p", strings.Join(pids, ","))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // that is how perf is told to write its file
		_ = cmd.Wait()
	}, nil
}
