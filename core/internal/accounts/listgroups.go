package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// ShownGroup is a group as the API shows it.
type ShownGroup struct {
	registry.Group

	FullName  string // the names from the root down, as GitLab joins them
	CreatedAt time.Time
}

// shownGroup are the columns of a group g.
const shownGroup = `
	g.id, coalesce(g.parent_id, 0), g.path, g.full_path, g.name, g.visibility, g.ancestor_ids, g.created_at,
	(select string_agg(a.name, ' / ' order by cardinality(a.ancestor_ids)) from groups a where a.id = any (g.ancestor_ids)) as full_name`

func scanShownGroup(row pgx.CollectableRow) (g ShownGroup, err error) {
	return g, row.Scan(append(groupTargets(&g.Group), &g.CreatedAt, &g.FullName)...)
}

// ShowGroup returns a group as the API shows it.
func (a *Accounts) ShowGroup(ctx context.Context, id int64) (ShownGroup, error) {
	g, err := one(ctx, a.db, "select "+shownGroup+" from groups g where g.id = $1", []any{id}, scanShownGroup)
	return g, missing(err, "group %d", id)
}

// GroupFilter selects groups among those that somebody sees. What is zero does
// not narrow the search.
type GroupFilter struct {
	Viewer     Viewer
	ID         int64                // only this one
	ParentID   int64                // right below it
	TopLevel   bool                 // only groups without a parent
	Member     bool                 // only where the viewer has a role, on the group, above it or on something in it
	Least      registry.AccessLevel // only where the viewer has at least this role, on the group or above it
	Search     string               // within name or path, without case
	Visibility registry.Visibility
}

// Groups returns a page of the groups that a filter selects, by "name", "path" or
// "id". As in [authz.VisibleGroup], whoever has a role on a project sees the
// groups that it is in.
func (a *Accounts) Groups(ctx context.Context, f GroupFilter, p Part) ([]ShownGroup, packages.Extent, error) {
	from := `
		select ` + shownGroup + `
		from groups g
		where ((g.visibility = 'public' and not $3) or (g.visibility = 'internal' and $1 <> 0 and not $3) or ($2 and not $3)
		       or g.ancestor_ids && ` + fmt.Sprintf(rolesSQL, "10") + `
		       or g.id = any (array(
		              select unnest(i.ancestor_ids)
		              from projects p join groups i on i.id = p.group_id
		              where i.ancestor_ids && ` + fmt.Sprintf(rolesSQL, "10") + `
		                 or p.id in (select m.project_id from memberships m where m.user_id = $1 and m.project_id is not null and ` + live + `))))
		  and ($4 = 0 or g.ancestor_ids && ` + fmt.Sprintf(rolesSQL, "$4") + `)
		  and ($5 = 0 or g.parent_id = $5)
		  and (not $6 or g.parent_id is null)
		  and ($7 = '' or strpos(lower(g.name), lower($7)) > 0 or strpos(lower(g.path), lower($7)) > 0)
		  and ($8 = '' or g.visibility = $8)
		  and ($9 = 0 or g.id = $9)`
	args := []any{f.Viewer.UserID, f.Viewer.Admin, f.Member, f.Least, f.ParentID, f.TopLevel, f.Search, string(f.Visibility), f.ID}
	groups, extent, err := list(ctx, a.db, p, from, map[string]string{"name": "lower(name)", "path": "lower(path)"}, args, scanShownGroup)
	if err != nil {
		return nil, extent, fmt.Errorf("list groups: %w", err)
	}
	return groups, extent, nil
}
