package jobs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/jobs"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// committer is what the core does with a format's job: its plan and its
// completion are one transaction.
type committer struct {
	plans *plan.Executor
	scope plan.Scope
	wants func(attempt int) (*spec.Plan, error)
	done  chan plan.State
}

func (c *committer) RunFormatJob(ctx context.Context, _ jobs.FormatJob, attempt int, done func(context.Context, pgx.Tx) error) error {
	p, err := c.wants(attempt)
	if err != nil {
		return err
	}
	r, err := c.plans.CommitWith(ctx, c.scope, p, done)
	if err != nil {
		return err
	}
	c.done <- r.State
	if r.State != plan.Committed {
		return errors.New("overtaken")
	}
	return nil
}

func TestAPlansJobsAndAJobsPlan(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	queue, err := jobs.NewQueue(db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	c := &committer{
		plans: plan.New(db.Pool, queue, hclog.NewNullLogger()),
		scope: plan.Scope{Format: "demo", Project: plantest.NewProject(t, db, "p"), Actor: registry.Actor{Kind: registry.System}, Action: spec.ActionDestroyPackage},
		wants: func(attempt int) (*spec.Plan, error) {
			if attempt == 1 {
				return nil, errors.New("not yet")
			}
			return create("by-the-job"), nil
		},
		done: make(chan plan.State, 4),
	}
	workers, err := jobs.NewWorkers(jobs.Config{Pool: db.Pool, Runner: c, Blobs: memory.New(), Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	if err := workers.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := workers.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})

	asks := create("by-the-request")
	asks.Jobs = []spec.EnqueueJob{{Kind: "extract", ArgsJSON: []byte(`{}`)}}
	for i, want := range []plan.State{plan.Committed, plan.AskAgain} { // the second one's package is there, and so its job is not
		r, err := c.plans.Commit(t.Context(), c.scope, asks)
		if err != nil || r.State != want {
			t.Fatalf("plan %d: %+v, %v", i, r, err)
		}
	}
	if state := <-c.done; state != plan.Committed {
		t.Fatalf("the job's plan: %d", state)
	}
	var state string
	if err := db.Pool.QueryRow(t.Context(), `
		select concat_ws(' ', state, attempt, (select string_agg(name, ' ' order by id) from packages)) from river_job where kind = 'format'`).Scan(&state); err != nil {
		t.Fatal(err)
	}
	if state != "completed 2 by-the-request by-the-job" {
		t.Errorf("state is %s", state)
	}
}

func create(name string) *spec.Plan {
	return &spec.Plan{Operations: []spec.Operation{{Op: spec.CreatePackage{Local: "p", Name: name, Version: "1"}}}}
}
