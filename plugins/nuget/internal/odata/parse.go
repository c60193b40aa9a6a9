package odata

import (
	"errors"
	"fmt"
	"strings"
)

// The bounds of a filter.
const (
	maxFilter  = 4 << 10 // bytes
	maxNesting = 100     // parentheses, and the like; a client opens one for each thing it looks for
)

// ParseFilter reads a filter:
//
//	filter    = and *( "or" and )
//	and       = condition *( "and" condition )
//	condition = "not" condition
//	          / ( "(" filter ")" / flag / function ) [ ( "eq" / "ne" ) ( "true" / "false" ) ]
//	          / term ( "eq" / "ne" ) ( term / "null" )
//	flag      = "IsLatestVersion" / "IsAbsoluteLatestVersion" / "IsPrerelease" / "true" / "false"
//	function  = "substringof(" term "," term ")" / "startswith(" term "," term ")"
//	term      = "'" text "'" / "tolower(" term ")" / property
//	property  = "Id" / "Version" / "NormalizedVersion" / "Title" / "Description" / "Tags"
//
// No text is no condition. The error is a sentence that names what is not known.
func ParseFilter(s string) (Filter, error) {
	if len(s) > maxFilter {
		return Filter{}, fmt.Errorf("the filter has more than %d bytes", maxFilter)
	}
	if strings.TrimSpace(s) == "" {
		return Filter{}, nil
	}
	p := parser{rest: s}
	p.advance()
	c := p.filter()
	if p.err == nil && p.token != "" {
		p.unsupported()
	}
	if p.err != nil {
		return Filter{}, p.err
	}
	return Filter{c}, nil
}

// parser reads a filter token by token. Once it has an error, no token follows.
type parser struct {
	rest    string
	token   string // a name, a text with its quotes, or a sign; empty at the end
	nesting int
	err     error
}

// advance goes to the next token.
func (p *parser) advance() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	n := 0
	switch {
	case p.err != nil || p.rest == "":
		p.token = ""
		return
	case p.rest[0] == '\'':
		if n = quoted(p.rest); n == 0 {
			p.fail(errors.New("the filter has a text in it that does not end"))
			return
		}
	default:
		if n = strings.IndexAny(p.rest, "(),' \t\r\n"); n < 0 {
			n = len(p.rest)
		}
		n = max(n, 1)
	}
	p.token, p.rest = p.rest[:n], p.rest[n:]
}

// quoted returns the length of the text at the start of s, in which a quote is
// written twice; 0 if it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			i++
			continue
		}
		return i + 1
	}
	return 0
}

// unquote returns what is in a text that quoted has found to end.
func unquote(s string) string { return strings.ReplaceAll(s[1:len(s)-1], "''", "'") }

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.token = ""
}

func (p *parser) unsupported() {
	if p.token == "" {
		p.fail(errors.New("the filter ends too early"))
		return
	}
	p.fail(fmt.Errorf("%.100q in the filter is not supported", p.token))
}

// is reports whether the token is a word, and goes on if it is.
func (p *parser) is(word string) bool {
	if !strings.EqualFold(p.token, word) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(word string) {
	if !p.is(word) {
		p.unsupported()
	}
}

// deeper counts what the parser calls itself for.
func (p *parser) deeper() (back func()) {
	if p.nesting++; p.nesting > maxNesting {
		p.fail(fmt.Errorf("the filter has more than %d conditions in each other", maxNesting))
	}
	return func() { p.nesting-- }
}

func (p *parser) filter() condition {
	defer p.deeper()()
	c := some{p.and()}
	for p.is("or") {
		c = append(c, p.and())
	}
	if len(c) == 1 {
		return c[0]
	}
	return c
}

func (p *parser) and() condition {
	c := all{p.condition()}
	for p.is("and") {
		c = append(c, p.condition())
	}
	if len(c) == 1 {
		return c[0]
	}
	return c
}

func (p *parser) condition() condition {
	if p.is("not") {
		defer p.deeper()()
		return not{p.condition()}
	}
	c := p.truth()
	if c == nil {
		return p.comparison()
	}
	switch {
	case p.is("eq"):
		return p.compared(c, false)
	case p.is("ne"):
		return p.compared(c, true)
	default:
		return c
	}
}

// compared is what a condition is compared with: true or false.
func (p *parser) compared(c condition, negated bool) condition {
	switch {
	case p.is("true"):
	case p.is("false"):
		negated = !negated
	default:
		p.unsupported()
	}
	if negated {
		return not{c}
	}
	return c
}

// truth reads what is a condition by itself; nil if the token begins none.
func (p *parser) truth() condition {
	switch {
	case p.is("("):
		c := p.filter()
		p.expect(")")
		return c
	case p.is("true"):
		return truth(true)
	case p.is("false"):
		return truth(false)
	case p.is("IsLatestVersion"):
		return flag(func(f *Facts) bool { return f.IsLatestVersion })
	case p.is("IsAbsoluteLatestVersion"):
		return flag(func(f *Facts) bool { return f.IsAbsoluteLatestVersion })
	case p.is("IsPrerelease"):
		return flag((*Facts).IsPrerelease)
	case p.is("substringof"):
		part, whole := p.pair()
		return within{part: part, whole: whole}
	case p.is("startswith"):
		whole, part := p.pair()
		return begins{whole: whole, part: part}
	default:
		return nil
	}
}

func (p *parser) pair() (a, b term) {
	p.expect("(")
	a = p.term()
	p.expect(",")
	b = p.term()
	p.expect(")")
	return a, b
}

func (p *parser) comparison() condition {
	left := p.term()
	negated := false
	switch {
	case p.is("eq"):
	case p.is("ne"):
		negated = true
	default:
		p.unsupported()
	}
	var right term
	if p.is("null") {
		right = literal("")
	} else {
		right = p.term()
	}
	if _, swapped := left.(literal); swapped {
		left, right = right, left
	}
	if negated {
		return not{equal{left, right}}
	}
	return equal{left, right}
}

func (p *parser) term() term {
	if strings.HasPrefix(p.token, "'") {
		text := unquote(p.token)
		p.advance()
		return literal(strings.ToLower(text))
	}
	if p.is("tolower") { // which all texts are
		defer p.deeper()()
		p.expect("(")
		t := p.term()
		p.expect(")")
		return t
	}
	if known, ok := propertyNamed(p.token); ok {
		p.advance()
		return property(known)
	}
	p.unsupported()
	return literal("")
}

func propertyNamed(s string) (Property, bool) {
	for known, name := range []string{ID: "Id", Version: "Version", NormalizedVersion: "NormalizedVersion", Title: "Title", Description: "Description", Tags: "Tags"} {
		if strings.EqualFold(s, name) {
			return Property(known), true
		}
	}
	return 0, false
}
