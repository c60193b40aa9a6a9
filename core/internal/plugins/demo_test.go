package plugins

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// binaries are testdata's programs, built once: demo under all of its names, of
// which 2.0.0 has other bytes, and core. They are written by other processes:
// a file that this one has open for writing, any fork of it has too, and none
// can execute.
type binaries struct {
	dir string
	err error
}

var built = sync.OnceValue(build) //nolint:gochecknoglobals // once for all tests

func build() (b binaries) {
	wasBuilt.Store(true)
	if b.dir, b.err = os.MkdirTemp("", "pakhus-demo"); b.err != nil {
		return b
	}
	script := `set -e
go build -o "$0/demo-1.0.0" ./testdata/demo
go build -o "$0/core" ./testdata/core
cp "$0/demo-1.0.0" "$0/demo-2.0.0"
echo 2 >> "$0/demo-2.0.0"
for fault in mute dies noisy other wrong needy unlike; do ln -s demo-1.0.0 "$0/demo-$fault"; done
echo '#!/bin/sh
exit 0' > "$0/demo-foreign"
chmod +x "$0/demo-foreign"`
	out, err := exec.Command("sh", "-c", script, b.dir).CombinedOutput() //nolint:noctx,gosec // for all tests
	if err != nil {
		b.err = fmt.Errorf("%w: %s", err, out)
	}
	return b
}

// wasBuilt keeps a run that needs no binaries, such as a fuzz worker, from building them to remove them.
var wasBuilt atomic.Bool //nolint:gochecknoglobals // as above

func TestMain(m *testing.M) {
	code := m.Run()
	if wasBuilt.Load() {
		_ = os.RemoveAll(built().dir)
	}
	os.Exit(code)
}

// entry is the demo under one of its names.
func entry(t *testing.T, name string) Entry {
	t.Helper()
	b := built()
	if b.err != nil {
		t.Fatal(b.err)
	}
	path := filepath.Join(b.dir, "demo-"+name)
	data, err := os.ReadFile(path) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return Entry{Format: "demo", Path: path, SHA256: hex.EncodeToString(sum[:])}
}

// demo is a Manager with the demo as its only format.
type demo struct {
	*Manager
	*Format
	log *logBuffer
}

// setup makes a demo that was not started; change may be nil.
func setup(t *testing.T, name string, change func(*Config, *pace)) *demo {
	t.Helper()
	log := &logBuffer{}
	cfg := Config{
		Entries: []Entry{entry(t, name)},
		Log:     hclog.New(&hclog.LoggerOptions{JSONFormat: true, Output: log, Level: hclog.Debug}),
	}
	p := defaultPace()
	if change != nil {
		change(&cfg, &p)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.pace = p
	t.Cleanup(func() { m.Stop(context.Background()) })
	f, _ := m.Format("demo")
	return &demo{Manager: m, Format: f, log: log}
}

// running makes a demo that takes requests.
func running(t *testing.T, name string, change func(*Config, *pace)) *demo {
	t.Helper()
	d := setup(t, name, change)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func do(what, with string) *spec.Request {
	return &spec.Request{RouteID: "do", Level: spec.LevelProject, Params: map[string]string{"what": what, "with": with}}
}

// ask sends a request that has to be answered.
func (d *demo) ask(t *testing.T, what, with string) *spec.HTTPResponse {
	t.Helper()
	r, err := d.Handle(t.Context(), do(what, with), time.Minute)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return r.Outcome.(*spec.HTTPResponse) //nolint:errcheck,forcetypeassert // demo makes no other
}

// refused sends a request that has to fail with that code.
func (d *demo) refused(t *testing.T, code registry.Code, what string, timeout time.Duration) {
	t.Helper()
	r, err := d.Handle(t.Context(), do(what, ""), timeout)
	if err == nil || registry.CodeOf(err) != code {
		t.Errorf("%s: got %+v, %v; want code %d", what, r, err, code)
	}
}

func (d *demo) pid(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(d.ask(t, "echo", "").Header.Get("Pid"))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// awaitState returns when the format is in that state.
func (d *demo) awaitState(t *testing.T, state string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		d.Format.mu.Lock()
		now, changed, last := d.state, d.changed, d.lastErr
		d.Format.mu.Unlock()
		if now == state {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("state is %s, last error %v; want %s", now, last, state)
		}
	}
}

// eventually is for what only the operating system knows.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// dead reports whether no such process runs; one that is not reaped does not.
func dead(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// processesOf lists the processes that were started by that name.
func processesOf(path string) (pids []int) {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	for _, c := range commands {
		line, err := os.ReadFile(c) //nolint:gosec // of /proc
		if err == nil && strings.HasPrefix(string(line), path+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(c)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// logBuffer is what the core has logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// line returns the first line with all of the words, or "".
func (b *logBuffer) line(words ...string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for line := range strings.Lines(b.text.String()) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return line
	}
	return ""
}
