package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Role is what a member gets.
type Role struct {
	AccessLevel registry.AccessLevel
	ExpiresAt   *time.Time // the first day, in UTC, on which it is none any more; nil: it lasts
}

// Grantor is who gives and takes roles: nobody gives or takes one above their own.
type Grantor struct {
	AccessLevel registry.AccessLevel
	Admin       bool // has them all
}

func (g Grantor) reaches(level registry.AccessLevel) error {
	if !g.Admin && level > g.AccessLevel {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - access level %d is above your own, %d", level, g.AccessLevel)
	}
	return nil
}

// Invite gives a user a role on a place where they have none of their own:
// CodeConflict if they have. It is not below what they have by a group above.
func (a *Accounts) Invite(ctx context.Context, by Grantor, in Place, userID int64, role Role) error {
	if err := role.check(); err != nil {
		return err
	}
	if err := by.reaches(role.AccessLevel); err != nil {
		return err
	}
	return a.inTx(ctx, func(tx pgx.Tx) error {
		u, err := In(tx).UserByID(ctx, userID)
		if err == nil && u.Bot {
			err = checkPublisher(ctx, tx, userID, in)
		}
		if err != nil {
			return registry.Errorf(registry.CodeNotFound, "User Not Found").Because(err)
		}
		if err := In(tx).checkInherited(ctx, in, userID, role.AccessLevel); err != nil {
			return err
		}
		groupID, projectID, _ := in.ids()
		// One that has ended is in nobody's way.
		_, err = tx.Exec(ctx, "delete from memberships m where m.user_id = $1 and (m.group_id = $2 or m.project_id = $3) and not "+live, userID, groupID, projectID)
		if err != nil {
			return fmt.Errorf("invite: %w", postgres.Translate(err))
		}
		_, err = tx.Exec(ctx, `
			insert into memberships (user_id, group_id, project_id, access_level, expires_at)
			values ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), $4, $5)`, userID, groupID, projectID, role.AccessLevel, role.ExpiresAt)
		switch {
		case postgres.IsUniqueViolation(err, ""):
			return registry.Errorf(registry.CodeConflict, "Member already exists")
		case postgres.IsForeignKeyViolation(err):
			return registry.Errorf(registry.CodeNotFound, "Not Found").Because(err)
		}
		return postgres.Translate(err)
	})
}

// ChangeMember gives a member of a place another role.
func (a *Accounts) ChangeMember(ctx context.Context, by Grantor, in Place, userID int64, role Role) error {
	if err := role.check(); err != nil {
		return err
	}
	if err := by.reaches(role.AccessLevel); err != nil {
		return err
	}
	return a.ofMember(ctx, by, in, userID, func(tx pgx.Tx) error {
		if err := In(tx).checkInherited(ctx, in, userID, role.AccessLevel); err != nil {
			return err
		}
		groupID, projectID, _ := in.ids()
		_, err := tx.Exec(ctx, "update memberships set access_level = $4, expires_at = $5 where user_id = $1 and (group_id = $2 or project_id = $3)",
			userID, groupID, projectID, role.AccessLevel, role.ExpiresAt)
		return postgres.Translate(err)
	})
}

// RemoveMember takes a member's role on a place; below a group, unless it is to
// be kept there, also what they have on its subgroups and projects. Only the last
// owner of a subgroup stays that.
func (a *Accounts) RemoveMember(ctx context.Context, by Grantor, in Place, userID int64, keepBelow bool) error {
	return a.ofMember(ctx, by, in, userID, func(tx pgx.Tx) error {
		groupID, projectID, _ := in.ids()
		if _, err := tx.Exec(ctx, "delete from memberships where user_id = $1 and (group_id = $2 or project_id = $3)", userID, groupID, projectID); err != nil {
			return postgres.Translate(err)
		}
		if groupID == 0 || keepBelow {
			return nil
		}
		_, err := tx.Exec(ctx, `
			delete from memberships m
			where m.user_id = $1 and (
			      m.group_id in (select g.id from groups g where g.ancestor_ids @> array[$2::bigint] and not (m.access_level = 50 and `+ownerless+`))
			      or m.project_id in (select p.id from projects p join groups g on g.id = p.group_id where g.ancestor_ids @> array[$2::bigint]))`, userID, groupID)
		return postgres.Translate(err)
	})
}

// checkPublisher refuses a bot, unless it is that of a trusted publisher away from
// its project: other projects may let its jobs in, and then say what they may.
func checkPublisher(ctx context.Context, tx pgx.Tx, userID int64, in Place) error {
	_, projectID, _ := in.ids()
	var id int64
	err := tx.QueryRow(ctx, "select id from trusted_publishers where bot_id = $1 and project_id <> $2", userID, projectID).Scan(&id)
	return missing(err, "trusted publisher of user %d", userID)
}

// ofMember does something to somebody's own role on a place, which is there, not
// above that of who does it, and not the last owner's. Bots have theirs by their
// tokens.
func (a *Accounts) ofMember(ctx context.Context, by Grantor, in Place, userID int64, do func(pgx.Tx) error) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := bendTree(ctx, tx); err != nil { // or two owners could take each other's role
			return err
		}
		m, err := In(tx).FindMember(ctx, in, userID, false)
		if err != nil {
			return err
		}
		if err := by.reaches(m.AccessLevel); err != nil {
			return err
		}
		if m.Bot && checkPublisher(ctx, tx, userID, in) != nil {
			return registry.Errorf(registry.CodeForbidden, "Forbidden - %s has its role by its access token or trusted publisher", m.Username)
		}
		if in.Group != nil && m.AccessLevel == registry.Owner {
			var last bool
			err := tx.QueryRow(ctx, `
				select exists (select from memberships m join groups g on g.id = m.group_id where m.user_id = $1 and m.group_id = $2 and `+ownerless+`)`,
				userID, in.Group.ID).Scan(&last)
			if err != nil {
				return fmt.Errorf("find owners: %w", postgres.Translate(err))
			}
			if last {
				return registry.Errorf(registry.CodeForbidden, "Forbidden - %s is the last owner of the group", m.Username)
			}
		}
		return do(tx)
	})
}

// checkInherited: as in GitLab, a role of one's own is at least what one has by a
// group above.
func (a *Accounts) checkInherited(ctx context.Context, in Place, userID int64, level registry.AccessLevel) error {
	groupID, _, ancestors := in.ids()
	var (
		above registry.AccessLevel
		group string
	)
	err := a.db.QueryRow(ctx, `
		select m.access_level, g.full_path
		from memberships m join groups g on g.id = m.group_id
		where m.user_id = $1 and m.group_id = any ($2::bigint[]) and m.group_id <> $3 and `+live+`
		order by m.access_level desc
		limit 1`, userID, ancestors, groupID).Scan(&above, &group)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read roles above: %w", postgres.Translate(err))
	}
	if level < above {
		return registry.Wrong("access_level", "should be greater than or equal to %d, inherited from the group %q", above, group)
	}
	return nil
}

func (r Role) check() error {
	if err := checkLevel(r.AccessLevel); err != nil {
		return err
	}
	if r.ExpiresAt != nil && !r.ExpiresAt.After(time.Now()) {
		return registry.Wrong("expires_at", "cannot be a date in the past")
	}
	return nil
}
