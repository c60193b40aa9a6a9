package accounts

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// NewProject is a project to be made. Where it goes is said by FullPath, or by
// GroupID and Path.
type NewProject struct {
	FullPath      string // "group/project"; the group must exist
	GroupID       int64
	Path          string
	Name          string // empty: the path
	Visibility    registry.Visibility
	PackageAccess registry.PackageAccess // empty: enabled
}

// CreateProject makes a project in an existing group.
func (a *Accounts) CreateProject(ctx context.Context, n NewProject) (registry.Project, error) {
	groupPath, path := "", n.Path
	if n.FullPath != "" {
		groupPath, path = split(n.FullPath)
	}
	p := registry.Project{Path: path, Name: n.Name, Visibility: n.Visibility, PackageAccess: n.PackageAccess}
	if err := checkBelow("path", path); err != nil {
		return p, err
	}
	if groupPath == "" && n.GroupID == 0 {
		return p, registry.Wrong("path", "%q names no group: a project's path is <group>/<project>", n.FullPath)
	}
	if err := checkName(&p.Name, path); err != nil {
		return p, err
	}
	if err := checkVisibility(&p.Visibility); err != nil {
		return p, err
	}
	if err := checkAccess(&p.PackageAccess); err != nil {
		return p, err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		if err := growTree(ctx, tx); err != nil {
			return err
		}
		g, err := In(tx).namedGroup(ctx, groupPath, n.GroupID)
		if err != nil {
			return err
		}
		p.GroupID, p.GroupAncestorIDs, p.FullPath = g.ID, g.AncestorIDs, g.FullPath+"/"+path
		if err := checkWithin(p.Visibility, g); err != nil {
			return err
		}
		if err := pathIsFree(ctx, tx, p.FullPath); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			insert into projects (group_id, path, full_path, name, visibility, package_access_level)
			values ($1, $2, $3, $4, $5, $6) returning id`,
			p.GroupID, p.Path, p.FullPath, p.Name, p.Visibility, p.PackageAccess).Scan(&p.ID)
		return taken(err, p.FullPath)
	})
	return p, err
}

// checkAccess puts enabled where nothing was said.
func checkAccess(level *registry.PackageAccess) error {
	switch *level {
	case "":
		*level = registry.PackagesEnabled
	case registry.PackagesDisabled, registry.PackagesPrivate, registry.PackagesEnabled, registry.PackagesPublic:
	default:
		return registry.Wrong("package_registry_access_level", "%q: choose disabled, private, enabled or public", *level)
	}
	return nil
}

const projectSQL = `
	select p.id, p.group_id, g.ancestor_ids, p.path, p.full_path, p.name, p.visibility, p.package_access_level, p.archived
	from projects p join groups g on g.id = p.group_id `

func projectTargets(p *registry.Project) []any {
	return []any{&p.ID, &p.GroupID, &p.GroupAncestorIDs, &p.Path, &p.FullPath, &p.Name, &p.Visibility, &p.PackageAccess, &p.Archived}
}

// FindProject finds a project by full path, without case.
func (a *Accounts) FindProject(ctx context.Context, fullPath string) (registry.Project, error) {
	var p registry.Project
	err := a.db.QueryRow(ctx, projectSQL+"where lower(p.full_path) = lower($1)", fullPath).Scan(projectTargets(&p)...)
	return p, missing(err, "project %q", fullPath)
}

// projectByID finds a project by number.
func (a *Accounts) projectByID(ctx context.Context, id int64) (registry.Project, error) {
	var p registry.Project
	err := a.db.QueryRow(ctx, projectSQL+"where p.id = $1", id).Scan(projectTargets(&p)...)
	return p, missing(err, "project %d", id)
}
