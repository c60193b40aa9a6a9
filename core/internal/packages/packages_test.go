package packages_test

import (
	"strings"
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
		f as (insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256)
		      select k.project_id, k.id, 'npm', 'n.tgz', 'n.tgz', 5, b.sha256 from k, b returning id)
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
	f, err := p.FindFile(t.Context(), []int64{project}, packages.NameLimits{}, "npm", file)
	if err != nil || f.PackageID != pkg || f.Name != "n.tgz" || f.Size != 5 || f.SHA256[0] != 0xab {
		t.Fatalf("%+v, %v", f, err)
	}
	for name, find := range map[string]func() (packages.File, error){
		"project": func() (packages.File, error) {
			return p.FindFile(t.Context(), []int64{project + 1}, packages.NameLimits{}, "npm", file)
		},
		"format": func() (packages.File, error) {
			return p.FindFile(t.Context(), []int64{project}, packages.NameLimits{}, "maven", file)
		},
		"id": func() (packages.File, error) {
			return p.FindFile(t.Context(), []int64{project}, packages.NameLimits{}, "npm", file+1)
		},
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

// beside puts a package of another project into the database of stored.
func beside(t *testing.T, db *pgtest.Database) (projectID, fileID int64) {
	t.Helper()
	err := db.Pool.QueryRow(t.Context(), `
		with p as (insert into projects (group_id, path, full_path, name) select id, 'q', 'g/q', 'q' from groups returning id),
		k as (insert into packages (project_id, format, name, version, name_key, version_key) select id, 'npm', 'n', '1', 'n', '1' from p returning id, project_id),
		c as (insert into cache_generations (project_id, format, key) select id, 'npm', key from p, unnest(array['n', 'm']) key),
		f as (insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256)
		      select k.project_id, k.id, 'npm', 'q.tgz', 'q.tgz', 5, b.sha256 from k, blobs b returning id)
		select p.id, f.id from p, f`).Scan(&projectID, &fileID)
	if err != nil {
		t.Fatal(err)
	}
	return projectID, fileID
}

func TestAFileIsFoundInAnyOfSomeProjects(t *testing.T) {
	t.Parallel()
	db, one, _, file := stored(t)
	two, other := beside(t, db)
	p := packages.New(db.Pool)
	for _, c := range []struct {
		projects   []int64
		one, other bool
	}{
		{[]int64{one}, true, false},
		{[]int64{two}, false, true},
		{[]int64{two, one}, true, true},
		{[]int64{}, false, false},
		{nil, false, false},
	} {
		for id, want := range map[int64]bool{file: c.one, other: c.other} {
			f, err := p.FindFile(t.Context(), c.projects, packages.NameLimits{}, "npm", id)
			if (err == nil) != want || (err != nil && registry.CodeOf(err) != registry.CodeNotFound) {
				t.Errorf("file %d in %v: %v", id, c.projects, err)
			}
			if err == nil && time.Since(f.CreatedAt) > time.Hour {
				t.Errorf("file %d was stored at %s", id, f.CreatedAt)
			}
		}
	}
}

// An answer over several projects is made from the generations in each.
func TestGenerationsOfSomeProjects(t *testing.T) {
	t.Parallel()
	db, one, _, _ := stored(t)
	two, _ := beside(t, db)
	if _, err := db.Pool.Exec(t.Context(), "insert into cache_generations (project_id, format, key) values ($1, 'npm', 'n'), ($1, 'maven', 'n')", one); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		projects []int64
		keys     []string
		want     string // project and key, in order
	}{
		{[]int64{one}, []string{"n"}, "1n"},
		{[]int64{two, one}, []string{"n"}, "1n 2n"},
		{[]int64{two, one}, []string{"n", "m"}, "1n 2m 2n"},
		{[]int64{two}, []string{"x"}, ""},
		{nil, []string{"n"}, ""},
		{[]int64{one, two}, nil, ""},
	} {
		got, err := packages.New(db.Pool).Generations(t.Context(), c.projects, "npm", c.keys)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		numbers := map[int64]bool{}
		for _, g := range got {
			place := "1"
			if g.ProjectID == two {
				place = "2"
			}
			all = append(all, place+g.Key)
			numbers[g.Number] = true
		}
		if strings.Join(all, " ") != c.want || len(numbers) != len(got) {
			t.Errorf("%v, %v: %v, want %s", c.projects, c.keys, got, c.want)
		}
	}
}

func TestSettingsAreTheNearestGroups(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var project int64
	err := db.Pool.QueryRow(t.Context(), `
		with g as (insert into groups (id, parent_id, path, full_path, name, ancestor_ids) overriding system value
		           values (1, null, 'a', 'a', 'a', '{1}'), (3, 1, 'b', 'a/b', 'b', '{1,3}'), (2, 3, 'c', 'a/b/c', 'c', '{1,3,2}') returning id)
		insert into projects (group_id, path, full_path, name) select id, 'p', 'a/b/c/p', 'p' from g where id = 2 returning id`).Scan(&project)
	if err != nil {
		t.Fatal(err)
	}
	p := packages.New(db.Pool)
	wants := func(when string, want registry.PackageSettings) {
		t.Helper()
		if got, err := p.Settings(t.Context(), project, "maven"); err != nil || got != want {
			t.Errorf("%s: %+v, %v", when, got, err)
		}
	}
	decide := func(group int64, format string, allowed bool, keep int) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), "insert into package_settings (group_id, format, duplicates_allowed, keep_snapshots) values ($1, $2, $3, $4)", group, format, allowed, keep); err != nil {
			t.Fatal(err)
		}
	}
	wants("nobody has decided", registry.PackageSettings{})
	decide(1, "maven", false, 9)
	decide(2, "generic", false, 8)
	wants("the root has", registry.PackageSettings{Decided: true, RefuseDuplicates: true, KeepSnapshots: 9})
	decide(3, "maven", true, 7)
	wants("the one between has, whatever the order of ids", registry.PackageSettings{Decided: true, KeepSnapshots: 7})
	decide(2, "maven", true, 0)
	wants("the project's own has decided for what is usual", registry.PackageSettings{Decided: true})
	if got, err := p.Settings(t.Context(), project+1, "maven"); err != nil || got != (registry.PackageSettings{}) {
		t.Errorf("no project: %+v, %v", got, err)
	}
}
