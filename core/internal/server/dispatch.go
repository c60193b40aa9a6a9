package server

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// maxAttempts is how often a plugin is asked about one request when what it
// had read was overtaken by another writer.
const maxAttempts = 10

// letOthersPass waits before an attempt: not at all before the second, for most
// meet one other writer, and then ever longer, half a second in all, for those who
// meet many. By chance, or two would go on meeting each other.
func letOthersPass(ctx context.Context, attempt int) error {
	if attempt < 3 {
		return ctx.Err()
	}
	pause := time.NewTimer(rand.N(time.Millisecond << attempt)) //nolint:gosec // any number will do
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dispatch asks the plugin, commits its plan, and returns what to answer. A
// plan that met a conflict it had no answer for is asked for again, on what is
// there now.
func (s *Server) dispatch(r *call, body *upload.Body) (*answer, error) {
	ctx := r.c.Request.Context()
	for attempt := 1; attempt <= maxAttempts; attempt++ {
		if err := letOthersPass(ctx, attempt); err != nil {
			return nil, err
		}
		request, end, err := s.open(ctx, r, body, attempt)
		if err != nil {
			return nil, err
		}
		response, err := ask(ctx, r, request)
		end()
		if err != nil {
			return nil, err
		}
		if response.Plan.Empty() {
			return &answer{outcome: response.Outcome, prefetched: request.Prefetched, uploads: body.Files}, nil
		}
		within, err := s.planScope(r, body, response)
		if err != nil {
			return nil, err
		}
		result, err := s.Plans.Commit(ctx, within, response.Plan)
		if err != nil {
			return nil, err
		}
		switch result.State {
		case plan.Committed:
			s.Answers.Changed(dependencies(within.Project.ID, within.Format, result.Touched)...)
			return &answer{outcome: response.Outcome, uploads: body.Files}, nil
		case plan.Refused:
			return &answer{outcome: result.Refusal}, nil
		case plan.AskAgain:
		}
	}
	return nil, registry.Errorf(registry.CodeConflict, "this package is being changed by others; try again")
}

// ask asks the plugin, unless the answer is plain: see spec.DirectFile and spec.DirectRow.
func ask(ctx context.Context, r *call, request *spec.Request) (*spec.Response, error) {
	if file := r.route.DirectFile.Answer(request.Prefetched); file != nil {
		return &spec.Response{Outcome: file}, nil
	}
	if document := r.route.DirectRow.Answer(request.PrefetchedRows); document != nil {
		return &spec.Response{Outcome: document}, nil
	}
	return r.format.Handle(ctx, request, r.timeout())
}

// open gives the plugin's call a scope, answers the route's prefetch, and
// builds what the plugin is asked. The scope ends with end, which tells whether
// the plugin has read more than it was given.
func (s *Server) open(ctx context.Context, r *call, body *upload.Body, attempt int) (_ *spec.Request, end func() (asked bool), _ error) {
	scope, end := s.Host.Open(host.Scope{
		Format:     r.manifest.Format,
		ProjectIDs: r.about.projectIDs(),
		Actor:      r.caller.Actor,
		Uploads:    hostFiles(body),
		Schema:     s.Schemas(r.manifest.Format),
		Names:      r.about.names,
	})
	known, err := s.prefetch(ctx, scope, r)
	if err != nil {
		end()
		return nil, nil, err
	}
	return &spec.Request{
		RequestContext: spec.RequestContext{
			RequestID: requestID(r.c),
			Scope:     scope,
			Project:   specProject(r.about.project),
			Group:     specGroup(r.about.group),
			Actor:     specActor(r.caller.Actor),
			BaseURL:   s.baseURL(r),
			Attempt:   attempt,

			Settings: r.about.settings(r.manifest.Format),
		},
		RouteID:    r.route.ID,
		Level:      r.level,
		Params:     r.params,
		Query:      r.c.Request.URL.Query(),
		Header:     forwarded(r.manifest.RequestHeaders, r.c.Request.Header),
		MediaType:  r.media,
		Body:       body.Document,
		Form:       body.Form,
		Uploads:    specUploads(body),
		Prefetched: known.packages,

		PrefetchedRows: known.rows,
	}, end, nil
}

// prefetched is what a route's finders and queries have found.
type prefetched struct {
	packages [][]spec.FoundPackage
	rows     [][]spec.Row
}

// prefetch answers the route's finders and queries, all in one round trip and on
// one snapshot, which also tells the generations that the answer will depend on.
func (s *Server) prefetch(ctx context.Context, scope string, r *call) (p prefetched, err error) {
	finders := len(r.route.Prefetch)
	calls := make([]spec.ReadCall, 0, finders+len(r.route.PrefetchQueries))
	for _, f := range r.route.Prefetch {
		f = f.Filled(r.params)
		calls = append(calls, spec.ReadCall{Find: &f})
	}
	for _, q := range r.route.PrefetchQueries {
		call, err := q.Call(r.argumentTypes(q.Name), r.params)
		if err != nil {
			return p, err
		}
		calls = append(calls, spec.ReadCall{Query: &call})
	}
	var keys []string
	if r.route.Cache != nil {
		keys = r.cacheKeys()
	}
	if len(calls) == 0 && len(keys) == 0 {
		return p, nil
	}
	found, err := s.Host.Prefetch(ctx, scope, calls, keys, r.route.DirectFile != nil)
	if err != nil {
		return p, err
	}
	for i, result := range found.Results {
		if i < finders {
			p.packages = append(p.packages, result.Page.Packages)
		} else {
			p.rows = append(p.rows, result.Rows)
		}
	}
	r.prefetchedAt, r.contents = found.Generations, found.Contents
	return p, nil
}

// argumentTypes are those of a named query; the manifest's check has found it.
func (r *call) argumentTypes(query string) []string {
	for _, q := range r.manifest.Metadata.Queries {
		if q.Name == query {
			return q.ArgumentTypes
		}
	}
	return nil
}

// fill puts the request's parameters into a template such as "{name}".
func (r *call) fill(template string) string { return spec.Fill(template, r.params) }

func (s *Server) planScope(r *call, body *upload.Body, wanted *spec.Response) (plan.Scope, error) {
	changed, err := r.changed(wanted.Plan)
	if err != nil {
		return plan.Scope{}, err
	}
	deed := attemptOf(r.c.Request.Context()).Event
	if o, ok := wanted.Outcome.(*spec.HTTPResponse); ok {
		deed.Status = o.Status
	}
	files := make(map[string]plan.File, len(body.Files))
	for _, f := range body.Files {
		files[f.Handle] = f
	}
	return plan.Scope{
		RequestID: requestID(r.c),
		Format:    r.manifest.Format,
		Project:   changed.Project,
		Actor:     r.caller.Actor,
		Level:     changed.Level,
		Action:    r.route.Action,
		Uploads:   files,
		Schema:    s.Schemas(r.manifest.Format),
		Audit:     deed,
	}, nil
}

// forwarded returns the headers a plugin sees: those every format may, and
// those its manifest asked for. Credentials are in neither list.
func forwarded(asked []string, h http.Header) http.Header {
	out := http.Header{}
	for _, name := range slices.Concat([]string{"Accept", "Content-Type", "User-Agent"}, asked) {
		name = http.CanonicalHeaderKey(name)
		if v := h.Values(name); len(v) > 0 && !neverForwarded(name) {
			out[name] = slices.Clone(v)
		}
	}
	return out
}

func neverForwarded(name string) bool {
	switch name {
	case "Authorization", "Cookie", "Private-Token", "Deploy-Token", "Job-Token", "X-Nuget-Apikey":
		return true
	}
	return strings.HasPrefix(name, "Proxy-") || strings.HasPrefix(name, "X-Forwarded-")
}

func specActor(a registry.Actor) spec.Actor {
	id := a.UserID
	if a.Kind == registry.DeployToken {
		id = a.TokenID
	}
	return spec.Actor{Kind: spec.ActorKind(a.Kind), ID: id, Username: a.Username}
}

func specUploads(body *upload.Body) []spec.Upload {
	out := make([]spec.Upload, 0, len(body.Files))
	for _, f := range body.Files {
		out = append(out, spec.Upload{
			Handle: f.Handle, Part: f.Part, FileName: f.FileName, ContentType: f.ContentType,
			Size: f.Size, Digests: f.Digests, Inline: f.Inline, Head: f.Head,
		})
	}
	return out
}

func hostFiles(body *upload.Body) map[string]host.File {
	files := make(map[string]host.File, len(body.Files))
	for _, f := range body.Files {
		files[f.Handle] = f
	}
	return files
}

// sorted returns a map's keys in order, for what must not depend on map order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
