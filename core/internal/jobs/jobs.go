// Package jobs does what nobody waits for: the formats' own jobs, and the
// core's housekeeping. The queue is River's, in PostgreSQL: a job exists if and
// only if the transaction that asked for it has committed.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/sdk/spec"
)

// FormatJob is a job that a format's plan has asked for.
type FormatJob struct {
	Format    string `json:"format"`
	JobKind   string `json:"kind"`
	ProjectID int64  `json:"project_id"`
	// UniqueKey makes waiting jobs of one format, kind and project one. A job
	// that has begun is not waiting: it may have read what was there before.
	UniqueKey string `json:"unique_key,omitempty"`
	Args      []byte `json:"args,omitempty"`
}

// Kind names the job to River.
func (FormatJob) Kind() string { return "format" }

// Runner does a format's job: it asks the plugin for the plan, and commits it
// with done in the same transaction.
type Runner interface {
	RunFormatJob(ctx context.Context, j FormatJob, attempt int, done func(context.Context, pgx.Tx) error) error
}

// Queue puts jobs of formats into the queue; it implements plan.Enqueuer.
type Queue struct{ client *river.Client[pgx.Tx] }

// NewQueue makes a Queue that only inserts.
func NewQueue(pool *pgxpool.Pool) (*Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Queue{client: client}, nil
}

// Enqueue implements plan.Enqueuer.
func (q *Queue) Enqueue(ctx context.Context, tx pgx.Tx, format string, projectID int64, j spec.EnqueueJob) error {
	job := FormatJob{Format: format, JobKind: j.Kind, ProjectID: projectID, UniqueKey: j.UniqueKey, Args: j.ArgsJSON}
	if j.UniqueKey != "" {
		waits, err := waiting(ctx, tx, job)
		if err != nil {
			return fmt.Errorf("look for job %s of format %s: %w", j.Kind, format, err)
		}
		if waits {
			return nil
		}
	}
	opts := &river.InsertOpts{}
	if j.Delay > 0 {
		opts.ScheduledAt = time.Now().Add(j.Delay)
	}
	if _, err := q.client.InsertTx(ctx, tx, job, opts); err != nil {
		return fmt.Errorf("enqueue job %s of format %s: %w", j.Kind, format, err)
	}
	return nil
}

// waiting looks for a job of the same key that has not begun, and keeps it from
// beginning before this transaction ends: it will see what the transaction did.
// River's own uniqueness also counts jobs that have begun or are done.
func waiting(ctx context.Context, tx pgx.Tx, job FormatJob) (bool, error) {
	job.Args = nil
	same, err := json.Marshal(job)
	if err != nil {
		return false, err
	}
	// Planned on each call: a plan that was made while few jobs waited would read all of them for ever.
	rows, err := tx.Query(ctx, `
		select id from river_job
		where kind = $1 and state in ('available', 'pending', 'scheduled', 'retryable') and args @> $2::jsonb
		limit 1 for update skip locked`, pgx.QueryExecModeCacheDescribe, job.Kind(), string(same))
	if err != nil {
		return false, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return len(found) > 0, err
}

// Config is what Workers need.
type Config struct {
	Pool   *pgxpool.Pool
	Runner Runner
	Blobs  storage.Blobs
	// Grace is how long bytes stay that nothing refers to.
	Grace time.Duration
	// Audit is how long audit events are kept; the zero Retention: for ever.
	Audit audit.Retention
	Log   hclog.Logger
}

// Workers do the jobs on this node.
type Workers struct{ client *river.Client[pgx.Tx] }

const (
	formatTimeout  = 10 * time.Minute
	formatWorkers  = 2
	housekeepEvery = time.Hour
)

// NewWorkers makes Workers; nothing runs before Start.
func NewWorkers(cfg Config) (*Workers, error) {
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, &formatWorker{runner: cfg.Runner}),
		river.AddWorkerSafely(workers, &housekeeper{cfg: cfg}),
	); err != nil {
		return nil, fmt.Errorf("job workers: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(cfg.Pool), &river.Config{
		Workers:      workers,
		Queues:       map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: formatWorkers}},
		PeriodicJobs: []*river.PeriodicJob{housekeeping()},
		Logger:       slog.New(&handler{log: cfg.Log}),
		// A job is there within a second; asking more often would cost an idle registry its rest.
		FetchPollInterval: time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("job workers: %w", err)
	}
	return &Workers{client: client}, nil
}

// Start begins to work, until Stop.
func (w *Workers) Start(ctx context.Context) error { return w.client.Start(ctx) }

// Stop lets jobs under way end, as long as ctx allows.
func (w *Workers) Stop(ctx context.Context) error { return w.client.Stop(ctx) }

// formatWorker does formats' jobs. The job's plan and its completion are one
// transaction: a job may be tried more than once, its effect happens once.
type formatWorker struct {
	river.WorkerDefaults[FormatJob]
	runner Runner
}

// Timeout bounds one try.
func (*formatWorker) Timeout(*river.Job[FormatJob]) time.Duration { return formatTimeout }

// Work does one job.
func (w *formatWorker) Work(ctx context.Context, job *river.Job[FormatJob]) error {
	return w.runner.RunFormatJob(ctx, job.Args, job.Attempt, func(ctx context.Context, tx pgx.Tx) error {
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}
