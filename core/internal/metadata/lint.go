package metadata

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// lintQueries refuses queries that are more than a read of the format's own
// tables. What the role may not do, PostgreSQL refuses too; but it cannot keep
// a function from changing the settings that say whose packages are seen, from
// reading the catalogue, or from waking other sessions. So what a query may
// call is listed, and syntax that could hide a call is not understood.
func lintQueries(queries []spec.NamedQuery) error {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]{0,50}$`)
	seen := map[string]bool{}
	for _, q := range queries {
		if !name.MatchString(q.Name) || seen[q.Name] {
			return fmt.Errorf("query %q: names are unique and match %s", q.Name, name)
		}
		seen[q.Name] = true
		if err := lintQuery(q.SQL); err != nil {
			return fmt.Errorf("query %s: %w", q.Name, err)
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

func lintQuery(sql string) error {
	tokens, err := scan(sql)
	if err != nil {
		return err
	}
	if len(tokens) == 0 || !tokens[0].is("select") && !tokens[0].is("with") {
		return errors.New("it must be one select")
	}
	if !balanced(tokens) {
		return errors.New("its parentheses do not match") // it will stand in others
	}
	for i, t := range tokens {
		if t.kind != word && t.kind != quotedName {
			continue
		}
		lower := strings.ToLower(t.text)
		if t.kind == word && isWrite(lower) {
			return fmt.Errorf("%q is not allowed in a named query", t.text)
		}
		if strings.HasPrefix(lower, "pg_") || lower == "information_schema" {
			return fmt.Errorf("%q: the catalogue is not for named queries", t.text)
		}
		if i+1 < len(tokens) && tokens[i+1].text == "(" && tokens[i+1].kind == symbol {
			if err := lintCall(tokens, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// balanced reports whether each parenthesis that is opened is closed, and no other.
func balanced(tokens []token) bool {
	open := 0
	for _, t := range tokens {
		switch {
		case t.kind == symbol && t.text == "(":
			open++
		case t.kind == symbol && t.text == ")":
			if open--; open < 0 {
				return false
			}
		}
	}
	return open == 0
}

// lintCall looks at a name before a parenthesis.
func lintCall(tokens []token, i int) error {
	name := tokens[i]
	if i > 0 {
		switch before := tokens[i-1]; {
		case before.kind == symbol && before.text == ".":
			return fmt.Errorf("%q: functions are called by their bare names", name.text)
		case before.is("as"), before.is("with"), before.is("recursive"):
			return nil // an alias and its columns
		}
	}
	if name.kind == word && beforeParenthesis(strings.ToLower(name.text)) || callable(strings.ToLower(name.text)) {
		return nil
	}
	return fmt.Errorf("the function %q is not allowed in a named query", name.text)
}

func isWrite(w string) bool {
	switch w {
	case "insert", "update", "delete", "merge", "into", "share":
		return true
	}
	return false
}

// beforeParenthesis are words of the language.
func beforeParenthesis(w string) bool {
	switch w {
	case "select", "from", "join", "lateral", "where", "having", "on", "using", "in", "exists", "not", "and", "or", "any", "some", "all",
		"as", "over", "filter", "within", "values", "union", "except", "intersect", "by", "case", "when", "then", "else", "limit", "offset",
		"distinct", "cast", "array", "row", "like", "ilike", "between", "is", "materialized", "partition", "interval", "numeric", "sets",
		"cube", "rollup", "grouping":
		return true
	}
	return false
}

// callable are functions that look at nothing but their arguments, and whose
// results are about as large as those.
func callable(f string) bool {
	switch f {
	case
		"count", "sum", "min", "max", "avg", "bool_and", "bool_or", "every", "array_agg", "string_agg",
		"json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "mode", "percentile_cont", "percentile_disc",
		"row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value", "nth_value",
		"lower", "upper", "length", "char_length", "octet_length", "btrim", "ltrim", "rtrim", "trim", "substr", "substring", "left", "right",
		"position", "strpos", "starts_with", "replace", "translate", "split_part", "concat", "concat_ws", "reverse", "encode", "decode",
		"coalesce", "nullif", "greatest", "least",
		"unnest", "cardinality", "array_length", "array_position", "array_append", "array_cat", "array_remove", "string_to_array", "array_to_string",
		"to_json", "to_jsonb", "row_to_json", "json_build_object", "jsonb_build_object", "json_build_array", "jsonb_build_array",
		"json_array_elements", "jsonb_array_elements", "json_array_elements_text", "jsonb_array_elements_text", "json_array_length", "jsonb_array_length",
		"json_each", "jsonb_each", "json_each_text", "jsonb_each_text", "json_object_keys", "jsonb_object_keys", "json_typeof", "jsonb_typeof",
		"json_extract_path", "jsonb_extract_path", "json_extract_path_text", "jsonb_extract_path_text", "json_strip_nulls", "jsonb_strip_nulls", "jsonb_set",
		"now", "to_char", "date_trunc", "date_part", "extract", "age", "to_timestamp",
		"abs", "ceil", "floor", "round", "mod", "sign", "num_nonnulls", "num_nulls":
		return true
	}
	return false
}

// lintExpression refuses a default, check or index expression that calls what
// is not known to be harmless.
func lintExpression(sql string) error {
	tokens, err := scan(sql)
	if err != nil {
		return err
	}
	for i, t := range tokens {
		called := i+1 < len(tokens) && tokens[i+1].kind == symbol && tokens[i+1].text == "("
		if t.kind == quotedName && called || t.kind == word && called && !harmless(strings.ToLower(t.text)) {
			return fmt.Errorf("the function %q is not allowed there", t.text)
		}
	}
	return nil
}

// harmless are the functions (and words that stand before a parenthesis) that
// defaults, checks and indexes may use.
func harmless(name string) bool {
	switch name {
	case "check", "and", "or", "not", "in", "any", "all", "array", "now", "clock_timestamp", "lower", "upper", "length", "char_length", "octet_length",
		"coalesce", "cardinality", "num_nonnulls", "btrim", "date_trunc":
		return true
	}
	return false
}
