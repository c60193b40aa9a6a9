package accounts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Viewer is whose eyes a list is made for. The zero Viewer is somebody unknown.
type Viewer struct {
	UserID int64
	Admin  bool
}

// Part is which part of a list is asked for, and how it is sorted.
type Part struct {
	packages.Page
	packages.Order
}

// list reads one page of what from selects, and counts it as far as lists are
// counted. orders are the columns that it may be sorted by; then by id.
func list[T any](ctx context.Context, db DB, p Part, from string, orders map[string]string, args []any, scan pgx.RowToFunc[T]) ([]T, packages.Extent, error) {
	var extent packages.Extent
	err := db.QueryRow(ctx, fmt.Sprintf("select count(*) from (select 1 from (%s) l limit %d) c", from, packages.Countable+1), args...).Scan(&extent.Total)
	if err != nil {
		return nil, extent, postgres.Translate(err)
	}
	column, ok := orders[p.By]
	if !ok {
		column = "id"
	}
	direction := "asc"
	if p.Descending {
		direction = "desc"
	}
	// One row more than the page has says whether there is another page.
	rows, err := db.Query(ctx, fmt.Sprintf("select * from (%s) l order by %s %s, id %s limit %d offset %d",
		from, column, direction, direction, p.Size+1, int64(p.Number-1)*int64(p.Size)), args...)
	if err != nil {
		return nil, extent, postgres.Translate(err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, extent, postgres.Translate(err)
	}
	if len(found) > p.Size {
		found, extent.More = found[:p.Size], true
	}
	return found, extent, nil
}

// one is the only row of a list, or there is none.
func one[T any](ctx context.Context, db DB, from string, args []any, scan pgx.RowToFunc[T]) (T, error) {
	rows, err := db.Query(ctx, from, args...)
	if err != nil {
		var none T
		return none, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}

// live is of a membership m that has not ended.
const live = `(m.expires_at is null or m.expires_at > (now() at time zone 'utc')::date)`

// rolesSQL are the groups, in $1's eyes, on which they have at least the role of
// the argument that takes the place of %s.
const rolesSQL = `array(select m.group_id from memberships m where m.user_id = $1 and m.group_id is not null and m.access_level >= %s and ` + live + `)`

// LevelOn returns a user's highest role on a group, by it or one above.
func (a *Accounts) LevelOn(ctx context.Context, userID int64, g registry.Group) (registry.AccessLevel, error) {
	var level registry.AccessLevel
	err := a.db.QueryRow(ctx, "select coalesce(max(m.access_level), 0) from memberships m where m.user_id = $1 and m.group_id = any ($2::bigint[]) and "+live,
		userID, g.AncestorIDs).Scan(&level)
	if err != nil {
		return 0, fmt.Errorf("read role: %w", postgres.Translate(err))
	}
	return level, nil
}
