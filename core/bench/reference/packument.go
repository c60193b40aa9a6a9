package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
)

// packument is a document as it was at a revision.
type packument struct {
	revision          int64
	full, abbreviated []byte
}

func (r *registry) sendPackument(w http.ResponseWriter, req *http.Request, name string) error {
	var revision int64
	if err := r.pool.QueryRow(req.Context(), "select revision from packages where name = $1", name).Scan(&revision); err != nil {
		return err
	}
	tag := fmt.Sprintf(`"%d"`, revision)
	w.Header().Set("ETag", tag)
	if req.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	r.mu.RLock()
	p := r.cache[name]
	r.mu.RUnlock()
	if p == nil || p.revision != revision {
		var err error
		if p, err = r.build(req.Context(), name, revision); err != nil {
			return err
		}
	}
	body, kind := p.full, "application/json"
	if strings.HasPrefix(req.Header.Get("Accept"), "application/vnd.npm.install-v1+json") {
		body, kind = p.abbreviated, "application/vnd.npm.install-v1+json"
	}
	w.Header().Set("Content-Type", kind)
	_, err := w.Write(body)
	return err
}

// build reads all versions and keeps both forms of the document.
func (r *registry) build(ctx context.Context, name string, revision int64) (*packument, error) {
	rows, err := r.pool.Query(ctx, "select version, manifest::text, shasum, integrity from versions where name = $1", name)
	if err != nil {
		return nil, err
	}
	var full, abbreviated bytes.Buffer
	var version, manifest, shasum, integrity string
	_, err = pgx.ForEachRow(rows, []any{&version, &manifest, &shasum, &integrity}, func() error {
		dist := fmt.Sprintf(`"dist":{"shasum":%q,"integrity":%q,"tarball":"%s/%s/-/%s-%s.tgz"}}`, shasum, integrity, r.base, name, name, version)
		var short struct {
			Name         string            `json:"name"`
			Version      string            `json:"version"`
			Dependencies map[string]string `json:"dependencies,omitempty"`
			Engines      map[string]string `json:"engines,omitempty"`
		}
		if err := json.Unmarshal([]byte(manifest), &short); err != nil {
			return err
		}
		text, err := json.Marshal(short)
		if err != nil {
			return err
		}
		add(&full, version, manifest, dist)
		add(&abbreviated, version, string(text), dist)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := &packument{revision, whole(name, version, &full), whole(name, version, &abbreviated)}
	r.mu.Lock()
	r.cache[name] = p
	r.mu.Unlock()
	return p, nil
}

// add appends a version: its manifest, an object, gets dist as its last field.
func add(b *bytes.Buffer, version, manifest, dist string) {
	if b.Len() > 0 {
		b.WriteByte(',')
	}
	fmt.Fprintf(b, "%q:%s,%s", version, strings.TrimSuffix(manifest, "}"), dist)
}

func whole(name, latest string, versions *bytes.Buffer) []byte {
	return fmt.Appendf(nil, `{"name":%q,"dist-tags":{"latest":%q},"versions":{%s}}`, name, latest, versions)
}
