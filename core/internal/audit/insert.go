package audit

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// MaxText is the length of the longest text of an event, in bytes.
const MaxText = 1024

// What has to be looked up is looked up by index, and only where it is needed:
// publishing waits for it.
const insert = `
	insert into audit_events (request_id, outcome, status, reason, method, action, actor_kind, actor_id, actor_username, token_id, token_kind,
	                          remote_address, entity_type, entity_id, entity_path, package_name, package_version, details)
	values ($1, $2, $3, $4, $5, $6, $7,
	        case when $19 = '' then $8::bigint
	             else coalesce((select u.id from users u where lower(u.username) = lower($19)), 0) end,
	        case when $19 = '' then $9
	             else coalesce((select u.username from users u where lower(u.username) = lower($19)), '') end,
	        $10, $11, $12, $13, $14,
	        case when $15 <> '' or $13 <> 'Project' then $15
	             else coalesce((select p.full_path from projects p where p.id = $14), '') end,
	        $16, $17, $18)`

// Statement is the insert of an event, for who writes it with other changes.
func Statement(e Event) (sql string, args []any) {
	changes := make([]Change, 0, len(e.Changes))
	for _, c := range e.Changes {
		changes = append(changes, Change{Type: c.Type, File: clean(c.File), Name: clean(c.Name)})
	}
	fields := make(map[string]string, len(e.Fields))
	for name, value := range e.Fields {
		fields[clean(name)] = clean(value)
	}
	return insert, []any{
		clean(e.RequestID), cmp.Or(e.Outcome, Done), e.Status, clean(e.Reason), clean(e.Method), clean(e.Action),
		string(cmp.Or(e.Actor.Kind, registry.Anonymous)), e.Actor.UserID, clean(e.Actor.Username), e.Actor.TokenID, TokenKind(e.Actor),
		e.RemoteAddress, cmp.Or(e.Entity.Type, Instance), e.Entity.ID, clean(e.Entity.Path), clean(e.PackageName), clean(e.PackageVersion),
		details{Changes: changes, Fields: fields},
		clean(e.Attempted),
	}
}

type details struct {
	Changes []Change          `json:"changes,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// clean makes a text one that the database takes, and no longer than MaxText.
func clean(s string) string {
	if len(s) > MaxText {
		s = s[:MaxText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// DB is a pool, or the transaction of the deed itself.
type DB interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Insert writes events, all or none.
func Insert(ctx context.Context, db DB, events ...Event) error {
	batch := &pgx.Batch{}
	for _, e := range events {
		sql, args := Statement(e)
		batch.Queue(sql, args...)
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write audit event: %w", postgres.Translate(err))
	}
	return nil
}
