package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEntriesThatCannotBe(t *testing.T) {
	t.Parallel()
	good := entry(t, "1.0.0")
	other := good
	other.SHA256 = strings.Repeat("ab", 32)
	for want, entries := range map[string][]Entry{
		"format demo is configured twice: " + good.Path + " with sha256 " + good.SHA256 + ", and " + good.Path + " with sha256 abab": {good, other},
		`format "Demo": a format's name must match`: {{Format: "Demo", Path: good.Path, SHA256: good.SHA256}},
		`format "": a format's name must match`:     {{Path: good.Path, SHA256: good.SHA256}},
		`format demo: path "demo" is not absolute`:  {{Format: "demo", Path: "demo", SHA256: good.SHA256}},
		`is not a sha256 digest`:                    {{Format: "demo", Path: good.Path}},
	} {
		if _, err := New(Config{Entries: entries}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPluginsThatCannotStart(t *testing.T) {
	t.Parallel()
	changed := entry(t, "1.0.0")
	changed.SHA256 = strings.Repeat("0", 64)
	missing := changed
	missing.Path += "-gone"
	folder := changed
	folder.Path = filepath.Dir(folder.Path)
	for name, c := range map[string]struct {
		entry Entry
		want  []string
	}{
		"missing":  {missing, []string{"format demo", missing.Path, "no such file"}},
		"a folder": {folder, []string{"format demo", folder.Path, "is not a file"}},
		"changed":  {changed, []string{"format demo", changed.Path, "its sha256 is " + entry(t, "1.0.0").SHA256, "expected " + changed.SHA256}},
		"other":    {entry(t, "other"), []string{"format demo", "demo-other", `is a plugin for format "other"`}},
		"wrong":    {entry(t, "wrong"), []string{"format demo", "demo-wrong", "manifest:", "FETCH"}},
		"needy":    {entry(t, "needy"), []string{"format demo", "demo-needy", `needs the feature "teleport"`}},
		"dies":     {entry(t, "dies"), []string{"format demo", "demo-dies", "exit status 2; it said: panic: no room"}},
		"foreign":  {entry(t, "foreign"), []string{"format demo", "demo-foreign", "did not greet the core"}},
		"mute":     {entry(t, "mute"), []string{"format demo", "demo-mute", "no handshake in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup(t, "1.0.0", func(cfg *Config, p *pace) {
				cfg.Entries = []Entry{c.entry}
				if name == "mute" {
					p.start = 500 * time.Millisecond
				}
			})
			err := d.Start(t.Context())
			if err == nil {
				t.Fatal("it started")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %v, want %q", err, w)
				}
			}
			if name != "changed" { // whose name others run under
				if pids := processesOf(c.entry.Path); len(pids) > 0 {
					t.Errorf("left running: %v", pids)
				}
			}
			if _, err := os.Stat(d.runDir); !os.IsNotExist(err) {
				t.Errorf("left behind: %s (%v)", d.runDir, err)
			}
		})
	}
}

func TestOneBadPluginStopsTheOthers(t *testing.T) {
	t.Parallel()
	d := setup(t, "noisy", func(cfg *Config, _ *pace) {
		cfg.Entries = append(cfg.Entries, Entry{Format: "maven", Path: "/nowhere", SHA256: strings.Repeat("0", 64)})
	})
	if err := d.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "format maven") {
		t.Fatalf("got %v", err)
	}
	if s := d.States()[0]; s.State != Stopped || s.PID != 0 && !dead(s.PID) {
		t.Errorf("state: %+v", s)
	}
}

func TestAPluginThatPrintsBeforeTheHandshakeStarts(t *testing.T) {
	t.Parallel()
	d := running(t, "noisy", nil)
	d.ask(t, "print", "and after it")
	for _, words := range []string{"hello", "world|of|many|parts", "and after it"} {
		eventually(t, "it is logged: "+words, func() bool { return d.log.line("plugin says", words) != "" })
	}
}

func TestTheFolderForSockets(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	run := filepath.Join(dir, "run")
	d := running(t, "1.0.0", func(c *Config, _ *pace) { c.RunDir = run })
	if info, err := os.Stat(run); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	instances, err := os.ReadDir(run)
	if err != nil || len(instances) != 1 {
		t.Fatalf("%v, %v", instances, err)
	}
	if info, err := instances[0].Info(); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := d.Swap(t.Context(), entry(t, "2.0.0")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the folder of the old process is gone", func() bool {
		left, err := os.ReadDir(run)
		return err == nil && len(left) == 1 && left[0].Name() != instances[0].Name()
	})
	d.Stop(t.Context())
	if left, err := os.ReadDir(run); err != nil || len(left) != 0 {
		t.Errorf("after the end: %v, %v", left, err)
	}
}

func TestAFolderThatIsTooLongForSocketsIsRefused(t *testing.T) {
	t.Parallel()
	long := filepath.Join(os.TempDir(), strings.Repeat("d", 70))
	d := setup(t, "1.0.0", func(c *Config, _ *pace) { c.RunDir = long })
	err := d.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), long+" is too long") || !strings.Contains(err.Error(), "100 are possible") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(long); !os.IsNotExist(err) {
		t.Errorf("it was made: %v", err)
	}
}
