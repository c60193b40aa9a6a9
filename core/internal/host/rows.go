package host

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	// maxRows is how many rows one call returns.
	maxRows = 10_000
	// maxRowsBytes is how many bytes they may be.
	maxRowsBytes = spec.MaxMessageBytes / 2
)

func limitOf(asked int) int {
	if asked <= 0 {
		return maxRows
	}
	return min(asked, maxRows)
}

// selectRows queues the read of a metadata table, within the scope's projects.
func (s Scope) selectRows(batch *pgx.Batch, r spec.RowSelect, into *[]spec.Row) error {
	table, err := s.Schema.Table(r.Table)
	if err != nil {
		return err
	}
	columns, err := table.Columns(r.Columns)
	if err != nil {
		return err
	}
	args := []any{s.projects()}
	sql := "select " + table.Select("r", columns) + " from " + table.SQL + " r where r.project_id = any ($1::bigint[])"
	for _, c := range slices.Sorted(maps.Keys(r.Where)) {
		condition, err := equals(table, c, r.Where[c], &args)
		if err != nil {
			return err
		}
		sql += " and " + condition
	}
	if named, ok := s.Names.SQL("p", func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }); ok {
		from := "packages p where p.id = r.package_id"
		if !table.Has("package_id") {
			from = "package_files f join packages p on p.id = f.package_id where f.id = r.package_file_id"
		}
		sql += " and exists (select from " + from + " and " + named + ")"
	}
	order := make([]string, 0, len(r.OrderBy))
	for _, c := range r.OrderBy {
		name, descending := strings.CutPrefix(c, "-")
		if !table.Has(name) {
			return fmt.Errorf("table %s has no column %q", table.Name, name)
		}
		item := "r." + pgx.Identifier{name}.Sanitize()
		if descending {
			item += " desc"
		}
		order = append(order, item)
	}
	if len(order) > 0 {
		sql += " order by " + strings.Join(order, ", ")
	}
	sql += " limit " + strconv.Itoa(limitOf(r.Limit))
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		places, row := table.Targets(columns)
		return collect(rows, places, row, into)
	})
	return nil
}

// equals makes a condition on one column; a list of texts means any of them,
// unless the column itself holds lists.
func equals(table *metadata.Table, column string, value any, args *[]any) (string, error) {
	name := "r." + pgx.Identifier{column}.Sanitize()
	if list, ok := value.([]string); ok && table.Kind(column) != "text[]" {
		for _, one := range list {
			if _, err := table.Argument(column, one); err != nil {
				return "", err
			}
		}
		*args = append(*args, list)
		return fmt.Sprintf("%s = any ($%d)", name, len(*args)), nil
	}
	arg, err := table.Argument(column, value)
	if err != nil {
		return "", err
	}
	if arg == nil {
		return name + " is null", nil
	}
	*args = append(*args, arg)
	return fmt.Sprintf("%s = $%d", name, len(*args)), nil
}

// call queues a named query. What it may see of the generic model, the views of
// core_api, is set for the transaction. Where packages are limited by name, a
// query must read them: the format's own tables know nothing of names.
func (s Scope) call(batch *pgx.Batch, q spec.QueryCall, into *[]spec.Row) error {
	sql, args, places, row, err := s.Schema.Call(q)
	if err != nil {
		return err
	}
	batch.Queue("select set_config('pakhus.project_ids', $1, true), set_config('pakhus.format', $2, true)", literal(s.ProjectIDs), s.Format)
	if s.Names.Limited() {
		if !s.Schema.Generic(q.Name) {
			return fmt.Errorf("query %s reads no package, and this request may see packages of some names only", q.Name)
		}
		patterns, byProject := s.Names.Settings()
		batch.Queue("select set_config('pakhus.names', $1::text[]::text, true), set_config('pakhus.names_by_project', $2, true)", patterns, byProject)
	}
	batch.Queue(sql+" limit "+strconv.Itoa(limitOf(q.Limit)), append([]any{s.projects()}, args...)...).Query(func(rows pgx.Rows) error {
		return collect(rows, places, row, into)
	})
	return nil
}

// literal writes ids as PostgreSQL writes a list of them.
func literal(ids []int64) string {
	text := []byte{'{'}
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return string(append(text, '}'))
}

// collect reads rows, as many as a message holds.
func collect(rows pgx.Rows, places []any, row func() spec.Row, into *[]spec.Row) error {
	size := 0
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		for _, v := range rows.RawValues() {
			size += 16 + len(v)
		}
		if size > maxRowsBytes {
			return fmt.Errorf("the rows are more than %d bytes; ask for fewer", maxRowsBytes)
		}
		*into = append(*into, row())
	}
	return rows.Err()
}
