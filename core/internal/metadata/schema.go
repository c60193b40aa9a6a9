package metadata

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Schema is what is known of a format's tables and queries. It does not change.
type Schema struct {
	name    string
	tables  map[string]*Table
	queries map[string]spec.NamedQuery
}

// Table is one table of a format.
type Table struct {
	Name    string
	SQL     string // quoted, with its schema
	columns map[string]string
	order   []string
}

// load reads the tables from the catalogue.
func load(ctx context.Context, conn *pgx.Conn, m *spec.Manifest) (*Schema, error) {
	s := &Schema{name: "fmt_" + m.Format, tables: map[string]*Table{}, queries: map[string]spec.NamedQuery{}}
	for _, q := range m.Metadata.Queries {
		s.queries[q.Name] = q
	}
	rows, err := conn.Query(ctx, `
		select c.relname, a.attname, format_type(a.atttypid, null)
		from pg_attribute a join pg_class c on c.oid = a.attrelid
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		  and c.relname <> 'schema_migrations'
		order by c.relname, a.attnum`, s.name)
	if err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	var table, column, kind string
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
		t := s.tables[table]
		if t == nil {
			t = &Table{Name: table, SQL: quote(s.name) + "." + quote(table), columns: map[string]string{}}
			s.tables[table] = t
		}
		t.columns[column] = kind
		t.order = append(t.order, column)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	return s, nil
}

// Table returns a table; the error names one that does not exist. A nil Schema has none.
func (s *Schema) Table(name string) (*Table, error) {
	if s != nil {
		if t, ok := s.tables[name]; ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no table %q", name)
}

// Has reports whether the table has the column.
func (t *Table) Has(column string) bool { _, ok := t.columns[column]; return ok }

// Columns returns those asked for, or all in the table's order; the error names one that does not exist.
func (t *Table) Columns(asked []string) ([]string, error) {
	if len(asked) == 0 {
		return t.order, nil
	}
	for _, c := range asked {
		if !t.Has(c) {
			return nil, fmt.Errorf("table %s has no column %q", t.Name, c)
		}
	}
	return asked, nil
}

// Select returns the SQL list of columns, in a form that Scan can read, under an alias.
func (t *Table) Select(alias string, columns []string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = alias + "." + quote(c)
		if isJSON(t.columns[c]) {
			list[i] += "::text" // as it stands, not decoded and encoded again
		}
	}
	return strings.Join(list, ", ")
}

// Targets returns what a row of these columns is scanned into, and the row it makes.
func (t *Table) Targets(columns []string) ([]any, func() spec.Row) {
	kinds := make([]string, len(columns))
	for i, c := range columns {
		kinds[i] = t.columns[c]
	}
	return targets(columns, kinds)
}

// Argument returns a value as an argument for a column; the error names both.
func (t *Table) Argument(column string, v any) (any, error) {
	kind, ok := t.columns[column]
	if !ok {
		return nil, fmt.Errorf("table %s has no column %q", t.Name, column)
	}
	arg, err := argument(kind, v)
	if err != nil {
		return nil, fmt.Errorf("column %s.%s: %w", t.Name, column, err)
	}
	return arg, nil
}

// Call returns the SQL of a named query's call, its arguments after the
// projects, and what its rows are scanned into.
func (s *Schema) Call(q spec.QueryCall) (sql string, args []any, scan func() ([]any, func() spec.Row), err error) {
	var known spec.NamedQuery
	ok := false
	if s != nil {
		known, ok = s.queries[q.Name]
	}
	if !ok {
		return "", nil, nil, fmt.Errorf("there is no query %q", q.Name)
	}
	if len(q.Arguments) != len(known.ArgumentTypes) {
		return "", nil, nil, fmt.Errorf("query %s takes %d arguments, got %d", q.Name, len(known.ArgumentTypes), len(q.Arguments))
	}
	places := []string{"$1"}
	for i, v := range q.Arguments {
		arg, err := argument(known.ArgumentTypes[i], v)
		if err != nil {
			return "", nil, nil, fmt.Errorf("query %s, argument %d: %w", q.Name, i+1, err)
		}
		args = append(args, arg)
		places = append(places, fmt.Sprintf("$%d::%s", i+2, known.ArgumentTypes[i]))
	}
	names, kinds, list := make([]string, len(known.Result)), make([]string, len(known.Result)), make([]string, len(known.Result))
	for i, c := range known.Result {
		names[i], kinds[i], list[i] = c.Name, c.Type, quote(c.Name)
		if isJSON(c.Type) {
			list[i] += "::text"
		}
	}
	sql = "select " + strings.Join(list, ", ") + " from " + quote(s.name) + "." + quote("q_"+q.Name) + "(" + strings.Join(places, ", ") + ")"
	return sql, args, func() ([]any, func() spec.Row) { return targets(names, kinds) }, nil
}

func isJSON(kind string) bool { return kind == "json" || kind == "jsonb" }

// argument checks a contract value against a PostgreSQL type.
func argument(kind string, v any) (any, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // null is a value
	}
	ok := false
	switch kind {
	case "bool", "boolean":
		_, ok = v.(bool)
	case "int", "integer", "bigint":
		_, ok = v.(int64)
	case "double precision":
		_, ok = v.(float64)
	case "text":
		var s string
		if s, ok = v.(string); ok && strings.ContainsRune(s, 0) {
			return nil, fmt.Errorf("text with a NUL character")
		}
	case "bytea":
		_, ok = v.([]byte)
	case "timestamptz", "timestamp with time zone":
		_, ok = v.(time.Time)
	case "text[]":
		_, ok = v.([]string)
	case "json", "jsonb":
		var raw json.RawMessage
		if raw, ok = v.(json.RawMessage); ok {
			return string(raw), nil
		}
	}
	if !ok {
		return nil, fmt.Errorf("a %T cannot be a %s", v, kind)
	}
	return v, nil
}

// targets makes places to scan into, each of which can be null.
func targets(names, kinds []string) ([]any, func() spec.Row) {
	places := make([]any, len(names))
	for i, kind := range kinds {
		switch kind {
		case "bool", "boolean":
			places[i] = new(*bool)
		case "int", "integer", "bigint":
			places[i] = new(*int64)
		case "double precision":
			places[i] = new(*float64)
		case "bytea":
			places[i] = new([]byte)
		case "timestamptz", "timestamp with time zone":
			places[i] = new(*time.Time)
		case "text[]":
			places[i] = new([]string)
		default:
			places[i] = new(*string)
		}
	}
	return places, func() spec.Row {
		row := make(spec.Row, len(names))
		for i, place := range places {
			row[names[i]] = taken(kinds[i], place)
		}
		return row
	}
}

// taken turns a scanned place into a contract value.
func taken(kind string, place any) any {
	switch p := place.(type) {
	case **bool:
		if *p != nil {
			return **p
		}
	case **int64:
		if *p != nil {
			return **p
		}
	case **float64:
		if *p != nil {
			return **p
		}
	case **time.Time:
		if *p != nil {
			return **p
		}
	case *[]byte:
		if *p != nil {
			return slices.Clone(*p)
		}
	case *[]string:
		if *p != nil {
			return slices.Clone(*p)
		}
	case **string:
		if *p == nil {
			return nil
		}
		if isJSON(kind) {
			return json.RawMessage(**p)
		}
		return **p
	}
	return nil
}
