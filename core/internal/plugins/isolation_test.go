package plugins

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
)

func TestAPluginInheritsNothing(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	var given struct {
		Env        []string
		Stdin      string
		OwnGroup   bool `json:"own_group"`
		Files      uint64
		Core       uint64
		NoNewPrivs bool `json:"no_new_privs"`
	}
	if err := json.Unmarshal(d.ask(t, "report", "").Body, &given); err != nil {
		t.Fatal(err)
	}
	for _, variable := range given.Env {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "PLUGIN_") && !slices.Contains([]string{"PAKHUS_PLUGIN", "TMPDIR", "GOTRACEBACK"}, name) {
			t.Errorf("it sees %s", name)
		}
	}
	if len(given.Env) == 0 || given.Stdin != "" || !given.OwnGroup || given.Files != 256 || given.Core != 0 || !given.NoNewPrivs {
		t.Errorf("it was given %+v", given)
	}
}

func TestAPluginDiesWithTheCore(t *testing.T) {
	t.Parallel()
	e := entry(t, "1.0.0")
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	core := exec.CommandContext(t.Context(), filepath.Join(built().dir, "core"), e.Path, e.SHA256) //nolint:gosec // our own
	core.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err := core.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the core said %q", line)
	}
	if dead(pid) {
		t.Fatal("it never lived")
	}
	if err := core.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = core.Wait()
	begun := time.Now()
	eventually(t, "the plugin is dead", func() bool { return dead(pid) })
	if took := time.Since(begun); took > 900*time.Millisecond { // the SDK's own look takes a second
		t.Errorf("it took %s", took)
	}
}

func TestChildrenDieWithTheirPlugin(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	child, err := strconv.Atoi(string(d.ask(t, "child", "").Body))
	if err != nil {
		t.Fatal(err)
	}
	plugin := d.pid(t)
	if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if d.pid(t) == plugin {
		t.Error("a dead process answered")
	}
	eventually(t, "the child is dead", func() bool { return dead(child) })
}

func TestAChildThatHoldsThePipesDoesNotHoldTheCore(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	child, err := strconv.Atoi(string(d.ask(t, "child", "escaped").Body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	plugin := d.pid(t)
	if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if d.pid(t) == plugin {
		t.Error("a dead process answered")
	}
	if dead(child) {
		t.Error("the child is dead: this tested nothing")
	}
}

func TestASocketServesItsProcessOnly(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	sockets, err := filepath.Glob(filepath.Join(d.runDir, "*", "host"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%v, %v", sockets, err)
	}
	conn, err := grpc.NewClient("unix:"+sockets[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	conn.Connect()
	for state := conn.GetState(); state != connectivity.TransientFailure; state = conn.GetState() {
		if state == connectivity.Ready {
			t.Fatal("another process was let in")
		}
		if !conn.WaitForStateChange(t.Context(), state) {
			t.Fatal("no end of waiting")
		}
	}
}

func TestHostileLinesDoNotHurtTheCore(t *testing.T) {
	t.Parallel()
	d := running(t, "1.0.0", nil)
	pid := d.pid(t)
	for _, line := range []string{
		`{"@level":"info","@message":1}`, // go-plugin's own reader panics on this
		`{"@level":7,"@message":"m","@timestamp":[]}`,
		strings.Repeat("x", 1<<20),
		"\x00\xff\x1b[2J", "null", "[]", `{"a":`,
		`{"@level":"warn","@message":"an honest line","request_id":"r1","plugin":"forged","n":1.50}`,
	} {
		d.ask(t, "say", line)
	}
	eventually(t, "the last line is logged", func() bool { return d.log.line("an honest line") != "" })
	line := d.log.line("an honest line", `"@level":"warn"`, `"plugin":"demo"`, `"plugin_plugin":"forged"`, `"request_id":"r1"`, `"n":"1.50"`, `"version":"1.0.0"`, `"pid":`+strconv.Itoa(pid))
	if line == "" {
		t.Errorf("it was logged as %s", d.log.line("an honest line"))
	}
	if line := d.log.line("xxxxxxxx"); len(line) > maxLine+500 || !strings.Contains(line, `"cut":true`) {
		t.Errorf("a long line was logged with %d bytes", len(line))
	}
	if d.pid(t) != pid {
		t.Error("the process did not survive its own words")
	}
}
