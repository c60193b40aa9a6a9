package auth

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// JobUsername is what the user name of a job token is over Basic, as in GitLab.
const JobUsername = "gitlab-ci-token"

// jobSQL finds the job of a token, and which of the projects that a request is
// about let it in: its own, those that let in any job, and those that have its
// project, or a group above it, on their lists.
//
//nolint:gosec // a query, no credential
const jobSQL = `
	select j.id, j.full_path, t.publisher_id, coalesce(t.build_info_id, 0),
	       array(select p.id
	             from projects p
	             where (p.id = $2 or ($3 <> '' and lower(p.full_path) = lower($3))
	                    or p.group_id in (select g.id
	                                      from groups top join groups g on g.ancestor_ids @> array[top.id]
	                                      where top.id = $4 or ($5 <> '' and lower(top.full_path) = lower($5))))
	               and (p.id = j.id
	                    or exists (select from job_token_scopes s where s.project_id = p.id and not s.inbound_enabled)
	                    or exists (select from job_token_allowed_projects a where a.project_id = p.id and a.allowed_project_id = j.id)
	                    or exists (select from job_token_allowed_groups a where a.project_id = p.id and a.allowed_group_id = any (jg.ancestor_ids))))
	from tokens t
	join projects j on j.id = t.project_id
	join groups jg on jg.id = j.group_id
	where t.digest = $1 and t.kind = 'job'`

// queueJob asks what a job token is of. Other tokens cost nothing.
func queueJob(batch *pgx.Batch, secret string, digest [32]byte, key recentKey, found *tokenRow) {
	if !strings.HasPrefix(secret, JobPrefix) {
		return
	}
	batch.Queue(jobSQL, digest[:], key.project.ID, key.project.Path, key.group.ID, key.group.Path).QueryRow(func(row pgx.Row) error {
		var job registry.Job
		err := row.Scan(&job.ProjectID, &job.ProjectPath, &job.PublisherID, &job.BuildID, &job.Within)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		found.value.Job = &job
		return err
	})
}

// jobBy reports whether a token of a kind may come by a transport, as far as
// jobs go: their tokens have a header and a user name of their own.
func jobBy(kind string, job *registry.Job, via Transport, username string) bool {
	if kind != "job" {
		return via != JobToken
	}
	return job != nil && via != PrivateToken && via != DeployToken && (via != Basic || username == JobUsername)
}
