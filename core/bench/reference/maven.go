package main

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // what clients of Maven compare with
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The least that a Maven repository must do: files as durable as npm's tarballs,
// a row for each, documents about versions from memory as long as the artifact's
// revision is the same. A version is there with its POM.

const mavenSchema = `
	create table if not exists maven_files (
		path   text primary key,
		digest text not null,
		sha1   text not null,
		md5    text not null
	);
	create table if not exists maven_artifacts (
		name     text primary key,
		revision bigint not null default 1
	);
	create table if not exists maven_versions (
		name    text not null,
		version text not null,
		primary key (name, version)
	);`

// mavenDocument is a maven-metadata.xml as it was at a revision.
type mavenDocument struct {
	revision int64
	data     []byte
}

// maven answers GET and PUT of /maven/PATH.
func (r *registry) maven(w http.ResponseWriter, req *http.Request, file string) error {
	stored, isSum := strings.CutSuffix(file, ".sha1")
	switch {
	case req.Method == http.MethodPut && isSum:
		return r.compareSum(w, req, stored)
	case req.Method == http.MethodPut:
		return r.putMaven(req, file)
	case isSum:
		return r.sendSum(w, req, stored)
	case path.Base(file) == "maven-metadata.xml":
		return r.sendVersions(w, req, path.Dir(file))
	}
	return r.sendMaven(w, req, file)
}

func (r *registry) putMaven(req *http.Request, file string) error {
	sum, short, old := sha256.New(), sha1.New(), md5.New() //nolint:gosec // see the imports
	digest, err := r.keep(io.MultiWriter(sum, short, old), sum, func(to io.Writer) error {
		_, err := io.Copy(to, req.Body)
		return err
	})
	if err != nil {
		return err
	}
	batch := &pgx.Batch{} // one transaction, in one round trip
	batch.Queue("insert into maven_files values ($1, $2, $3, $4)",
		file, digest, hex.EncodeToString(short.Sum(nil)), hex.EncodeToString(old.Sum(nil)))
	if strings.HasSuffix(file, ".pom") {
		version := path.Dir(file)
		name := path.Dir(version)
		batch.Queue("insert into maven_versions values ($1, $2)", name, path.Base(version))
		batch.Queue("insert into maven_artifacts (name) values ($1) on conflict (name) do update set revision = maven_artifacts.revision + 1", name)
	}
	if err := r.pool.SendBatch(req.Context(), batch).Close(); err != nil {
		return fmt.Errorf("record %s: %w", file, err)
	}
	return nil
}

func (r *registry) sumOf(ctx context.Context, file string) (sum string, err error) {
	err = r.pool.QueryRow(ctx, "select sha1 from maven_files where path = $1", file).Scan(&sum)
	return sum, err
}

func (r *registry) compareSum(w http.ResponseWriter, req *http.Request, file string) error {
	sent, err := io.ReadAll(io.LimitReader(req.Body, 1000))
	if err != nil {
		return err
	}
	sum, err := r.sumOf(req.Context(), file)
	if err == nil && sum != string(sent) {
		err = fmt.Errorf("%s of %s was sent", sent, file)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (r *registry) sendSum(w http.ResponseWriter, req *http.Request, file string) error {
	sum, err := r.sumOf(req.Context(), file)
	if err == nil {
		_, err = io.WriteString(w, sum)
	}
	return err
}

func (r *registry) sendMaven(w http.ResponseWriter, req *http.Request, file string) error {
	var digest, short, old string
	err := r.pool.QueryRow(req.Context(), "select digest, sha1, md5 from maven_files where path = $1", file).Scan(&digest, &short, &old)
	if err != nil {
		return err
	}
	f, err := os.Open(r.path(digest))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Checksum-SHA1", short)
	w.Header().Set("X-Checksum-MD5", old)
	http.ServeContent(w, req, "", time.Time{}, f)
	return nil
}

func (r *registry) sendVersions(w http.ResponseWriter, req *http.Request, name string) error {
	var revision int64
	if err := r.pool.QueryRow(req.Context(), "select revision from maven_artifacts where name = $1", name).Scan(&revision); err != nil {
		return err
	}
	r.mu.RLock()
	d := r.documents[name]
	r.mu.RUnlock()
	if d == nil || d.revision != revision {
		var err error
		if d, err = r.buildVersions(req.Context(), name, revision); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_, err := w.Write(d.data)
	return err
}

func (r *registry) buildVersions(ctx context.Context, name string, revision int64) (*mavenDocument, error) {
	rows, err := r.pool.Query(ctx, "select version from maven_versions where name = $1", name)
	if err != nil {
		return nil, err
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	slices.Sort(versions) // Maven's order is another; this costs as much
	var b bytes.Buffer
	fmt.Fprintf(&b, "<metadata>\n  <groupId>%s</groupId>\n  <artifactId>%s</artifactId>\n  <versioning>\n    <versions>\n",
		strings.ReplaceAll(path.Dir(name), "/", "."), path.Base(name))
	for _, v := range versions {
		fmt.Fprintf(&b, "      <version>%s</version>\n", v)
	}
	b.WriteString("    </versions>\n  </versioning>\n</metadata>\n")
	d := &mavenDocument{revision, b.Bytes()}
	r.mu.Lock()
	r.documents[name] = d
	r.mu.Unlock()
	return d, nil
}
