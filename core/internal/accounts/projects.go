package accounts

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// NewProject is a project to be made.
type NewProject struct {
	FullPath      string // "group/project"; the group must exist
	Name          string // empty: the last segment
	Visibility    registry.Visibility
	PackageAccess registry.PackageAccess // empty: enabled
}

// CreateProject makes a project in an existing group.
func (a *Accounts) CreateProject(ctx context.Context, n NewProject) (registry.Project, error) {
	groupPath, path := split(n.FullPath)
	p := registry.Project{Path: path, Name: n.Name, Visibility: n.Visibility, PackageAccess: n.PackageAccess}
	if err := checkBelow("path", path); err != nil {
		return p, err
	}
	if groupPath == "" {
		return p, registry.Errorf(registry.CodeInvalid, "path %q names no group: a project's path is <group>/<project>", n.FullPath)
	}
	if p.Name == "" {
		p.Name = path
	}
	if err := checkVisibility(&p.Visibility); err != nil {
		return p, err
	}
	switch p.PackageAccess {
	case "":
		p.PackageAccess = registry.PackagesEnabled
	case registry.PackagesDisabled, registry.PackagesPrivate, registry.PackagesEnabled, registry.PackagesPublic:
	default:
		return p, registry.Errorf(registry.CodeInvalid, "package access %q: choose disabled, private, enabled or public", p.PackageAccess)
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		g, err := In(tx).FindGroup(ctx, groupPath)
		if err != nil {
			return err
		}
		p.GroupID, p.GroupAncestorIDs, p.FullPath = g.ID, g.AncestorIDs, g.FullPath+"/"+path
		if err := pathIsFree(ctx, tx, p.FullPath); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			insert into projects (group_id, path, full_path, name, visibility, package_access_level)
			values ($1, $2, $3, $4, $5, $6) returning id`,
			p.GroupID, p.Path, p.FullPath, p.Name, p.Visibility, p.PackageAccess).Scan(&p.ID)
	})
	return p, taken(err, n.FullPath)
}

// FindProject finds a project by full path, without case.
func (a *Accounts) FindProject(ctx context.Context, fullPath string) (registry.Project, error) {
	var p registry.Project
	err := a.db.QueryRow(ctx, `
		select p.id, p.group_id, g.ancestor_ids, p.path, p.full_path, p.name, p.visibility, p.package_access_level
		from projects p join groups g on g.id = p.group_id where lower(p.full_path) = lower($1)`, fullPath).
		Scan(&p.ID, &p.GroupID, &p.GroupAncestorIDs, &p.Path, &p.FullPath, &p.Name, &p.Visibility, &p.PackageAccess)
	return p, missing(err, "project %q", fullPath)
}
