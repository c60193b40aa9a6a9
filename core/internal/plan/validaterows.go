package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/sdk/spec"
)

func (v *validator) upsert(o spec.UpsertRow) error {
	table, err := v.scope.Schema.Table(o.Table)
	if err != nil {
		return err
	}
	for column, value := range o.Row {
		if err := v.value(table, column, value); err != nil {
			return err
		}
	}
	for _, column := range table.Required() {
		if o.Row[column] == nil {
			return fmt.Errorf("column %s.%s has no value", table.Name, column)
		}
	}
	if _, err := table.Columns(o.ConflictColumns); err != nil {
		return err
	}
	if len(o.ConflictColumns) > 0 && !table.IsUnique(o.ConflictColumns) {
		return fmt.Errorf("table %s has no unique key of %s", table.Name, strings.Join(o.ConflictColumns, ", "))
	}
	return nil
}

// value checks one column's value of a row to write.
func (v *validator) value(table *metadata.Table, column string, value any) error {
	if column == "project_id" {
		return errors.New("project_id is the core's to fill")
	}
	local, ok := value.(spec.Local)
	if !ok {
		v.rowBytes += sizeOf(value)
		_, err := table.Argument(column, value)
		return err
	}
	kind := v.locals[local]
	switch {
	case kind == 0:
		return fmt.Errorf("column %s.%s: %q is not made by this plan", table.Name, column, local)
	case table.Kind(column) != "bigint":
		return fmt.Errorf("column %s.%s: an id cannot be a %s", table.Name, column, table.Kind(column))
	case column == "package_id" && kind != newPackage, column == "package_file_id" && kind != newFile:
		return fmt.Errorf("column %s.%s: %q is not the id of one", table.Name, column, local)
	}
	return nil
}

func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case json.RawMessage:
		return len(v)
	case []string:
		n := 0
		for _, s := range v {
			n += len(s)
		}
		return n
	}
	return 0
}

// where checks what selects rows of a table.
func (v *validator) where(name string, where spec.Row) error {
	table, err := v.scope.Schema.Table(name)
	if err != nil {
		return err
	}
	if len(where) == 0 {
		return errors.New("no condition: it would mean all rows of the project")
	}
	for column, value := range where {
		if column == "project_id" {
			return errors.New("project_id is the core's to fill")
		}
		v.rowBytes += sizeOf(value)
		if _, err := table.Argument(column, value); err != nil {
			return err
		}
	}
	return nil
}
