// Package plan carries out what plugins want changed: a whole plan in one
// transaction, or nothing of it.
//
//	validate.go     may this plan do this at all? (validaterows.go: its rows)
//	commit.go       lookup, bytes, then the transaction, then what became of it
//	lookup.go       the stored packages that the plan is about
//	protect.go      may this caller do it to packages of these names?
//	prepare.go      locks, and what must be known before the first change
//	apply.go        the changes
//	rows.go         the changes to the format's own tables
//	finish.go       what every plan ends with: audit, cache generations, intent
//	audited.go      what the audit is told of a plan
//	outcome.go      a COMMIT whose answer was lost
//	collect.go      bytes that nothing refers to any more
//	transaction.go  a transaction in as few round trips as can be
//
// An ordinary publish is three round trips: begin with locks and reads, the
// changes, commit. Of several within a second, one reads the protection rules first.
package plan

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// File is an upload that a plan can attach.
type File interface {
	// Commit makes the bytes a durable blob under Key. It may be called again.
	Commit(ctx context.Context) error
	// Present reports whether the blob is there.
	Present(ctx context.Context) (bool, error)
	// Small is the content of a file that is kept beside its row, and so becomes
	// durable with it; nil: it is the store's.
	Small() []byte
	Key() storage.Key
	Content() (size int64, digests spec.Digests)
}

// Scope is what a plan may touch: its own format and project, and the uploads
// of its request.
type Scope struct {
	RequestID string
	Format    string
	Project   registry.Project
	Actor     registry.Actor
	Level     registry.AccessLevel // the actor's role on the project
	Action    spec.Action          // what the caller was allowed to do
	Uploads   map[string]File
	Schema    *metadata.Schema // nil: the format has no tables
	// Audit is what the audit is told of whoever asked: method, action, status,
	// where from. The plan itself says the rest.
	Audit audit.Event
}

// State is what became of a plan.
type State int

// The states.
const (
	Committed State = iota + 1
	// Refused: a key was taken or a precondition failed, and the plan had an answer for it. Nothing was changed.
	Refused
	// AskAgain: likewise, without an answer. The plugin decides anew on what is there now.
	AskAgain
)

// Result is what became of a plan.
type Result struct {
	State      State
	Refusal    *spec.HTTPResponse // of Refused
	PackageIDs map[spec.Local]int64
	FileIDs    map[spec.Local]int64
	// Touched are the cache keys, in the plan's project and format, whose generation
	// has grown.
	Touched []string
}

// Enqueuer puts a job of a format into the queue, in the plan's transaction.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx pgx.Tx, format string, projectID int64, j spec.EnqueueJob) error
}

// Executor carries out plans.
type Executor struct {
	pool  *pgxpool.Pool
	jobs  Enqueuer // nil: plans with jobs are refused
	guard *protection.Guard
	log   hclog.Logger

	resolveTime time.Duration // how long the outcome of a lost commit is looked for
}

// New makes an Executor that reads the protection rules before every plan.
// Without an Enqueuer, a plan that enqueues jobs is an error.
func New(pool *pgxpool.Pool, jobs Enqueuer, log hclog.Logger) *Executor {
	return NewGuarded(pool, jobs, protection.NewGuard(pool), log)
}

// NewGuarded is New with a guard that may know the rules already.
func NewGuarded(pool *pgxpool.Pool, jobs Enqueuer, guard *protection.Guard, log hclog.Logger) *Executor {
	return &Executor{pool: pool, jobs: jobs, guard: guard, log: log, resolveTime: resolveTime}
}
