package e2e_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // npm's shasum
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestMemoryDoesNotGrowWithWhatIsPublished publishes what is large, and much at
// once, and looks at the most memory that the core has had.
func TestMemoryDoesNotGrowWithWhatIsPublished(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, []byte("formats: {npm: {enabled: true, max_file_bytes: 1288490188}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reg := registrytest.Start(t, "--config", config)
	c := newCaller(reg, reg.NewProject(t, "private"), reg.Token)
	c.publish(t, "warm", "1.0.0")

	before := reg.PeakMemory(t)
	publishLarge(t, c, "large", 1<<30)
	if grown := reg.PeakMemory(t) - before; grown >= 64<<20 {
		t.Errorf("a publish of 1 GiB has cost the core %d MiB", grown>>20)
	}

	before = reg.PeakMemory(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { publishLarge(t, c, fmt.Sprintf("parallel%d", i), 50<<20) })
	}
	all.Wait()
	if grown := reg.PeakMemory(t) - before; grown >= 200<<20 {
		t.Errorf("eight publishes of 50 MiB at once have cost the core %d MiB", grown>>20)
	}
}

// publishLarge publishes a package with one file of random bytes. Nothing of it
// is kept: the tarball is made once for its digests, and again while it is sent.
func publishLarge(t *testing.T, c caller, name string, size int64) {
	t.Helper()
	sum1, sum512 := sha1.New(), sha512.New() //nolint:gosec // npm's shasum
	if err := writeLarge(io.MultiWriter(sum1, sum512), name, size); err != nil {
		t.Error(err)
		return
	}
	head := fmt.Sprintf(`{"_id":%[1]q,"name":%[1]q,"dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":%[1]q,"version":"1.0.0","dist":{"shasum":%[2]q,"integrity":"sha512-%[3]s"}}},"_attachments":{"%[4]s-1.0.0.tgz":{"content_type":"application/octet-stream","data":"`,
		name, hex.EncodeToString(sum1.Sum(nil)), base64.StdEncoding.EncodeToString(sum512.Sum(nil)), name)
	read, write := io.Pipe()
	go func() {
		encoder := base64.NewEncoder(base64.StdEncoding, write)
		err := writeLarge(encoder, name, size)
		_ = encoder.Close()
		_ = write.CloseWithError(err)
	}()
	body := io.MultiReader(strings.NewReader(head), read, strings.NewReader(`"}}}`))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.base+path(name), body)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Errorf("publish %s: %d %s", name, resp.StatusCode, answer)
	}
}

// writeLarge writes a tarball that does not compress, the same each time.
func writeLarge(w io.Writer, name string, size int64) error {
	manifest := fmt.Sprintf(`{"name":%q,"version":"1.0.0"}`, name)
	zipped, err := gzip.NewWriterLevel(w, gzip.NoCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	for _, member := range []struct {
		name    string
		size    int64
		content io.Reader
	}{
		{"package/package.json", int64(len(manifest)), strings.NewReader(manifest)},
		{"package/data", size, rand.NewChaCha8([32]byte{})},
	} {
		if err := archive.WriteHeader(&tar.Header{Name: member.name, Mode: 0o644, Size: member.size}); err != nil {
			return err
		}
		if _, err := io.CopyN(archive, member.content, member.size); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}
