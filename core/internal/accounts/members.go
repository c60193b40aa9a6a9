package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// AddMember gives a user a role on a group or a project (exactly one id is
// set); one they have already is changed, and does not end any more.
func (a *Accounts) AddMember(ctx context.Context, userID, groupID, projectID int64, level registry.AccessLevel) error {
	if err := checkLevel(level); err != nil {
		return err
	}
	if (groupID == 0) == (projectID == 0) {
		return registry.Errorf(registry.CodeInvalid, "a member belongs to either a group or a project")
	}
	target := "(user_id, group_id) where group_id is not null"
	if projectID != 0 {
		target = "(user_id, project_id) where project_id is not null"
	}
	var id int64
	err := a.db.QueryRow(ctx, `
		insert into memberships (user_id, group_id, project_id, access_level)
		values ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), $4)
		on conflict `+target+` do update set access_level = excluded.access_level, expires_at = null returning id`,
		userID, groupID, projectID, level).Scan(&id)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == pgerrcode.ForeignKeyViolation {
		return registry.Errorf(registry.CodeNotFound, "there is no such user, group or project").Because(err)
	}
	if err != nil {
		return fmt.Errorf("add member: %w", postgres.Translate(err))
	}
	return nil
}

func checkLevel(level registry.AccessLevel) error {
	switch level {
	case registry.Guest, registry.Planner, registry.Reporter, registry.Developer, registry.Maintainer, registry.Owner:
		return nil
	}
	return registry.Errorf(registry.CodeInvalid, "access level %d is not one", level)
}
