package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
)

// file is a member of a tarball.
type file struct {
	name, content string
	kind          byte
}

// tarballOf makes a package as npm pack does.
func tarballOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.NoCompression) // the same bytes with every Go
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content)), Typeflag: tar.TypeReg}
		if f.kind != 0 {
			h.Typeflag, h.Size, h.Linkname = f.kind, 0, f.content
			f.content = ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// publication is a publish to be changed by a test before it is sent.
type publication struct {
	name, version string
	manifest      map[string]any // both in the tarball and in the document
	document      map[string]any // the whole body
	tarball       []byte
}

func newPublication(t testing.TB, name, version string, manifest map[string]any) *publication {
	t.Helper()
	full := map[string]any{"name": name, "version": version}
	maps.Copy(full, manifest)
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	p := &publication{name: name, version: version, manifest: full}
	p.tarball = tarballOf(t, file{name: "package/package.json", content: string(data)}, file{name: "package/index.js", content: "1"})
	p.document = map[string]any{
		"_id": name, "name": name, "dist-tags": map[string]any{"latest": version},
		"versions":     map[string]any{version: full},
		"access":       nil,
		"_attachments": p.attachments(),
	}
	return p
}

func (p *publication) attachments() map[string]any {
	return map[string]any{tarballName(p.name, p.version): map[string]any{
		"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(p.tarball), "length": len(p.tarball),
	}}
}

func (p *publication) request(t testing.TB) plugintest.Request {
	t.Helper()
	body, err := json.Marshal(p.document)
	if err != nil {
		t.Fatal(err)
	}
	return plugintest.Request{Method: http.MethodPut, Path: escape(p.name), Body: body, Header: http.Header{"Npm-Command": {"publish"}}}
}

// escape writes a name as npm does in URLs.
func escape(name string) string {
	return strings.Replace(name, "/", "%2f", 1)
}

func newRegistry(t testing.TB) *plugintest.Registry {
	t.Helper()
	return plugintest.New(t, Plugin(), plugintest.State{Unique: map[string][][]string{"metadata": {{"package_id"}}}})
}

// publishes publishes and fails the test if that is refused.
func publishes(t testing.TB, reg *plugintest.Registry, p *publication) {
	t.Helper()
	got := reg.Send(p.request(t))
	if got.Response == nil || got.Response.Status != http.StatusOK {
		t.Fatalf("publish of %s@%s: %s", p.name, p.version, words(got))
	}
}

func words(r plugintest.Result) string {
	if r.Response == nil {
		return "no answer"
	}
	return http.StatusText(r.Response.Status) + ": " + string(r.Response.Body)
}

// get returns a document as a map.
func get(t testing.TB, reg *plugintest.Registry, path, accept string) map[string]any {
	t.Helper()
	got := reg.Do(plugintest.Request{Path: path, Header: http.Header{"Accept": {accept}}})
	if got.Response == nil || got.Response.Status != http.StatusOK {
		t.Fatalf("GET %s: %s", path, words(got))
	}
	var doc map[string]any
	if err := json.Unmarshal(got.Response.Body, &doc); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, got.Response.Body)
	}
	return doc
}

// at walks into a document.
func at(doc map[string]any, path ...string) any {
	var v any = doc
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}
