package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Query is what List looks for. What is zero does not narrow the search.
type Query struct {
	EntityType string
	EntityID   int64
	AuthorID   int64     // a user's own deeds
	After      time.Time // at that time or later
	Before     time.Time // at that time or earlier
	Outcome    Outcome
	Page       packages.Page
}

const (
	selected = `
		select id, created_at, request_id, outcome, status, reason, method, action, actor_kind, actor_id, actor_username, token_id, token_kind = 'oauth',
		       remote_address, entity_type, entity_id, entity_path, package_name, package_version, details`
	listFrom = `
		from audit_events
		where ($1 = '' or entity_type = $1)
		  and ($2 = 0 or entity_id = $2)
		  and ($3 = 0 or (actor_kind = 'user' and actor_id = $3))
		  and ($4::timestamptz is null or created_at >= $4)
		  and ($5::timestamptz is null or created_at <= $5)
		  and ($6 = '' or outcome = $6)`
)

// List returns a page of events, the latest first, and how it lies in the whole list.
func List(ctx context.Context, pool *pgxpool.Pool, q Query) ([]Event, packages.Extent, error) {
	var (
		found  []Event
		extent packages.Extent
	)
	args := []any{q.EntityType, q.EntityID, q.AuthorID, timeOrNull(q.After), timeOrNull(q.Before), string(q.Outcome)}
	batch := &pgx.Batch{}
	batch.Queue(fmt.Sprintf("select count(*) from (select%s limit %d) counted", listFrom, packages.Countable+1), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&extent.Total)
	})
	// One row more than the page has says whether there is another page.
	batch.Queue(selected+listFrom+" order by id desc limit $7 offset $8",
		append(args, q.Page.Size+1, int64(q.Page.Number-1)*int64(q.Page.Size))...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, packages.Extent{}, fmt.Errorf("list audit events: %w", postgres.Translate(err))
	}
	if len(found) > q.Page.Size {
		found, extent.More = found[:q.Page.Size], true
	}
	return found, extent, nil
}

// Find returns one event; CodeNotFound if there is none, or if it is about
// another entity than e (empty: any).
func Find(ctx context.Context, pool *pgxpool.Pool, id int64, e Entity) (Event, error) {
	rows, err := pool.Query(ctx, selected+`
		from audit_events where id = $1 and ($2 = '' or (entity_type = $2 and entity_id = $3))`, id, e.Type, e.ID)
	if err != nil {
		return Event{}, fmt.Errorf("find audit event: %w", postgres.Translate(err))
	}
	found, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Event{}, registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	if err != nil {
		return Event{}, fmt.Errorf("find audit event: %w", postgres.Translate(err))
	}
	return found, nil
}

func scan(row pgx.CollectableRow) (e Event, err error) {
	var d details
	err = row.Scan(&e.ID, &e.At, &e.RequestID, &e.Outcome, &e.Status, &e.Reason, &e.Method, &e.Action, &e.Actor.Kind, &e.Actor.UserID,
		&e.Actor.Username, &e.Actor.TokenID, &e.Actor.OAuth, &e.RemoteAddress, &e.Entity.Type, &e.Entity.ID, &e.Entity.Path, &e.PackageName, &e.PackageVersion, &d)
	e.Changes, e.Fields = d.Changes, d.Fields
	return e, err
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
