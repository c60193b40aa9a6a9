package accounts

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// NewGroup is a group to be made.
type NewGroup struct {
	FullPath   string // "parent/child"; the parent must exist
	Name       string // empty: the last segment
	Visibility registry.Visibility
}

// maxDepth is how deep groups may nest; GitLab's.
const maxDepth = 20

// CreateGroup makes a group, at the root or below an existing one.
func (a *Accounts) CreateGroup(ctx context.Context, n NewGroup) (registry.Group, error) {
	parentPath, path := split(n.FullPath)
	g := registry.Group{Path: path, FullPath: n.FullPath, Name: n.Name, Visibility: n.Visibility}
	check := checkRoot
	if parentPath != "" {
		check = checkBelow
	}
	if err := check("path", path); err != nil {
		return g, err
	}
	if g.Name == "" {
		g.Name = path
	}
	if err := checkVisibility(&g.Visibility); err != nil {
		return g, err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		var parent registry.Group
		if parentPath != "" {
			var err error
			if parent, err = In(tx).FindGroup(ctx, parentPath); err != nil {
				return err
			}
			g.FullPath = parent.FullPath + "/" + path // as the parent writes itself
		}
		if len(parent.AncestorIDs) >= maxDepth {
			return registry.Errorf(registry.CodeInvalid, "path %q is nested deeper than %d groups", n.FullPath, maxDepth)
		}
		if err := pathIsFree(ctx, tx, g.FullPath); err != nil {
			return err
		}
		g.ParentID = parent.ID
		return tx.QueryRow(ctx, `
			with next as (select nextval(pg_get_serial_sequence('groups', 'id')) as id)
			insert into groups (id, parent_id, path, full_path, name, visibility, ancestor_ids) overriding system value
			select id, nullif($1::bigint, 0), $2, $3, $4, $5, coalesce($6::bigint[], '{}') || id from next
			returning id, ancestor_ids`,
			parent.ID, g.Path, g.FullPath, g.Name, g.Visibility, parent.AncestorIDs).Scan(&g.ID, &g.AncestorIDs)
	})
	return g, taken(err, n.FullPath)
}

// FindGroup finds a group by full path, without case.
func (a *Accounts) FindGroup(ctx context.Context, fullPath string) (registry.Group, error) {
	var g registry.Group
	err := a.db.QueryRow(ctx, `
		select id, coalesce(parent_id, 0), path, full_path, name, visibility, ancestor_ids
		from groups where lower(full_path) = lower($1)`, fullPath).
		Scan(&g.ID, &g.ParentID, &g.Path, &g.FullPath, &g.Name, &g.Visibility, &g.AncestorIDs)
	return g, missing(err, "group %q", fullPath)
}

// checkVisibility puts private where nothing was said.
func checkVisibility(v *registry.Visibility) error {
	switch *v {
	case "":
		*v = registry.Private
	case registry.Private, registry.Internal, registry.Public:
	default:
		return registry.Errorf(registry.CodeInvalid, "visibility %q: choose private, internal or public", *v)
	}
	return nil
}
