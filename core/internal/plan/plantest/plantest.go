// Package plantest gives tests what plans need: a database, a project in it, a
// format's tables, and uploads.
package plantest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// NewDatabase is a database whose formats' roles go with it: roles are the server's.
func NewDatabase(tb testing.TB) *pgtest.Database {
	tb.Helper()
	db := pgtest.New(tb)
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		rows, err := db.Pool.Query(ctx, "select rolname from pg_roles where rolname like "+Roles)
		if err != nil {
			tb.Error(err)
			return
		}
		roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			tb.Error(err)
		}
		for _, r := range roles {
			_, err1 := db.Pool.Exec(ctx, "drop owned by "+r+" cascade")
			_, err2 := db.Pool.Exec(ctx, "drop role "+r)
			if err := errors.Join(err1, err2); err != nil {
				tb.Error(err)
			}
		}
	})
	return db
}

// Roles is SQL for what the names of this database's formats' roles are like.
const Roles = "(select 'pakhus_' || left(replace(id::text, '-', ''), 8) || '_%' from public.instance)"

// NewProject makes a project, in a group of its own.
func NewProject(tb testing.TB, db *pgtest.Database, path string) registry.Project {
	tb.Helper()
	p := registry.Project{Path: path, FullPath: "group-of-" + path + "/" + path, Name: path, Visibility: registry.Private}
	err := db.Pool.QueryRow(tb.Context(), `
		with g as (insert into groups (path, full_path, name) values ($1, $1, $1) returning id)
		insert into projects (group_id, path, full_path, name) select id, $2, $3, $2 from g returning id, group_id`,
		"group-of-"+path, path, p.FullPath).Scan(&p.ID, &p.GroupID)
	if err != nil {
		tb.Fatalf("plantest: make a project: %v", err)
	}
	return p
}

// Migration is the schema of the format "demo" in tests.
const Migration = `
create table manifests (
    project_id bigint not null,
    package_id bigint primary key,
    name text not null check (length(name) < 300),
    size integer not null default 0,
    doc json,
    words text[],
    unique (project_id, name),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create table checksums (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_file_id bigint not null,
    kind text not null,
    value bytea not null,
    unique (package_file_id, kind),
    foreign key (project_id, package_file_id) references public.package_files (project_id, id) on delete cascade
);
create index checksums_value on checksums (project_id, value);`

// Install makes the tables of Migration for a format, with named queries.
func Install(tb testing.TB, db *pgtest.Database, format string, queries ...spec.NamedQuery) *metadata.Schema {
	tb.Helper()
	s, err := metadata.Install(tb.Context(), db.URL, &spec.Manifest{Format: format, Metadata: spec.MetadataSchema{
		Migrations: []spec.Migration{{Name: "first", SQL: Migration}}, Queries: queries,
	}})
	if err != nil {
		tb.Fatalf("plantest: install format %s: %v", format, err)
	}
	return s
}

// Upload receives a file as a request does, into the store.
func Upload(tb testing.TB, blobs storage.Blobs, content string) *upload.File {
	tb.Helper()
	return receive(tb, blobs, content, 0)
}

// SmallUpload is Upload of a file that is kept in the database.
func SmallUpload(tb testing.TB, blobs storage.Blobs, content string) *upload.File {
	tb.Helper()
	return receive(tb, blobs, content, int64(len(content)))
}

func receive(tb testing.TB, blobs storage.Blobs, content string, small int64) *upload.File {
	tb.Helper()
	body, err := upload.Receive(tb.Context(), blobs, upload.Incoming{Body: strings.NewReader(content), ContentLength: int64(len(content))},
		spec.BodyPolicy{Kind: spec.BodyRawFile},
		upload.Limits{MaxFileBytes: 1 << 30, Digests: []spec.Digest{spec.SHA1, spec.SHA512}, SmallFileBytes: small})
	if err != nil {
		tb.Fatalf("plantest: receive: %v", err)
	}
	tb.Cleanup(body.Discard)
	return body.Files[0]
}
