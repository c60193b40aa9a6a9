package auth

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
)

const (
	groupSQL = `
		select id, coalesce(parent_id, 0), path, full_path, name, visibility, ancestor_ids
		from groups
		where (id = $1 or ($2 <> '' and lower(full_path) = lower($2))) and (parent_id is null or not $3)`
	// The roles are the token's owner's; there is no such token for anonymous callers.
	// Roles on groups are looked up once a group and those on projects all at once
	// ("offset 0"), not project by project: there may be thousands. What groups decide for packages is left out: nothing
	// is decided about several projects.
	//nolint:gosec // a query, no credential
	standingsSQL = `
		select ` + projectColumns + `, coalesce(greatest(g.level, m.access_level), 0)
		from (select g.id, g.ancestor_ids, ` + reuseColumn + `,
		             (select max(m.access_level)
		              from tokens t
		              join memberships m on m.user_id = t.user_id and ` + live + `
		              where t.digest = $4 and m.group_id = any (g.ancestor_ids)) as level
		      from groups top
		      join groups g on g.ancestor_ids @> array[top.id]
		      where (top.id = $1 or ($2 <> '' and lower(top.full_path) = lower($2))) and (top.parent_id is null or not $3)
		      offset 0) g
		join projects p on p.group_id = g.id
		left join (select m.project_id, m.access_level
		           from tokens t
		           join memberships m on m.user_id = t.user_id and ` + live + `
		           where t.digest = $4 and m.project_id is not null
		           offset 0) m on m.project_id = p.id
		order by p.id`
	//nolint:gosec // a query, no credential
	groupLevelSQL = `
		select coalesce(max(m.access_level), 0)
		from tokens t
		join memberships m on m.user_id = t.user_id and ` + live + `
		join groups g on (g.id = $1 or ($2 <> '' and lower(g.full_path) = lower($2))) and (g.parent_id is null or not $3)
		where t.digest = $4 and m.group_id = any (g.ancestor_ids)`
)

// queueGroup asks for a group, and for what the owner of a token is to it and to
// each project below it. No token has the zero digest.
func queueGroup(batch *pgx.Batch, digest [32]byte, ref GroupRef, caller *Caller) {
	batch.Queue(groupSQL, ref.ID, ref.Path, ref.Root).QueryRow(func(row pgx.Row) error {
		var g registry.Group
		err := row.Scan(&g.ID, &g.ParentID, &g.Path, &g.FullPath, &g.Name, &g.Visibility, &g.AncestorIDs)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		caller.Group = &g
		return err
	})
	batch.Queue(groupLevelSQL, ref.ID, ref.Path, ref.Root, digest[:]).QueryRow(func(row pgx.Row) error {
		return row.Scan(&caller.Level)
	})
	batch.Queue(standingsSQL, ref.ID, ref.Path, ref.Root, digest[:]).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var s registry.Standing
			if err := rows.Scan(append(projectTargets(&s.Project), &s.Level)...); err != nil {
				return err
			}
			caller.Standings = append(caller.Standings, s)
		}
		return rows.Err()
	})
}
