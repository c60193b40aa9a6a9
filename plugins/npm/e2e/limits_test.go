package e2e_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestATarballHasALimit publishes around the limit. GitLab's clients know 400
// for it. What counts is what arrives, not the length that the client declares.
func TestATarballHasALimit(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "formats: {npm: {enabled: true, max_file_bytes: %d}}\n", limit), 0o600); err != nil {
		t.Fatal(err)
	}
	reg := registrytest.Start(t, "--config", config)
	c := newCaller(reg, reg.NewProject(t, "private"), reg.Token)
	// Sizes whose base64 ends with none, one and two "=".
	for _, size := range []int{limit - 2, limit - 1, limit, limit + 1, limit + 2, limit + 3} {
		name := fmt.Sprintf("sized%d", size)
		p := sized(t, name, size)
		body := bytes.Replace(p.encode(), fmt.Appendf(nil, `"length":%d`, size), []byte(`"length":1`), 1)
		a := c.send(t, http.MethodPut, path(name), body)
		switch {
		case size <= limit && a.status != http.StatusOK:
			t.Errorf("%d bytes: %d %s", size, a.status, a.body)
		case size > limit && (a.status != http.StatusBadRequest || a.sentence(t) != "File is too large."):
			t.Errorf("%d bytes: %d %s", size, a.status, a.body)
		}
		if got := c.send(t, http.MethodGet, path(name), nil).status; (got == http.StatusOK) != (size <= limit) {
			t.Errorf("%d bytes: the document is %d", size, got)
		}
	}
}

// sized is a package whose tarball has a size, to the byte.
func sized(t *testing.T, name string, size int) publication {
	t.Helper()
	noise := make([]byte, size)
	_, _ = rand.Read(noise)
	manifest := map[string]any{"name": name, "version": "1.0.0"}
	for n := size - 1000; ; {
		tarball := pack(t, manifest, map[string][]byte{"noise": noise[:n]})
		gap := size - len(tarball)
		if gap > 0 && gap < 500 { // Go reads no longer comments
			return publication{name: name, version: "1.0.0", tarball: padded(tarball, gap)}
		}
		n += gap - 250
	}
}

// padded makes a gzip file longer, by a comment in its header.
func padded(zipped []byte, more int) []byte {
	const header = 10
	out := slices.Clone(zipped[:header])
	out[3] |= 1 << 4 // a comment follows
	out = append(out, bytes.Repeat([]byte("x"), more-1)...)
	out = append(out, 0)
	return append(out, zipped[header:]...)
}
