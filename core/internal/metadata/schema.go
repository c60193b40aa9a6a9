package metadata

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Schema is what is known of a format's tables and queries. It does not change,
// and a nil Schema has none of either.
type Schema struct {
	name    string
	tables  map[string]*Table
	queries map[string]spec.NamedQuery
}

// Table is one table of a format.
type Table struct {
	Name    string
	SQL     string // quoted, with its schema
	columns map[string]column
	order   []string
	unique  [][]string // each sorted: what ON CONFLICT can name
}

type column struct {
	kind     string // PostgreSQL's name of the type
	required bool   // not null, without a default
}

// load reads the tables from the catalogue.
func load(ctx context.Context, conn *pgx.Conn, m *spec.Manifest) (*Schema, error) {
	s := &Schema{name: "fmt_" + m.Format, tables: map[string]*Table{}, queries: map[string]spec.NamedQuery{}}
	for _, q := range m.Metadata.Queries {
		s.queries[q.Name] = q
	}
	if err := s.loadColumns(ctx, conn); err != nil {
		return nil, fmt.Errorf("read tables: %w", err)
	}
	if err := s.loadUnique(ctx, conn); err != nil {
		return nil, fmt.Errorf("read unique keys: %w", err)
	}
	return s, nil
}

func (s *Schema) loadColumns(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		select c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull and not a.atthasdef and a.attidentity = ''
		from pg_attribute a join pg_class c on c.oid = a.attrelid
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		  and c.relname <> 'schema_migrations'
		order by c.relname, a.attnum`, s.name)
	if err != nil {
		return err
	}
	var (
		table, name string
		c           column
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &name, &c.kind, &c.required}, func() error {
		t := s.tables[table]
		if t == nil {
			t = &Table{Name: table, SQL: quote(s.name) + "." + quote(table), columns: map[string]column{}}
			s.tables[table] = t
		}
		t.columns[name] = c
		t.order = append(t.order, name)
		return nil
	})
	return err
}

func (s *Schema) loadUnique(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		select c.relname, (select array_agg(a.attname::text order by a.attname collate "C") from pg_attribute a
		                   where a.attrelid = c.oid and a.attnum = any (x.indkey::int2[]))
		from pg_index x join pg_class c on c.oid = x.indrelid
		where c.relnamespace = $1::regnamespace and x.indisunique and x.indisvalid
		  and x.indpred is null and x.indexprs is null and c.relname <> 'schema_migrations'`, s.name)
	if err != nil {
		return err
	}
	var (
		table   string
		columns []string
	)
	_, err = pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		t := s.tables[table]
		t.unique = append(t.unique, slices.Clone(columns))
		return nil
	})
	return err
}

// Table returns a table; the error names one that does not exist.
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

// Kind returns the PostgreSQL type of a column, or "".
func (t *Table) Kind(column string) string { return t.columns[column].kind }

// Required returns the columns a new row cannot do without, beside project_id
// which the core fills, in the table's order.
func (t *Table) Required() []string {
	var required []string
	for _, name := range t.order {
		if t.columns[name].required && name != "project_id" {
			required = append(required, name)
		}
	}
	return required
}

// IsUnique reports whether the columns, in any order, are all of a unique key.
func (t *Table) IsUnique(columns []string) bool {
	sorted := slices.Compact(slices.Sorted(slices.Values(columns)))
	return slices.ContainsFunc(t.unique, func(key []string) bool { return slices.Equal(key, sorted) })
}

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

// Select returns the SQL list of columns, in a form that Targets can take, under an alias.
func (t *Table) Select(alias string, columns []string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = alias + "." + quote(c)
		if isJSON(t.columns[c].kind) {
			list[i] += "::text" // as it stands, not decoded and encoded again
		}
	}
	return strings.Join(list, ", ")
}

// Targets returns what rows of these columns are scanned into, one after the
// other, and what makes a row of what was scanned last.
func (t *Table) Targets(columns []string) ([]any, func() spec.Row) {
	kinds := make([]string, len(columns))
	for i, c := range columns {
		kinds[i] = t.columns[c].kind
	}
	return targets(columns, kinds)
}

// Argument returns a value as an argument for a column; the error names both.
func (t *Table) Argument(column string, v any) (any, error) {
	c, ok := t.columns[column]
	if !ok {
		return nil, fmt.Errorf("table %s has no column %q", t.Name, column)
	}
	arg, err := argument(c.kind, v)
	if err != nil {
		return nil, fmt.Errorf("column %s.%s: %w", t.Name, column, err)
	}
	return arg, nil
}

// Generic reports whether a named query reads the packages, files or tags of the
// generic model, whose policies then say which it sees.
func (s *Schema) Generic(query string) bool {
	if s == nil {
		return false
	}
	tokens, err := scan(s.queries[query].SQL)
	return err == nil && slices.ContainsFunc(tokens, func(t token) bool {
		return (t.kind == word || t.kind == quotedName) && strings.EqualFold(t.text, "core_api")
	})
}

// Call returns the SQL of a named query's call, its arguments after the
// projects, and what its rows are scanned into, as Targets does.
func (s *Schema) Call(q spec.QueryCall) (sql string, args []any, places []any, row func() spec.Row, err error) {
	var known spec.NamedQuery
	ok := false
	if s != nil {
		known, ok = s.queries[q.Name]
	}
	if !ok {
		return "", nil, nil, nil, fmt.Errorf("there is no query %q", q.Name)
	}
	if len(q.Arguments) != len(known.ArgumentTypes) {
		return "", nil, nil, nil, fmt.Errorf("query %s takes %d arguments, got %d", q.Name, len(known.ArgumentTypes), len(q.Arguments))
	}
	list := []string{"$1"}
	for i, v := range q.Arguments {
		arg, err := argument(known.ArgumentTypes[i], v)
		if err != nil {
			return "", nil, nil, nil, fmt.Errorf("query %s, argument %d: %w", q.Name, i+1, err)
		}
		args = append(args, arg)
		list = append(list, fmt.Sprintf("$%d::%s", i+2, known.ArgumentTypes[i]))
	}
	names, kinds, columns := make([]string, len(known.Result)), make([]string, len(known.Result)), make([]string, len(known.Result))
	called := make([]string, len(known.Result))
	for i, c := range known.Result {
		names[i], kinds[i], columns[i] = c.Name, c.Type, quote(c.Name)
		called[i] = columns[i]
		if isJSON(c.Type) {
			columns[i] += "::text"
		}
	}
	sql = "select " + strings.Join(columns, ", ") + " from " + quote(s.name) + "." + quote("q_"+q.Name) + "(" + strings.Join(list, ", ") + ") as q (" + strings.Join(called, ", ") + ")"
	places, row = targets(names, kinds)
	return sql, args, places, row, nil
}
