package host_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// TestAConditionThatFailsSeesNothingElse: an error quotes what it failed on, so a
// condition must never be tried on rows that the request may not see.
func TestAConditionThatFailsSeesNothingElse(t *testing.T) {
	t.Parallel()
	name := []spec.QueryColumn{{Name: "name", Type: "text"}}
	e := setup(t,
		spec.NamedQuery{Name: "packages", SQL: "select p.name from core_api.packages p where p.version::bigint > 0 order by p.name", Result: name},
		spec.NamedQuery{Name: "files", SQL: "select f.file_name from core_api.package_files f where left(f.file_name, 1)::bigint > 0 order by f.file_name", Result: name},
		spec.NamedQuery{Name: "tags", SQL: "select t.name from core_api.package_tags t where t.name::bigint > 0 order by t.name", Result: name},
	)
	e.publish(t, "1a", "1", "", "5")
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	other.publish(t, "secret", "secret", "", "secret")
	for query, want := range map[string]string{"packages": "1a", "files": "1a-1.tgz", "tags": "5"} {
		rows, err := e.host.RunQuery(t.Context(), e.open(t, nil), spec.QueryCall{Name: query})
		if err != nil || fmt.Sprint(rows) != "[map[name:"+want+"]]" {
			t.Errorf("%s: %v, %v", query, rows, err)
		}
	}
	// The same rows without the views, and what the views do not show.
	as := func(sql string) (string, error) {
		tx, err := e.db.Pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		var role, found string
		if err := tx.QueryRow(t.Context(), "select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'fmt_demo'").Scan(&role); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), fmt.Sprintf("set local role %s; set local pakhus.project_ids = '{%d}'; set local pakhus.format = 'demo'", role, e.project.ID)); err != nil {
			t.Fatal(err)
		}
		err = tx.QueryRow(t.Context(), sql).Scan(&found)
		return found, err
	}
	if found, err := as("select string_agg(name, ' ') from public.packages"); err != nil || found != "1a" {
		t.Errorf("the table itself: %q, %v", found, err)
	}
	for _, sql := range []string{
		"select creator_user_id::text from public.packages",
		"delete from public.packages returning 'deleted'",
		"set pakhus.format = 'other'; select name from public.users",
	} {
		if found, err := as(sql); err == nil {
			t.Errorf("%s: %q", sql, found)
		}
	}
}

// TestAJoinNeedsNoStatistics: right after a package's versions were published,
// before PostgreSQL has looked at the tables, a query reads of each version what
// is of that version, not every file of the project. Pages are counted, not time.
func TestAJoinNeedsNoStatistics(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	p := plantest.NewProject(t, db, "p")
	plantest.Install(t, db, "demo", spec.NamedQuery{
		Name: "complete", SQL: `
		select p.name, p.version, f.size
		from core_api.packages p
		join manifests m on m.package_id = p.id
		left join core_api.package_files f on f.package_id = p.id and f.file_key = p.name || '-' || p.version || '.tgz'
		where p.project_id = any ($1) and p.name_key = $2
		  and exists (select from core_api.package_files f where f.package_id = p.id and f.file_name like '%.tgz')
		  and exists (select from core_api.package_tags t where t.package_id = p.id)`,
		ArgumentTypes: []string{"text"},
		Result:        []spec.QueryColumn{{Name: "name", Type: "text"}, {Name: "version", Type: "text"}, {Name: "size", Type: "bigint"}},
	})
	for _, table := range []string{"packages", "package_files", "package_tags", "fmt_demo.manifests"} {
		if _, err := db.Pool.Exec(t.Context(), "alter table "+table+" set (autovacuum_enabled = false)"); err != nil {
			t.Fatal(err)
		}
	}
	const versions = 2000
	fill(t, db, p, "big", versions)
	rows, pages := explained(t, db, p.ID, "")
	if rows != versions {
		t.Errorf("%d rows", rows)
	}
	// To hold each row against names is to look its package up once more.
	if rows, pages := explained(t, db, p.ID, "; set local pakhus.names = '{b%%}'"); rows != versions || pages > 40*versions {
		t.Errorf("limited by name: %d rows of %d pages", rows, pages)
	}
	if rows, _ := explained(t, db, p.ID, "; set local pakhus.names = '{a%%}'"); rows != 0 {
		t.Errorf("limited to other names: %d rows", rows)
	}
	// A lookup in a table reads three pages or so; all files for each version would be millions.
	if pages > 25*versions {
		t.Errorf("%d pages read", pages)
	}
}

// explained runs the query "complete" and returns how many rows it found and how
// many pages it touched, with further settings.
func explained(t *testing.T, db *pgtest.Database, project int64, also string) (rows, pages int) {
	t.Helper()
	tx, err := db.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), fmt.Sprintf("set local pakhus.project_ids = '{%d}'; set local pakhus.format = 'demo'"+also, project)); err != nil {
		t.Fatal(err)
	}
	var text []byte
	if err := tx.QueryRow(t.Context(), fmt.Sprintf("explain (analyze, buffers, format json) select * from fmt_demo.q_complete('{%d}', 'big')", project)).Scan(&text); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Actual Rows"`
			Hit  int     `json:"Shared Hit Blocks"`
			Read int     `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return int(plans[0].Plan.Rows), plans[0].Plan.Hit + plans[0].Plan.Read
}
