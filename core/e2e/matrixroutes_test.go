package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// served is what a running registry says that it serves (/-/routes).
type served struct {
	Formats []servedFormat
	Paths   []struct {
		Path    string
		Methods []string
	}
}

type servedFormat struct {
	Format     string
	Errors     string
	Validators map[string]string
	Routes     []servedRoute
}

type servedRoute struct {
	ID              string
	Method          string
	Pattern         string
	Levels          []string
	Action          string
	Authenticated   bool
	BodyCredentials []string `json:"body_credentials"`
	Challenge       string
	AnonymousDenial int               `json:"anonymous_denial"`
	MatchHeaders    map[string]string `json:"match_headers"`
	Convention      *servedConvention

	format *servedFormat
}

type servedConvention struct {
	Value, Pattern, Names, Slash string
	OrNothing                    bool `json:"or_nothing"`
}

func servedBy(t *testing.T, at string) *served {
	t.Helper()
	var all served
	a := ask(t, "GET", at+"/-/routes", "")
	if err := json.Unmarshal([]byte(a.body), &all); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	// A format that is not there would be missed by nobody.
	var states struct {
		Plugins []struct{ Format, State string }
	}
	if a := ask(t, "GET", at+"/-/plugins", ""); json.Unmarshal([]byte(a.body), &states) != nil || len(states.Plugins) != 4 || len(all.Formats) != 4 {
		t.Fatalf("%d formats, and %s", len(all.Formats), a.body)
	}
	for i := range all.Formats {
		if len(all.Formats[i].Routes) == 0 || states.Plugins[i].Format != all.Formats[i].Format || states.Plugins[i].State != "running" {
			t.Fatalf("%s: %d routes, %+v", all.Formats[i].Format, len(all.Formats[i].Routes), states.Plugins[i])
		}
		for j := range all.Formats[i].Routes {
			all.Formats[i].Routes[j].format = &all.Formats[i]
		}
	}
	return &all
}

// address is a request's path below a format's mount, and its query.
type address struct{ path, query string }

// fill makes an address that this route answers at a level, and none before it:
// with every parameter's value made up from its validator. At instance level it
// is about what has the full path names.
func (r *servedRoute) fill(level, names string) (address, error) {
	// A route may stand behind others that take part of what it takes: letters that
	// those do not take are tried one after the other.
	var first error
	for _, like := range []string{"absent", "Absent", "ab~sent", "7", "ab", "a$"} {
		a, err := r.fillLike(level, names, like)
		if err == nil {
			if other := r.format.match(level, r.Method, a.path, r.MatchHeaders); other == r {
				return a, nil
			}
			err = fmt.Errorf("%s %s/%s: another route answers", r.format.Format, r.ID, a.path)
		}
		if first == nil {
			first = err
		}
	}
	return address{}, first
}

func (r *servedRoute) fillLike(level, names, like string) (address, error) {
	values, query := map[string]string{}, ""
	if c := r.Convention; c != nil && level == "instance" {
		value := strings.ReplaceAll(names, "/", orSlash(c.Slash))
		if c.Pattern != "" {
			value = sample(c.Pattern, "a", value)
			if got := regexp.MustCompile(`\A(?:` + c.Pattern + `)\z`).FindStringSubmatch(value); got == nil {
				return address{}, fmt.Errorf("%s: %q is no value of its convention", r.ID, value)
			}
		}
		param := strings.Trim(c.Value, "{}")
		if name, ok := strings.CutPrefix(param, "?"); ok {
			query = name + "=" + url.QueryEscape(value)
		} else {
			values[param] = value
		}
	}
	path := regexp.MustCompile(`\{([a-z0-9_]+):([a-z0-9_]+)\}`).ReplaceAllStringFunc(r.Pattern, func(p string) string {
		name, validator, _ := strings.Cut(strings.Trim(p, "{}"), ":")
		if value, ok := values[name]; ok {
			return value
		}
		return sample(r.format.Validators[validator], like, "")
	})
	if pattern := r.format.compile(r.Pattern); !pattern.MatchString(path) {
		return address{}, fmt.Errorf("%s %s: %q is no path of %s", r.format.Format, r.ID, path, r.Pattern)
	}
	return address{path, query}, nil
}

func orSlash(s string) string {
	if s == "" {
		return "/"
	}
	return s
}

// compile makes an expression of a pattern, as package pattern of the SDK says it is read.
func (f *servedFormat) compile(pattern string) *regexp.Regexp {
	var all strings.Builder
	for rest := pattern; rest != ""; {
		literal, after, ok := strings.Cut(rest, "{")
		all.WriteString(regexp.QuoteMeta(literal))
		if !ok {
			break
		}
		parameter, after, _ := strings.Cut(after, "}")
		_, validator, _ := strings.Cut(parameter, ":")
		all.WriteString("(?:" + f.Validators[validator] + ")")
		rest = after
	}
	return regexp.MustCompile(`\A(?:` + all.String() + `)\z`)
}

// match is the first route that a request is for.
func (f *servedFormat) match(level, method, path string, headers map[string]string) *servedRoute {
	for i := range f.Routes {
		r := &f.Routes[i]
		if r.Method != method || !slices.Contains(r.Levels, level) || !f.compile(r.Pattern).MatchString(path) {
			continue
		}
		carries := true
		for name, value := range r.MatchHeaders {
			carries = carries && headers[name] == value
		}
		if carries {
			return r
		}
	}
	return nil
}

// sample makes a text that an expression matches, of letters like those of a
// word where it lets choose; what captures is replaced by inner, if there is one.
func sample(expr, like, inner string) string {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return ""
	}
	return sampleOf(parsed, like, inner)
}

func sampleOf(re *syntax.Regexp, like, inner string) string {
	every := func(subs []*syntax.Regexp) (text string) {
		for _, sub := range subs {
			text += sampleOf(sub, like, inner)
		}
		return text
	}
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(letterIn(re.Rune, like))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return like[:1]
	case syntax.OpCapture:
		if inner != "" {
			return inner
		}
		return every(re.Sub)
	case syntax.OpConcat:
		return every(re.Sub)
	case syntax.OpAlternate:
		return sampleOf(re.Sub[0], like, inner)
	case syntax.OpPlus, syntax.OpRepeat:
		if re.Sub[0].Op != syntax.OpCharClass {
			return strings.Repeat(every(re.Sub), max(re.Min, 1))
		}
		return word(re, like)
	}
	return "" // what may be left out is, and what stands nowhere too
}

// word is as much of a word as a class takes that is repeated.
func word(re *syntax.Regexp, like string) (text string) {
	for _, c := range like {
		if re.Max > 0 && len(text) == re.Max {
			break
		}
		if in(re.Sub[0].Rune, c) {
			text += string(c)
		}
	}
	for len(text) < max(re.Min, 1) {
		text += string(letterIn(re.Sub[0].Rune, like))
	}
	return text
}

// letterIn is a letter of a class, one of a word's if it has any.
func letterIn(class []rune, like string) rune {
	for _, c := range like + "a0A-" {
		if in(class, c) {
			return c
		}
	}
	for i := 0; i+1 < len(class); i += 2 {
		for c := class[i]; c <= class[i+1]; c++ {
			if unicode.IsGraphic(c) && c != ' ' {
				return c
			}
		}
	}
	return class[0]
}

func in(class []rune, c rune) bool {
	for i := 0; i+1 < len(class); i += 2 {
		if class[i] <= c && c <= class[i+1] {
			return true
		}
	}
	return false
}
