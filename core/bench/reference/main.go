// Command reference is the least that a Go server on PostgreSQL must do to be an
// npm registry: look the token up, write the tarball so that it lasts, one
// transaction, sendfile; packuments from memory as long as their revision in
// PostgreSQL is the same. No permissions, no checks, no plugins. It is what
// Pakhus is measured against.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // as npm does
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/embedded"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: reference DIR HOST:PORT TOKEN")
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

const schema = `
	create table tokens (digest bytea primary key);
	create table packages (name text primary key, revision bigint not null default 1);
	create table versions (name text, version text, manifest json not null, shasum text, integrity text, file text not null, primary key (name, version));`

type registry struct {
	pool *pgxpool.Pool
	dir  string
	base string

	mu    sync.RWMutex
	cache map[string]packument
}

type packument struct {
	revision int64
	body     []byte
}

func run(dir, listen, token string) error {
	ctx := context.Background()
	pg, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, pg.URL()+"&pool_max_conns=16")
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(token))
	if _, err := pool.Exec(ctx, schema); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, "insert into tokens values ($1)", digest[:]); err != nil {
		return err
	}
	r := &registry{pool: pool, dir: filepath.Join(dir, "files"), base: "http://" + listen, cache: map[string]packument{}}
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(r.dir, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: listen, Handler: r, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// ServeHTTP answers /<name>, /<name>/-/<file> and PUT /<name>.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	secret := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	digest := sha256.Sum256([]byte(secret))
	var one int
	if err := r.pool.QueryRow(req.Context(), "select 1 from tokens where digest = $1", digest[:]).Scan(&one); err != nil {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	name, file, isFile := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/-/")
	var err error
	switch {
	case req.Method == http.MethodPut:
		err = r.publish(req.Context(), w, req)
	case isFile:
		err = r.file(req.Context(), w, req, name, file)
	default:
		err = r.packument(req.Context(), w, req, name)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (r *registry) packument(ctx context.Context, w http.ResponseWriter, req *http.Request, name string) error {
	var revision int64
	if err := r.pool.QueryRow(ctx, "select revision from packages where name = $1", name).Scan(&revision); err != nil {
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
	if p.revision != revision {
		var err error
		if p, err = r.build(ctx, name, revision); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(p.body)
	return err
}

func (r *registry) build(ctx context.Context, name string, revision int64) (packument, error) {
	rows, err := r.pool.Query(ctx, "select version, manifest::text, shasum, integrity, file from versions where name = $1", name)
	if err != nil {
		return packument{}, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"name":%q,"versions":{`, name)
	var version, manifest, shasum, integrity, file string
	first := true
	_, err = pgx.ForEachRow(rows, []any{&version, &manifest, &shasum, &integrity, &file}, func() error {
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(&b, `%q:%s,"dist":{"shasum":%q,"integrity":%q,"tarball":"%s/%s/-/%s-%s.tgz"}}`,
			version, strings.TrimSuffix(manifest, "}"), shasum, integrity, r.base, name, name, version)
		return nil
	})
	if err != nil {
		return packument{}, err
	}
	fmt.Fprintf(&b, `},"dist-tags":{"latest":%q}}`, version)
	p := packument{revision, b.Bytes()}
	r.mu.Lock()
	r.cache[name] = p
	r.mu.Unlock()
	return p, nil
}

func (r *registry) file(ctx context.Context, w http.ResponseWriter, req *http.Request, name, file string) error {
	version := strings.TrimSuffix(strings.TrimPrefix(file, name+"-"), ".tgz")
	var stored string
	if err := r.pool.QueryRow(ctx, "select file from versions where name = $1 and version = $2", name, version).Scan(&stored); err != nil {
		return err
	}
	f, err := os.Open(r.path(stored))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, req, "", time.Time{}, f)
	return nil
}

func (r *registry) path(digest string) string { return filepath.Join(r.dir, digest[:2], digest) }

func (r *registry) publish(ctx context.Context, w http.ResponseWriter, req *http.Request) error {
	var doc struct {
		Name        string                     `json:"name"`
		Versions    map[string]json.RawMessage `json:"versions"`
		Attachments map[string]struct {
			Data string `json:"data"`
		} `json:"_attachments"`
	}
	if err := json.NewDecoder(req.Body).Decode(&doc); err != nil {
		return err
	}
	for version, manifest := range doc.Versions {
		data, err := base64.StdEncoding.DecodeString(doc.Attachments[doc.Name+"-"+version+".tgz"].Data)
		if err != nil {
			return err
		}
		sum, short, long := sha256.Sum256(data), sha1.Sum(data), sha512.Sum512(data) //nolint:gosec // as npm does
		digest := hex.EncodeToString(sum[:])
		if err := r.write(digest, data); err != nil {
			return err
		}
		if err := r.record(ctx, doc.Name, version, manifest, digest, hex.EncodeToString(short[:]), "sha512-"+base64.StdEncoding.EncodeToString(long[:])); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write([]byte(`{"ok":true}`))
	return err
}

// write is the four steps: write, flush, rename, flush the folder.
func (r *registry) write(digest string, data []byte) error {
	path := r.path(digest)
	temp := path + "." + rand.Text()
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func (r *registry) record(ctx context.Context, name, version string, manifest json.RawMessage, file, shasum, integrity string) error {
	batch := &pgx.Batch{}
	batch.Queue("begin")
	batch.Queue("insert into packages (name) values ($1) on conflict (name) do update set revision = packages.revision + 1", name)
	batch.Queue("insert into versions values ($1, $2, $3, $4, $5, $6)", name, version, string(manifest), shasum, integrity, file)
	batch.Queue("commit")
	return r.pool.SendBatch(ctx, batch).Close()
}
