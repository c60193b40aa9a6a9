package metadata_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestWhatQueriesMustNotSay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sql, want string }{
		"a setting":                    {"select set_config('pakhus.project_ids', '{8}', true)", `function "set_config"`},
		"under quotes":                 {`select "set_config"('pakhus.project_ids', '{8}', true)`, `function "set_config"`},
		"with a schema":                {"select pg_catalog.set_config('a', 'b', true)", "catalogue"},
		"in capitals":                  {"select SET_CONFIG ('a', 'b', true)", `function "SET_CONFIG"`},
		"by escapes":                   {`select U&"\0073et_config"('a', 'b', true)`, "U&"},
		"in a text that is not":        {`select E'\' , set_config(''a'', ''b'', true) --'`, "without a prefix"},
		"after a backslash":            {`select '\', set_config('a', 'b', true), '`, `\\`},
		"as text that is run":          {"select query_to_xml('select 1', true, true, '')::text", `function "query_to_xml"`},
		"by a statistic":               {"select word from ts_stat('select set_config(1)')", `function "ts_stat"`},
		"a notification":               {"select pg_notify('a', 'b')", "catalogue"},
		"a large object":               {"select lo_create(0)::text", `function "lo_create"`},
		"another server":               {"select dblink('a', 'b')", `function "dblink"`},
		"a lock":                       {"select pg_advisory_lock(1)", "catalogue"},
		"the catalogue":                {"select usename from pg_stat_activity", "catalogue"},
		"the standard's":               {"select table_name from information_schema.tables", "catalogue"},
		"an update":                    {"with x as (update t set a = 'x' returning a) select a from x", `"update" is not allowed`},
		"a deletion":                   {"with x as (delete from t returning a) select a from x", `"delete" is not allowed`},
		"a new table":                  {"select a into u from t", `"into" is not allowed`},
		"row locks":                    {"select a from t for share", `"share" is not allowed`},
		"two statements":               {"select a from t; select 1", `";" is not allowed`},
		"a comment":                    {"select a from t -- where", "comments"},
		"another comment":              {"select a /* x */ from t", "comments"},
		"the end of the body":          {"select a from t $pakhus$ security invoker", `"$"`},
		"no select":                    {"drop table t", "it must be one select"},
		"nothing":                      {" ", "it must be one select"},
		"the end of what it stands in": {"select a from t) as q (a), (select a from t", "parentheses do not match"},
		"an open parenthesis":          {"select a from (select a from t", "parentheses do not match"},
		"an open quote":                {"select 'a", "not closed"},
		"letters that look":            {"select ѕet_config('a', 'b', true)", "not allowed outside of texts"},
		"a big answer":                 {"select repeat('x', 1000000000)", `function "repeat"`},
		"a long answer":                {"select n::text from generate_series(1, 1000000000) as n", `function "generate_series"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manifest("demo", good)
			m.Metadata.Queries = []spec.NamedQuery{query(c.sql)}
			// Refused before a database is asked.
			_, err := metadata.Lint(m)
			if err == nil || !strings.Contains(err.Error(), "query bad: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v\nwant one with %q", err, c.want)
			}
		})
	}
}

func TestQueriesAreDeclaredWhole(t *testing.T) {
	t.Parallel()
	text := []spec.QueryColumn{{Name: "a", Type: "text"}}
	for name, q := range map[string]spec.NamedQuery{
		"a name":        {Name: "Bad-Name", SQL: "select a from t", Result: text},
		"an argument":   {Name: "q", SQL: "select a from t", ArgumentTypes: []string{"regclass"}, Result: text},
		"no result":     {Name: "q", SQL: "select a from t"},
		"a result type": {Name: "q", SQL: "select a from t", Result: []spec.QueryColumn{{Name: "a", Type: "text) as $$ --"}}},
		"a result name": {Name: "q", SQL: "select a from t", Result: []spec.QueryColumn{{Name: `a"`, Type: "text"}}},
	} {
		m := manifest("demo", good)
		m.Metadata.Queries = []spec.NamedQuery{q}
		if _, err := metadata.Lint(m); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
	m := manifest("demo", good)
	m.Metadata.Queries = []spec.NamedQuery{query("select a from t"), query("select a from t")}
	if _, err := metadata.Lint(m); err == nil {
		t.Error("two queries of one name: there is no error")
	}
}

func TestHonestQueries(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	m := manifest("demo", good)
	for i, sql := range []string{
		"select a from t where project_id = any ($1) and a = $2",
		"with newest as (select a, row_number() over (partition by package_id order by d desc) as n from t where project_id = any($1))\nselect a from newest where n = 1 and a like $2 || '%'",
		"select p.name from core_api.packages as p join t on t.package_id = p.id where t.project_id = any ($1) and $2 <> 'it''s; -- text'",
		`select "a" from t, unnest($1) as ids (id) where t.project_id = ids.id and ($2 is null or coalesce(j ->> 'x', '') ilike '%' || $2 || '%') order by count(*) over () limit 5`,
		"select x.value from t cross join lateral jsonb_array_elements_text(t.j) as x (value) where t.project_id = any ($1) and exists (select from core_api.package_tags g where g.package_id = t.package_id and g.name = $2)",
	} {
		q := query(sql)
		q.Name = "good_" + string(rune('a'+i))
		m.Metadata.Queries = append(m.Metadata.Queries, q)
	}
	install(t, db, m)
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{"select a from t where b = 'c''d' and \"e\" = $1", "select E'\\'", "with x(a) as (select 1) select a from x", "a--b", "$$", "U&'", "1.5e3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		tokens, err := metadata.Scan(sql)
		if err != nil {
			return
		}
		// What was understood has nothing in it that ends a statement or hides text.
		outside := metadata.OutsideQuotes(sql)
		for _, bad := range []string{";", "--", "/*", "$$"} {
			if strings.Contains(outside, bad) {
				t.Fatalf("%q passed with %q: %v", sql, bad, tokens)
			}
		}
	})
}
