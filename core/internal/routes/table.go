// Package routes finds the route of a manifest that a request is for.
package routes

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/manifest"
	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Table is a manifest's routes, compiled. It is safe for concurrent use.
type Table struct {
	// In the manifest's order, by what a request has: a request tries only those
	// of its level and method.
	routes map[mount][]route
}

type mount struct {
	level  spec.Level
	method string
}

type route struct {
	*spec.Route
	pattern    *pattern.Pattern
	convention *regexp.Regexp // nil: what the convention names is its whole value
	queried    []string       // parameters of the query that the convention wants
}

// Match is the route a request is for, and the values of its pattern's parameters.
type Match struct {
	Route  *spec.Route
	Params map[string]string
	// Names is the full path that the route's convention reads out of the
	// parameters, at instance level; empty if they do not follow it.
	Names string
}

// MethodError says that the path exists for other methods only. It wraps a
// registry error with CodeMethod.
type MethodError struct {
	Allowed []string // sorted; HEAD wherever GET is

	err *registry.Error
}

// Error implements error.
func (e *MethodError) Error() string { return e.err.Error() }

// Unwrap returns the registry error.
func (e *MethodError) Unwrap() error { return e.err }

// NotAllowed is the error of a path that has these methods only.
func NotAllowed(allowed []string) *MethodError {
	return &MethodError{Allowed: allowed, err: registry.Errorf(registry.CodeMethod, "Method Not Allowed")}
}

// Compile checks a manifest, which may come from a plugin that was not written
// with our SDK, and compiles its routes. The error names route and field. The
// table refers to m, which must not change any more.
func Compile(m *spec.Manifest) (*Table, error) {
	if err := manifest.Check(m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	t := &Table{routes: map[mount][]route{}}
	for i := range m.Routes {
		r := &m.Routes[i]
		p, err := pattern.Compile(r.Pattern, m.Validators)
		if err != nil {
			return nil, fmt.Errorf("manifest: route %s: Pattern: %w", r.ID, err)
		}
		one := route{Route: r, pattern: p}
		if r.Convention != nil {
			for _, found := range regexp.MustCompile(`\{\?([^}]+)\}`).FindAllStringSubmatch(r.Convention.Value, -1) {
				one.queried = append(one.queried, found[1])
			}
		}
		if c := r.Convention; c != nil && c.Pattern != "" {
			if one.convention, err = regexp.Compile(`\A(?:` + c.Pattern + `)\z`); err != nil {
				return nil, fmt.Errorf("manifest: route %s: Convention: %w", r.ID, err)
			}
		}
		for _, level := range r.Levels {
			at := mount{level, r.Method}
			t.routes[at] = append(t.routes[at], one)
		}
	}
	return t, nil
}

// Match returns the first route that fits. The path is that below the format's
// mount, as urlpath.Package makes it; HEAD is answered by GET routes.
//
// If no pattern fits, the error has registry.CodeNotFound; if one fits with
// another method only, it is a *MethodError.
func (t *Table) Match(level spec.Level, method, path string, query url.Values, h http.Header) (Match, error) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	fits := false
	for _, r := range t.routes[mount{level, method}] {
		params, ok := r.pattern.Match(path)
		if ok && carries(h, r.MatchHeaders) {
			m := Match{Route: r.Route, Params: params}
			if level == spec.LevelInstance && r.Convention != nil {
				m.Names = r.names(params, query)
			}
			return m, nil
		}
		fits = fits || ok
	}
	allowed := t.methods(level, path)
	if fits || len(allowed) == 0 {
		return Match{}, registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	return Match{}, NotAllowed(allowed)
}

// names reads the full path of a project or group out of the parameters, those
// of the pattern and those of the query.
func (r route) names(params map[string]string, query url.Values) string {
	value := spec.Fill(r.Convention.Value, r.withQuery(params, query))
	if r.convention != nil {
		groups := r.convention.FindStringSubmatch(value)
		if groups == nil {
			return ""
		}
		value = groups[1]
	}
	if r.Convention.Slash != "" {
		value = strings.ReplaceAll(value, r.Convention.Slash, "/")
	}
	return value
}

// withQuery adds those of the query that the convention wants, under their names
// with "?" before them.
func (r route) withQuery(params map[string]string, query url.Values) map[string]string {
	if len(r.queried) == 0 {
		return params
	}
	all := make(map[string]string, len(params)+len(r.queried))
	maps.Copy(all, params)
	for _, name := range r.queried {
		all["?"+name] = query.Get(name)
	}
	return all
}

// methods returns the methods of the routes whose pattern fits a path.
func (t *Table) methods(level spec.Level, path string) []string {
	var methods []string
	for at, routes := range t.routes {
		if at.level != level || !slices.ContainsFunc(routes, func(r route) bool { _, ok := r.pattern.Match(path); return ok }) {
			continue
		}
		methods = append(methods, at.method)
		if at.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return methods
}

// carries reports whether a request has all headers that a route wants.
func carries(h http.Header, want map[string]string) bool {
	for name, value := range want {
		if !slices.ContainsFunc(h.Values(name), func(v string) bool { return strings.EqualFold(v, value) }) {
			return false
		}
	}
	return true
}
