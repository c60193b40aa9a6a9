package metadata

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// queriesVersion is where schema_migrations remembers the named queries.
const queriesVersion = 0

// allowedType is what rows may be made of.
func allowedType(t string) bool {
	switch t {
	case "boolean", "bool", "integer", "int", "bigint", "double precision", "text", "bytea", "json", "jsonb", "timestamptz",
		"timestamp with time zone", "text[]":
		return true
	}
	return false
}

func (i *installer) queriesSum() []byte {
	h := sha256.New()
	fmt.Fprintln(h, "form 2") // of the functions: a new one replaces them all
	for _, q := range i.manifest.Metadata.Queries {
		fmt.Fprintf(h, "%q %q %q %q\n", q.Name, q.SQL, q.ArgumentTypes, q.Result)
	}
	return h.Sum(nil)
}

func (i *installer) queriesChanged(ctx context.Context) (bool, error) {
	var same bool
	err := i.core.QueryRow(ctx, "select sha256 = $1 from "+quote(i.schema)+".schema_migrations where version = $2", i.queriesSum(), queriesVersion).Scan(&same)
	if errors.Is(err, pgx.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read installed queries: %w", err)
	}
	return !same, nil
}

// installQueries replaces the named queries of the schema by the manifest's.
// Other functions it leaves for the check to refuse.
func (i *installer) installQueries(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		select oid::regprocedure::text from pg_proc
		where pronamespace = $1::regnamespace and prokind = 'f' and starts_with(proname, 'q_')`, i.schema)
	if err != nil {
		return fmt.Errorf("list functions: %w", err)
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list functions: %w", err)
	}
	for _, f := range old {
		if _, err := tx.Exec(ctx, "drop function "+f); err != nil {
			return fmt.Errorf("drop function %s: %w", f, err)
		}
	}
	for _, q := range i.manifest.Metadata.Queries {
		for _, sql := range i.function(q) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("query %s: %w", q.Name, err)
			}
		}
	}
	if _, err := tx.Exec(ctx, "insert into "+quote(i.schema)+`.schema_migrations (version, name, sha256) values ($1, 'named queries', $2)
		on conflict (version) do update set sha256 = excluded.sha256, applied_at = now()`, queriesVersion, i.queriesSum()); err != nil {
		return fmt.Errorf("record queries: %w", err)
	}
	return nil
}

// function makes a named query a function, which has the format's rights and sees
// what its caller has set. It is in PL/pgSQL, which keeps the plan: before
// PostgreSQL 18 a function in SQL is planned on each call, and that takes longer
// than most queries. Its columns have names that no query can mean by a column's.
//
// PostgreSQL looks into a function in SQL when it is made, whether it returns what
// it says. So it is made as one first.
func (i *installer) function(q spec.NamedQuery) []string {
	name := quote(i.schema) + "." + quote("q_"+q.Name)
	result, columns, casts := make([]string, len(q.Result)), make([]string, len(q.Result)), make([]string, len(q.Result))
	for n, c := range q.Result {
		columns[n] = fmt.Sprintf(`"=%d"`, n+1)
		result[n], casts[n] = columns[n]+" "+c.Type, "q."+columns[n]+"::"+c.Type
	}
	head := "create or replace function " + name + "(" + strings.Join(append([]string{"bigint[]"}, q.ArgumentTypes...), ", ") + ")" +
		" returns table (" + strings.Join(result, ", ") + ") stable security definer set search_path = " + quote(i.schema) + ", core_api, pg_temp"
	return []string{
		head + " language sql as $pakhus$" + q.SQL + "$pakhus$",
		head + " language plpgsql as $pakhus$\n#variable_conflict use_column\nbegin return query select " + strings.Join(casts, ", ") +
			" from (" + q.SQL + ") as q (" + strings.Join(columns, ", ") + "); end$pakhus$",
		"revoke all on function " + name + " from public",
		"grant execute on function " + name + " to " + quote(i.user),
	}
}
