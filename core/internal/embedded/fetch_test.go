package embedded

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// TestFetchedBinaries downloads 20 MB and so runs only where PAKHUS_TEST_FETCH is set, as in CI.
func TestFetchedBinaries(t *testing.T) {
	t.Parallel()
	if os.Getenv("PAKHUS_TEST_FETCH") == "" {
		t.Skip("PAKHUS_TEST_FETCH is not set")
	}
	cfg := Config{Dir: filepath.Join(openDir(t), "pg"), CacheDir: filepath.Join(openDir(t), "cache"), Log: hclog.NewNullLogger()}
	who, err := chooseAccount(layout(cfg.Dir).data())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.BinDir, err = fetch(t.Context(), cfg, 0, who); err != nil {
		t.Fatal(err)
	}
	again, err := fetch(t.Context(), cfg, 0, who)
	if err != nil || again != cfg.BinDir {
		t.Errorf("the second time gives %q, %v; want what the first fetched", again, err)
	}
	entries, err := os.ReadDir(cfg.CacheDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the cache holds %v, want the binaries only", entries)
	}
	s := start(t, cfg)
	if got := ask(t, s.URL(), "select 'fine'"); got != "fine" {
		t.Errorf("the fetched server answers %q", got)
	}
}
