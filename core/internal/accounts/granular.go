package accounts

import (
	"context"
	"fmt"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// checkEither refuses what has both classic and granular scopes, or neither.
func checkEither(scopes []string, granular []registry.GranularScope, allowed ...registry.Scope) error {
	if len(granular) == 0 {
		return checkScopes(scopes, allowed...)
	}
	if len(scopes) > 0 {
		return registry.Errorf(registry.CodeInvalid, "scopes and granular_scopes are mutually exclusive")
	}
	return registry.CheckGranularScopes(granular)
}

// scopesOf are those that a token is kept with.
func scopesOf(scopes []string, granular []registry.GranularScope) []string {
	if len(granular) > 0 {
		return []string{string(registry.ScopeGranular)}
	}
	return scopes
}

// owner is whose a token is: a user's, or that of a project or group.
type owner struct{ userID, projectID, groupID int64 }

// reach refuses granular scopes that name what the owner of the token has nothing
// to do with: of a user, what they have no role on; of a project or group, what
// lies outside of it. What is not there is told in the same words. What the owner
// may do there is not asked here but at every request.
func (a *Accounts) reach(ctx context.Context, granular []registry.GranularScope, o owner) error {
	if len(granular) == 0 {
		return nil
	}
	projects, groups := []int64{}, []int64{}
	for _, s := range granular {
		projects, groups = append(projects, s.ProjectIDs...), append(groups, s.GroupIDs...)
	}
	rows, err := a.db.Query(ctx, `
		with asked as (
			select 'project' as kind, x.id, p.id as project_id, g.ancestor_ids
			from unnest($1::bigint[]) x (id) left join projects p on p.id = x.id left join groups g on g.id = p.group_id
			union all
			select 'group', x.id, null, g.ancestor_ids
			from unnest($2::bigint[]) x (id) left join groups g on g.id = x.id
		)
		select kind, id from asked
		where ancestor_ids is null
		   or not case
		       when $3 <> 0 then exists (select from users u where u.id = $3 and u.is_admin)
		                      or exists (select from memberships m where m.user_id = $3 and (m.project_id = asked.project_id or m.group_id = any (ancestor_ids)))
		       when $4 <> 0 then project_id is not null and project_id = $4
		       else $5 = any (ancestor_ids)
		   end
		order by kind, id limit 1`, projects, groups, o.userID, o.projectID, o.groupID)
	if err != nil {
		return fmt.Errorf("check granular scopes: %w", postgres.Translate(err))
	}
	defer rows.Close()
	if rows.Next() {
		var (
			kind string
			id   int64
		)
		if err := rows.Scan(&kind, &id); err != nil {
			return fmt.Errorf("check granular scopes: %w", err)
		}
		return registry.Wrong("granular_scopes", "name %s %d, which is out of the token's reach", kind, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("check granular scopes: %w", postgres.Translate(err))
	}
	return nil
}
