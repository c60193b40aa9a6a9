package host_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/indatabase"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// env is a project of the format "demo" with what reads and writes it.
type env struct {
	db      *pgtest.Database
	host    *host.Host
	exec    *plan.Executor
	blobs   storage.Blobs
	project registry.Project
	schema  *metadata.Schema
}

func setup(t *testing.T, queries ...spec.NamedQuery) *env {
	t.Helper()
	db := plantest.NewDatabase(t)
	blobs := memory.New()
	return &env{
		db: db, host: host.New(db.Pool, blobs), exec: plan.New(db.Pool, nil, hclog.NewNullLogger()), blobs: blobs,
		project: plantest.NewProject(t, db, "p"), schema: plantest.Install(t, db, "demo", queries...),
	}
}

// open makes a scope of the environment's project that ends with the test.
func (e *env) open(t *testing.T, uploads map[string]host.File) string {
	t.Helper()
	id, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: []int64{e.project.ID}, Schema: e.schema, Uploads: uploads})
	t.Cleanup(func() { end() })
	return id
}

// publish makes a version with a file, rows and tags, and returns the ids of package and file.
func (e *env) publish(t *testing.T, name, version, status string, tags ...string) (pkg, file int64) {
	t.Helper()
	content := name + "-" + version
	p := &spec.Plan{}
	add := func(op spec.Op) { p.Operations = append(p.Operations, spec.Operation{Op: op}) }
	add(spec.CreatePackage{Local: "p", Name: name, Version: version, Status: status})
	add(spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "u", FileName: content + ".tgz", Local: "f"})
	add(spec.UpsertRow{Table: "manifests", Row: spec.Row{
		"package_id": spec.Local("p"), "name": content, "size": int64(len(content)), "doc": json.RawMessage(`{"b": 1,  "a":2}`), "words": []string{"x", ""},
	}})
	add(spec.UpsertRow{Table: "checksums", Row: spec.Row{"package_file_id": spec.Local("f"), "kind": "crc", "value": []byte{0xff}}})
	for _, tag := range tags {
		add(spec.SetTag{Package: spec.PackageRef{Local: "p"}, Tag: tag})
	}
	r, err := e.exec.Commit(t.Context(), plan.Scope{
		Format: "demo", Project: e.project, Schema: e.schema, Action: spec.ActionCreatePackage,
		Uploads: map[string]plan.File{"u": plantest.Upload(t, e.blobs, content)},
	}, p)
	if err != nil || r.State != plan.Committed {
		t.Fatalf("publish %s: %+v, %v", content, r, err)
	}
	return r.PackageIDs["p"], r.FileIDs["f"]
}

// versions finds packages and returns "name@version" of each.
func (e *env) versions(t *testing.T, f spec.Finder) []string {
	t.Helper()
	page, err := e.host.FindPackages(t.Context(), e.open(t, nil), f)
	if err != nil {
		t.Fatal(err)
	}
	return names(page)
}

func names(page spec.FoundPage) []string {
	found := []string{}
	for _, p := range page.Packages {
		found = append(found, p.Package.Name+"@"+p.Package.Version)
	}
	return found
}

func TestFind(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for _, v := range []string{"a 1", "a 2 deprecated", "a 3 error", "a 4 hidden", "a 5 processing", "ab 1", "a%b 1", "b 1", "\U0010ffff 1", "\U0010ffff\U0010ffff 1", "\ud7ff 1", "\ue000 1"} {
		f := append(strings.Fields(v), "")
		e.publish(t, f[0], f[1], f[2])
	}
	for name, c := range map[string]struct {
		finder spec.Finder
		want   []string
	}{
		"what clients are served":  {spec.Finder{Name: "a"}, []string{"a@1", "a@2", "a@4"}},
		"a status":                 {spec.Finder{Name: "a", Statuses: []string{"error", "processing"}}, []string{"a@3", "a@5"}},
		"those that are to go":     {spec.Finder{Name: "a", Statuses: []string{"pending_destruction"}}, []string{}},
		"a version":                {spec.Finder{Name: "a", Version: "2"}, []string{"a@2"}},
		"a file":                   {spec.Finder{FileName: "ab-1.tgz"}, []string{"ab@1"}},
		"a file of another name":   {spec.Finder{Name: "a", FileName: "ab-1.tgz"}, []string{}},
		"a file by its key":        {spec.Finder{FileKey: "ab-1.tgz"}, []string{"ab@1"}},
		"a key of another name":    {spec.Finder{Name: "a", FileKey: "ab-1.tgz"}, []string{}},
		"a file that ends so":      {spec.Finder{Name: "a", FileSuffix: "2.tgz"}, []string{"a@2"}},
		"an end, not a pattern":    {spec.Finder{Name: "a", FileSuffix: "%.tgz"}, []string{}},
		"a longer end than names":  {spec.Finder{Name: "a", FileSuffix: "a-1.tgz.asc/a-1.tgz"}, []string{}},
		"a prefix":                 {spec.Finder{NamePrefix: "a", Statuses: []string{"default"}}, []string{"a@1", "ab@1", "a%b@1"}},
		"a prefix, not a pattern":  {spec.Finder{NamePrefix: "a%"}, []string{"a%b@1"}},
		"the last prefix":          {spec.Finder{NamePrefix: "\U0010ffff"}, []string{"\U0010ffff@1", "\U0010ffff\U0010ffff@1"}},
		"a prefix beside the gap":  {spec.Finder{NamePrefix: "\ud7ff"}, []string{"\ud7ff@1"}},
		"nothing":                  {spec.Finder{Name: "' or true --"}, []string{}},
		"a name that is no status": {spec.Finder{Name: "a", Statuses: []string{"'"}}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := e.versions(t, c.finder); !slices.Equal(got, c.want) {
				t.Errorf("found %q\nwant  %q", got, c.want)
			}
		})
	}
}

func TestFindWithAllThatBelongs(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id, file := e.publish(t, "a", "1", "", "latest", "beta")
	e.publish(t, "a", "2", "")
	page, err := e.host.FindPackages(t.Context(), e.open(t, nil), spec.Finder{
		Name: "a", WithFiles: true, WithTags: true,
		WithRows: []spec.RowSelection{{Table: "manifests", Columns: []string{"size", "doc", "words"}}, {Table: "checksums", Columns: []string{"value"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Packages) != 2 || page.NextPageToken != "" {
		t.Fatalf("found %d packages, next page %q", len(page.Packages), page.NextPageToken)
	}
	p := page.Packages[0]
	if p.Package.ID != id || p.Package.ProjectID != e.project.ID || p.Package.LockVersion != 1 || p.Package.CreatedAt.IsZero() {
		t.Errorf("package is %+v", p.Package)
	}
	if len(p.Files) != 1 || p.Files[0].ID != file || p.Files[0].FileName != "a-1.tgz" || len(p.Files[0].Digests.SHA512) != 64 || p.Files[0].Digests.MD5 != nil {
		t.Errorf("files are %+v", p.Files)
	}
	if !slices.Equal(p.Tags, []string{"beta", "latest"}) || page.Packages[1].Tags != nil {
		t.Errorf("tags are %v and %v", p.Tags, page.Packages[1].Tags)
	}
	want := map[string][]spec.Row{
		"manifests": {{"size": int64(3), "doc": json.RawMessage(`{"b": 1,  "a":2}`), "words": []string{"x", ""}}},
		"checksums": {{"value": []byte{0xff}}},
	}
	if !reflect.DeepEqual(p.Rows, want) {
		t.Errorf("rows are %v\nwant %v", p.Rows, want)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for i := range 5 {
		e.publish(t, "a", fmt.Sprint(i), "")
	}
	scope := e.open(t, nil)
	for _, f := range []spec.Finder{{Name: "a", Limit: 2, WithFiles: true}, {Limit: 2, WithFiles: true}} {
		var pages [][]string
		for {
			page, err := e.host.FindPackages(t.Context(), scope, f)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, names(page))
			for _, p := range page.Packages {
				if len(p.Files) != 1 || p.Files[0].PackageID != p.Package.ID {
					t.Errorf("files of %d are %v", p.Package.ID, p.Files)
				}
			}
			if f.PageToken = page.NextPageToken; f.PageToken == "" {
				break
			}
		}
		if got := fmt.Sprint(pages); got != "[[a@0 a@1] [a@2 a@3] [a@4]]" {
			t.Errorf("pages are %s", got)
		}
	}
	if _, err := e.host.FindPackages(t.Context(), scope, spec.Finder{PageToken: "1 or 1=1"}); err == nil {
		t.Error("a token that is none: no error")
	}
}

// TestAPageFitsAMessage: rows of 1 MiB end a page early, and every package is on one page.
func TestAPageFitsAMessage(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for i := range 20 {
		e.publish(t, "a", fmt.Sprint(i), "")
	}
	if _, err := e.db.Pool.Exec(t.Context(), `update fmt_demo.manifests set doc = to_json(repeat('x', 1 << 20))`); err != nil {
		t.Fatal(err)
	}
	scope := e.open(t, nil)
	f := spec.Finder{Name: "a", WithFiles: true, WithRows: []spec.RowSelection{{Table: "manifests"}}}
	n, pages := 0, 0
	for {
		page, err := e.host.FindPackages(t.Context(), scope, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Packages {
			if p.Package.Version != fmt.Sprint(n) || len(p.Rows["manifests"]) != 1 || len(p.Files) != 1 {
				t.Errorf("package %d is %s with %d rows", n, p.Package.Version, len(p.Rows["manifests"]))
			}
			n++
		}
		pages++
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			break
		}
	}
	if n != 20 || pages < 4 || pages > 8 {
		t.Errorf("%d packages on %d pages", n, pages)
	}
	if _, err := e.db.Pool.Exec(t.Context(), `update fmt_demo.manifests set doc = to_json(repeat('x', 13 << 20)) where size = 4`); err != nil {
		t.Fatal(err)
	}
	f.PageToken, f.Version = "", "15"
	if _, err := e.host.FindPackages(t.Context(), scope, f); err == nil || !strings.Contains(err.Error(), "larger than a message") {
		t.Errorf("one package that fits no message: %v", err)
	}
}

func TestSelectRows(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for _, v := range []string{"1", "2", "3"} {
		e.publish(t, "a", v, "")
	}
	scope := e.open(t, nil)
	read := func(s spec.RowSelect) []string {
		t.Helper()
		s.Table, s.Columns = "manifests", []string{"name"}
		rows, err := e.host.SelectRows(t.Context(), scope, s)
		if err != nil {
			t.Fatal(err)
		}
		found := []string{}
		for _, r := range rows {
			name, _ := r["name"].(string)
			found = append(found, name)
		}
		return found
	}
	for _, c := range []struct {
		read spec.RowSelect
		want string
	}{
		{spec.RowSelect{OrderBy: []string{"-name"}}, "[a-3 a-2 a-1]"},
		{spec.RowSelect{OrderBy: []string{"size", "name"}, Limit: 2}, "[a-1 a-2]"},
		{spec.RowSelect{Where: spec.Row{"name": "a-2"}}, "[a-2]"},
		{spec.RowSelect{Where: spec.Row{"name": []string{"a-3", "a-1", "x"}}, OrderBy: []string{"name"}}, "[a-1 a-3]"},
		{spec.RowSelect{Where: spec.Row{"name": []string{}}}, "[]"},
		{spec.RowSelect{Where: spec.Row{"name": nil}}, "[]"},
		{spec.RowSelect{Where: spec.Row{"size": int64(3), "name": "a-1"}}, "[a-1]"},
		{spec.RowSelect{Where: spec.Row{"words": []string{"x", ""}}, OrderBy: []string{"name"}}, "[a-1 a-2 a-3]"},
	} {
		if got := fmt.Sprint(read(c.read)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.read, got, c.want)
		}
	}
}

func TestNamedQueries(t *testing.T) {
	t.Parallel()
	e := setup(t, spec.NamedQuery{
		Name: "largest", SQL: "select p.name, m.size, m.doc from manifests m join core_api.packages p on p.id = m.package_id where m.project_id = any ($1) and m.size >= $2 order by m.size desc, p.id",
		ArgumentTypes: []string{"integer"},
		Result:        []spec.QueryColumn{{Name: "name", Type: "text"}, {Name: "size", Type: "integer"}, {Name: "doc", Type: "json"}},
	}, spec.NamedQuery{
		// What a hostile or careless plugin would write: it names no project.
		Name: "everything", SQL: "select name from core_api.packages order by id", Result: []spec.QueryColumn{{Name: "name", Type: "text"}},
	})
	e.publish(t, "a", "1", "")
	e.publish(t, "abc", "1", "")
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	other.publish(t, "secret", "1", "")
	scope := e.open(t, nil)

	rows, err := e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: "largest", Arguments: []any{int64(1)}})
	want := []spec.Row{
		{"name": "abc", "size": int64(5), "doc": json.RawMessage(`{"b": 1,  "a":2}`)},
		{"name": "a", "size": int64(3), "doc": json.RawMessage(`{"b": 1,  "a":2}`)},
	}
	if err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("rows are %v, %v", rows, err)
	}
	rows, err = e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: "largest", Arguments: []any{int64(1)}, Limit: 1})
	if err != nil || len(rows) != 1 {
		t.Errorf("with a limit: %v, %v", rows, err)
	}
	rows, err = e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: "everything"})
	if err != nil || fmt.Sprint(rows) != "[map[name:a] map[name:abc]]" {
		t.Errorf("without a project: %v, %v", rows, err)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publish(t, "a", "1", "")
	results, err := e.host.Batch(t.Context(), e.open(t, nil), []spec.ReadCall{
		{Find: &spec.Finder{Name: "a"}}, {Select: &spec.RowSelect{Table: "manifests"}}, {Find: &spec.Finder{Name: "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 3 || len(results[0].Page.Packages) != 1 || len(results[1].Rows) != 1 || len(results[2].Page.Packages) != 0 {
		t.Errorf("results are %+v", results)
	}
}

// TestWhatAPluginMustNotRead: each is an error or finds nothing, and the
// connection serves the next caller as before.
func TestWhatAPluginMustNotRead(t *testing.T) {
	t.Parallel()
	e := setup(t)
	mine, mineFile := e.publish(t, "a", "1", "")
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	_, foreign := other.publish(t, "b", "1", "")
	scope := e.open(t, map[string]host.File{"u": plantest.Upload(t, e.blobs, "bytes")})
	ctx := t.Context()
	read := func(c spec.ReadCall) error {
		_, err := e.host.Batch(ctx, scope, []spec.ReadCall{c})
		return err
	}
	sel := func(s spec.RowSelect) spec.ReadCall { return spec.ReadCall{Select: &s} }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"another format's table": {read(sel(spec.RowSelect{Table: "fmt_other.t"})), `there is no table "fmt_other.t"`},
		"the core's table":       {read(sel(spec.RowSelect{Table: "tokens"})), "there is no table"},
		"an unknown column":      {read(sel(spec.RowSelect{Table: "manifests", Columns: []string{"nmae"}})), `has no column "nmae"`},
		"a column to compare":    {read(sel(spec.RowSelect{Table: "manifests", Where: spec.Row{"1=1 --": "x"}})), "has no column"},
		"a column to order by":   {read(sel(spec.RowSelect{Table: "manifests", OrderBy: []string{"name; drop table"}})), "has no column"},
		"a value of a kind":      {read(sel(spec.RowSelect{Table: "manifests", Where: spec.Row{"size": "7"}})), "column manifests.size: a string cannot be a integer"},
		"a list for numbers":     {read(sel(spec.RowSelect{Table: "manifests", Where: spec.Row{"size": []string{"7"}}})), "cannot be a integer"},
		"rows of no table":       {read(spec.ReadCall{Find: &spec.Finder{WithRows: []spec.RowSelection{{Table: "users"}}}}), "there is no table"},
		"an unknown query":       {read(spec.ReadCall{Query: &spec.QueryCall{Name: "nope"}}), `there is no query "nope"`},
		"nothing":                {read(spec.ReadCall{}), "asks nothing"},
		"a text with NUL":        {read(spec.ReadCall{Find: &spec.Finder{Name: "a\x00"}}), "invalid byte sequence"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, c.err, c.want)
		}
	}
	if _, err := e.host.Batch(ctx, scope, make([]spec.ReadCall, 101)); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("a batch of 101: %v", err)
	}
	rows, err := e.host.SelectRows(ctx, scope, spec.RowSelect{Table: "manifests", Where: spec.Row{"project_id": other.project.ID}})
	if err != nil || len(rows) != 0 {
		t.Errorf("another project's rows: %v, %v", rows, err)
	}
	for name, ref := range map[string]spec.FileRef{
		"another project's file": {FileID: foreign}, "a file that is not": {FileID: 1 << 40}, "no file": {}, "another request's upload": {UploadHandle: "v"},
	} {
		if _, _, err := e.host.ReadFile(ctx, scope, ref, 0, 10); err == nil || !strings.Contains(err.Error(), "in this scope") {
			t.Errorf("%s: error is %v", name, err)
		}
		if _, err := e.host.ReadArchive(ctx, scope, spec.ArchiveRead{File: ref, Kind: spec.Zip}); err == nil || !strings.Contains(err.Error(), "in this scope") {
			t.Errorf("%s as an archive: error is %v", name, err)
		}
	}
	unlike, end := e.host.Open(host.Scope{Format: "other", ProjectIDs: []int64{e.project.ID}})
	defer end()
	if _, _, err := e.host.ReadFile(ctx, unlike, spec.FileRef{FileID: mineFile}, 0, 10); err == nil {
		t.Error("a file of another format was read")
	}
	page, err := e.host.FindPackages(ctx, unlike, spec.Finder{Name: "a"})
	if err != nil || len(page.Packages) != 0 {
		t.Errorf("packages of another format: %v, %v", page, err)
	}
	nowhere, end := e.host.Open(host.Scope{Format: "demo", Schema: e.schema})
	defer end()
	page, err = e.host.FindPackages(ctx, nowhere, spec.Finder{})
	if err != nil || len(page.Packages) != 0 {
		t.Errorf("packages of no project: %v, %v", page, err)
	}
	if got := e.versions(t, spec.Finder{}); !slices.Equal(got, []string{"a@1"}) {
		t.Errorf("package %d: found %v", mine, got)
	}
	if n := e.db.Pool.Stat().NewConnsCount(); n > 8 {
		t.Errorf("%d connections were made: failed reads cost one each", n)
	}
}

// An answer that is made from nothing but what the core has read itself needs no
// second look at what it depends on.
func TestAScopeKnowsWhetherThePluginAsked(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publish(t, "a", "1", "")
	scope := host.Scope{Format: "demo", ProjectIDs: []int64{e.project.ID}, Schema: e.schema}
	find := spec.ReadCall{Find: &spec.Finder{Name: "a"}}
	id, end := e.host.Open(scope)
	got, err := e.host.Prefetch(t.Context(), id, []spec.ReadCall{find}, []string{"a"}, false)
	if err != nil || len(got.Results[0].Page.Packages) != 1 || len(got.Generations) != 1 || got.Contents != nil {
		t.Errorf("prefetched %+v, %v", got, err)
	}
	if end() {
		t.Error("a prefetch counts as a question of the plugin")
	}
	for name, ask := range map[string]func(id string) error{
		"finder": func(id string) error { _, err := e.host.FindPackages(t.Context(), id, *find.Find); return err },
		"rows": func(id string) error {
			_, err := e.host.SelectRows(t.Context(), id, spec.RowSelect{Table: "manifests"})
			return err
		},
		"batch": func(id string) error { _, err := e.host.Batch(t.Context(), id, []spec.ReadCall{find}); return err },
		"file": func(id string) error {
			_, _, err := e.host.ReadFile(t.Context(), id, spec.FileRef{FileID: 1}, 0, 1)
			return err
		},
	} {
		id, end := e.host.Open(scope)
		if err := ask(id); err != nil && name != "file" {
			t.Errorf("%s: %v", name, err)
		}
		if !end() {
			t.Errorf("%s: does not count as a question", name)
		}
	}
}

// The core sends a small file from what it has found with its row; a plugin reads
// it like any other.
func TestSmallFilesAreRead(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publish(t, "stored", "1", "")
	_, err := e.exec.Commit(t.Context(), plan.Scope{
		Format: "demo", Project: e.project, Schema: e.schema, Action: spec.ActionCreatePackage,
		Uploads: map[string]plan.File{"u": plantest.SmallUpload(t, e.blobs, "tiny")},
	}, &spec.Plan{Operations: []spec.Operation{
		{Op: spec.CreatePackage{Local: "p", Name: "small", Version: "1"}},
		{Op: spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "u", FileName: "tiny.txt"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	reads := host.New(e.db.Pool, indatabase.Over(e.blobs, e.db.Pool))
	scope, end := reads.Open(host.Scope{Format: "demo", ProjectIDs: []int64{e.project.ID}, Schema: e.schema})
	defer end()
	for file, want := range map[string]string{"tiny.txt": "tiny", "stored-1.tgz": "", "none": ""} {
		got, err := reads.Prefetch(t.Context(), scope, []spec.ReadCall{{Find: &spec.Finder{FileName: file, WithFiles: true}}}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		var content string
		for _, p := range got.Results[0].Page.Packages {
			content += string(got.Contents[p.Files[0].ID])
			read, size, err := reads.ReadFile(t.Context(), scope, spec.FileRef{FileID: p.Files[0].ID}, 0, 100)
			if err != nil || int64(len(read)) != size || size != p.Files[0].Size {
				t.Errorf("%s: read %q of %d, %v", file, read, size, err)
			}
		}
		if content != want {
			t.Errorf("%s: found with content %q, want %q", file, content, want)
		}
	}
}

func TestAScopeEnds(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.publish(t, "a", "1", "")
	id, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: []int64{e.project.ID}, Schema: e.schema})
	if _, err := e.host.FindPackages(t.Context(), id, spec.Finder{}); err != nil {
		t.Fatal(err)
	}

	t.Run("a call under way ends with it", func(t *testing.T) {
		tx, err := e.db.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		if _, err := tx.Exec(t.Context(), "lock table fmt_demo.manifests"); err != nil {
			t.Fatal(err)
		}
		failed := make(chan error)
		go func() {
			_, err := e.host.SelectRows(t.Context(), id, spec.RowSelect{Table: "manifests"})
			failed <- err
		}()
		for waiting := false; !waiting; {
			if err := tx.QueryRow(t.Context(), "select exists (select from pg_locks where not granted and relation = 'fmt_demo.manifests'::regclass)").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
		end()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("no call works after it", func(t *testing.T) {
		ctx := t.Context()
		_, err1 := e.host.FindPackages(ctx, id, spec.Finder{})
		_, err2 := e.host.SelectRows(ctx, id, spec.RowSelect{Table: "manifests"})
		_, err3 := e.host.RunQuery(ctx, id, spec.QueryCall{Name: "x"})
		_, err4 := e.host.Batch(ctx, id, nil)
		_, _, err5 := e.host.ReadFile(ctx, id, spec.FileRef{FileID: 1}, 0, 1)
		_, err6 := e.host.ReadArchive(ctx, id, spec.ArchiveRead{File: spec.FileRef{FileID: 1}})
		for i, err := range []error{err1, err2, err3, err4, err5, err6} {
			if err == nil || !strings.Contains(err.Error(), "this scope is not open") {
				t.Errorf("call %d: error is %v", i+1, err)
			}
		}
	})
	end() // may be called again
}

func TestReadFiles(t *testing.T) {
	t.Parallel()
	e := setup(t)
	_, stored := e.publish(t, "a", "1", "")
	scope := e.open(t, map[string]host.File{
		"u": plantest.Upload(t, e.blobs, "0123456789"),
		"t": plantest.Upload(t, e.blobs, tarball(t, "package/package.json", `{"name":"a"}`)),
	})
	for _, c := range []struct {
		ref            spec.FileRef
		offset, length int64
		want           string
		size           int64
	}{
		{spec.FileRef{FileID: stored}, 0, 100, "a-1", 3},
		{spec.FileRef{UploadHandle: "u"}, 0, 3, "012", 10},
		{spec.FileRef{UploadHandle: "u"}, 8, 1 << 20, "89", 10},
		{spec.FileRef{UploadHandle: "u"}, 10, 5, "", 10},
		{spec.FileRef{UploadHandle: "u"}, 1 << 40, 5, "", 10},
	} {
		data, size, err := e.host.ReadFile(t.Context(), scope, c.ref, c.offset, c.length)
		if err != nil || string(data) != c.want || size != c.size {
			t.Errorf("%+v: %q, %d, %v", c, data, size, err)
		}
	}
	for _, bad := range [][2]int64{{-1, 1}, {0, -1}, {0, 1<<20 + 1}} {
		if _, _, err := e.host.ReadFile(t.Context(), scope, spec.FileRef{UploadHandle: "u"}, bad[0], bad[1]); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	a, err := e.host.ReadArchive(t.Context(), scope, spec.ArchiveRead{File: spec.FileRef{UploadHandle: "t"}, Kind: spec.TarGzip, Globs: []string{"*/package.json"}})
	if err != nil || a.Refusal != "" || len(a.Members) != 1 || string(a.Members[0].Data) != `{"name":"a"}` {
		t.Errorf("archive is %+v, %v", a, err)
	}
}

func tarball(t *testing.T, name, content string) string {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err = errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}
