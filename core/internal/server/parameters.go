package server

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// parameters reads a request's query. What is wrong with any of them is
// gathered: one refusal names them all, as GitLab's does.
type parameters struct {
	values url.Values
	wrong  []string
}

func parametersOf(r *http.Request) *parameters {
	values, err := url.ParseQuery(r.URL.RawQuery)
	p := &parameters{values: values}
	if err != nil {
		p.wrong = append(p.wrong, "the query is invalid")
	}
	return p
}

// err is the refusal, if anything was wrong.
func (p *parameters) err() error {
	if len(p.wrong) == 0 {
		return nil
	}
	sentence := strings.Join(p.wrong, ", ")
	return &shapedError{
		Err:      registry.Errorf(registry.CodeInvalid, "%s", sentence),
		document: shapedDocument{Error: sentence},
	}
}

// last is a parameter's value; of several, the last one counts.
func (p *parameters) last(name string) (string, bool) {
	all := p.values[name]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// text is a parameter that may say anything that the database can hold.
func (p *parameters) text(name string) string {
	v, _ := p.last(name)
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		p.wrong = append(p.wrong, name+" is invalid")
	}
	return v
}

// oneOf is a parameter that may say one of some values, or be absent.
func (p *parameters) oneOf(name string, values ...string) string {
	v, present := p.last(name)
	if present && !slices.Contains(values, v) {
		p.wrong = append(p.wrong, name+" does not have a valid value")
	}
	return v
}

// boolean is a parameter that may say yes or no, in any of GitLab's spellings.
// Empty is no.
func (p *parameters) boolean(name string) bool {
	v, _ := p.last(name)
	switch strings.ToLower(v) {
	case "true", "t", "1", "yes", "y", "on":
		return true
	case "", "false", "f", "0", "no", "n", "off":
	default:
		p.wrong = append(p.wrong, name+" is invalid")
	}
	return false
}

// The size of a page, as in GitLab.
const (
	usualPage   = 20
	largestPage = 100
)

// page is which page is asked for. One larger than the largest is that large.
func (p *parameters) page() packages.Page {
	return packages.Page{Number: p.number("page", 1), Size: min(p.number("per_page", usualPage), largestPage)}
}

// number is a parameter that counts from 1.
func (p *parameters) number(name string, fallback int) int {
	v, _ := p.last(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.ParseInt(v, 10, 32)
	switch {
	case err != nil:
		p.wrong = append(p.wrong, name+" is invalid")
	case n < 1:
		p.wrong = append(p.wrong, name+" does not have a valid value")
	}
	return int(n)
}

// order is how a list is to be sorted.
func (p *parameters) order(columns ...string) packages.Order {
	return packages.Order{By: p.oneOf("order_by", columns...), Descending: p.oneOf("sort", "asc", "desc") == "desc"}
}
