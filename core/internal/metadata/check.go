package metadata

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// querier is a connection or a transaction whose search path holds nothing but
// the catalogue.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// check looks at what migrations have made. Allowed are tables and their
// indexes. Each table says which project a row belongs to and hangs on a
// package or package file, so that it goes when that goes. Nothing may run: the
// core writes these tables with its own rights.
func check(ctx context.Context, q querier, schema string, queries []spec.NamedQuery) error {
	for _, sql := range []string{objectsSQL, tablesSQL, recordSQL, foreignKeysSQL, constraintsSQL, indexesSQL} {
		if err := objections(ctx, q, sql, schema); err != nil {
			return err
		}
	}
	if err := checkColumns(ctx, q, schema); err != nil {
		return err
	}
	if err := checkExpressions(ctx, q, schema); err != nil {
		return err
	}
	return checkFunctions(ctx, q, schema, queries)
}

// objections runs a query that returns what is wrong, one sentence a row.
func objections(ctx context.Context, q querier, sql string, args ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("check the catalogue: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("check the catalogue: %w", err)
	}
	if len(found) > 0 {
		return errors.New(strings.Join(found, "; "))
	}
	return nil
}

// objectsSQL: what is in the schema at all, of whatever kind.
const objectsSQL = `
	select format('%s is not a table or an index (kind %s)', c.relname, c.relkind)
	from pg_class c
	where c.relnamespace = $1::regnamespace and c.relkind not in ('r', 'i')
	  and not (c.relkind = 'S' and exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i'))
	union all
	select format('type %s is not allowed', t.typname)
	from pg_type t
	where t.typnamespace = $1::regnamespace and t.typtype <> 'c' and t.typcategory <> 'A'
	union all
	-- Operators, casts' types, collations, statistics and whatever else PostgreSQL may learn.
	select format('%s is not allowed', pg_describe_object(d.classid, d.objid, d.objsubid))
	from pg_depend d
	where d.refclassid = 'pg_namespace'::regclass and d.refobjid = $1::regnamespace
	  and d.classid not in ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass)`

// tablesSQL: what may hang on a table and change what happens to its rows.
const tablesSQL = `
	select format('table %s has the trigger %s', c.relname, t.tgname)
	from pg_trigger t join pg_class c on c.oid = t.tgrelid
	where c.relnamespace = $1::regnamespace and not t.tgisinternal
	union all
	select format('table %s has the rule %s', c.relname, r.rulename)
	from pg_rewrite r join pg_class c on c.oid = r.ev_class
	where c.relnamespace = $1::regnamespace and c.relkind = 'r'
	union all
	select format('table %s has the policy %s', c.relname, p.polname)
	from pg_policy p join pg_class c on c.oid = p.polrelid
	where c.relnamespace = $1::regnamespace
	union all
	select format('table %s has row level security', c.relname)
	from pg_class c
	where c.relnamespace = $1::regnamespace and c.relrowsecurity
	union all
	select format('table %s inherits', c.relname)
	from pg_inherits i join pg_class c on c.oid = i.inhrelid
	where c.relnamespace = $1::regnamespace and c.relkind = 'r'
	union all
	select format('table %s is not logged: a crash would empty it', c.relname)
	from pg_class c
	where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relpersistence <> 'p'`

// recordSQL: the table of what was applied, as we made it.
const recordSQL = `
	select 'the table schema_migrations was changed'
	from (select coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, null), ', ' order by a.attnum), '')
	      from pg_attribute a join pg_class c on c.oid = a.attrelid
	      where c.relnamespace = $1::regnamespace and c.relname = 'schema_migrations' and c.relkind = 'r'
	        and a.attnum > 0) as columns (list)
	where list <> 'version integer, name text, sha256 bytea, applied_at timestamp with time zone'`

// foreignKeysSQL: a row goes when its package goes, and cannot hang on another
// project's; and no key holds a package back.
const foreignKeysSQL = `
	with keys as (
		select k.oid, k.conrelid, k.confrelid, k.conname, k.confdeltype,
		       (select array_agg(a.attname::text order by x.n) from unnest(k.conkey) with ordinality x (num, n)
		        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.num) as own,
		       (select bool_and(a.attnotnull) from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) as filled,
		       (select array_agg(a.attname::text order by x.n) from unnest(k.confkey) with ordinality x (num, n)
		        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.num) as theirs
		from pg_constraint k join pg_class c on c.oid = k.conrelid
		where c.relnamespace = $1::regnamespace and k.contype = 'f'
	), good as (
		select * from keys
		where confdeltype = 'c' and theirs = array['project_id', 'id']
		  and ((confrelid = 'public.packages'::regclass and own = array['project_id', 'package_id'])
		    or (confrelid = 'public.package_files'::regclass and own = array['project_id', 'package_file_id']))
	)
	select format('table %s has no foreign key of not-null columns (project_id, package_id) to public.packages or (project_id, package_file_id) to public.package_files (project_id, id) on delete cascade', c.relname)
	from pg_class c
	where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migrations'
	  and not exists (select from good g where g.conrelid = c.oid and g.filled)
	union all
	select format('foreign key %s of table %s leaves the schema', k.conname, c.relname)
	from keys k join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
	where f.relnamespace <> $1::regnamespace and k.oid not in (select oid from good)
	union all
	select format('foreign key %s of table %s must be on delete cascade', k.conname, c.relname)
	from keys k join pg_class c on c.oid = k.conrelid
	where k.confdeltype <> 'c'`

// constraintsSQL: conflicts show when the row is written, and between rows of
// one project only: else one project could keep another's rows out.
const constraintsSQL = `
	select format('constraint %s of table %s is deferrable', k.conname, c.relname)
	from pg_constraint k join pg_class c on c.oid = k.conrelid
	where c.relnamespace = $1::regnamespace and k.condeferrable
	union all
	select format('constraint %s of table %s is not validated', k.conname, c.relname)
	from pg_constraint k join pg_class c on c.oid = k.conrelid
	where c.relnamespace = $1::regnamespace and not k.convalidated
	union all
	select format('exclusion constraint %s of table %s is not allowed', k.conname, c.relname)
	from pg_constraint k join pg_class c on c.oid = k.conrelid
	where c.relnamespace = $1::regnamespace and k.contype = 'x'
	union all
	select format('unique index %s of table %s needs project_id, package_id, package_file_id or an identity among its columns', i.relname, c.relname)
	from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
	where c.relnamespace = $1::regnamespace and c.relname <> 'schema_migrations' and x.indisunique
	  and not exists (select from pg_attribute a
	                  where a.attrelid = c.oid and a.attnum = any (x.indkey::int2[])
	                    and (a.attname in ('project_id', 'package_id', 'package_file_id') or a.attidentity <> ''))`

// indexesSQL: rows are read by their package, and looked for when it goes.
const indexesSQL = `
	select format('table %1$s needs an index that begins with %2$s, or with project_id and %2$s', c.relname, a.attname)
	from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname in ('package_id', 'package_file_id')
	where c.relnamespace = $1::regnamespace and c.relkind = 'r'
	  and not exists (
		select from pg_index x
		join pg_attribute p on p.attrelid = c.oid and p.attname = 'project_id'
		where x.indrelid = c.oid and x.indpred is null
		  and (x.indkey[0] = a.attnum or (x.indkey[0] = p.attnum and x.indkey[1] = a.attnum)))`

func checkColumns(ctx context.Context, q querier, schema string) error {
	rows, err := q.Query(ctx, `
		select c.relname, a.attname, format_type(a.atttypid, null), a.attgenerated <> '', a.attnotnull
		from pg_attribute a join pg_class c on c.oid = a.attrelid
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		  and c.relname <> 'schema_migrations'`, schema)
	if err != nil {
		return fmt.Errorf("check columns: %w", err)
	}
	var (
		table, column, kind string
		generated, notNull  bool
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind, &generated, &notNull}, func() error {
		switch {
		case !allowedType(kind):
			return fmt.Errorf("column %s.%s: type %s is not allowed", table, column, kind)
		case generated:
			return fmt.Errorf("column %s.%s is generated", table, column)
		case column == "project_id" && (kind != "bigint" || !notNull):
			return fmt.Errorf("column %s.project_id must be bigint not null", table)
		}
		return nil
	})
	return err
}

// checkExpressions: defaults, checks and index expressions run with the rights
// of whoever writes the row, which is the core.
func checkExpressions(ctx context.Context, q querier, schema string) error {
	rows, err := q.Query(ctx, `
		select format('default of %s.%s', c.relname, a.attname), pg_get_expr(d.adbin, d.adrelid)
		from pg_attrdef d join pg_class c on c.oid = d.adrelid
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
		where c.relnamespace = $1::regnamespace
		union all
		select format('constraint %s of %s', k.conname, c.relname), pg_get_expr(k.conbin, k.conrelid)
		from pg_constraint k join pg_class c on c.oid = k.conrelid
		where c.relnamespace = $1::regnamespace and k.contype = 'c'
		union all
		select format('index %s', c.relname), concat_ws(' and ', pg_get_expr(x.indexprs, x.indrelid), pg_get_expr(x.indpred, x.indrelid))
		from pg_index x join pg_class c on c.oid = x.indexrelid
		where c.relnamespace = $1::regnamespace and (x.indexprs is not null or x.indpred is not null)`, schema)
	if err != nil {
		return fmt.Errorf("check expressions: %w", err)
	}
	var where, expression string
	_, err = pgx.ForEachRow(rows, []any{&where, &expression}, func() error {
		if err := lintExpression(expression); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		return nil
	})
	return err
}

// checkFunctions: the schema has the functions of the named queries, and no other.
func checkFunctions(ctx context.Context, q querier, schema string, queries []spec.NamedQuery) error {
	known := make([]string, len(queries))
	for i, query := range queries {
		known[i] = "q_" + query.Name
	}
	return objections(ctx, q, `
		select format('the function %s is not allowed', proname) from pg_proc
		where pronamespace = $1::regnamespace and not (proname = any ($2) and prokind = 'f' and prosecdef)`, schema, known)
}
