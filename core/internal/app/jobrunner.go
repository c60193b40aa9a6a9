package app

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/jobs"
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
}

// RunFormatJob implements jobs.Runner.
func (j *jobRunner) RunFormatJob(ctx context.Context, job jobs.FormatJob, attempt int) (*spec.Plan, error) {
	format, ok := j.plugins.Format(job.Format)
	if !ok {
		return nil, fmt.Errorf("job of format %q, which is not enabled", job.Format)
	}
	scope, end := j.host.Open(host.Scope{
		Format:  job.Format,
		Project: registry.Project{ID: job.ProjectID},
		Actor:   registry.Actor{Kind: registry.System},
		Schema:  j.schemas.of(job.Format),
	})
	defer end()
	return format.RunJob(ctx, &spec.Job{
		RequestContext: spec.RequestContext{
			RequestID: uuid.NewString(),
			Scope:     scope,
			Project:   spec.Project{ID: job.ProjectID},
			Actor:     spec.Actor{Kind: spec.System},
			Attempt:   attempt,
		},
		Kind:     job.Kind,
		ArgsJSON: job.ArgsJSON,
	})
}
