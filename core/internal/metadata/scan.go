package metadata

import (
	"errors"
	"fmt"
	"strings"
)

type tokenKind int

const (
	word       tokenKind = iota + 1 // a key word or a bare name
	quotedName                      // "…", without its quotes
	literal                         // a text, number or parameter
	symbol                          // one other character
)

type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is that word of the language.
func (t token) is(w string) bool { return t.kind == word && strings.EqualFold(t.text, w) }

// scan cuts SQL into tokens. It refuses what two readers may take for
// different things: comments, escapes, dollar quotes, letters that are not
// ASCII outside of texts, and more than one statement.
func scan(sql string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(sql); {
		n, t, err := next(sql[i:])
		if err != nil {
			return nil, err
		}
		if t.kind != 0 {
			tokens = append(tokens, t)
		}
		i += n
	}
	return tokens, nil
}

// next returns the token that s begins with and its length; a token without a kind is space.
func next(s string) (int, token, error) {
	switch c := s[0]; {
	case strings.IndexByte(" \t\r\n", c) >= 0:
		return 1, token{}, nil
	case c == '\'':
		n, err := quotedEnd(s)
		return n, token{literal, ""}, err
	case c == '"':
		n, err := quotedEnd(s)
		if err != nil {
			return 0, token{}, err
		}
		return n, token{quotedName, strings.ReplaceAll(s[1:n-1], `""`, `"`)}, nil
	case isLetter(c):
		n := spanOf(s, func(c byte) bool { return isLetter(c) || isDigit(c) })
		if n < len(s) && (s[n] == '\'' || s[n] == '$') {
			return 0, token{}, fmt.Errorf("%q: texts are written '…', without a prefix", s[:n+1])
		}
		return n, token{word, s[:n]}, nil
	case isDigit(c):
		return spanOf(s, func(c byte) bool { return isDigit(c) || c == '.' }), token{literal, ""}, nil
	case c == '$':
		n := 1 + spanOf(s[1:], isDigit)
		if n == 1 {
			return 0, token{}, errors.New(`"$" stands only before the number of an argument`)
		}
		return n, token{literal, ""}, nil
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "/*"):
		return 0, token{}, errors.New("comments are not allowed")
	case strings.HasPrefix(s, "&'"), strings.HasPrefix(s, `&"`):
		return 0, token{}, errors.New(`"U&" is not allowed`)
	case c == ';':
		return 0, token{}, errors.New(`";" is not allowed: a query is one statement`)
	case c < ' ' || c >= 0x7f:
		return 0, token{}, fmt.Errorf("the character %q is not allowed outside of texts", c)
	default:
		return 1, token{symbol, s[:1]}, nil
	}
}

// quotedEnd returns the length of the quoted text that s begins with.
func quotedEnd(s string) (int, error) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' || s[i] == 0:
			return 0, fmt.Errorf("the character %q is not allowed in quotes", s[i])
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1, nil
		}
	}
	return 0, errors.New("a quote is not closed")
}

func spanOf(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
