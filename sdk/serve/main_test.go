package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// asPlugin in its environment makes the test binary a plugin.
const asPlugin = "PAKHUS_SERVE_AS_PLUGIN"

func TestMain(m *testing.M) {
	if os.Getenv(asPlugin) == "" {
		os.Exit(m.Run())
	}
	Main(&printing{answering(nil)})
}

// printing prints where it should not.
type printing struct{ *plugin }

func (p *printing) Manifest() (*spec.Manifest, error) {
	fmt.Println("stray")
	return p.plugin.Manifest()
}

// asCore is the environment in which the core starts a plugin.
func asCore() []string {
	h := wire.Handshake()
	return []string{asPlugin + "=1", h.MagicCookieKey + "=" + h.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1"}
}

func TestByHandAPluginPrintsItsManifestAndNothingElse(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--manifest") //nolint:gosec // ourselves
	cmd.Env = []string{asPlugin + "=1"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if !json.Valid(stdout.Bytes()) || !strings.Contains(stdout.String(), `"format": "demo"`) {
		t.Errorf("stdout: %s", stdout.String())
	}
	if stderr.String() != "stray\n" {
		t.Errorf("stderr: %s", stderr.String())
	}
}

func TestByHandAPluginSaysWhatItIs(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // ourselves
	cmd.Env = []string{asPlugin + "=1"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "This binary is a plugin") {
		t.Errorf("got %v: %s", err, out)
	}
}

func TestAPluginEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	shell := exec.CommandContext(t.Context(), "sh", "-c", `"$0" & echo $!; wait`, os.Args[0]) //nolint:gosec // ourselves
	shell.Env = append(asCore(), "PATH="+os.Getenv("PATH"), "PLUGIN_UNIX_SOCKET_DIR="+dir)
	stdout, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	pid, handshake := 0, ""
	for (pid == 0 || handshake == "") && lines.Scan() {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			pid = n
		} else {
			handshake = lines.Text()
		}
	}
	if !strings.HasPrefix(handshake, "1|1|unix|") || !strings.HasSuffix(handshake, "|grpc|") || pid == 0 {
		t.Fatalf("pid %d, handshake %q", pid, handshake)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() { // until nobody has the pipe open any more
		}
	}()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it lives on")
	}
	_ = shell.Wait()
}
