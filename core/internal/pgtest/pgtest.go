// Package pgtest gives each test a PostgreSQL database of its own, with all migrations.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
)

// Database is one test's own.
type Database struct {
	Pool *pgxpool.Pool
	URL  string // with the password; of a superuser on the server that New starts
}

// New makes a fresh database from a template that has all migrations, and drops it when tb ends.
// The server is the one at PAKHUS_TEST_DATABASE_URL (whose user must be allowed to create
// databases) or, without it, one that all tests of this process share and that dies with it.
func New(tb testing.TB) *Database {
	tb.Helper()
	srv, err := server()
	if err != nil {
		tb.Fatalf("pgtest: no server: %v", err)
	}
	name := "pakhus_test_" + strings.ToLower(rand.Text()[:16])
	if err := srv.exec(tb.Context(), fmt.Sprintf("create database %s template %s", name, srv.template)); err != nil {
		tb.Fatalf("pgtest: create database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := srv.exec(ctx, fmt.Sprintf("drop database %s with (force)", name)); err != nil {
			tb.Errorf("pgtest: drop database: %v", err)
		}
	})
	db := &Database{URL: onDatabase(srv.url, name)}
	db.Pool, err = postgres.Connect(tb.Context(), db.URL, postgres.Options{MaxConns: 8, Log: hclog.NewNullLogger()})
	if err != nil {
		tb.Fatalf("pgtest: connect: %v", err)
	}
	tb.Cleanup(db.Pool.Close)
	// Roles of formats are the server's and named after the instance: no two tests may share an id.
	if _, err := db.Pool.Exec(tb.Context(), "update instance set id = gen_random_uuid()"); err != nil {
		tb.Fatalf("pgtest: new instance id: %v", err)
	}
	return db
}

// exec runs one statement on the server's maintenance database.
func (s *testServer) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// onDatabase returns the URL of another database of the same server.
func onDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic("pgtest: the server's URL was parsed before: " + err.Error())
	}
	u.Path = "/" + name
	return u.String()
}
