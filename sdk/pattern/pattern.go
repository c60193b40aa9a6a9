// Package pattern compiles the path patterns of routes, such as
//
//	{name:npm_name}/-/{file:file_name}
//
// A pattern is literal text and parameters; a parameter names one of the
// manifest's validators, an RE2 expression that must match all of its value. A
// value may span path segments if its validator allows "/".
package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// MaxLength bounds a pattern and a validator, in bytes.
const MaxLength = 1024

// Pattern is a compiled path pattern. It is safe for concurrent use.
type Pattern struct {
	re       *regexp.Regexp // nil: the path must equal literal
	literal  string
	prefix   string // what every path that fits begins with
	names    []string
	skeleton string
}

// Compile compiles a pattern. The error says where the pattern, or a validator
// that it uses, is wrong.
func Compile(pattern string, validators map[string]string) (*Pattern, error) {
	if len(pattern) > MaxLength {
		return nil, fmt.Errorf("longer than %d bytes", MaxLength)
	}
	p := &Pattern{}
	var re, skeleton strings.Builder
	re.WriteString(`\A`)
	for rest := pattern; rest != ""; {
		literal, param, after, err := next(rest)
		if err != nil {
			return nil, err
		}
		re.WriteString(regexp.QuoteMeta(literal))
		skeleton.WriteString(literal)
		if len(p.names) == 0 {
			p.prefix += literal
		}
		rest = after
		if param == "" {
			continue
		}
		name, expr, err := p.parameter(param, validators)
		if err != nil {
			return nil, err
		}
		p.names = append(p.names, name)
		re.WriteString("(" + expr + ")")
		skeleton.WriteString("\x00" + expr + "\x00")
	}
	p.skeleton = skeleton.String()
	if len(p.names) == 0 {
		p.literal = p.prefix
		return p, nil
	}
	re.WriteString(`\z`)
	var err error
	if p.re, err = regexp.Compile(re.String()); err != nil {
		return nil, fmt.Errorf("does not compile: %w", err)
	}
	return p, nil
}

// Match reports whether the whole path fits, and the values of the parameters.
// The map is nil for a pattern without parameters.
func (p *Pattern) Match(path string) (params map[string]string, ok bool) {
	if p.re == nil {
		return nil, path == p.literal
	}
	if !strings.HasPrefix(path, p.prefix) {
		return nil, false
	}
	at := p.re.FindStringSubmatchIndex(path)
	if at == nil {
		return nil, false
	}
	params = make(map[string]string, len(p.names))
	for i, name := range p.names {
		params[name] = path[at[2*i+2]:at[2*i+3]]
	}
	return params, true
}

// Params returns the names of the parameters, in the pattern's order.
func (p *Pattern) Params() []string { return slices.Clone(p.names) }

// Skeleton is equal for two patterns that fit the same paths for the same
// reason: they differ at most in the names of parameters and validators.
func (p *Pattern) Skeleton() string { return p.skeleton }

// CheckValidator returns an error if an expression cannot be a validator: it
// does not compile, captures, or has anchors or word boundaries, whose meaning
// would depend on what stands around the parameter. A validator must not match
// the empty string: a path segment is never empty.
func CheckValidator(expr string) error {
	if len(expr) > MaxLength {
		return fmt.Errorf("longer than %d bytes", MaxLength)
	}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return fmt.Errorf("does not compile: %w", err)
	}
	if parsed.MaxCap() > 0 {
		return fmt.Errorf("captures; write (?:…) for a group")
	}
	if looksAround(parsed) {
		return fmt.Errorf("has an anchor or word boundary; a validator always matches the whole value")
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return fmt.Errorf("does not compile: %w", err)
	}
	if re.MatchString("") {
		return fmt.Errorf("matches the empty string")
	}
	return nil
}

// looksAround reports whether an expression has a zero-width assertion. The
// parser turns "^" and "\A", "$" and "\z" into the same operations.
func looksAround(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, looksAround)
}

// parameter resolves "name:validator" to the name and a non-capturing expression.
func (p *Pattern) parameter(param string, validators map[string]string) (name, expr string, err error) {
	name, validator, ok := strings.Cut(param, ":")
	switch {
	case !ok || !isName(name) || !isName(validator):
		return "", "", fmt.Errorf("{%s}: expected {name:validator}", param)
	case slices.Contains(p.names, name):
		return "", "", fmt.Errorf("{%s}: the pattern has a parameter %s already", param, name)
	}
	expr, ok = validators[validator]
	if !ok {
		return "", "", fmt.Errorf("{%s}: no validator %s", param, validator)
	}
	if err := CheckValidator(expr); err != nil {
		return "", "", fmt.Errorf("{%s}: validator %s: %w", param, validator, err)
	}
	return name, "(?:" + expr + ")", nil
}

// next splits a pattern into its leading literal, the parameter after it ("" at
// the end) and the rest.
func next(pattern string) (literal, param, rest string, err error) {
	open := strings.IndexAny(pattern, "{}")
	if open < 0 {
		return pattern, "", "", nil
	}
	if pattern[open] == '}' {
		return "", "", "", fmt.Errorf("unexpected } after %q", pattern[:open])
	}
	end := strings.IndexAny(pattern[open+1:], "{}")
	if end < 0 || pattern[open+1+end] == '{' {
		return "", "", "", fmt.Errorf("unclosed { after %q", pattern[:open])
	}
	return pattern[:open], pattern[open+1 : open+1+end], pattern[open+end+2:], nil
}

// isName reports whether s is a name as parameters and validators have: ^[a-z][a-z0-9_]*$.
func isName(s string) bool {
	for i, c := range s {
		if c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '_') {
			continue
		}
		return false
	}
	return s != ""
}
