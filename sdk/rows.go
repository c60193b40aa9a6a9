package sdk

import (
	stdjson "encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk/spec"
)

// value is the package's id, or what stands for it until it has one.
func (r Ref) value() any {
	if r.ref.Local != "" {
		return r.ref.Local
	}
	return r.ref.ID
}

// with returns a copy of the row with one more column.
func with(row Row, column string, value any) Row {
	out := make(Row, len(row)+1)
	maps.Copy(out, row)
	out[column] = value
	return out
}

// row returns a copy of a row whose values are of the contract's types, taking
// the likely others for convenience: any integer, and raw JSON of either package.
// A value of another type is a mistake of the plan.
func (p *Plan) row(table string, in Row) Row {
	out := make(Row, len(in))
	for column, value := range in {
		v, err := rowValue(value)
		if err != nil {
			p.fail("row of table %s: column %s: %w", table, column, err)
		}
		out[column] = v
	}
	return out
}

func rowValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, []byte, time.Time, []string, stdjson.RawMessage, spec.Local:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case jsontext.Value:
		return stdjson.RawMessage(v), nil
	default:
		return nil, fmt.Errorf("a row cannot hold a %T", v)
	}
}
