package plan_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// env is a project of the format "demo", and who changes it.
type env struct {
	db      *pgtest.Database
	exec    *plan.Executor
	blobs   storage.Blobs
	project registry.Project
	schema  *metadata.Schema
}

func setup(tb testing.TB) *env {
	tb.Helper()
	db := plantest.NewDatabase(tb)
	return &env{
		db: db, exec: plan.New(db.Pool, nil, hclog.NewNullLogger()), blobs: memory.New(),
		project: plantest.NewProject(tb, db, "p"), schema: plantest.Install(tb, db, "demo"),
	}
}

// scope is that of a request which may do everything, with these uploads.
func (e *env) scope(uploads ...map[string]plan.File) plan.Scope {
	s := plan.Scope{
		RequestID: "r-1", Format: "demo", Project: e.project, Schema: e.schema, Action: spec.ActionDestroyPackage,
		Actor:   registry.Actor{Kind: registry.User, Username: "ada", TokenID: 5},
		Uploads: map[string]plan.File{},
	}
	for _, u := range uploads {
		maps.Copy(s.Uploads, u)
	}
	return s
}

// file is an upload named by its handle.
func (e *env) file(tb testing.TB, handle, content string) map[string]plan.File {
	tb.Helper()
	return map[string]plan.File{handle: plantest.Upload(tb, e.blobs, content)}
}

// commit carries out operations, which must work.
func (e *env) commit(tb testing.TB, s plan.Scope, ops ...spec.Op) plan.Result {
	tb.Helper()
	r, err := e.exec.Commit(tb.Context(), s, operations(ops...))
	if err != nil {
		tb.Fatal(err)
	}
	if r.State != plan.Committed {
		tb.Fatalf("state is %d, want Committed", r.State)
	}
	return r
}

// publish makes a version with one file, one row and the tag "latest", and returns its id.
func (e *env) publish(tb testing.TB, name, version string) int64 {
	tb.Helper()
	r := e.commit(tb, e.scope(e.file(tb, "u", name+version)), publishing(name, version)...)
	return r.PackageIDs["p"]
}

func publishing(name, version string) []spec.Op {
	return []spec.Op{
		spec.CreatePackage{Local: "p", Name: name, Version: version},
		spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "u", FileName: name + "-" + version + ".tgz", Local: "f"},
		spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": spec.Local("p"), "name": name + "@" + version, "size": int64(7)}, ConflictColumns: []string{"package_id"}},
		spec.UpsertRow{Table: "checksums", Row: spec.Row{"package_file_id": spec.Local("f"), "kind": "crc", "value": []byte{1, 2}}},
		spec.SetTag{Package: spec.PackageRef{Local: "p"}, Tag: "latest"},
	}
}

func operations(ops ...spec.Op) *spec.Plan {
	p := &spec.Plan{}
	for _, op := range ops {
		p.Operations = append(p.Operations, spec.Operation{Op: op, OnConflict: taken()})
	}
	return p
}

// taken is a plan's own answer for what is there already.
func taken() *spec.HTTPResponse { return &spec.HTTPResponse{Status: http.StatusForbidden} }

// ask returns the only value of a query as text; "" for null.
func (e *env) ask(tb testing.TB, sql string, args ...any) string {
	tb.Helper()
	var answer *string
	if err := e.db.Pool.QueryRow(tb.Context(), "select ("+sql+")::text", args...).Scan(&answer); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	if answer == nil {
		return ""
	}
	return *answer
}

// want asks and compares.
func (e *env) want(tb testing.TB, want, sql string, args ...any) {
	tb.Helper()
	if got := e.ask(tb, sql, args...); got != want {
		tb.Errorf("%s\nis %s\nwant %s", sql, got, want)
	}
}

// everything counts what plans write.
const everything = `select concat_ws(' ', (select count(*) from packages), (select count(*) from package_files), (select count(*) from package_tags),
	(select count(*) from fmt_demo.manifests), (select count(*) from audit_events), (select count(*) from reserved_versions), (select count(*) from cache_generations),
	(select count(*) from intents where not void))`

// changed is those of the audit's events that tell of a change.
func changed(kind string) string {
	return fmt.Sprintf(`audit_events where details @> '{"changes": [{"type": %q}]}'`, kind)
}
