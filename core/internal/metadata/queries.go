package metadata

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// queriesVersion is where schema_migrations remembers the named queries.
const queriesVersion = 0

// forbidden is what a named query has no business with: settings, other
// sessions, files, other servers, and what could end the function's body.
const forbidden = `(?i)\b(set_config|current_setting|pg_notify|notify|listen|dblink\w*|lo_\w+|pg_advisory\w*|pg_try_advisory\w*|pg_read_\w+|pg_ls_\w+|pg_stat_file|pg_sleep\w*|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|copy|do|call|set|reset|insert|update|delete|merge|create|alter|drop|grant|revoke|truncate|lock|execute|prepare)\b|;|--|/\*|\$pakhus\$`

// checkQueries refuses queries that are more than a read. What the role may
// not do, PostgreSQL refuses too; this keeps the obvious from getting that far.
func checkQueries(queries []spec.NamedQuery) error {
	bad := regexp.MustCompile(forbidden)
	name := regexp.MustCompile(`^[a-z][a-z0-9_]{0,50}$`)
	seen := map[string]bool{}
	for _, q := range queries {
		if !name.MatchString(q.Name) || seen[q.Name] {
			return fmt.Errorf("query %q: names are unique and match %s", q.Name, name)
		}
		seen[q.Name] = true
		sql := strings.ToLower(strings.TrimSpace(q.SQL))
		if !strings.HasPrefix(sql, "select") && !strings.HasPrefix(sql, "with") {
			return fmt.Errorf("query %s: it must be one select", q.Name)
		}
		// Text in quotes is data.
		if found := bad.FindString(regexp.MustCompile(`'[^']*'`).ReplaceAllString(q.SQL, "''")); found != "" {
			return fmt.Errorf("query %s: %q is not allowed in a named query", q.Name, found)
		}
		for _, t := range q.ArgumentTypes {
			if !allowedType(t) {
				return fmt.Errorf("query %s: argument type %q is not allowed", q.Name, t)
			}
		}
		if len(q.Result) == 0 {
			return fmt.Errorf("query %s: it has no result columns", q.Name)
		}
		for _, c := range q.Result {
			if !name.MatchString(c.Name) || !allowedType(c.Type) {
				return fmt.Errorf("query %s: result column %q of type %q is not allowed", q.Name, c.Name, c.Type)
			}
		}
	}
	return nil
}

// allowedType is what rows may be made of.
func allowedType(t string) bool {
	switch t {
	case "boolean", "bool", "integer", "int", "bigint", "double precision", "text", "bytea", "json", "jsonb", "timestamptz",
		"timestamp with time zone", "text[]", "bigint[]":
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

// installQueries replaces all functions of the schema by the manifest's queries.
func (i *installer) installQueries(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "select oid::regprocedure::text from pg_proc where pronamespace = $1::regnamespace", i.schema)
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

func newPassword() string { return rand.Text() + rand.Text() }
