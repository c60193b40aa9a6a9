package metadata_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	link = ", project_id bigint not null, package_id bigint primary key, foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade)"
	good = "create table t (a text, d timestamptz, j jsonb" + link + ";"
)

// TestWhatMigrationsMustNotMake: each is refused, names the object, and leaves nothing.
func TestWhatMigrationsMustNotMake(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	for name, c := range map[string]struct{ sql, want string }{
		"a view":                     {good + "create view v as select 1 as one", "v is not a table"},
		"a materialised view":        {good + "create materialized view v as select 1 as one", "v is not a table"},
		"a sequence":                 {good + "create sequence s", "s is not a table"},
		"a serial":                   {"create table t (n bigserial" + link, "t_n_seq is not a table"},
		"a partitioned table":        {"create table t (a text, project_id bigint) partition by list (a)", "t is not a table"},
		"a composite type":           {good + "create type c as (a int)", "c is not a table"},
		"an enumeration":             {good + "create type e as enum ('a')", "type e is not allowed"},
		"a domain":                   {good + "create domain d as int check (value > 0)", "type d is not allowed"},
		"a function":                 {good + "create function f() returns int language sql as 'select 1'", "function f is not allowed"},
		"a procedure":                {good + "create procedure q_p() language sql as 'select 1'", "function q_p is not allowed"},
		"an operator of ours":        {good + "create operator === (leftarg = text, rightarg = text, function = texteq)", "operator fmt_demo.===(text,text) is not allowed"},
		"a collation":                {good + `create collation c from "C"`, "collation"},
		"statistics":                 {good + "create statistics s on a, d from t", "statistics"},
		"a trigger":                  {good + "create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger tr before insert on t execute function f()", "table t has the trigger tr"},
		"a rule":                     {good + "create rule r as on insert to t do instead nothing", "table t has the rule r"},
		"a policy":                   {good + "create policy p on t using (true)", "table t has the policy p"},
		"row level security":         {good + "alter table t enable row level security", "table t has row level security"},
		"inheritance":                {good + "create table u () inherits (t)", "table u inherits"},
		"an unlogged table":          {"create unlogged table t (a text)", "not logged"},
		"no project":                 {"create table t (package_id bigint)", "table t has no foreign key"},
		"no foreign key":             {"create table t (project_id bigint not null, package_id bigint not null)", "table t has no foreign key"},
		"a nullable foreign key":     {"create table t (project_id bigint not null, package_id bigint, foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade)", "table t has no foreign key"},
		"a key of one column":        {good + "alter table t add constraint k foreign key (package_id) references public.packages (id) on delete cascade", "foreign key k of table t leaves the schema"},
		"a second key, same name":    {"create table u (x bigint, constraint k foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade, project_id bigint not null, package_id bigint not null); create table t (x bigint" + link + "; alter table t add constraint k foreign key (project_id, x) references public.packages (project_id, id) on delete cascade", "foreign key k of table t leaves the schema"},
		"no cascade":                 {"create table t (project_id bigint not null, package_id bigint not null, foreign key (project_id, package_id) references public.packages (project_id, id))", "must be on delete cascade"},
		"no cascade within":          {good + "alter table t add unique (project_id, a); create table u (a text" + link + "; alter table u add foreign key (project_id, a) references t (project_id, a)", "must be on delete cascade"},
		"a key to a user":            {good + "alter table t add x bigint references public.users (id)", "permission denied"},
		"a deferred key":             {"create table t (project_id bigint not null, package_id bigint not null, foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade deferrable initially deferred)", "is deferrable"},
		"a key not validated":        {"create table t (project_id bigint not null, package_id bigint not null); alter table t add foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade not valid", "is not validated"},
		"an exclusion":               {good + "alter table t add constraint x exclude using btree (a with =)", "exclusion constraint x of table t"},
		"uniqueness for everybody":   {good + "create unique index i on t (a)", "unique index i of table t"},
		"no index":                   {"create table t (project_id bigint not null, package_id bigint not null, foreign key (project_id, package_id) references public.packages (project_id, id) on delete cascade)", "table t needs an index that begins with package_id"},
		"numeric":                    {"create table t (n numeric" + link, "column t.n: type numeric is not allowed"},
		"xml":                        {"create table t (n xml" + link, "column t.n: type xml is not allowed"},
		"a generated column":         {"create table t (a text, b text generated always as (lower(a)) stored" + link, "column t.b is generated"},
		"a default that acts":        {good + "alter table t alter a set default current_setting('data_directory')", `default of t.a: the function "current_setting"`},
		"a default with a function":  {good + "alter table t alter a set default pg_read_file('/etc/passwd')", `function "pg_read_file"`},
		"a check that acts":          {good + "alter table t add check (set_config('role', 'none', true) = a)", `function "set_config"`},
		"a check under a quote":      {good + `alter table t add check ("left"(a, 1) = 'x')`, `function "left"`},
		"an index that acts":         {good + "create index i on t (md5(a))", `index i: the function "md5"`},
		"a condition that acts":      {good + "create index i on t (a) where md5(a) = 'x'", `index i: the function "md5"`},
		"the end of the transaction": {good + "commit; create view v as select 1", "transaction"},
		"another catalogue":          {good + "create view v as select 1; create table pg_class (relname text, relnamespace oid, relkind text); set search_path = fmt_demo, pg_catalog", "not a table"},
		"a temporary catalogue":      {good + "create view v as select 1; create temporary table pg_class (relname name, relnamespace oid, relkind \"char\", oid oid)", "not a table"},
		"the record":                 {good + "alter table schema_migrations add x text", "schema_migrations was changed"},
		"a public object":            {good + "create table public.t2 (a text)", "permission denied"},
		"another schema":             {good + "create schema other", "permission denied"},
		"the core's table":           {good + "alter table public.packages add x text", "must be owner"},
		"the core's rows":            {good + "insert into t (a, project_id, package_id) select digest::text, 1, 1 from public.tokens", "permission denied"},
		"the core's role":            {good + "set role " + ask(t, db, "current_user"), "permission denied to set role"},
		"a program":                  {good + "copy t from program 'id'", "external program"},
		"an extension":               {good + "create extension dblink", "permission denied"},
		"a syntax error":             {"creat table t", "syntax error"},
	} {
		t.Run(name, func(t *testing.T) {
			// One format, one after the other: a refused one leaves nothing to the next.
			_, err := metadata.Install(t.Context(), db.URL, manifest("demo", c.sql))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v\nwant one with %q", err, c.want)
			}
			if got := ask(t, db, "select string_agg(relname, ',') from pg_class where relnamespace = 'fmt_demo'::regnamespace and relkind <> 'i'"); got != "schema_migrations" {
				t.Fatalf("left behind: %s", got)
			}
		})
	}
	install(t, db, manifest("demo", good))
}

// TestAnObjectMadeLater: what is not allowed is found at every start, also when no migration runs.
func TestAnObjectMadeLater(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	install(t, db, manifest("demo", good))
	if _, err := db.Pool.Exec(t.Context(), "create view fmt_demo.v as select 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := metadata.Install(t.Context(), db.URL, manifest("demo", good)); err == nil || !strings.Contains(err.Error(), "v is not a table") {
		t.Errorf("error is %v", err)
	}
}

// TestAFormatCannotReachAnother: schemas are walls.
func TestAFormatCannotReachAnother(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	install(t, db, manifest("other", good))
	for _, sql := range []string{
		"insert into fmt_other.t (a, project_id, package_id) values ('x', 1, 1)",
		"create table t as select * from fmt_other.t",
		"create table fmt_other.u (a text)",
		"alter table fmt_other.t add b text",
	} {
		if _, err := metadata.Install(t.Context(), db.URL, manifest("demo", sql)); err == nil || !strings.Contains(err.Error(), "permission denied for schema fmt_other") {
			t.Errorf("%s: error is %v", sql, err)
		}
	}
	q := manifest("demo", good)
	q.Metadata.Queries = []spec.NamedQuery{query("select a from fmt_other.t")}
	if _, err := metadata.Install(t.Context(), db.URL, q); err == nil || !strings.Contains(err.Error(), "permission denied for schema fmt_other") {
		t.Errorf("a query: error is %v", err)
	}
}

func query(sql string) spec.NamedQuery {
	return spec.NamedQuery{Name: "bad", SQL: sql, ArgumentTypes: []string{"text"}, Result: []spec.QueryColumn{{Name: "a", Type: "text"}}}
}
