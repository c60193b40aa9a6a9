package audit

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Retention is how long events are kept.
type Retention struct {
	Days       int // 0: for ever
	MaxRefused int // of refusals only so many, the latest; 0: any number
}

// expireBatch is how many events one statement removes, so that it locks none for long.
const expireBatch = 10_000

// Expire removes what is older than it has to be, and returns how much it was.
func Expire(ctx context.Context, pool *pgxpool.Pool, keep Retention) (removed int64, err error) {
	if keep.Days > 0 {
		n, err := repeat(ctx, pool, `
			delete from audit_events where id in (
			    select id from audit_events where created_at < now() - $1 * interval '1 day' order by created_at, id limit $2)`, keep.Days)
		if removed += n; err != nil {
			return removed, err
		}
	}
	if keep.MaxRefused > 0 {
		n, err := repeat(ctx, pool, `
			delete from audit_events where id in (
			    select id from audit_events
			    where outcome = 'refused' and id <= (select id from audit_events where outcome = 'refused' order by id desc offset $1 limit 1)
			    order by id limit $2)`, keep.MaxRefused)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// repeat removes batch after batch until one is not full.
func repeat(ctx context.Context, pool *pgxpool.Pool, sql string, arg int) (removed int64, err error) {
	for {
		tag, err := pool.Exec(ctx, sql, arg, expireBatch)
		if err != nil {
			return removed, fmt.Errorf("expire audit events: %w", err)
		}
		removed += tag.RowsAffected()
		if tag.RowsAffected() < expireBatch {
			return removed, nil
		}
	}
}
