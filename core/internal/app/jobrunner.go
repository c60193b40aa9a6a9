package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/jobs"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plugins"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// jobRunner asks a format's plugin to do a job, with the registry itself as
// the actor and the job's project as all it can see.
type jobRunner struct {
	plugins *plugins.Manager
	schemas *schemas
	host    *host.Host
	plans   *plan.Executor
	stored  *packages.Packages
}

// RunFormatJob implements jobs.Runner.
func (j *jobRunner) RunFormatJob(ctx context.Context, job jobs.FormatJob, attempt int, done func(context.Context, pgx.Tx) error) error {
	format, ok := j.plugins.Format(job.Format)
	if !ok {
		return fmt.Errorf("job of format %q, which is not enabled", job.Format)
	}
	project := registry.Project{ID: job.ProjectID}
	actor := registry.Actor{Kind: registry.System}
	id := uuid.NewString()
	settings, err := j.stored.Settings(ctx, project.ID, job.Format)
	if err != nil {
		return err
	}
	scope, end := j.host.Open(host.Scope{Format: job.Format, ProjectIDs: []int64{project.ID}, Actor: actor, Schema: j.schemas.of(job.Format)})
	defer end()
	wanted, err := format.RunJob(ctx, &spec.Job{
		RequestContext: spec.RequestContext{
			RequestID: id,
			Scope:     scope,
			Project:   spec.Project{ID: job.ProjectID},
			Actor:     spec.Actor{Kind: spec.System},
			Settings:  host.Settings(settings),
			Attempt:   attempt,
		},
		Kind:     job.JobKind,
		ArgsJSON: job.Args,
	})
	if err != nil {
		return err
	}
	if wanted == nil {
		wanted = &spec.Plan{}
	}
	result, err := j.plans.CommitWith(ctx, plan.Scope{
		RequestID: id, Format: job.Format, Project: project, Actor: actor, Action: spec.ActionDestroyPackage, Schema: j.schemas.of(job.Format),
		Audit: audit.Event{Action: job.Format + "/job/" + job.JobKind},
	}, wanted, done)
	if err != nil {
		return err
	}
	if result.State != plan.Committed {
		return errors.New("what the job had read was overtaken; it is tried again")
	}
	return nil
}
