package metadata_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

const manifests = `
create table manifests (
    project_id bigint not null,
    package_id bigint primary key,
    name text not null check (length(name) < 300),
    size integer not null default 0,
    ratio double precision,
    yes boolean,
    raw bytea,
    doc jsonb,
    words text[],
    at timestamptz default now(),
    foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade
);
create index manifests_name on manifests (project_id, lower(name));
create table checksums (
    id bigint generated always as identity primary key,
    project_id bigint not null,
    package_file_id bigint not null,
    kind text not null,
    value text not null,
    unique (package_file_id, kind),
    foreign key (project_id, package_file_id) references public.package_files (project_id, id) on delete cascade
);
insert into manifests select 1, 1, 'x' where false;`

func manifest(format string, migrations ...string) *spec.Manifest {
	m := &spec.Manifest{Format: format}
	for _, sql := range migrations {
		m.Metadata.Migrations = append(m.Metadata.Migrations, spec.Migration{Name: "step", SQL: sql})
	}
	return m
}

func TestInstall(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	m := manifest("demo", manifests)
	m.Metadata.Queries = []spec.NamedQuery{{
		Name: "sizes", SQL: "select m.name, m.size from manifests m where m.project_id = any ($1) and m.size > $2",
		ArgumentTypes: []string{"integer"}, Result: []spec.QueryColumn{{Name: "name", Type: "text"}, {Name: "size", Type: "integer"}},
	}}
	schema := install(t, db, m)

	table, err := schema.Table("manifests")
	if err != nil {
		t.Fatal(err)
	}
	columns, err := table.Columns(nil)
	if err != nil || len(columns) != 10 || columns[1] != "package_id" {
		t.Errorf("columns are %v, %v", columns, err)
	}
	if got := table.Required(); !slices.Equal(got, []string{"package_id", "name"}) {
		t.Errorf("required are %v", got)
	}
	if _, err := table.Columns([]string{"nmae"}); err == nil || !strings.Contains(err.Error(), `table manifests has no column "nmae"`) {
		t.Errorf("an unknown column is %v", err)
	}
	if _, err := schema.Table("schema_migrations"); err == nil {
		t.Error("the record of migrations is a table for rows")
	}
	checksums, err := schema.Table("checksums")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"kind,package_file_id": true, "package_file_id,kind": true, "id": true, "kind": false, "": false} {
		if got := checksums.IsUnique(strings.FieldsFunc(key, func(r rune) bool { return r == ',' })); got != want {
			t.Errorf("IsUnique(%s) is %v, want %v", key, got, want)
		}
	}
	if got := ask(t, db, "select count(*) from fmt_demo.q_sizes('{1}', 0)"); got != "0" {
		t.Errorf("the query returns %s rows, want 0", got)
	}

	t.Run("again, nothing changes", func(t *testing.T) {
		const state = "select string_agg(version || ' ' || applied_at, ',' order by version) from fmt_demo.schema_migrations"
		before := ask(t, db, state)
		install(t, db, m)
		if after := ask(t, db, state); after != before {
			t.Errorf("was %s, is %s", before, after)
		}
	})
	t.Run("a further step runs alone", func(t *testing.T) {
		more := manifest("demo", manifests, "alter table manifests add column note text")
		next := install(t, db, more)
		table, err := next.Table("manifests")
		if err != nil || !table.Has("note") {
			t.Errorf("the new column is not there: %v", err)
		}
		if got := ask(t, db, "select count(*) from pg_proc where pronamespace = 'fmt_demo'::regnamespace"); got != "0" {
			t.Errorf("the query that the manifest dropped is still there")
		}
		if _, err := metadata.Install(t.Context(), db.URL, m); err == nil || !strings.Contains(err.Error(), "the database has migration 2, this plugin knows 1") {
			t.Errorf("an older plugin is %v, want a refusal", err)
		}
	})
	t.Run("a step that has run must not change", func(t *testing.T) {
		changed := manifest("demo", manifests+" ", "alter table manifests add column note text")
		if _, err := metadata.Install(t.Context(), db.URL, changed); err == nil || !strings.Contains(err.Error(), "migration 1 (step) has run and was changed since") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("the role cannot log in and has no session", func(t *testing.T) {
		if got := ask(t, db, "select bool_or(rolcanlogin) from pg_roles where rolname like "+plantest.Roles); got != "false" {
			t.Error("the role may log in")
		}
		if got := ask(t, db, "select count(*) from pg_stat_activity where usename like "+plantest.Roles); got != "0" {
			t.Error("the role has a session")
		}
	})
}

func TestAFailedStepLeavesNothing(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	broken := manifest("demo", manifests, "create table more (id int); select 1/0;")
	if _, err := metadata.Install(t.Context(), db.URL, broken); err == nil || !strings.Contains(err.Error(), "migration 2 (step)") {
		t.Fatalf("error is %v, want one that names the step", err)
	}
	if got := ask(t, db, "select count(*) from pg_class where relnamespace = 'fmt_demo'::regnamespace and relkind = 'r'"); got != "1" {
		t.Errorf("there are %s tables, want only the record", got)
	}
	install(t, db, manifest("demo", manifests))
}

func TestNodesAndFormatsThatStartAtOnce(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	errs := make([]error, 8)
	var nodes sync.WaitGroup
	for i := range errs {
		nodes.Go(func() {
			_, errs[i] = metadata.Install(t.Context(), db.URL, manifest([]string{"demo", "other", "third"}[i%3], manifests))
		})
	}
	nodes.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestAURLForAPool(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	url := db.URL + "?pool_max_conns=4"
	if strings.Contains(db.URL, "?") {
		url = db.URL + "&pool_max_conns=4"
	}
	if _, err := metadata.Install(t.Context(), url, manifest("demo", manifests)); err != nil {
		t.Fatal(err)
	}
}

func install(t *testing.T, db *pgtest.Database, m *spec.Manifest) *metadata.Schema {
	t.Helper()
	schema, err := metadata.Install(t.Context(), db.URL, m)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// ask returns the only value of a query as text.
func ask(t *testing.T, db *pgtest.Database, sql string) (answer string) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), "select ("+sql+")::text").Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}
