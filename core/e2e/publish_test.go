package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// release is a package version ready to be published.
type release struct {
	name, version string
	body          []byte
	integrity     string // of the tarball
}

func newRelease(t testing.TB, name, version string, size int) release {
	t.Helper()
	noise := make([]byte, size)
	_, _ = rand.Read(noise)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, m := range []struct {
		name    string
		content []byte
	}{
		{"package/package.json", fmt.Appendf(nil, `{"name":%q,"version":%q}`, name, version)},
		{"package/noise", noise},
	} {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(b.Bytes())
	body, err := json.Marshal(map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]string{"latest": version},
		"versions":     map[string]any{version: map[string]string{"name": name, "version": version}},
		"_attachments": map[string]any{name + "-" + version + ".tgz": map[string]string{"data": base64.StdEncoding.EncodeToString(b.Bytes())}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return release{name, version, body, "sha512-" + base64.StdEncoding.EncodeToString(sum[:])}
}

// client talks npm to one project.
type client struct {
	base, token string
	http        *http.Client
}

func newClient(r *registrytest.Registry, p registrytest.Project) *client {
	return &client{
		base: fmt.Sprintf("%s/api/v4/projects/%d/packages/npm", r.URL, p.ID), token: r.Token,
		http: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

// send returns the status, or the error of a connection that broke.
func (c *client) send(t testing.TB, method, path string, body []byte) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, got, err
}

func (c *client) publish(t testing.TB, r release) (int, []byte, error) {
	t.Helper()
	return c.send(t, http.MethodPut, "/"+r.name, r.body)
}

// listed returns the integrity of each version in a package's document; none if
// there is no such package.
func (c *client) listed(t testing.TB, name string) map[string]string {
	t.Helper()
	status, body, err := c.send(t, http.MethodGet, "/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if status == http.StatusNotFound {
		return nil
	}
	var doc struct {
		Versions map[string]struct {
			Dist struct{ Integrity string }
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v\n%.200s", name, status, err, body)
	}
	all := map[string]string{}
	for v, o := range doc.Versions {
		all[v] = o.Dist.Integrity
	}
	return all
}

// whole fails the test unless a version is there with all its bytes, or not there at all.
func (c *client) whole(t testing.TB, r release) (there bool) {
	t.Helper()
	integrity, there := c.listed(t, r.name)[r.version]
	status, tarball, err := c.send(t, http.MethodGet, fmt.Sprintf("/%s/-/%s-%s.tgz", r.name, r.name, r.version), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !there {
		if status != http.StatusNotFound {
			t.Errorf("%s@%s is not listed, and its tarball answers %d", r.name, r.version, status)
		}
		return false
	}
	sum := sha512.Sum512(tarball)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); status != http.StatusOK || got != r.integrity || integrity != r.integrity {
		t.Errorf("%s@%s is listed, and its tarball is not whole: %d, %d bytes", r.name, r.version, status, len(tarball))
	}
	return true
}
