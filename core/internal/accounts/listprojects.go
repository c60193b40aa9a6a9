package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// ShownProject is a project as the API shows it.
type ShownProject struct {
	registry.Project

	CreatedAt time.Time
	Namespace ShownGroup // its group
}

// shownProject are the columns of a project p in a group g.
const shownProject = `
	p.id, p.group_id, g.ancestor_ids as group_ancestors, p.path, p.full_path, p.name, p.visibility, p.package_access_level, p.archived,
	p.created_at, coalesce(g.parent_id, 0), g.path as group_path, g.full_path as group_full_path, g.name as group_name,
	(select string_agg(a.name, ' / ' order by cardinality(a.ancestor_ids)) from groups a where a.id = any (g.ancestor_ids)) as full_name`

func scanShownProject(row pgx.CollectableRow) (p ShownProject, err error) {
	g := &p.Namespace
	err = row.Scan(append(projectTargets(&p.Project), &p.CreatedAt, &g.ParentID, &g.Path, &g.FullPath, &g.Name, &g.FullName)...)
	g.ID = p.GroupID
	return p, err
}

// ShowProject returns a project as the API shows it.
func (a *Accounts) ShowProject(ctx context.Context, id int64) (ShownProject, error) {
	p, err := one(ctx, a.db, "select "+shownProject+" from projects p join groups g on g.id = p.group_id where p.id = $1", []any{id}, scanShownProject)
	return p, missing(err, "project %d", id)
}

// ProjectFilter selects projects among those that somebody sees. What is zero
// does not narrow the search.
type ProjectFilter struct {
	Viewer     Viewer
	ID         int64 // only this one
	GroupID    int64 // in this group
	Below      bool  // and in those below it
	Member     bool  // only where the viewer has a role, on the project or above it
	Least      registry.AccessLevel
	Archived   *bool
	Search     string // within name or path, without case
	Visibility registry.Visibility
}

// Projects returns a page of the projects that a filter selects, by "id", "name",
// "path" or "created_at".
func (a *Accounts) Projects(ctx context.Context, f ProjectFilter, p Part) ([]ShownProject, packages.Extent, error) {
	roles := func(least string) string {
		return `(g.ancestor_ids && ` + fmt.Sprintf(rolesSQL, least) + `
		         or p.id in (select m.project_id from memberships m where m.user_id = $1 and m.project_id is not null and m.access_level >= ` + least + ` and ` + live + `))`
	}
	from := `
		select ` + shownProject + `
		from projects p join groups g on g.id = p.group_id
		where ($2 or p.visibility = 'public' or p.package_access_level = 'public' or (p.visibility = 'internal' and $1 <> 0) or ` + roles("10") + `)
		  and ($3 = 0 or ` + roles("$3") + `)
		  and ($4 = 0 or p.group_id = $4 or ($5 and g.ancestor_ids @> array[$4::bigint]))
		  and ($6::boolean is null or p.archived = $6)
		  and ($7 = '' or strpos(lower(p.name), lower($7)) > 0 or strpos(lower(p.path), lower($7)) > 0)
		  and ($8 = '' or p.visibility = $8)
		  and ($9 = 0 or p.id = $9)`
	least := f.Least
	if f.Member {
		least = max(least, registry.Guest)
	}
	args := []any{f.Viewer.UserID, f.Viewer.Admin, least, f.GroupID, f.Below, f.Archived, f.Search, string(f.Visibility), f.ID}
	orders := map[string]string{"name": "lower(name)", "path": "lower(path)", "created_at": "created_at"}
	projects, extent, err := list(ctx, a.db, p, from, orders, args, scanShownProject)
	if err != nil {
		return nil, extent, fmt.Errorf("list projects: %w", err)
	}
	return projects, extent, nil
}
