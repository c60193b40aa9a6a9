package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres"
)

func TestNodesThatStartAtOnce(t *testing.T) {
	t.Parallel()
	db := empty(t)
	errs := make([]error, 4)
	var nodes sync.WaitGroup
	for i := range errs {
		nodes.Go(func() { errs[i] = postgres.Migrate(t.Context(), db) })
	}
	nodes.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"packages", "package_files", "river_job"} {
		if ask(t, db, "select to_regclass('"+table+"') is not null and not exists (select from "+table+")") != "true" {
			t.Errorf("table %s is missing or not empty", table)
		}
	}
	if n := ask(t, db, "select count(*) from instance"); n != "1" {
		t.Errorf("there are %s instances, want 1", n)
	}
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db := empty(t)
	if err := postgres.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	const state = "select version::text || ' ' || (select id from instance) || ' ' || (select count(*) from river_migration) from schema_version"
	before := ask(t, db, state)
	if err := postgres.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if after := ask(t, db, state); after != before {
		t.Errorf("the schema was %s and is %s", before, after)
	}
}

func TestNewerDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	for what, ahead := range map[string]string{
		"schema": "update schema_version set version = 900",
		"queue":  "insert into river_migration (line, version) values ('main', 900)",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			if _, err := db.Pool.Exec(t.Context(), ahead); err != nil {
				t.Fatal(err)
			}
			err := postgres.Migrate(t.Context(), db.URL)
			if !errors.Is(err, postgres.ErrNewerDatabase) {
				t.Fatalf("error is %v, want ErrNewerDatabase", err)
			}
			if !strings.Contains(err.Error(), what+" is at version 900") {
				t.Errorf("the error does not name the version: %v", err)
			}
		})
	}
}

func TestAFailedMigrationLeavesNothing(t *testing.T) {
	t.Parallel()
	db := empty(t)
	files := fstest.MapFS{
		"001_first.sql":  {Data: []byte("create table first (id int);")},
		"002_second.sql": {Data: []byte("create table second (id int);\nselect 1/0;")},
	}
	if err := postgres.MigrateWith(t.Context(), db, files); err == nil || !strings.Contains(err.Error(), "002_second.sql") {
		t.Fatalf("error is %v, want one that names the migration", err)
	}
	if got := ask(t, db, "select to_regclass('second') is null and to_regclass('first') is not null"); got != "true" {
		t.Error("the failed migration left a table, or the one before it is gone")
	}
	files["002_second.sql"].Data = []byte("create table second (id int);")
	if err := postgres.MigrateWith(t.Context(), db, files); err != nil {
		t.Fatalf("the corrected migration: %v", err)
	}
	if got := ask(t, db, "select version from schema_version"); got != "2" {
		t.Errorf("the schema is at version %s, want 2", got)
	}
}

// empty makes a database without migrations and returns its URL.
func empty(t *testing.T) string {
	t.Helper()
	db := pgtest.New(t)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_empty"
	name := u.Path[1:]
	if _, err := db.Pool.Exec(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Pool.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf("drop database %s with (force)", name)); err != nil {
			t.Error(err)
		}
	})
	return u.String()
}

// ask returns the only value of a query as text.
func ask(t *testing.T, db, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), "select ("+sql+")::text").Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}
