package registrytest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// KillPlugin does work n times, from several workers at once, and meanwhile kills
// the format's plugin again and again (SIGKILL). No request of work should fail:
// the core asks the plugin's successor. work gets the numbers from 1 to n.
func (r *Registry) KillPlugin(tb testing.TB, format string, n, workers int, work func(i int64)) {
	tb.Helper()
	const kills, least = 5, 3
	var next, done atomic.Int64
	progress := make(chan struct{}, n)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				work(i)
				done.Add(1)
				progress <- struct{}{}
			}
		})
	}
	killed := map[int]bool{}
	for range n {
		<-progress
		if len(killed) >= kills || done.Load() < int64((len(killed)+1)*n/(kills+1)) {
			continue
		}
		pid := r.PluginPID(tb, format)
		if pid == 0 || killed[pid] {
			continue // its successor is not there yet
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			tb.Errorf("kill %d: %v", pid, err)
		}
		killed[pid] = true
	}
	all.Wait()
	if len(killed) < least {
		tb.Errorf("the plugin was killed only %d times while requests ran", len(killed))
	}
}

// KillWhile has workers do work, each for i from 0 on, and kills the registry
// (SIGKILL) in the middle of it, once enough of it was acknowledged. work reports
// whether it was; the rest may fail. It returns when all workers have ended.
func (r *Registry) KillWhile(tb testing.TB, workers, enough int, work func(worker, i int) bool) {
	tb.Helper()
	acknowledged, killed := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := 0; ; i++ {
				ok := work(worker, i)
				select {
				case <-killed:
					return
				default:
				}
				if !ok {
					continue
				}
				select {
				case acknowledged <- struct{}{}:
				case <-killed:
					return
				}
			}
		})
	}
	for range enough {
		select {
		case <-acknowledged:
		case <-time.After(time.Minute):
			tb.Error("registrytest: nothing was acknowledged for a minute")
		}
	}
	close(killed)
	r.Kill(tb)
	all.Wait()
}

// PeakMemory is the most memory that the server has had at once, in bytes.
func (r *Registry) PeakMemory(tb testing.TB) int64 {
	tb.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.PID()), "status"))
	if err != nil {
		tb.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		tb.Fatalf("no VmHWM in %s", status)
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}
