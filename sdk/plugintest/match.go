package plugintest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// split unescapes a path once, segment by segment, and parses the query.
func (r *Registry) split(escaped string) (string, url.Values, error) {
	raw, rawQuery, _ := strings.Cut(escaped, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", nil, fmt.Errorf("query: %w", err)
	}
	raw, trailing := strings.CutSuffix(raw, "/")
	var segments []string
	for segment := range strings.SplitSeq(raw, "/") {
		text, err := url.PathUnescape(segment)
		if err != nil || strings.Contains(text, "/") && !r.manifest.EscapedSlashSeparates {
			return "", nil, fmt.Errorf("the request's path should be a valid file path")
		}
		for piece := range strings.SplitSeq(text, "/") {
			if piece == "." || piece == ".." || piece == "" && raw != "" {
				return "", nil, fmt.Errorf("the request's path should be a valid file path")
			}
		}
		segments = append(segments, text)
	}
	path := strings.Join(segments, "/")
	if trailing {
		path += "/"
	}
	return path, query, nil
}

// match finds the route as the core does, or the status of its refusal.
func (r *Registry) match(level spec.Level, req Request, path string) (*spec.Route, map[string]string, int) {
	method, status := req.method(), http.StatusNotFound
	if method == http.MethodHead {
		method = http.MethodGet
	}
	sameMethod := false
	for i := range r.manifest.Routes {
		route := &r.manifest.Routes[i]
		params, ok := r.patterns[i].Match(path)
		if !ok || !slices.Contains(route.Levels, level) {
			continue
		}
		if route.Method != method {
			status = http.StatusMethodNotAllowed
			continue
		}
		sameMethod = true
		if carries(req.Header, route.MatchHeaders) {
			return route, params, 0
		}
	}
	if sameMethod {
		status = http.StatusNotFound
	}
	return nil, nil, status
}

func carries(h http.Header, want map[string]string) bool {
	for name, value := range want {
		if !strings.EqualFold(h.Get(name), value) {
			return false
		}
	}
	return true
}

// forwarded returns the headers that the core hands over.
func (r *Registry) forwarded(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range slices.Concat([]string{"Accept", "Content-Type", "User-Agent"}, r.manifest.RequestHeaders) {
		if values := h.Values(name); len(values) > 0 {
			out[http.CanonicalHeaderKey(name)] = values
		}
	}
	return out
}

// negotiate picks the media type that Accept names first, without weights; the
// first of the route's when it names none of them.
func negotiate(produces []string, accept string) string {
	if len(produces) == 0 {
		return ""
	}
	for item := range strings.SplitSeq(accept, ",") {
		name, _, _ := strings.Cut(item, ";")
		if name = strings.TrimSpace(name); slices.Contains(produces, name) {
			return name
		}
	}
	return produces[0]
}
