package spec

import "context"

// Plugin is a format, as the serving half of the SDK sees it. Authors do not
// implement it: sdk.Plugin does.
//
// All four calls are pure: what they return depends on their arguments and on
// what they read from the host, and nothing is changed until the core commits
// the plan. The core may call again with the same arguments at any time.
type Plugin interface {
	// Manifest returns the declaration, or an error that names what is wrong in it.
	Manifest() (*Manifest, error)
	// Handle answers one request. An error that is not meant for the client becomes a 500.
	Handle(ctx context.Context, r *Request, h Host) (*Response, error)
	// RunJob does one job; a nil plan changes nothing. An error is retried.
	RunJob(ctx context.Context, j *Job, h Host) (*Plan, error)
	// HandleEvent reacts to one event; a nil plan changes nothing. An error is retried.
	HandleEvent(ctx context.Context, e *Event, h Host) (*Plan, error)
}
