// Package plugintest runs a plugin in a test: request in, outcome and plan out,
// without process, database or network.
//
//	reg := plugintest.New(t, npm.Plugin(), plugintest.State{})
//	got := reg.Do(plugintest.Request{Method: "PUT", Path: "demo", Body: body})
//	plugintest.Golden(t, "publish", got)
//	reg.Apply(got) // what the core does with the plan
//
// A [Registry] does what the core does around a handler as far as a plugin can
// tell: it matches the route, takes the body apart by the route's policy, answers
// reads from a model in memory, and applies plans to that model with the core's
// rules for duplicates, reserved versions, tags and references. It does not
// check permissions (only Route.Authenticated), run SQL, or keep secrets.
package plugintest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/pakhus/pakhus/sdk/pattern"
	"github.com/pakhus/pakhus/sdk/spec"
)

const registryURL = "https://registry.example"

// BaseURL is what formats are mounted below in every request at project level.
const BaseURL = registryURL + "/api/v4/projects/1/packages"

// State is what a registry holds before the first request.
type State struct {
	Project  spec.Project // zero: number 1, group/project, private
	Packages []Package
	Settings spec.PackageSettings
	// Rows are metadata rows that belong to no package of State.Packages; each
	// has its package_id or package_file_id.
	Rows map[string][]spec.Row
	// Unique lists the unique keys of the metadata tables: the SQL that makes
	// them is not read here.
	Unique map[string][][]string
	// Queries stand for the manifest's named queries.
	Queries map[string]QueryFunc
}

// Package is a stored package. Zero fields are filled as the core does.
type Package struct {
	// ProjectID is that of State.Project if zero. Packages of other projects are
	// seen by requests at group and instance level, as those of the same group.
	ProjectID           int64
	Name, Version       string
	NameKey, VersionKey string
	Status              string
	Tags                []string
	Files               []File
	Rows                map[string][]spec.Row // by table; package_id is filled in
}

// File is a stored file.
type File struct {
	Name, Key string
	Content   []byte
	Rows      map[string][]spec.Row // by table; package_file_id is filled in
}

// QueryFunc answers a named query from the registry's model, which it reads with
// Packages and Rows.
type QueryFunc func(reg *Registry, args []any) ([]spec.Row, error)

// Request is one HTTP request below the format's mount.
type Request struct {
	Method string // empty: GET
	// Path is escaped, without a leading slash: "@scope%2Fname?write=true".
	Path   string
	Header http.Header
	Body   []byte
	Actor  spec.Actor // zero: user 1, "tester"
	Level  spec.Level // zero: project
	// Attempt is how often the handler is asked; zero: 1.
	Attempt int
}

// Result is what became of a request.
type Result struct {
	Route   string       // the route's id; empty: no route fits
	Outcome spec.Outcome // nil when the request never reached the plugin
	Plan    *spec.Plan
	// Response is the outcome as a client sees it: a file's bytes, a token in
	// place of its placeholder.
	Response *spec.HTTPResponse

	uploads map[string]upload
	several bool // the request was about several projects
}

// Registry is a plugin and the model of what it has stored. It is for one
// goroutine.
type Registry struct {
	t        testing.TB
	plugin   spec.Plugin
	manifest *spec.Manifest
	patterns []*pattern.Pattern // one for each route
	model    *model
}

// New checks the plugin's manifest and fills the model.
func New(tb testing.TB, plugin spec.Plugin, state State) *Registry {
	tb.Helper()
	m, err := plugin.Manifest()
	if err != nil {
		tb.Fatalf("manifest: %v", err)
	}
	r := &Registry{t: tb, plugin: plugin, manifest: m}
	for _, route := range m.Routes {
		p, err := pattern.Compile(route.Pattern, m.Validators)
		if err != nil {
			tb.Fatalf("route %s: %v", route.ID, err)
		}
		r.patterns = append(r.patterns, p)
	}
	if r.model, err = newModel(r, state); err != nil {
		tb.Fatalf("state: %v", err)
	}
	return r
}

// Do asks the plugin and changes nothing. It asks twice and fails the test if
// the answers differ: the core may ask again at any time.
func (r *Registry) Do(req Request) Result {
	r.t.Helper()
	result, err := r.try(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", req.method(), req.Path, err)
	}
	again, err := r.try(req)
	if err != nil {
		r.t.Fatalf("%s %s, asked again: %v", req.method(), req.Path, err)
	}
	if first, second := Format(result), Format(again); first != second {
		r.t.Fatalf("%s %s: the plugin answers one request in two ways:\n%s\nand\n%s", req.method(), req.Path, first, second)
	}
	return result
}

// Send asks the plugin and applies its plan, asking again when the core would,
// and returns what the client gets.
func (r *Registry) Send(req Request) Result {
	r.t.Helper()
	const attempts = 3
	for req.Attempt = 1; req.Attempt <= attempts; req.Attempt++ {
		result := r.Do(req)
		state, refusal := r.apply(result)
		switch state {
		case committed:
			return result
		case refused:
			result.Outcome, result.Response, result.Plan = refusal, refusal, nil
			return result
		case askAgain:
		}
	}
	return r.refuse("", http.StatusConflict, "this package is being changed by others; try again")
}

// Apply applies the plan of a result to the model, and fails the test if it is
// refused or the core would ask again.
func (r *Registry) Apply(result Result) {
	r.t.Helper()
	state, refusal := r.apply(result)
	switch state {
	case refused:
		r.t.Fatalf("the plan is refused: %d %s", refusal.Status, refusal.Body)
	case askAgain:
		r.t.Fatal("the plan met a conflict that it has no answer for")
	case committed:
	}
}

// Error asks the plugin and returns the handler's error; it fails the test if
// there is none.
func (r *Registry) Error(req Request) error {
	r.t.Helper()
	result, err := r.try(req)
	if err == nil {
		r.t.Fatalf("%s %s: no error but %s", req.method(), req.Path, Format(result))
	}
	return err
}

// apply commits a result's plan.
func (r *Registry) apply(result Result) (commitState, *spec.HTTPResponse) {
	r.t.Helper()
	state, refusal, err := r.model.commit(result.Plan, result.uploads, result.several)
	if err != nil {
		r.t.Fatalf("the core refuses the plan: %v", err)
	}
	return state, refusal
}

// try does once what the core does with a request up to the plan.
func (r *Registry) try(req Request) (Result, error) {
	path, query, err := r.split(req.Path)
	if err != nil {
		return r.refuse("", http.StatusBadRequest, err.Error()), nil
	}
	level := max(req.Level, spec.LevelProject)
	route, params, status := r.match(level, req, path)
	if route == nil {
		return r.refuse("", status, http.StatusText(status)), nil
	}
	in := &spec.Request{
		RequestContext: r.context(req, level),
		RouteID:        route.ID,
		Level:          level,
		Params:         params,
		Query:          query,
		Header:         r.forwarded(req.Header),
		MediaType:      negotiate(route.Produces, req.Header.Get("Accept")),
	}
	if route.Authenticated && in.Actor.Kind == spec.Anonymous {
		return r.refuse(route.ID, http.StatusUnauthorized, "Unauthorized"), nil
	}
	body, err := takeBody(route.Body, r.manifest.Limits, req.Header, req.Body)
	if refusal, ok := errors.AsType[*refusalError](err); ok {
		return r.refuse(route.ID, refusal.status, refusal.text), nil
	} else if err != nil {
		return Result{}, err
	}
	in.Body, in.Form, in.Uploads = body.document, body.form, body.specs()
	host := &host{registry: r, uploads: body.byHandle(), several: in.Project.ID == 0}
	for _, f := range route.Prefetch {
		page, err := host.FindPackages(r.t.Context(), scope, f.Filled(params))
		if err != nil {
			return Result{}, fmt.Errorf("prefetch: %w", err)
		}
		in.Prefetched = append(in.Prefetched, page.Packages)
	}
	if in.PrefetchedRows, err = r.prefetchRows(host, route, params); err != nil {
		return Result{}, err
	}
	response, err := r.plugin.Handle(context.WithoutCancel(r.t.Context()), in, host)
	if err != nil {
		return Result{}, err
	}
	if direct := route.DirectFile.Answer(in.Prefetched); direct != nil && !reflect.DeepEqual(response.Outcome, spec.Outcome(direct)) {
		return Result{}, fmt.Errorf("the handler of route %s answers %+v, and the core would directly %+v", route.ID, response.Outcome, direct)
	}
	if direct := route.DirectRow.Answer(in.PrefetchedRows); direct != nil && !reflect.DeepEqual(response.Outcome, spec.Outcome(direct)) {
		return Result{}, fmt.Errorf("the handler of route %s answers %+v, and the core would directly %+v", route.ID, response.Outcome, direct)
	}
	result := Result{Route: route.ID, Outcome: response.Outcome, Plan: response.Plan, uploads: host.uploads, several: host.several}
	result.Response, err = r.seen(result)
	return result, err
}

// prefetchRows answers a route's prefetch queries.
func (r *Registry) prefetchRows(host *host, route *spec.Route, params map[string]string) ([][]spec.Row, error) {
	var all [][]spec.Row
	for _, q := range route.PrefetchQueries {
		i := slices.IndexFunc(r.manifest.Metadata.Queries, func(n spec.NamedQuery) bool { return n.Name == q.Name })
		call, err := q.Call(r.manifest.Metadata.Queries[i].ArgumentTypes, params) // the manifest's check has found it
		if err != nil {
			return nil, fmt.Errorf("prefetch: %w", err)
		}
		rows, err := host.RunQuery(r.t.Context(), scope, call)
		if err != nil {
			return nil, fmt.Errorf("prefetch: %w", err)
		}
		all = append(all, rows)
	}
	return all, nil
}

func (req Request) method() string {
	if req.Method == "" {
		return http.MethodGet
	}
	return req.Method
}

// groupID is the group that requests above the project are about.
const groupID = 1

// context is what requests have in common. A request at group or instance level
// is about all packages of the model.
func (r *Registry) context(req Request, level spec.Level) spec.RequestContext {
	actor := req.Actor
	if actor == (spec.Actor{}) {
		actor = spec.Actor{Kind: spec.User, ID: 1, Username: "tester"}
	}
	c := spec.RequestContext{
		RequestID: "test",
		Scope:     scope,
		Actor:     actor,
		Attempt:   max(req.Attempt, 1),
	}
	switch level {
	case spec.LevelGroup:
		c.BaseURL = registryURL + "/api/v4/groups/1/-/packages/" + r.manifest.Format
	case spec.LevelInstance:
		c.BaseURL = registryURL + "/api/v4/packages/" + r.manifest.Format
	default:
		c.Project, c.BaseURL = r.model.project, BaseURL+"/"+r.manifest.Format
		c.Settings = r.model.settings
		return c
	}
	c.Group = spec.Group{ID: groupID, Path: "group"}
	return c
}

// refuse is an answer of the core itself.
func (r *Registry) refuse(route string, status int, text string) Result {
	return Result{Route: route, Response: &spec.HTTPResponse{Status: status, Header: http.Header{}, Body: []byte(text)}}
}
