package packages_test

import (
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// stored puts one package with one file into a fresh database.
func stored(t *testing.T) (db *pgtest.Database, projectID, packageID, fileID int64) {
	t.Helper()
	db = pgtest.New(t)
	err := db.Pool.QueryRow(t.Context(), `
		with g as (insert into groups (path, full_path, name) values ('g', 'g', 'g') returning id),
		p as (insert into projects (group_id, path, full_path, name) select id, 'p', 'g/p', 'p' from g returning id),
		b as (insert into blobs (sha256, size) values (decode(repeat('ab', 32), 'hex'), 5) returning sha256),
		k as (insert into packages (project_id, format, name, version, name_key, version_key) select id, 'npm', 'n', '1', 'n', '1' from p returning id, project_id),
		f as (insert into package_files (project_id, package_id, file_name, file_key, size, sha256)
		      select k.project_id, k.id, 'n.tgz', 'n.tgz', 5, b.sha256 from k, b returning id)
		select p.id, k.id, f.id from p, k, f`).Scan(&projectID, &packageID, &fileID)
	if err != nil {
		t.Fatal(err)
	}
	return db, projectID, packageID, fileID
}

func TestAFileIsFoundInItsOwnProjectAndFormatOnly(t *testing.T) {
	t.Parallel()
	db, project, pkg, file := stored(t)
	p := packages.New(db.Pool)
	f, err := p.FindFile(t.Context(), []int64{project}, "npm", file)
	if err != nil || f.PackageID != pkg || f.Name != "n.tgz" || f.Size != 5 || f.SHA256[0] != 0xab {
		t.Fatalf("%+v, %v", f, err)
	}
	for name, find := range map[string]func() (packages.File, error){
		"project": func() (packages.File, error) { return p.FindFile(t.Context(), []int64{project + 1}, "npm", file) },
		"format":  func() (packages.File, error) { return p.FindFile(t.Context(), []int64{project}, "maven", file) },
		"id":      func() (packages.File, error) { return p.FindFile(t.Context(), []int64{project}, "npm", file+1) },
	} {
		if _, err := find(); registry.CodeOf(err) != registry.CodeNotFound {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestAKeyThatNothingWasWrittenUnderHasNoGeneration(t *testing.T) {
	t.Parallel()
	db, project, _, _ := stored(t)
	if _, err := db.Pool.Exec(t.Context(), "insert into cache_generations (project_id, format, key) values ($1, 'npm', 'n')", project); err != nil {
		t.Fatal(err)
	}
	got, err := packages.New(db.Pool).Generations(t.Context(), []int64{project, project + 1}, "npm", []string{"n", "m"})
	if err != nil || len(got) != 1 || got[0].Key != "n" || got[0].ProjectID != project || got[0].Number == 0 {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestDownloadsAreNotedTogether(t *testing.T) {
	t.Parallel()
	db, _, pkg, _ := stored(t)
	d := packages.NewDownloads(db.Pool, hclog.NewNullLogger())
	for range 100 {
		d.Note(pkg)
	}
	d.Note(pkg + 1) // went away meanwhile
	if n, err := d.Flush(t.Context()); err != nil || n != 2 {
		t.Fatalf("%d packages, %v", n, err)
	}
	var at *time.Time
	if err := db.Pool.QueryRow(t.Context(), "select last_downloaded_at from packages where id = $1", pkg).Scan(&at); err != nil || at == nil {
		t.Fatalf("%v, %v", at, err)
	}
	if n, err := d.Flush(t.Context()); err != nil || n != 0 {
		t.Fatalf("noted again: %d, %v", n, err)
	}
}
