package metadata

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// check looks at what migrations have made, before it is committed. Allowed are
// tables and their indexes. Each table says which project a row belongs to and
// hangs on a package or package file, so that it goes when that goes. Nothing
// may run: the core writes these tables with its own rights.
func check(ctx context.Context, tx pgx.Tx, schema string, queries []spec.NamedQuery) error {
	for _, c := range []func(context.Context, pgx.Tx, string) error{
		checkObjects, checkForeignKeys, checkColumns, checkExpressions,
	} {
		if err := c(ctx, tx, schema); err != nil {
			return err
		}
	}
	return checkFunctions(ctx, tx, schema, queries)
}

// objections runs a query that returns what is wrong, one sentence a row.
func objections(ctx context.Context, tx pgx.Tx, sql, schema string) error {
	rows, err := tx.Query(ctx, sql, schema)
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

func checkObjects(ctx context.Context, tx pgx.Tx, schema string) error {
	return objections(ctx, tx, `
		select format('%s is not a table or an index (kind %s)', c.relname, c.relkind)
		from pg_class c
		where c.relnamespace = $1::regnamespace and c.relkind not in ('r', 'i', 't')
		  and not (c.relkind = 'S' and exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i'))
		union all
		select format('table %s has the trigger %s', c.relname, t.tgname)
		from pg_trigger t join pg_class c on c.oid = t.tgrelid
		where c.relnamespace = $1::regnamespace and not t.tgisinternal
		union all
		select format('table %s has the rule %s', c.relname, r.rulename)
		from pg_rewrite r join pg_class c on c.oid = r.ev_class
		where c.relnamespace = $1::regnamespace
		union all
		select format('table %s has the policy %s', c.relname, p.polname)
		from pg_policy p join pg_class c on c.oid = p.polrelid
		where c.relnamespace = $1::regnamespace
		union all
		select format('type %s is not allowed', t.typname)
		from pg_type t
		where t.typnamespace = $1::regnamespace and t.typtype <> 'c' and t.typcategory <> 'A'
		union all
		select format('table %s inherits', c.relname)
		from pg_inherits i join pg_class c on c.oid = i.inhrelid
		where c.relnamespace = $1::regnamespace and c.relkind = 'r'`, schema)
}

func checkForeignKeys(ctx context.Context, tx pgx.Tx, schema string) error {
	return objections(ctx, tx, `
		with keys as (
			select k.conrelid, k.confrelid, k.confdeltype, k.conname,
			       (select array_agg(a.attname::text order by x.n) from unnest(k.conkey) with ordinality x (num, n)
			        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.num) as own,
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
		select format('table %s has no foreign key (project_id, package_id) or (project_id, package_file_id) to public.packages or public.package_files (project_id, id) on delete cascade', c.relname)
		from pg_class c
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname <> 'schema_migrations'
		  and not exists (select from good g where g.conrelid = c.oid)
		union all
		select format('foreign key %s of table %s leaves the schema', k.conname, c.relname)
		from keys k join pg_class c on c.oid = k.conrelid join pg_class f on f.oid = k.confrelid
		where f.relnamespace <> $1::regnamespace and k.conname not in (select conname from good)
		union all
		select format('foreign key %s of table %s must be on delete cascade', k.conname, c.relname)
		from keys k join pg_class c on c.oid = k.conrelid
		where k.confdeltype <> 'c'`, schema)
}

func checkColumns(ctx context.Context, tx pgx.Tx, schema string) error {
	rows, err := tx.Query(ctx, `
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

// calls matches what looks like the call of a function.
const calls = `(?i)([a-z_][a-z0-9_.]*)\s*\(`

// harmless are the functions (and words that stand before a parenthesis) that
// defaults, checks and indexes may use.
func harmless(name string) bool {
	switch strings.ToLower(name) {
	case "check", "and", "or", "not", "in", "any", "all", "array", "now", "lower", "upper", "length", "char_length", "octet_length",
		"coalesce", "cardinality", "num_nonnulls", "btrim", "date_trunc":
		return true
	}
	return false
}

// checkExpressions: defaults, checks and index expressions run with the rights
// of whoever writes the row, which is the core.
func checkExpressions(ctx context.Context, tx pgx.Tx, schema string) error {
	rows, err := tx.Query(ctx, `
		select format('default of %s.%s', c.relname, a.attname), pg_get_expr(d.adbin, d.adrelid)
		from pg_attrdef d join pg_class c on c.oid = d.adrelid
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
		where c.relnamespace = $1::regnamespace
		union all
		select format('constraint %s of %s', k.conname, c.relname), pg_get_expr(k.conbin, k.conrelid)
		from pg_constraint k join pg_class c on c.oid = k.conrelid
		where c.relnamespace = $1::regnamespace and k.contype = 'c'
		union all
		select format('index %s', c.relname), concat_ws(' ', pg_get_expr(x.indexprs, x.indrelid), pg_get_expr(x.indpred, x.indrelid))
		from pg_index x join pg_class c on c.oid = x.indexrelid
		where c.relnamespace = $1::regnamespace and (x.indexprs is not null or x.indpred is not null)`, schema)
	if err != nil {
		return fmt.Errorf("check expressions: %w", err)
	}
	call := regexp.MustCompile(calls)
	text := regexp.MustCompile(`'[^']*'`)
	var where, expression string
	_, err = pgx.ForEachRow(rows, []any{&where, &expression}, func() error {
		for _, m := range call.FindAllStringSubmatch(text.ReplaceAllString(expression, "''"), -1) {
			if !harmless(m[1]) {
				return fmt.Errorf("%s: the function %s is not allowed there", where, m[1])
			}
		}
		return nil
	})
	return err
}

func checkFunctions(ctx context.Context, tx pgx.Tx, schema string, queries []spec.NamedQuery) error {
	known := make([]string, len(queries))
	for i, q := range queries {
		known[i] = "q_" + q.Name
	}
	var found string
	err := tx.QueryRow(ctx, `
		select coalesce(string_agg(proname, ', '), '') from pg_proc
		where pronamespace = $1::regnamespace and not proname = any ($2)`, schema, known).Scan(&found)
	if err != nil {
		return fmt.Errorf("check functions: %w", err)
	}
	if found != "" {
		return fmt.Errorf("functions are not allowed: %s", found)
	}
	return nil
}
