package metadata

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
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
		name := quote(i.schema) + "." + quote("q_"+q.Name)
		result := make([]string, len(q.Result))
		for n, c := range q.Result {
			result[n] = quote(c.Name) + " " + c.Type
		}
		arguments := strings.Join(append([]string{"bigint[]"}, q.ArgumentTypes...), ", ")
		for _, sql := range []string{
			"create function " + name + "(" + arguments + ") returns table (" + strings.Join(result, ", ") + ")" +
				" language sql stable security definer set search_path = " + quote(i.schema) + ", core_api, pg_temp as $pakhus$" + q.SQL + "$pakhus$",
			"revoke all on function " + name + " from public",
			"grant execute on function " + name + " to " + quote(i.user),
		} {
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
