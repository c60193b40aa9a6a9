package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/sdk/spec"
)

// upsert writes a row of the format's own. The statement names the project
// twice: a row is written into it, and only rows in it are changed.
func (a *applier) upsert(o *spec.Operation, op spec.UpsertRow) error {
	table, err := a.scope.Schema.Table(op.Table)
	if err != nil {
		return err
	}
	a.owner(o, op.Row)
	columns := []string{"project_id"}
	args := []any{a.scope.Project.ID}
	for _, c := range slices.Sorted(maps.Keys(op.Row)) {
		value := op.Row[c]
		if local, ok := value.(spec.Local); ok {
			value = a.local(local)
		}
		arg, err := table.Argument(c, value)
		if err != nil {
			return err
		}
		columns, args = append(columns, c), append(args, arg)
	}
	a.one(o, upsertSQL(table, columns, op.ConflictColumns), args...)
	return nil
}

func upsertSQL(table *metadata.Table, columns, conflict []string) string {
	places, updates := make([]string, len(columns)), []string{}
	for i, c := range columns {
		places[i] = fmt.Sprintf("$%d", i+1)
		if c != "project_id" && !slices.Contains(conflict, c) {
			updates = append(updates, quote(c)+" = excluded."+quote(c))
		}
	}
	sql := "insert into " + table.SQL + " as t (" + quoted(columns) + ") values (" + strings.Join(places, ", ") + ")"
	if len(conflict) == 0 {
		return sql
	}
	if len(updates) == 0 {
		// Nothing to change, but the row must be this project's.
		updates = []string{"project_id = excluded.project_id"}
	}
	// A key that another project holds is a conflict, never an update.
	return sql + " on conflict (" + quoted(conflict) + ") do update set " + strings.Join(updates, ", ") + " where t.project_id = $1"
}

func (a *applier) deleteRows(o *spec.Operation, op spec.DeleteRows) error {
	rows, args, err := a.rowsWhere(op.Table, op.Where)
	if err != nil {
		return err
	}
	a.owner(o, op.Where)
	a.exec("delete from "+rows, args...)
	return nil
}

// rowsWhere is the rest of a statement about a table's rows in the project that
// equal where on each of its columns.
func (r *run) rowsWhere(name string, where spec.Row) (sql string, args []any, err error) {
	table, err := r.scope.Schema.Table(name)
	if err != nil {
		return "", nil, err
	}
	sql, args = table.SQL+" where project_id = $1", []any{r.scope.Project.ID}
	for _, c := range slices.Sorted(maps.Keys(where)) {
		arg, err := table.Argument(c, where[c])
		if err != nil {
			return "", nil, err
		}
		if arg == nil {
			sql += " and " + quote(c) + " is null"
			continue
		}
		args = append(args, arg)
		sql += fmt.Sprintf(" and %s = $%d", quote(c), len(args))
	}
	return sql, args, nil
}

// owner marks the stored package that a row hangs on as changed.
func (a *applier) owner(o *spec.Operation, row spec.Row) {
	id, ok := row["package_id"].(int64)
	if file, isFile := row["package_file_id"].(int64); !ok && isFile {
		id, ok = a.files[file].packageID, true
	}
	if ok {
		a.bump(o, id)
		a.updated(id)
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quote(n)
	}
	return strings.Join(list, ", ")
}
