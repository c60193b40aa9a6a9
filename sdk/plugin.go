package sdk

import (
	"context"
	"time"

	"github.com/pakhus/pakhus/sdk/spec"
)

var _ spec.Plugin = (*Plugin)(nil)

// Plugin is one package format. It implements spec.Plugin, so it can be served
// and tested; Manifest says what is wrong with a Plugin that cannot be.
//
// A Plugin is not changed once it is in use, and its functions are called
// concurrently.
type Plugin struct {
	Format  string // the URL segment and package type: ^[a-z][a-z0-9]{0,30}$
	Version string // of the plugin, SemVer

	// Validators are RE2 expressions by the name that patterns use. They must
	// match the whole parameter, and may not capture.
	Validators map[string]string
	// Routes are tried in this order.
	Routes []Route

	// Migrations make the format's own schema, in order; see [MigrationsFS].
	Migrations []Migration
	// Queries are the named queries that Metadata.Query may call.
	Queries []NamedQuery

	Jobs   []Job
	Events []EventHandler

	// Limits of uploads; a zero MaxFileBytes is [DefaultMaxFileBytes], a zero
	// TooLargeStatus is 413.
	Limits FileLimits
	// Errors is how problems look on the wire.
	Errors ErrorStyle
	// ErrorHeader is a response header that repeats the sentence of every refusal, the
	// core's and [Problem]'s alike, for clients that never print the body.
	ErrorHeader string
	// RequestHeaders are headers that handlers want to see, beside Accept,
	// Content-Type and User-Agent. Credentials are never among them.
	RequestHeaders []string
	// EscapedSlashSeparates makes "%2F" separate path segments as "/" does.
	EscapedSlashSeparates bool

	// RequiredFeatures are host features without which the plugin will not run.
	RequiredFeatures []string
	// OptionalFeatures are host features that the plugin makes use of.
	OptionalFeatures []string
}

// DefaultMaxFileBytes bounds uploads of a format that says nothing else.
const DefaultMaxFileBytes = 5 << 30

// Handler answers one request. It is pure: what it returns depends on the
// request and on what it reads through it.
//
// An error that is (or wraps) a [ProblemError] or [ErrNotFound] is rendered for
// the client in the plugin's error style; any other becomes a 500 whose text
// stays in the log.
type Handler func(ctx context.Context, r *Request) (Outcome, error)

// Route is one method and path pattern below the format's mount. The core
// enforces all of it before the handler is called.
type Route struct {
	ID     string // unique within the plugin: ^[a-z][a-z0-9_]{0,62}$
	Method string // GET also answers HEAD
	// Pattern has literals and parameters: "{name:npm_name}/-/{file:file_name}".
	Pattern string
	Levels  []Level // nil: the project level
	Action  Action
	Body    BodyPolicy // zero: a body is drained and ignored
	Cache   *Cache
	// Prefetch is answered before the handler is called; reads that equal one of
	// these finders, with "{param}" filled in, cost nothing.
	Prefetch []Finder
	// PrefetchQueries are called before the handler is, on the same snapshot; a
	// [Metadata.Query] that equals one of these, filled in, costs nothing.
	PrefetchQueries []PrefetchQuery
	// DirectFile is the answer where the only finder of Prefetch finds one file:
	// the handler, which must answer no differently, is not asked then.
	DirectFile *DirectFile
	// DirectRow is the answer where the only query of PrefetchQueries, of one column of
	// text, returns one row: the handler, which must answer no differently, is not asked then.
	DirectRow       *DirectRow
	Timeout         time.Duration // 0: the core's default
	Challenge       Challenge
	AnonymousDenial AnonymousDenial
	Authenticated   bool // anonymous callers are refused even where anybody may read
	// MatchHeaders must be on the request for this route to be taken; values are
	// compared without case.
	MatchHeaders    map[string]string
	Produces        []string // media types; Request.MediaType is the one negotiated
	FeatureFlag     string   // the operator's switch for this route
	BodyCredentials *BodyCredentials
	// Convention tells which project or group a request to the whole instance is
	// about; a route at LevelInstance that reads or writes packages needs one.
	Convention *Convention
	// PackageName is the displayed name of the package that a route writes, where its
	// parameters say it: "{name}". What the caller may not do to packages of that name
	// is then refused before an upload is received, not only when the plan is there.
	PackageName string
	Handler     Handler
}

// Job is background work. It runs at least once for each [Plan.Enqueue]; its
// plan is committed together with its completion, so its effect happens once.
type Job struct {
	Kind        string
	Timeout     time.Duration // 0: the core's default
	MaxAttempts int           // 0: the core's default
	Run         func(ctx context.Context, j *JobRun) (*Plan, error)
}

// EventHandler reacts to what happened to packages of the format, whoever caused it.
type EventHandler struct {
	Type string // such as "package.destroyed"
	Run  func(ctx context.Context, e *EventRun) (*Plan, error)
}

// route returns the route with that id, or nil.
func (p *Plugin) route(id string) *Route {
	for i := range p.Routes {
		if p.Routes[i].ID == id {
			return &p.Routes[i]
		}
	}
	return nil
}
