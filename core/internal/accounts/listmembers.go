package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Member is a user with a role.
type Member struct {
	User

	AccessLevel registry.AccessLevel
	ExpiresAt   *time.Time // the first day, in UTC, on which the role is none any more; nil: it lasts
	Since       time.Time
}

func scanMember(row pgx.CollectableRow) (m Member, err error) {
	return m, row.Scan(append(userTargets(&m.User), &m.AccessLevel, &m.ExpiresAt, &m.Since)...)
}

// MemberFilter selects the members of a place. What is zero does not narrow the
// search.
type MemberFilter struct {
	In        Place
	Inherited bool // also those of the groups that it is in; of several roles, the highest
	UserID    int64
	UserIDs   []int64
	Without   []int64
	Query     string // within the name or the user name, without case
}

// Members returns a page of the members that a filter selects, by user. Roles
// that have ended are none.
func (a *Accounts) Members(ctx context.Context, f MemberFilter, p Part) ([]Member, packages.Extent, error) {
	const from = `
		select distinct on (u.id) ` + userColumns + `, m.access_level, m.expires_at, m.created_at as since
		from memberships m join users u on u.id = m.user_id
		where (m.group_id = $1 or m.project_id = $2 or m.group_id = any ($3::bigint[])) and ` + live + `
		  and ($4 = 0 or u.id = $4)
		  and (cardinality($5::bigint[]) = 0 or u.id = any ($5))
		  and u.id <> all ($6::bigint[])
		  and ($7 = '' or strpos(lower(u.username), lower($7)) > 0 or strpos(lower(u.name), lower($7)) > 0)
		order by u.id, m.access_level desc, m.id`
	groupID, projectID, ancestors := f.In.ids()
	if !f.Inherited {
		ancestors = nil
	}
	args := []any{groupID, projectID, some(ancestors), f.UserID, some(f.UserIDs), some(f.Without), f.Query}
	members, extent, err := list(ctx, a.db, p, from, nil, args, scanMember)
	if err != nil {
		return nil, extent, fmt.Errorf("list members: %w", err)
	}
	return members, extent, nil
}

// some is a list that PostgreSQL takes for empty, not for none.
func some(ids []int64) []int64 { return append([]int64{}, ids...) }

// FindMember returns one member of a place, or CodeNotFound.
func (a *Accounts) FindMember(ctx context.Context, in Place, userID int64, inherited bool) (Member, error) {
	members, _, err := a.Members(ctx, MemberFilter{In: in, Inherited: inherited, UserID: userID}, Part{Page: packages.Page{Number: 1, Size: 1}})
	if err != nil {
		return Member{}, err
	}
	if len(members) == 0 {
		return Member{}, registry.Errorf(registry.CodeNotFound, "Member Not Found")
	}
	return members[0], nil
}
