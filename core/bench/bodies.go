package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// body is a publish ready to be sent.
type body struct {
	name string
	json []byte
}

// newBody makes a package whose tarball has about so many bytes, none of which
// can be compressed or shared.
func newBody(name, version string, size int) body {
	tarball := newTarball(name, version, size)
	file := fmt.Sprintf("%s-%s.tgz", name, version)
	data := must(json.Marshal(map[string]any{
		"_id": name, "name": name,
		"dist-tags": map[string]string{"latest": version},
		"versions":  map[string]any{version: manifest(name, version)},
		"_attachments": map[string]any{file: map[string]any{
			"content_type": "application/octet-stream",
			"data":         base64.StdEncoding.EncodeToString(tarball),
			"length":       len(tarball),
		}},
	}))
	return body{name, data}
}

// manifest is about what a small package says of itself.
func manifest(name, version string) map[string]any {
	return map[string]any{
		"name": name, "version": version, "description": "a package of the benchmark", "license": "MIT", "main": "index.js",
		"keywords":     []string{"bench", "mark"},
		"scripts":      map[string]string{"test": "node test.js", "build": "node build.js"},
		"repository":   map[string]string{"type": "git", "url": "git+https://example.com/bench/" + name + ".git"},
		"dependencies": map[string]string{"left": "^1.0.0", "right": "^2.0.0", "middle": "~3.1.4"},
		"engines":      map[string]string{"node": ">=20"},
	}
}

func newTarball(name, version string, size int) []byte {
	noise := make([]byte, size)
	_, _ = rand.Read(noise) // it never fails
	var b bytes.Buffer
	b.Grow(size + size/64 + 4096)
	z := must(gzip.NewWriterLevel(&b, gzip.HuffmanOnly))
	w := tar.NewWriter(z)
	for _, f := range []struct {
		name    string
		content []byte
	}{
		{"package/package.json", must(json.Marshal(manifest(name, version)))},
		{"package/noise", noise},
	} {
		check(w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}))
		must(w.Write(f.content))
	}
	check(w.Close())
	check(z.Close())
	return b.Bytes()
}

// must is for what cannot fail: everything here is made of our own text, in memory.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
