// Package pattern reads what recipes are searched by: "hello*/1.*@user/*".
package pattern

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The bounds are GitLab's.
const (
	maxLength = 200
	maxStars  = 5
)

// Pattern matches the parts of a reference. Each part is a regular expression
// that PostgreSQL understands and that fits whole texts; empty fits everything.
type Pattern struct {
	Name, Version, User, Channel string
	// Prefix is what every name that fits begins with, in lower case.
	Prefix string
}

// Parse reads a search text: parts with the wildcards "*", "?" and "[ab]", of
// which none crosses into the next part, as in GitLab and Gitea. What is not
// there fits everything; an empty text or "*" fits every recipe. The error says
// which bound is passed.
func Parse(text string) (Pattern, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return Pattern{}, fmt.Errorf("the search text is no text")
	}
	if len(text) > maxLength {
		return Pattern{}, fmt.Errorf("the search text is longer than %d characters", maxLength)
	}
	if strings.Count(text, "*") > maxStars {
		return Pattern{}, fmt.Errorf("too many wildcards in the search text: at most %d", maxStars)
	}
	recipe, owner, _ := strings.Cut(text, "@")
	name, version, _ := strings.Cut(recipe, "/")
	user, channel, _ := strings.Cut(owner, "/")
	p := Pattern{Name: expression(name), Version: expression(version), User: owned(user), Channel: owned(channel)}
	if end := strings.IndexAny(name, "*?["); end >= 0 {
		name = name[:end]
	}
	p.Prefix = strings.ToLower(name)
	return p, nil
}

// owned is the expression of a user or channel: by a wildcard too, only what a
// recipe has is found.
func owned(glob string) string {
	if glob != "" && strings.Trim(glob, "*") == "" {
		return "^.*$"
	}
	return expression(glob)
}

// expression turns a part with wildcards into a regular expression.
func expression(glob string) string {
	if strings.Trim(glob, "*") == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteString(".")
		case c == '[':
			set, n := class(glob[i:])
			b.WriteString(set)
			i += n - 1
		case strings.IndexByte(`\.+()|{}^$]`, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString("$")
	return b.String()
}

// class reads "[ab]", "[a-c]" or "[!a]" at the beginning of a text, and says how
// long it is. A bracket that nothing closes, or around what PostgreSQL could
// refuse, is itself.
func class(glob string) (string, int) {
	const one = `[A-Za-z0-9_+.]`
	end := strings.IndexByte(glob, ']')
	if end < 0 {
		return `\[`, 1
	}
	inside, not := strings.CutPrefix(glob[1:end], "!")
	if !regexp.MustCompile(`\A(?:`+one+`-`+one+`|`+one+`)+\z`).MatchString(inside) || outOfOrder(inside) {
		return `\[`, 1
	}
	if not {
		return "[^" + inside + "]", end + 1
	}
	return "[" + inside + "]", end + 1
}

// outOfOrder reports whether a range in a class ends before it begins.
func outOfOrder(inside string) bool {
	for i := 1; i+1 < len(inside); i++ {
		if inside[i] == '-' && inside[i-1] > inside[i+1] {
			return true
		}
	}
	return false
}
