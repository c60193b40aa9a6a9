// Command reference is the least that a Go server on PostgreSQL must do to be an
// npm registry and a Maven repository: look the token up, write the tarball so that it lasts, one
// transaction, sendfile; packuments from memory as long as their revision in
// PostgreSQL is the same. No permissions, no checks of what is sent, no plugins,
// and a cache without bounds. Pakhus is measured against it.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/embedded"
)

const schema = `
	create table if not exists tokens (digest bytea primary key);
	create table if not exists packages (
		name     text primary key,
		revision bigint not null default 1
	);
	create table if not exists versions (
		name      text not null references packages,
		version   text not null,
		manifest  json not null,
		shasum    text not null,
		integrity text not null,
		file      text not null,
		primary key (name, version)
	);`

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: reference DIR HOST:PORT TOKEN")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1], os.Args[2], os.Args[3])
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir, listen, token string) error {
	pg, err := embedded.Start(ctx, embedded.Config{Dir: filepath.Join(dir, "postgres"), Durable: true})
	if err != nil {
		return err
	}
	defer func() { _ = pg.Stop(context.WithoutCancel(ctx)) }()
	pool, err := pgxpool.New(ctx, pg.URL()+"&pool_max_conns=16")
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, schema+mavenSchema); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(token))
	if _, err := pool.Exec(ctx, "insert into tokens values ($1) on conflict do nothing", digest[:]); err != nil {
		return err
	}
	r := &registry{pool: pool, files: filepath.Join(dir, "files"), base: "http://" + listen, cache: map[string]*packument{}, documents: map[string]*mavenDocument{}}
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(r.files, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	server := &http.Server{Addr: listen, Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

type registry struct {
	pool  *pgxpool.Pool
	files string // the folder of blobs
	base  string // of URLs

	mu        sync.RWMutex
	cache     map[string]*packument
	documents map[string]*mavenDocument
}

// ServeHTTP answers GET /NAME, GET /NAME/-/FILE and PUT /NAME; and what is below /maven.
func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	secret := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	digest := sha256.Sum256([]byte(secret))
	var found int
	if err := r.pool.QueryRow(req.Context(), "select 1 from tokens where digest = $1", digest[:]).Scan(&found); err != nil {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	name, file, isFile := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/-/")
	repository, isMaven := strings.CutPrefix(req.URL.Path, "/maven/")
	var err error
	switch {
	case isMaven:
		err = r.maven(w, req, repository)
	case req.Method == http.MethodPut:
		err = r.publish(w, req)
	case isFile:
		err = r.sendFile(w, req, name, file)
	default:
		err = r.sendPackument(w, req, name)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (r *registry) sendFile(w http.ResponseWriter, req *http.Request, name, file string) error {
	version := strings.TrimSuffix(strings.TrimPrefix(file, name+"-"), ".tgz")
	var digest string
	err := r.pool.QueryRow(req.Context(), "select file from versions where name = $1 and version = $2", name, version).Scan(&digest)
	if err != nil {
		return err
	}
	f, err := os.Open(r.path(digest))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, req, "", time.Time{}, f)
	return nil
}

// path is where the blob of a digest in hex is.
func (r *registry) path(digest string) string { return filepath.Join(r.files, digest[:2], digest) }
