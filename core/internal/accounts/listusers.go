package accounts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
)

// UserFilter selects users. What is zero does not narrow the search.
type UserFilter struct {
	Username string // exactly, without case
	Search   string // within the name or the user name, without case
	Blocked  *bool
	Admins   bool // only they
	Humans   bool // no bots
}

// Users returns a page of the users that a filter selects, by "id", "username",
// "name" or "created_at".
func (a *Accounts) Users(ctx context.Context, f UserFilter, p Part) ([]User, packages.Extent, error) {
	const from = `
		select ` + userColumns + `
		from users u
		where ($1 = '' or lower(u.username) = lower($1))
		  and ($2 = '' or strpos(lower(u.username), lower($2)) > 0 or strpos(lower(u.name), lower($2)) > 0)
		  and ($3::boolean is null or $3 = (u.state = 'blocked'))
		  and (not $4 or u.is_admin)
		  and (not $5 or u.kind = 'human')`
	orders := map[string]string{"username": "lower(username)", "name": "lower(name)", "created_at": "created_at"}
	users, extent, err := list(ctx, a.db, p, from, orders, []any{f.Username, f.Search, f.Blocked, f.Admins, f.Humans}, func(row pgx.CollectableRow) (u User, err error) {
		return u, row.Scan(userTargets(&u)...)
	})
	if err != nil {
		return nil, extent, fmt.Errorf("list users: %w", err)
	}
	return users, extent, nil
}
