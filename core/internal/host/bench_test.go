package host_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// fill makes versions of a package, each with a file, a tag and a row of 2 KiB of JSON.
func fill(tb testing.TB, db *pgtest.Database, p registry.Project, name string, versions int) {
	tb.Helper()
	for _, sql := range []string{
		`insert into blobs (sha256, size) values (sha256('x'), 1) on conflict do nothing`,
		`with made as (
			insert into packages (project_id, format, name, version, name_key, version_key)
			select $1, 'demo', $2, '1.0.' || n, $2, '1.0.' || n from generate_series(1, $3::int) n returning *
		), files as (
			insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256, sha1, sha512)
			select project_id, id, 'demo', name || '-' || version || '.tgz', name || '-' || version || '.tgz', 1, sha256('x'), sha256('y'), sha512('x') from made
		), tags as (
			insert into package_tags (project_id, package_id, format, name_key, name)
			select project_id, id, 'demo', name_key, 'tag-' || version from made
		)
		insert into fmt_demo.manifests (project_id, package_id, name, size, doc, words)
		select project_id, id, name || '@' || version, 7, json_build_object('a', (select string_agg(md5(name || version || i), '') from generate_series(1, 63) i)), array['a', 'b'] from made`,
	} {
		args := []any{}
		if len(sql) > 100 {
			args = []any{p.ID, name, versions}
		}
		if _, err := db.Pool.Exec(tb.Context(), sql, args...); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkFind reads all that a document of 2,000 versions is made of, among many other packages.
func BenchmarkFind(b *testing.B) {
	db := plantest.NewDatabase(b)
	p := plantest.NewProject(b, db, "p")
	s := host.Scope{Format: "demo", ProjectIDs: []int64{p.ID}, Schema: plantest.Install(b, db, "demo")}
	fill(b, db, p, "other", 20000)
	fill(b, db, p, "big", 2000)
	fill(b, db, p, "small", 1)
	if _, err := db.Pool.Exec(b.Context(), "analyze"); err != nil {
		b.Fatal(err)
	}
	h := host.New(db.Pool, memory.New())
	id, end := h.Open(s)
	defer end()
	for _, c := range []struct {
		name   string
		finder spec.Finder
		want   int
	}{
		{"big", spec.Finder{Name: "big", WithFiles: true, WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests"}}}, 2000},
		{"small", spec.Finder{Name: "small", WithFiles: true, WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests"}}}, 1},
		{"document", spec.Finder{Name: "big", WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests"}}}, 2000},
		{"document with a tarball", spec.Finder{Name: "big", FileSuffix: ".tgz", WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests"}}}, 2000},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				f := c.finder
				n := 0
				for {
					page, err := h.FindPackages(b.Context(), id, f)
					if err != nil {
						b.Fatal(err)
					}
					n += len(page.Packages)
					if f.PageToken = page.NextPageToken; f.PageToken == "" {
						break
					}
				}
				if n != c.want {
					b.Fatalf("found %d packages, want %d", n, c.want)
				}
			}
		})
	}
}
