package e2e_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // npm's shasum
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"testing"
)

const abbreviated = "application/vnd.npm.install-v1+json"

// publication is the document of a publish. Zero fields are what npm would send.
type publication struct {
	name, version string
	tag           string         // latest
	manifest      map[string]any // of the document; nil: that of the tarball that pack makes
	tarball       []byte
	bundle        string // of provenance
	access        any
}

func (p publication) encode() []byte {
	sum1, sum512 := sha1.Sum(p.tarball), sha512.Sum512(p.tarball) //nolint:gosec // npm's shasum
	version := map[string]any{"name": p.name, "version": p.version, "_id": p.name + "@" + p.version}
	maps.Copy(version, p.manifest)
	version["dist"] = map[string]any{
		"shasum":    hex.EncodeToString(sum1[:]),
		"integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum512[:]),
		"tarball":   "http://registry.example/" + p.name + "/-/" + p.name + "-" + p.version + ".tgz",
	}
	attachments := map[string]any{
		p.name + "-" + p.version + ".tgz": map[string]any{
			"content_type": "application/octet-stream", "length": len(p.tarball), "data": base64.StdEncoding.EncodeToString(p.tarball),
		},
	}
	if p.bundle != "" {
		attachments[p.name+"-"+p.version+".sigstore"] = map[string]any{
			"content_type": "application/vnd.dev.sigstore.bundle.v0.3+json", "length": len(p.bundle), "data": p.bundle,
		}
	}
	tag := p.tag
	if tag == "" {
		tag = "latest"
	}
	document, err := json.Marshal(map[string]any{
		"_id": p.name, "name": p.name, "access": p.access, "dist-tags": map[string]string{tag: p.version},
		"versions": map[string]any{p.version: version}, "_attachments": attachments,
	})
	if err != nil {
		panic(err) // text and numbers can be encoded
	}
	return document
}

// pack makes a tarball of a package.json and further files.
func pack(tb testing.TB, manifest map[string]any, files map[string][]byte) []byte {
	tb.Helper()
	document, err := json.Marshal(manifest)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	add := func(name string, data []byte) {
		if err := archive.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
			tb.Fatal(err)
		}
		if _, err := archive.Write(data); err != nil {
			tb.Fatal(err)
		}
	}
	add("package.json", document)
	for name, data := range files {
		add(name, data)
	}
	if err := archive.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
