package accounts

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// GroupChange says what is to become of a group. What is nil stays as it is.
type GroupChange struct {
	Name       *string
	Path       *string // all below it moves along
	Visibility *registry.Visibility
}

// ChangeGroup changes a group. It stays as visible at least as what is in it, and
// at most as what it is in.
func (a *Accounts) ChangeGroup(ctx context.Context, id int64, c GroupChange) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := bendTree(ctx, tx); err != nil {
			return err
		}
		g, err := In(tx).GroupByID(ctx, id)
		if err != nil {
			return err
		}
		if c.Visibility != nil {
			if err := checkVisibility(c.Visibility); err != nil {
				return err
			}
			if err := In(tx).checkGroupVisibility(ctx, g, *c.Visibility); err != nil {
				return err
			}
			g.Visibility = *c.Visibility
		}
		if c.Name != nil {
			g.Name = *c.Name
		}
		if err := checkName(&g.Name, g.Path); err != nil {
			return err
		}
		if c.Path != nil && *c.Path != g.Path {
			check := checkBelow
			if g.ParentID == 0 {
				check = checkRoot
			}
			if err := check("path", *c.Path); err != nil {
				return err
			}
			if err := move(ctx, tx, g.FullPath, *c.Path); err != nil {
				return err
			}
			g.Path = *c.Path
		}
		_, err = tx.Exec(ctx, "update groups set name = $2, path = $3, visibility = $4 where id = $1", id, g.Name, g.Path, g.Visibility)
		return postgres.Translate(err)
	})
}

func (a *Accounts) checkGroupVisibility(ctx context.Context, g registry.Group, v registry.Visibility) error {
	if g.ParentID != 0 {
		parent, err := a.GroupByID(ctx, g.ParentID)
		if err != nil {
			return err
		}
		if err := checkWithin(v, parent); err != nil {
			return err
		}
	}
	rows, err := a.db.Query(ctx, "select full_path, visibility from groups where parent_id = $1 union all select full_path, visibility from projects where group_id = $1", g.ID)
	if err != nil {
		return fmt.Errorf("read what is in a group: %w", postgres.Translate(err))
	}
	var (
		inside string
		as     registry.Visibility
		wrong  error
	)
	_, err = pgx.ForEachRow(rows, []any{&inside, &as}, func() error {
		if wrong == nil && as.Wider(v) {
			wrong = registry.Wrong("visibility", "%s is not allowed since this group contains %q, which is %s", v, inside, as)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is in a group: %w", postgres.Translate(err))
	}
	return wrong
}

// move gives what has a full path another last segment.
func move(ctx context.Context, tx pgx.Tx, full, path string) error {
	parent, _ := split(full)
	moved := path
	if parent != "" {
		moved = parent + "/" + path
	}
	if !strings.EqualFold(full, moved) {
		if err := pathIsFree(ctx, tx, moved); err != nil {
			return err
		}
	}
	return movePaths(ctx, tx, full, moved)
}

// DeleteGroup deletes a group with all groups, projects and packages below it.
// The bytes of their files are collected later.
func (a *Accounts) DeleteGroup(ctx context.Context, id int64) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := bendTree(ctx, tx); err != nil {
			return err
		}
		for _, sql := range []string{
			`delete from users u using tokens t
			 where t.user_id = u.id and u.kind <> 'human' and (
			       t.group_id in (select id from groups where ancestor_ids @> array[$1::bigint])
			       or t.project_id in (select p.id from projects p join groups g on g.id = p.group_id where g.ancestor_ids @> array[$1::bigint]))`,
			"delete from projects where group_id in (select id from groups where ancestor_ids @> array[$1::bigint])",
		} {
			if _, err := tx.Exec(ctx, sql, id); err != nil {
				return fmt.Errorf("delete what is in a group: %w", postgres.Translate(err))
			}
		}
		gone, err := tx.Exec(ctx, "delete from groups where ancestor_ids @> array[$1::bigint]", id)
		if err != nil {
			return fmt.Errorf("delete group: %w", postgres.Translate(err))
		}
		if gone.RowsAffected() == 0 {
			return registry.Errorf(registry.CodeNotFound, "there is no group %d", id)
		}
		return nil
	})
}
