package accounts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// UserChange says what is to become of a user. What is nil stays as it is.
type UserChange struct {
	Username *string
	Name     *string
	Password *string // empty: cannot sign in with a password any more
	Admin    *bool
	Blocked  *bool // every token of a blocked user is refused from the next request on
}

// ChangeUser changes a user, and returns what became of them.
func (a *Accounts) ChangeUser(ctx context.Context, id int64, c UserChange) (User, error) {
	u, err := a.UserByID(ctx, id)
	if err != nil {
		return u, err
	}
	if c.Username != nil && *c.Username != u.Username {
		if err := checkRoot("username", *c.Username); err != nil {
			return u, err
		}
	}
	if c.Name != nil {
		if err := checkName(c.Name, u.Username); err != nil {
			return u, err
		}
	}
	var hash *string
	if c.Password != nil {
		if hash, err = hashOf(*c.Password); err != nil {
			return u, err
		}
	}
	err = a.db.QueryRow(ctx, `
		update users u set
		    username = coalesce($2, username),
		    name = coalesce($3, name),
		    password_hash = case when $4 then $5 else password_hash end,
		    is_admin = coalesce($6, is_admin),
		    state = case $7::boolean when true then 'blocked' when false then 'active' else state end
		where id = $1
		returning `+userColumns,
		id, c.Username, c.Name, c.Password != nil, hash, c.Admin, c.Blocked).Scan(userTargets(&u)...)
	switch {
	case postgres.IsUniqueViolation(err, ""):
		return u, usernameTaken(err, *c.Username)
	case err != nil:
		return u, missing(err, "user %d", id)
	}
	return u, nil
}

// DeleteUser deletes a user with all roles and tokens. What they have published
// stays, without a creator. The only owner of a group stays: CodeConflict.
func (a *Accounts) DeleteUser(ctx context.Context, id int64) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := bendTree(ctx, tx); err != nil {
			return err
		}
		var owned *string
		err := tx.QueryRow(ctx, `
			select min(g.full_path)
			from memberships m join groups g on g.id = m.group_id
			where m.user_id = $1 and m.access_level = 50 and `+live+` and `+ownerless, id).Scan(&owned)
		if err != nil {
			return fmt.Errorf("find a user's groups: %w", postgres.Translate(err))
		}
		if owned != nil {
			return registry.Errorf(registry.CodeConflict, "User cannot be removed: the only owner of the group %q", *owned)
		}
		err = tx.QueryRow(ctx, "delete from users where id = $1 returning id", id).Scan(&id)
		return missing(err, "user %d", id)
	})
}

// ownerless: the group g has no owner but the user of the membership m, neither
// itself nor by a group above it. Nobody who is blocked owns anything.
const ownerless = `
	not exists (select from memberships o join users u on u.id = o.user_id
	            where o.group_id = any (g.ancestor_ids) and o.access_level = 50 and o.user_id <> m.user_id and u.state = 'active' and u.kind = 'human'
	              and (o.expires_at is null or o.expires_at > (now() at time zone 'utc')::date))`
