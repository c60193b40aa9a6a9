package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // as npm does
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"archive/tar"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// peak is the most memory the core has had, in MiB.
func peak(t testing.TB, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// noise is endless, the same each time, and cannot be compressed.
type noise struct{ from *rand.ChaCha8 }

func (n noise) Read(p []byte) (int, error) { return n.from.Read(p) }

// writeLarge streams a publish of a tarball of about size bytes, made as it is sent.
func writeLarge(to io.Writer, name string, size int64) (shasum string, err error) {
	manifest := fmt.Sprintf(`{"name":%q,"version":"1.0.0"}`, name)
	if _, err := fmt.Fprintf(to, `{"name":%q,"versions":{"1.0.0":%s},"dist-tags":{"latest":"1.0.0"},"_attachments":{"%s-1.0.0.tgz":{"data":"`, name, manifest, name); err != nil {
		return "", err
	}
	text := base64.NewEncoder(base64.StdEncoding, to)
	sum := sha1.New() //nolint:gosec // as npm does
	z, err := gzip.NewWriterLevel(io.MultiWriter(text, sum), gzip.NoCompression)
	if err != nil {
		return "", err
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		return "", err
	}
	if _, err := io.WriteString(w, manifest); err != nil {
		return "", err
	}
	if err := w.WriteHeader(&tar.Header{Name: "package/noise", Mode: 0o644, Size: size}); err != nil {
		return "", err
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(len(name)))
	copy(seed[8:], name)
	if _, err := io.CopyN(w, noise{rand.NewChaCha8(seed)}, size); err != nil {
		return "", err
	}
	for _, c := range []io.Closer{w, z, text} {
		if err := c.Close(); err != nil {
			return "", err
		}
	}
	_, err = io.WriteString(to, `"}}}`)
	return hex.EncodeToString(sum.Sum(nil)), err
}

func (c *client) publishLarge(t *testing.T, name string, size int64) {
	t.Helper()
	from, to := io.Pipe()
	shasum := make(chan string, 1)
	go func() {
		sum, err := writeLarge(to, name, size)
		_ = to.CloseWithError(err)
		shasum <- sum
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.base+"/"+name, from)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := (&http.Client{}).Do(req) // no timeout: a gigabyte on a busy machine
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		t.Errorf("publish %s: %d %s", name, resp.StatusCode, body)
		return
	}
	// What is listed is what was sent.
	_, document, err := c.send(t, http.MethodGet, "/"+name, nil)
	if err != nil || !bytes.Contains(document, []byte(<-shasum)) {
		t.Errorf("%s is listed with another shasum (%v)", name, err)
	}
}

// A tarball of a gigabyte, base64 in JSON, costs next to no memory.
func TestAGigabyteIsNotHeldInMemory(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, []byte("formats: {npm: {enabled: true, max_file_bytes: 2147483648}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := registrytest.Start(t, "--config", config)
	c := newClient(r, r.NewProject(t, "private"))
	small := newRelease(t, "small", "1.0.0", 1000)
	if status, body, err := c.publish(t, small); err != nil || status != http.StatusOK {
		t.Fatal(status, string(body), err)
	}
	before := peak(t, r.PID())
	c.publishLarge(t, "large", 1<<30)
	if grown := peak(t, r.PID()) - before; grown >= 64 {
		t.Errorf("the core grew by %d MiB", grown)
	} else {
		t.Logf("the core grew by %d MiB", grown)
	}
}

func TestEightLargePublishesAtOnce(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	c := newClient(r, r.NewProject(t, "private"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { c.publishLarge(t, fmt.Sprintf("large%d", i), 50<<20) })
	}
	wg.Wait()
	if most := peak(t, r.PID()); most >= 200 {
		t.Errorf("the core has had %d MiB", most)
	} else {
		t.Logf("the core has had %d MiB", most)
	}
}

// A tarball over the limit is refused in npm's words, and leaves nothing.
func TestATarballOverTheLimit(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(config, []byte("formats: {npm: {enabled: true, max_file_bytes: 100000}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := registrytest.Start(t, "--config", config)
	c := newClient(r, r.NewProject(t, "private"))
	for _, size := range []int{99_999, 100_001, 300_000} { // base64 that ends in none, one and two "="
		rel := newRelease(t, "large", "1.0.0", size)
		status, body, err := c.publish(t, rel)
		if err != nil || status != http.StatusBadRequest || !strings.Contains(string(body), "File is too large.") {
			t.Errorf("%d bytes: %d %s %v", size, status, body, err)
		}
	}
	left, err := os.ReadDir(filepath.Join(r.Dir, "blobs", "staging"))
	if err != nil || len(left) != 0 {
		t.Errorf("staging holds %d files, %v", len(left), err)
	}
	if listed := c.listed(t, "large"); listed != nil {
		t.Errorf("listed are %v", listed)
	}
}
