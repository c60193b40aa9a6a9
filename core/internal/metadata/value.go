package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pakhus/pakhus/sdk/spec"
)

func isJSON(kind string) bool { return kind == "json" || kind == "jsonb" }

// argument checks a contract value against a PostgreSQL type and returns it as
// an argument of a statement.
func argument(kind string, v any) (any, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // null is a value
	}
	switch kind {
	case "bool", "boolean":
		return as[bool](kind, v)
	case "int", "integer":
		if n, ok := v.(int64); ok && (n < math.MinInt32 || n > math.MaxInt32) {
			return nil, fmt.Errorf("%d is out of the range of an integer", n)
		}
		return as[int64](kind, v)
	case "bigint":
		return as[int64](kind, v)
	case "double precision":
		return as[float64](kind, v)
	case "bytea":
		return as[[]byte](kind, v)
	case "timestamptz", "timestamp with time zone":
		return as[time.Time](kind, v)
	case "text":
		if s, ok := v.(string); ok {
			return v, checkText(s)
		}
	case "text[]":
		if list, ok := v.([]string); ok {
			return v, checkText(strings.Join(list, ""))
		}
	case "json", "jsonb":
		if raw, ok := v.(json.RawMessage); ok {
			return string(raw), checkJSON(kind, raw)
		}
	}
	return nil, mismatch(kind, v)
}

func as[T any](kind string, v any) (any, error) {
	if _, ok := v.(T); !ok {
		return nil, mismatch(kind, v)
	}
	return v, nil
}

func mismatch(kind string, v any) error { return fmt.Errorf("a %T cannot be a %s", v, kind) }

// checkText refuses what PostgreSQL's text cannot hold.
func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return errors.New("text with a NUL character")
	}
	if !utf8.ValidString(s) {
		return errors.New("text that is not UTF-8")
	}
	return nil
}

func checkJSON(kind string, raw json.RawMessage) error {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return errors.New("it is not JSON")
	}
	if kind == "jsonb" && hasNUL(string(raw)) {
		return errors.New("jsonb with a NUL character")
	}
	return nil
}

// hasNUL looks for the escape of a NUL, which no text of PostgreSQL's can hold.
func hasNUL(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if strings.HasPrefix(s[i:], `\u0000`) {
			return true
		}
		i++ // the character that is escaped
	}
	return false
}

// targets makes places to scan rows into, one after the other, and what turns
// a scanned row into a contract row.
func targets(names, kinds []string) ([]any, func() spec.Row) {
	places := make([]any, len(names))
	for i, kind := range kinds {
		switch kind {
		case "bool", "boolean":
			places[i] = new(pgtype.Bool)
		case "int", "integer", "bigint":
			places[i] = new(pgtype.Int8)
		case "double precision":
			places[i] = new(pgtype.Float8)
		case "bytea", "json", "jsonb":
			places[i] = new([]byte)
		case "timestamptz", "timestamp with time zone":
			places[i] = new(pgtype.Timestamptz)
		case "text[]":
			places[i] = new([]string)
		default:
			places[i] = new(pgtype.Text)
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

// taken turns a scanned place into a contract value. Scanning makes new bytes and lists for each row.
func taken(kind string, place any) any {
	switch p := place.(type) {
	case *pgtype.Bool:
		if p.Valid {
			return p.Bool
		}
	case *pgtype.Int8:
		if p.Valid {
			return p.Int64
		}
	case *pgtype.Float8:
		if p.Valid {
			return p.Float64
		}
	case *pgtype.Timestamptz:
		if p.Valid {
			return p.Time
		}
	case *pgtype.Text:
		if p.Valid {
			return p.String
		}
	case *[]byte:
		switch {
		case *p == nil:
			return nil
		case isJSON(kind):
			return json.RawMessage(*p)
		}
		return *p
	case *[]string:
		if *p != nil {
			return *p
		}
	}
	return nil
}
