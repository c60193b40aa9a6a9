package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// pluginFolder is a folder of an operator's with a plugin and its digest.
type pluginFolder struct {
	path   string
	binary []byte
}

// install puts a plugin in place; more bytes at a program's end make another
// one that does the same.
func (f *pluginFolder) install(t *testing.T, tail string) (sum string) {
	t.Helper()
	content := append(append([]byte{}, f.binary...), tail...)
	digest := sha256.Sum256(content)
	sum = hex.EncodeToString(digest[:])
	// Into place by renaming, as package managers do.
	for name, data := range map[string][]byte{
		"pakhus-plugin-npm": content, "SHA256SUMS": []byte(sum + "  pakhus-plugin-npm\n"),
	} {
		temp := filepath.Join(f.path, name+".new")
		if err := os.WriteFile(temp, data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(f.path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

// An operator replaces the plugin of a busy registry. No request fails; a plugin
// whose digest is wrong is not taken, and the old one goes on.
func TestAPluginIsReplacedWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	first := registrytest.Start(t) // to learn where the binaries are
	binary, err := os.ReadFile(filepath.Join(filepath.Dir(first.Bin), "pakhus-plugin-npm"))
	if err != nil {
		t.Fatal(err)
	}
	folder := &pluginFolder{path: t.TempDir(), binary: binary}
	before := folder.install(t, "")
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	text := fmt.Sprintf("formats: {npm: {enabled: true, path: %s}}\n", filepath.Join(folder.path, "pakhus-plugin-npm"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := registrytest.Start(t, "--config", config)
	running := func() (sum string) {
		var states []struct{ Format, SHA256 string }
		if err := json.Unmarshal(r.CLI(t, "plugin", "list"), &states); err != nil {
			t.Fatal(err)
		}
		for _, s := range states {
			if s.Format == "npm" {
				return s.SHA256
			}
		}
		t.Fatal(states)
		return ""
	}
	if got := running(); got != before {
		t.Fatalf("%s runs, not %s", got, before)
	}

	var (
		stop  atomic.Bool
		asked atomic.Int64
		busy  sync.WaitGroup
	)
	url := r.URL + "/api/v4/projects/1/packages/npm/-/whoami"
	for range 4 {
		busy.Go(func() {
			for !stop.Load() {
				if a := ask(t, "GET", url, r.Token); a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.body)
				}
				asked.Add(1)
			}
		})
	}
	until := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not within a minute\n%s", what, r.Log())
			}
		}
	}
	hangUp := func() {
		t.Helper()
		if err := syscall.Kill(r.PID(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	after := folder.install(t, "another build")
	hangUp()
	until("the new plugin runs", func() bool { return running() == after })
	n := asked.Load()
	until("it answers", func() bool { return asked.Load() > n+50 })

	// Changed behind the back of its digest.
	if err := os.WriteFile(filepath.Join(folder.path, "SHA256SUMS"), []byte(before+"  pakhus-plugin-npm\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp()
	until("the refusal is logged", func() bool { return strings.Contains(r.Log(), "plugin was not replaced") })
	if got := running(); got != after {
		t.Errorf("%s runs, not %s", got, after)
	}
	stop.Store(true)
	busy.Wait()
}
