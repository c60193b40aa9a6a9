package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Call is the call that the template means for a query with arguments of these
// types, which are as many as the template's, and for a request with these
// parameters. The error names an argument that the template cannot have.
func (q PrefetchQuery) Call(types []string, params map[string]string) (QueryCall, error) {
	call := QueryCall{Name: q.Name, Arguments: make([]any, len(q.Arguments))}
	for i, argument := range q.Arguments {
		switch types[i] {
		case "text":
			call.Arguments[i] = Fill(argument, params)
		case "bigint":
			n, err := strconv.ParseInt(argument, 10, 64)
			if err != nil {
				return QueryCall{}, fmt.Errorf("argument %d: %q is no bigint", i+1, argument)
			}
			call.Arguments[i] = n
		default:
			return QueryCall{}, fmt.Errorf("argument %d: a %s cannot be filled in, only text and bigint", i+1, types[i])
		}
	}
	return call, nil
}

// Filled returns the finder with a request's parameters in the places that may
// name them.
func (f Finder) Filled(params map[string]string) Finder {
	f.Name, f.Version = Fill(f.Name, params), Fill(f.Version, params)
	f.FileName, f.FileKey = Fill(f.FileName, params), Fill(f.FileKey, params)
	return f
}

// Fill puts a request's parameters into a template such as "{name}", in one pass,
// so that a value that looks like a parameter stays text.
func Fill(template string, params map[string]string) string {
	var filled strings.Builder
	for {
		before, rest, opened := strings.Cut(template, "{")
		if !opened && filled.Len() == 0 {
			return template
		}
		filled.WriteString(before)
		if !opened {
			return filled.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if value, known := params[name]; closed && known {
			filled.WriteString(value)
			template = after
			continue
		}
		filled.WriteByte('{')
		template = rest
	}
}
