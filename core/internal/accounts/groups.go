package accounts

import (
	"context"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// NewGroup is a group to be made. Where it goes is said by FullPath, or by
// ParentID and Path.
type NewGroup struct {
	FullPath   string // "parent/child"; the parent must exist
	ParentID   int64  // 0: at the root
	Path       string
	Name       string // empty: the path
	Visibility registry.Visibility
	OwnerID    int64 // the user who becomes its first owner; 0: nobody
}

// maxDepth is how deep groups may nest; GitLab's.
const maxDepth = 20

// CreateGroup makes a group, at the root or below an existing one.
func (a *Accounts) CreateGroup(ctx context.Context, n NewGroup) (registry.Group, error) {
	parentPath, path := "", n.Path
	if n.FullPath != "" {
		parentPath, path = split(n.FullPath)
	}
	g := registry.Group{ParentID: n.ParentID, Path: path, FullPath: path, Name: n.Name, Visibility: n.Visibility}
	check := checkRoot
	if parentPath != "" || n.ParentID != 0 {
		check = checkBelow
	}
	if err := check("path", path); err != nil {
		return g, err
	}
	if err := checkName(&g.Name, path); err != nil {
		return g, err
	}
	if err := checkVisibility(&g.Visibility); err != nil {
		return g, err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		if err := growTree(ctx, tx); err != nil {
			return err
		}
		parent, err := In(tx).namedGroup(ctx, parentPath, n.ParentID)
		if err != nil {
			return err
		}
		if parent.ID != 0 {
			g.FullPath = parent.FullPath + "/" + path // as the parent writes itself
			if err := checkWithin(g.Visibility, parent); err != nil {
				return err
			}
		}
		if len(parent.AncestorIDs) >= maxDepth {
			return registry.Wrong("path", "%q is nested deeper than %d groups", g.FullPath, maxDepth)
		}
		if err := pathIsFree(ctx, tx, g.FullPath); err != nil {
			return err
		}
		g.ParentID = parent.ID
		err = tx.QueryRow(ctx, `
			with next as (select nextval(pg_get_serial_sequence('groups', 'id')) as id)
			insert into groups (id, parent_id, path, full_path, name, visibility, ancestor_ids) overriding system value
			select id, nullif($1::bigint, 0), $2, $3, $4, $5, coalesce($6::bigint[], '{}') || id from next
			returning id, ancestor_ids`,
			parent.ID, g.Path, g.FullPath, g.Name, g.Visibility, parent.AncestorIDs).Scan(&g.ID, &g.AncestorIDs)
		if err != nil || n.OwnerID == 0 {
			return taken(err, g.FullPath)
		}
		return In(tx).AddMember(ctx, n.OwnerID, g.ID, 0, registry.Owner)
	})
	return g, err
}

// namedGroup finds a group by path or by number; neither is no group.
func (a *Accounts) namedGroup(ctx context.Context, path string, id int64) (registry.Group, error) {
	switch {
	case path != "":
		return a.FindGroup(ctx, path)
	case id != 0:
		return a.GroupByID(ctx, id)
	}
	return registry.Group{}, nil
}

const groupSQL = "select id, coalesce(parent_id, 0), path, full_path, name, visibility, ancestor_ids from groups "

func groupTargets(g *registry.Group) []any {
	return []any{&g.ID, &g.ParentID, &g.Path, &g.FullPath, &g.Name, &g.Visibility, &g.AncestorIDs}
}

// FindGroup finds a group by full path, without case.
func (a *Accounts) FindGroup(ctx context.Context, fullPath string) (registry.Group, error) {
	var g registry.Group
	err := a.db.QueryRow(ctx, groupSQL+"where lower(full_path) = lower($1)", fullPath).Scan(groupTargets(&g)...)
	return g, missing(err, "group %q", fullPath)
}

// GroupByID finds a group by number.
func (a *Accounts) GroupByID(ctx context.Context, id int64) (registry.Group, error) {
	var g registry.Group
	err := a.db.QueryRow(ctx, groupSQL+"where id = $1", id).Scan(groupTargets(&g)...)
	return g, missing(err, "group %d", id)
}

// maxName is how long the name of a group, a project or a user may be, in
// characters; GitLab's.
const maxName = 255

// checkName puts the path where no name was given.
func checkName(name *string, path string) error {
	if *name == "" {
		*name = path
	}
	if utf8.RuneCountInString(*name) > maxName {
		return registry.Wrong("name", "is longer than %d characters", maxName)
	}
	return nil
}

// checkVisibility puts private where nothing was said.
func checkVisibility(v *registry.Visibility) error {
	switch *v {
	case "":
		*v = registry.Private
	case registry.Private, registry.Internal, registry.Public:
	default:
		return registry.Wrong("visibility", "%q: choose private, internal or public", *v)
	}
	return nil
}
