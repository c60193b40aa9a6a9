package metadata_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestArgument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  string
		value any
		want  string // of the error; empty: none
	}{
		{"boolean", true, ""},
		{"boolean", int64(1), "a int64 cannot be a boolean"},
		{"bigint", int64(math.MaxInt64), ""},
		{"bigint", 1, "a int cannot be a bigint"},
		{"bigint", "1", "a string cannot be a bigint"},
		{"bigint", 1.0, "a float64 cannot be a bigint"},
		{"bigint", spec.Local("p"), "cannot be a bigint"},
		{"integer", int64(math.MaxInt32), ""},
		{"integer", int64(math.MaxInt32 + 1), "out of the range"},
		{"integer", int64(math.MinInt32 - 1), "out of the range"},
		{"double precision", 1.5, ""},
		{"double precision", int64(1), "a int64 cannot be a double precision"},
		{"text", "grüße", ""},
		{"text", "a\x00b", "NUL"},
		{"text", "\xff", "not UTF-8"},
		{"text", []byte("a"), "cannot be a text"},
		{"bytea", []byte{0, 0xff}, ""},
		{"bytea", "a", "cannot be a bytea"},
		{"timestamp with time zone", time.Now(), ""},
		{"timestamp with time zone", "2026-01-01", "cannot be a timestamp"},
		{"text[]", []string{"a", ""}, ""},
		{"text[]", []string{"a", "\x00"}, "NUL"},
		{"text[]", []any{"a"}, "cannot be a text[]"},
		{"jsonb", json.RawMessage(`{"a":"\\u0000"}`), ""},
		{"jsonb", json.RawMessage(`{"a":"\u0000"}`), "NUL"},
		{"jsonb", json.RawMessage(`{"a":"\\\u0000"}`), "NUL"},
		{"json", json.RawMessage(`{"a":"\u0000"}`), ""},
		{"json", json.RawMessage(`{"a":`), "not JSON"},
		{"jsonb", json.RawMessage("\"\xff\""), "not JSON"},
		{"jsonb", `{}`, "a string cannot be a jsonb"},
		{"point", "1,1", "cannot be a point"},
		{"text", nil, ""},
	} {
		_, err := metadata.Argument(c.kind, c.value)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v as %s: %v", c.value, c.kind, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v as %s: error is %v, want %q", c.value, c.kind, err, c.want)
		}
	}
}

// TestAQueryIsTheFormatsOwn: what a query's body may do, should the linter have missed something.
func TestAQueryIsTheFormatsOwn(t *testing.T) {
	t.Parallel()
	db := plantest.NewDatabase(t)
	install(t, db, manifest("other", good))
	m := manifest("demo", good)
	const honest = "select a from t where a = $2"
	m.Metadata.Queries = []spec.NamedQuery{query(honest)}
	install(t, db, m)
	definition := ask(t, db, "select pg_get_functiondef('fmt_demo.q_bad'::regproc)")

	for body, want := range map[string]string{
		honest: "",
		"select set_config('role', 'none', true)":                             "within security-definer function",
		"select set_config('session_authorization', 'postgres', true)":        "within security-definer function",
		"select username from public.users":                                   "permission denied for table users",
		"select lock_version from public.packages":                            "permission denied for table packages",
		"select a from fmt_demo.t, public.packages p where p.id = package_id": "", // what policies let through: host's policies_test.go
		"select a from fmt_other.t":                                           "permission denied for schema fmt_other",
		"select rolpassword from pg_authid":                                   "permission denied for table pg_authid",
		"select pg_read_file('/etc/passwd')":                                  "permission denied for function pg_read_file",
		"with x as (insert into fmt_demo.t (a, project_id, package_id) values ('x', 1, 1) returning a) select a from x":                                       "data-modifying statement must be at the top level",
		"select a as \"=1\" from t) as q; insert into fmt_demo.t (a, project_id, package_id) values ('x', 1, 1); return query select a from (select a from t": "INSERT is not allowed in a non-volatile function",
	} {
		if _, err := db.Pool.Exec(t.Context(), strings.Replace(definition, honest, body, 1)); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		_, err := db.Pool.Exec(t.Context(), "set pakhus.project_ids = '{1}'; set pakhus.format = 'demo'; select * from fmt_demo.q_bad('{1}', 'x')")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", body, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error is %v, want %q", body, err, want)
		}
	}
}
