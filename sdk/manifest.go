package sdk

import (
	"fmt"
	"net/http"
	"time"

	"github.com/pakhus/pakhus/sdk/manifest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Manifest returns what the core must know before the first request. The error
// names the route and the field that cannot be served.
func (p *Plugin) Manifest() (*spec.Manifest, error) {
	m := &spec.Manifest{
		Format:                p.Format,
		Version:               p.Version,
		SDKVersion:            Version,
		ProtocolMinor:         spec.ProtocolMinor,
		RequiredFeatures:      p.RequiredFeatures,
		OptionalFeatures:      p.OptionalFeatures,
		Validators:            p.Validators,
		Metadata:              spec.MetadataSchema{Migrations: p.Migrations, Queries: p.Queries},
		Limits:                p.limits(),
		Errors:                p.Errors,
		RequestHeaders:        p.RequestHeaders,
		ErrorHeader:           p.ErrorHeader,
		EscapedSlashSeparates: p.EscapedSlashSeparates,
	}
	for _, r := range p.Routes {
		if r.Handler == nil {
			return nil, fmt.Errorf("route %s: handler: missing", r.ID)
		}
		m.Routes = append(m.Routes, r.declare())
	}
	for _, j := range p.Jobs {
		if j.Run == nil {
			return nil, fmt.Errorf("job %s: run: missing", j.Kind)
		}
		m.Jobs = append(m.Jobs, spec.JobKind{Kind: j.Kind, Timeout: j.Timeout, MaxAttempts: j.MaxAttempts})
	}
	for _, e := range p.Events {
		if e.Run == nil {
			return nil, fmt.Errorf("event %s: run: missing", e.Type)
		}
		m.Events = append(m.Events, e.Type)
	}
	if err := manifest.Check(m); err != nil {
		return nil, err
	}
	return m, nil
}

func (p *Plugin) limits() FileLimits {
	l := p.Limits
	if l.MaxFileBytes == 0 {
		l.MaxFileBytes = DefaultMaxFileBytes
	}
	if l.TooLargeStatus == 0 {
		l.TooLargeStatus = http.StatusRequestEntityTooLarge
	}
	return l
}

// declare is the part of a route that the core sees.
func (r *Route) declare() spec.Route {
	levels := r.Levels
	if levels == nil {
		levels = []Level{LevelProject}
	}
	return spec.Route{
		ID:              r.ID,
		Method:          r.Method,
		Pattern:         r.Pattern,
		Levels:          levels,
		Action:          r.Action,
		Body:            r.Body,
		Cache:           r.Cache,
		Prefetch:        r.Prefetch,
		PrefetchQueries: r.PrefetchQueries,
		DirectFile:      r.DirectFile,
		DirectRow:       r.DirectRow,
		Timeout:         r.Timeout.Truncate(time.Millisecond),
		Challenge:       r.Challenge,
		AnonymousDenial: r.AnonymousDenial,
		Authenticated:   r.Authenticated,
		MatchHeaders:    r.MatchHeaders,
		Produces:        r.Produces,
		FeatureFlag:     r.FeatureFlag,
		BodyCredentials: r.BodyCredentials,
		Convention:      r.Convention,
		PackageName:     r.PackageName,
	}
}
