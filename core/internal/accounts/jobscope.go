package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// JobScope reports whether a project lets in the jobs of none but those projects
// that it allows; else it lets in those of all.
func (a *Accounts) JobScope(ctx context.Context, projectID int64) (enabled bool, err error) {
	err = a.db.QueryRow(ctx, "select coalesce((select inbound_enabled from job_token_scopes where project_id = $1), true)", projectID).Scan(&enabled)
	if err != nil {
		return false, fmt.Errorf("read job token scope: %w", postgres.Translate(err))
	}
	return enabled, nil
}

// SetJobScope says whether a project's list of allowed projects counts.
func (a *Accounts) SetJobScope(ctx context.Context, projectID int64, enabled bool) error {
	err := a.db.QueryRow(ctx, `
		insert into job_token_scopes (project_id, inbound_enabled) values ($1, $2)
		on conflict (project_id) do update set inbound_enabled = excluded.inbound_enabled
		returning project_id`, projectID, enabled).Scan(&projectID)
	return missing(err, "project %d", projectID)
}

// AllowedProjects returns a page of the projects whose jobs a project lets in, by
// id: as in GitLab, itself among them.
func (a *Accounts) AllowedProjects(ctx context.Context, projectID int64, p Part) ([]ShownProject, packages.Extent, error) {
	return list(ctx, a.db, p, `
		select `+shownProject+`
		from projects p join groups g on g.id = p.group_id
		where p.id = $1 or p.id in (select allowed_project_id from job_token_allowed_projects where project_id = $1)`,
		nil, []any{projectID}, scanShownProject)
}

// AllowedGroups returns a page of the groups whose projects' jobs a project lets in, by id.
func (a *Accounts) AllowedGroups(ctx context.Context, projectID int64, p Part) ([]ShownGroup, packages.Extent, error) {
	return list(ctx, a.db, p, `
		select `+shownGroup+`
		from groups g
		where g.id in (select allowed_group_id from job_token_allowed_groups where project_id = $1)`,
		nil, []any{projectID}, scanShownGroup)
}

// maxAllowed bounds each list of a project, as GitLab does.
const maxAllowed = 200

// AllowProject puts a project that the viewer sees on another's list.
func (a *Accounts) AllowProject(ctx context.Context, v Viewer, projectID, target int64) error {
	seen, _, err := a.Projects(ctx, ProjectFilter{Viewer: v, ID: target}, Part{Page: packages.Page{Number: 1, Size: 1}})
	if err != nil {
		return err
	}
	if len(seen) == 0 {
		return registry.Errorf(registry.CodeNotFound, "target_project_id not found Not Found")
	}
	if target == projectID {
		return alreadyAllowed("project")
	}
	return a.allow(ctx, "job_token_allowed_projects", "allowed_project_id", "project", projectID, target)
}

// AllowGroup puts a group that the viewer sees on a project's list.
func (a *Accounts) AllowGroup(ctx context.Context, v Viewer, projectID, target int64) error {
	seen, _, err := a.Groups(ctx, GroupFilter{Viewer: v, ID: target}, Part{Page: packages.Page{Number: 1, Size: 1}})
	if err != nil {
		return err
	}
	if len(seen) == 0 {
		return registry.Errorf(registry.CodeNotFound, "target_group_id not found Not Found")
	}
	return a.allow(ctx, "job_token_allowed_groups", "allowed_group_id", "group", projectID, target)
}

func alreadyAllowed(what string) error {
	return registry.Errorf(registry.CodeInvalid, "This %s is already in the job token allowlist.", what)
}

// allow puts something on a list; which list is said by whoever calls, and by
// nobody else.
func (a *Accounts) allow(ctx context.Context, table, column, what string, projectID, target int64) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "select count(*) from "+table+" where project_id = $1", projectID).Scan(&n); err != nil {
			return fmt.Errorf("count a job token scope: %w", postgres.Translate(err))
		}
		if n >= maxAllowed {
			return registry.Errorf(registry.CodeInvalid, "a project allows at most %d %ss", maxAllowed, what)
		}
		_, err := tx.Exec(ctx, "insert into "+table+" (project_id, "+column+") values ($1, $2)", projectID, target)
		switch {
		case postgres.IsUniqueViolation(err, ""):
			return alreadyAllowed(what)
		case postgres.IsForeignKeyViolation(err):
			return registry.Errorf(registry.CodeNotFound, "target_%s_id not found Not Found", what).Because(err)
		}
		return postgres.Translate(err)
	})
}

// DisallowProject takes a project from another's list.
func (a *Accounts) DisallowProject(ctx context.Context, projectID, target int64) error {
	return a.disallow(ctx, "job_token_allowed_projects", "allowed_project_id", "project", projectID, target)
}

// DisallowGroup takes a group from a project's list.
func (a *Accounts) DisallowGroup(ctx context.Context, projectID, target int64) error {
	return a.disallow(ctx, "job_token_allowed_groups", "allowed_group_id", "group", projectID, target)
}

func (a *Accounts) disallow(ctx context.Context, table, column, what string, projectID, target int64) error {
	err := a.db.QueryRow(ctx, "delete from "+table+" where project_id = $1 and "+column+" = $2 returning project_id", projectID, target).Scan(&projectID)
	if errors.Is(err, pgx.ErrNoRows) {
		// GitLab's services say 400 of one that exists and is not on the list. Here
		// who asks is not told whether it exists.
		return registry.Errorf(registry.CodeNotFound, "target_%s_id not found Not Found", what)
	}
	if err != nil {
		return fmt.Errorf("change a job token scope: %w", postgres.Translate(err))
	}
	return nil
}
