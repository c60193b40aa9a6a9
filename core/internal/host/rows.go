package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// maxRows is how many rows one call returns.
const maxRows = 10_000

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
		return collect(rows, func() ([]any, func() spec.Row) { return table.Targets(columns) }, into)
	})
	return nil
}

// columnArguments is what equals needs of a table.
type columnArguments interface {
	Argument(column string, v any) (any, error)
}

// equals makes a condition on one column; a list of texts means any of them.
func equals(table columnArguments, column string, value any, args *[]any) (string, error) {
	name := "r." + pgx.Identifier{column}.Sanitize()
	if list, ok := value.([]string); ok {
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
// core_api, is set for the transaction.
func (s Scope) call(batch *pgx.Batch, q spec.QueryCall, into *[]spec.Row) error {
	sql, args, targets, err := s.Schema.Call(q)
	if err != nil {
		return err
	}
	batch.Queue("select set_config('pakhus.project_ids', $1::bigint[]::text, true), set_config('pakhus.format', $2, true)", s.projects(), s.Format)
	batch.Queue(sql+" limit "+strconv.Itoa(limitOf(q.Limit)), append([]any{s.projects()}, args...)...).Query(func(rows pgx.Rows) error {
		return collect(rows, targets, into)
	})
	return nil
}

func collect(rows pgx.Rows, targets func() ([]any, func() spec.Row), into *[]spec.Row) error {
	size := 0
	for rows.Next() {
		places, row := targets()
		if err := rows.Scan(places...); err != nil {
			return err
		}
		*into = append(*into, row())
		if size += sizeOfRows((*into)[len(*into)-1:]); size > spec.MaxMessageBytes/2 {
			return fmt.Errorf("the rows are more than %d bytes; ask for fewer", spec.MaxMessageBytes/2)
		}
	}
	return rows.Err()
}

// sizeOfRows estimates what rows take in a message.
func sizeOfRows(rows []spec.Row) int {
	n := 0
	for _, r := range rows {
		for c, v := range r {
			n += len(c) + 16
			switch v := v.(type) {
			case string:
				n += len(v)
			case []byte:
				n += len(v)
			case json.RawMessage:
				n += len(v)
			case []string:
				for _, s := range v {
					n += len(s) + 4
				}
			}
		}
	}
	return n
}
