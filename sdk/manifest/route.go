package manifest

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

// maxTimeout bounds what a route may ask for: longer work is a job.
const maxTimeout = 5 * time.Minute

func (c *checker) routes() error {
	if n := len(c.m.Routes); n == 0 || n > MaxRoutes {
		return fmt.Errorf("routes: %d; from 1 to %d are taken", n, MaxRoutes)
	}
	seen := map[string]bool{}
	for i := range c.m.Routes {
		r := &c.m.Routes[i]
		if !c.name.MatchString(r.ID) {
			return fmt.Errorf("route number %d: id: bad name %q", i+1, r.ID)
		}
		if seen[r.ID] {
			return fmt.Errorf("route %s: id: declared twice", r.ID)
		}
		seen[r.ID] = true
		if err := c.route(r); err != nil {
			return fmt.Errorf("route %s: %w", r.ID, err)
		}
	}
	return nil
}

func (c *checker) route(r *spec.Route) error {
	p, err := c.pattern(r)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	for _, check := range []func(*spec.Route) error{c.access, c.body, c.login, c.match} {
		if err := check(r); err != nil {
			return err
		}
	}
	if err := convention(r, p.Params()); err != nil {
		return fmt.Errorf("convention: %w", err)
	}
	if err := cache(r, p.Params()); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	if err := packageName(r, p.Params()); err != nil {
		return fmt.Errorf("packageName: %w", err)
	}
	if err := directFile(r); err != nil {
		return fmt.Errorf("direct file: %w", err)
	}
	if err := c.directRow(r); err != nil {
		return fmt.Errorf("direct row: %w", err)
	}
	for _, f := range r.Prefetch {
		if err := c.prefetch(r, f, p.Params()); err != nil {
			return fmt.Errorf("prefetch: %w", err)
		}
	}
	for _, q := range r.PrefetchQueries {
		if err := c.prefetchQuery(r, q, p.Params()); err != nil {
			return fmt.Errorf("prefetchQueries: %s: %w", q.Name, err)
		}
	}
	return nil
}

func (c *checker) pattern(r *spec.Route) (*pattern.Pattern, error) {
	if strings.HasPrefix(r.Pattern, "/") {
		return nil, fmt.Errorf("%q begins with a slash: a pattern stands below the format's mount", r.Pattern)
	}
	return pattern.Compile(r.Pattern, c.m.Validators)
}

// access checks that what a method means and what the caller must be allowed to do agree.
func (c *checker) access(r *spec.Route) error {
	switch r.Method {
	case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete:
	case http.MethodHead:
		return fmt.Errorf("method: HEAD is answered by GET routes")
	default:
		return fmt.Errorf("method: %q is not one of GET, PUT, POST, PATCH, DELETE", r.Method)
	}
	if len(r.Levels) == 0 {
		return fmt.Errorf("levels: none")
	}
	for i, l := range r.Levels {
		if l < spec.LevelProject || l > spec.LevelInstance || slices.Contains(r.Levels[:i], l) {
			return fmt.Errorf("levels: unknown or repeated level %d", l)
		}
	}
	if r.Action < spec.ActionNone || r.Action > spec.ActionDestroyPackage {
		return fmt.Errorf("action: missing or unknown")
	}
	if r.Method == http.MethodGet && writes(r.Action) {
		return fmt.Errorf("action: a GET route only reads")
	}
	if r.Method == http.MethodDelete && r.Action == spec.ActionReadPackage {
		return fmt.Errorf("action: who may read may not DELETE")
	}
	if r.Timeout < 0 || r.Timeout > maxTimeout {
		return fmt.Errorf("timeout: %v; at most %v", r.Timeout, maxTimeout)
	}
	if r.Challenge < spec.ChallengeNone || r.Challenge > spec.ChallengeBearer {
		return fmt.Errorf("challenge: unknown value %d", r.Challenge)
	}
	if r.AnonymousDenial < spec.DenyUnauthorized || r.AnonymousDenial > spec.DenyNotFound {
		return fmt.Errorf("anonymousDenial: unknown value %d", r.AnonymousDenial)
	}
	return nil
}

func writes(a spec.Action) bool {
	return a == spec.ActionCreatePackage || a == spec.ActionDestroyPackage
}

// login checks a route that takes credentials from its body.
func (c *checker) login(r *spec.Route) error {
	b := r.BodyCredentials
	switch {
	case b == nil:
		return nil
	case b.UsernameField == "" || b.PasswordField == "" || b.UsernameField == b.PasswordField:
		return fmt.Errorf("bodyCredentials: two different fields are needed")
	case r.Body.Kind != spec.BodyInline:
		return fmt.Errorf("bodyCredentials: the body must be inline")
	case r.Action != spec.ActionNone:
		return fmt.Errorf("bodyCredentials: a login has ActionNone")
	}
	return nil
}

// match checks what else decides whether a route is taken.
func (c *checker) match(r *spec.Route) error {
	for _, name := range slices.Sorted(maps.Keys(r.MatchHeaders)) {
		if err := c.readable(name); err != nil {
			return fmt.Errorf("matchHeaders: %w", err)
		}
		if value := r.MatchHeaders[name]; value == "" || strings.TrimSpace(value) != value {
			return fmt.Errorf("matchHeaders: %s: bad value %q", name, value)
		}
	}
	for _, media := range r.Produces {
		parsed, _, err := mime.ParseMediaType(media)
		if err != nil || !strings.Contains(parsed, "/") || strings.Contains(parsed, "*") {
			return fmt.Errorf("produces: %q is not a media type", media)
		}
	}
	if r.FeatureFlag != "" && !c.name.MatchString(r.FeatureFlag) {
		return fmt.Errorf("featureFlag: bad name %q", r.FeatureFlag)
	}
	return nil
}

func cache(r *spec.Route, params []string) error {
	if r.Cache == nil {
		return nil
	}
	if r.Method != http.MethodGet || r.Action != spec.ActionReadPackage {
		return fmt.Errorf("only GET routes with ActionReadPackage are cached")
	}
	if len(r.Cache.Keys) == 0 {
		return fmt.Errorf("keys: none: the answer would never be forgotten")
	}
	for _, key := range r.Cache.Keys {
		if key == "" {
			return fmt.Errorf("keys: an empty key")
		}
		if err := template(key, params); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
	}
	if slices.Contains(r.Cache.VaryQuery, "") {
		return fmt.Errorf("varyQuery: an empty name")
	}
	return nil
}

// packageName: what is known of a write before its plan is there.
func packageName(r *spec.Route, params []string) error {
	if r.PackageName == "" {
		return nil
	}
	if !writes(r.Action) {
		return fmt.Errorf("only routes that write are about one package beforehand")
	}
	return template(r.PackageName, params)
}

// directFile: the file that a request names and that anybody who may read may have.
func directFile(r *spec.Route) error {
	if r.DirectFile == nil {
		return nil
	}
	if r.Method != http.MethodGet || r.Action != spec.ActionReadPackage {
		return fmt.Errorf("only GET routes with ActionReadPackage send files directly")
	}
	if len(r.Prefetch) != 1 {
		return fmt.Errorf("needs one finder in prefetch, not %d", len(r.Prefetch))
	}
	if f := r.Prefetch[0]; f.Name == "" || f.FileName == "" && f.FileKey == "" || !f.WithFiles {
		return fmt.Errorf("the finder must name a package and a file, and want its files")
	}
	return nil
}

// directRow: a document that anybody who may read may have.
func (c *checker) directRow(r *spec.Route) error {
	if r.DirectRow == nil {
		return nil
	}
	if r.Method != http.MethodGet || r.Action != spec.ActionReadPackage {
		return fmt.Errorf("only GET routes with ActionReadPackage send documents directly")
	}
	if r.DirectRow.ContentType == "" {
		return fmt.Errorf("contentType is missing")
	}
	if len(r.PrefetchQueries) != 1 || len(r.Prefetch) > 0 {
		return fmt.Errorf("needs one query in prefetchQueries, and no finder in prefetch")
	}
	name := r.PrefetchQueries[0].Name
	i := slices.IndexFunc(c.m.Metadata.Queries, func(q spec.NamedQuery) bool { return q.Name == name })
	if i < 0 || len(c.m.Metadata.Queries[i].Result) != 1 || c.m.Metadata.Queries[i].Result[0].Type != "text" {
		return fmt.Errorf("the query must return one column, of text")
	}
	return nil
}

func (c *checker) prefetch(r *spec.Route, f spec.Finder, params []string) error {
	if r.Action == spec.ActionNone {
		return fmt.Errorf("a route with ActionNone has no project to read")
	}
	for _, text := range []string{f.Name, f.Version, f.FileName, f.FileKey} {
		if err := template(text, params); err != nil {
			return err
		}
	}
	if strings.ContainsAny(f.NamePrefix, "{}") {
		return fmt.Errorf("namePrefix: takes no parameters")
	}
	if strings.ContainsAny(f.FileSuffix, "{}") {
		return fmt.Errorf("fileSuffix: takes no parameters")
	}
	if f.Limit < 0 || f.PageToken != "" {
		return fmt.Errorf("limit, PageToken: a prefetch is the first page")
	}
	for _, rows := range f.WithRows {
		if !c.name.MatchString(rows.Table) {
			return fmt.Errorf("withRows: bad table %q", rows.Table)
		}
	}
	return nil
}

func (c *checker) prefetchQuery(r *spec.Route, q spec.PrefetchQuery, params []string) error {
	if r.Action == spec.ActionNone {
		return fmt.Errorf("a route with ActionNone has no project to read")
	}
	i := slices.IndexFunc(c.m.Metadata.Queries, func(n spec.NamedQuery) bool { return n.Name == q.Name })
	if i < 0 {
		return fmt.Errorf("no such query is declared")
	}
	types := c.m.Metadata.Queries[i].ArgumentTypes
	if len(types) != len(q.Arguments) {
		return fmt.Errorf("%d arguments; the query has %d", len(q.Arguments), len(types))
	}
	if _, err := q.Call(types, nil); err != nil {
		return err
	}
	for _, argument := range q.Arguments {
		if err := template(argument, params); err != nil {
			return err
		}
	}
	return nil
}

// template checks that each "{param}" of a text is a parameter of the pattern.
func template(text string, params []string) error {
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			return nil
		}
		name, rest, ok := strings.Cut(text[open+1:], "}")
		if !ok || !slices.Contains(params, name) {
			return fmt.Errorf("%q: no such parameter in the pattern", text)
		}
		text = rest
	}
}
