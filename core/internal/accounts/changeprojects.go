package accounts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// ProjectChange says what is to become of a project. What is nil stays as it is.
type ProjectChange struct {
	Name          *string
	Path          *string
	Visibility    *registry.Visibility
	PackageAccess *registry.PackageAccess
	Archived      *bool // nothing in an archived project is changed any more
}

// ChangeProject changes a project.
func (a *Accounts) ChangeProject(ctx context.Context, id int64, c ProjectChange) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := bendTree(ctx, tx); err != nil {
			return err
		}
		p, err := In(tx).projectByID(ctx, id)
		if err != nil {
			return err
		}
		if c.Visibility != nil {
			if err := checkVisibility(c.Visibility); err != nil {
				return err
			}
			if err := In(tx).checkProjectVisibility(ctx, p, *c.Visibility); err != nil {
				return err
			}
			p.Visibility = *c.Visibility
		}
		if c.PackageAccess != nil {
			p.PackageAccess = *c.PackageAccess
		}
		if err := checkAccess(&p.PackageAccess); err != nil {
			return err
		}
		if c.Name != nil {
			p.Name = *c.Name
		}
		if err := checkName(&p.Name, p.Path); err != nil {
			return err
		}
		if c.Archived != nil {
			p.Archived = *c.Archived
		}
		if c.Path != nil && *c.Path != p.Path {
			if err := checkBelow("path", *c.Path); err != nil {
				return err
			}
			if err := move(ctx, tx, p.FullPath, *c.Path); err != nil {
				return err
			}
			p.Path = *c.Path
		}
		_, err = tx.Exec(ctx, "update projects set name = $2, path = $3, visibility = $4, package_access_level = $5, archived = $6 where id = $1",
			id, p.Name, p.Path, p.Visibility, p.PackageAccess, p.Archived)
		return postgres.Translate(err)
	})
}

func (a *Accounts) checkProjectVisibility(ctx context.Context, p registry.Project, v registry.Visibility) error {
	g, err := a.GroupByID(ctx, p.GroupID)
	if err != nil {
		return err
	}
	return checkWithin(v, g)
}

// DeleteProject deletes a project with all its packages. The bytes of their files
// are collected later.
func (a *Accounts) DeleteProject(ctx context.Context, id int64) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "delete from users u using tokens t where t.user_id = u.id and u.kind <> 'human' and t.project_id = $1", id)
		if err != nil {
			return fmt.Errorf("delete a project's bots: %w", postgres.Translate(err))
		}
		err = tx.QueryRow(ctx, "delete from projects where id = $1 returning id", id).Scan(&id)
		return missing(err, "project %d", id)
	})
}
