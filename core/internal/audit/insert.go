package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// MaxText is the length of the longest text of an event, in bytes.
const MaxText = 1024

const columns = ` (request_id, outcome, status, reason, method, action, actor_kind, actor_id, actor_username, token_id, token_kind,
	remote_address, entity_type, entity_id, entity_path, package_name, package_version, details)`

// source reads what encode has made. What it has to look up is looked up by index,
// and only where it is needed.
const source = `
	select e.request_id, e.outcome, e.status, e.reason, e.method, e.action, e.actor_kind,
	       case when e.attempted = '' then e.actor_id
	            else coalesce((select u.id from users u where lower(u.username) = lower(e.attempted)), 0) end,
	       case when e.attempted = '' then e.actor_username
	            else coalesce((select u.username from users u where lower(u.username) = lower(e.attempted)), '') end,
	       e.token_id, e.token_kind, e.remote_address, e.entity_type, e.entity_id,
	       case when e.entity_path <> '' or e.entity_type <> 'Project' then e.entity_path
	            else coalesce((select p.full_path from projects p where p.id = e.entity_id), '') end,
	       e.package_name, e.package_version, e.details
	from jsonb_to_recordset($1::jsonb) as e (
	    request_id text, outcome text, status smallint, reason text, method text, action text, actor_kind text, actor_id bigint,
	    actor_username text, token_id bigint, token_kind text, remote_address text, entity_type text, entity_id bigint,
	    entity_path text, package_name text, package_version text, attempted text, details jsonb)`

// Statement is the insert of one event whose actor is known, for the transaction of
// the deed. It looks up only the path of a project that has none, for publishing waits
// for it.
func Statement(e Event) (sql string, args []any) {
	r := e.row()
	sql = "insert into audit_events" + columns + ` values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
		case when $15 <> '' or $13 <> 'Project' then $15 else coalesce((select p.full_path from projects p where p.id = $14), '') end,
		$16, $17, $18)`
	return sql, []any{
		r.RequestID, r.Outcome, r.Status, r.Reason, r.Method, r.Action, r.ActorKind, r.ActorID, r.ActorUsername, r.TokenID, r.TokenKind,
		r.RemoteAddress, r.EntityType, r.EntityID, r.EntityPath, r.PackageName, r.PackageVersion, r.Details,
	}
}

// row is an event as the statements take it.
type row struct {
	RequestID      string  `json:"request_id"`
	Outcome        Outcome `json:"outcome"`
	Status         int     `json:"status"`
	Reason         string  `json:"reason"`
	Method         string  `json:"method"`
	Action         string  `json:"action"`
	ActorKind      string  `json:"actor_kind"`
	ActorID        int64   `json:"actor_id"`
	ActorUsername  string  `json:"actor_username"`
	TokenID        int64   `json:"token_id"`
	TokenKind      string  `json:"token_kind"`
	RemoteAddress  string  `json:"remote_address"`
	EntityType     string  `json:"entity_type"`
	EntityID       int64   `json:"entity_id"`
	EntityPath     string  `json:"entity_path"`
	PackageName    string  `json:"package_name"`
	PackageVersion string  `json:"package_version"`
	Attempted      string  `json:"attempted"`
	Details        details `json:"details"`
}

type details struct {
	Changes []Change          `json:"changes,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// encode makes the parameter of source, a JSON list of events.
func encode(events ...Event) string {
	rows := make([]row, 0, len(events))
	for _, e := range events {
		rows = append(rows, e.row())
	}
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(text)
}

func (e Event) row() row {
	fields := make(map[string]string, len(e.Fields))
	for name, value := range e.Fields {
		fields[clean(name)] = clean(value)
	}
	changes := make([]Change, 0, len(e.Changes))
	for _, c := range e.Changes {
		changes = append(changes, Change{Type: c.Type, File: clean(c.File), Name: clean(c.Name)})
	}
	return row{
		RequestID: e.RequestID, Outcome: cmp.Or(e.Outcome, Done), Status: e.Status, Reason: clean(e.Reason),
		Method: clean(e.Method), Action: clean(e.Action),
		ActorKind: string(cmp.Or(e.Actor.Kind, registry.Anonymous)), ActorID: e.Actor.UserID, ActorUsername: clean(e.Actor.Username),
		TokenID: e.Actor.TokenID, TokenKind: TokenKind(e.Actor), RemoteAddress: e.RemoteAddress,
		EntityType: cmp.Or(e.Entity.Type, Instance), EntityID: e.Entity.ID, EntityPath: clean(e.Entity.Path),
		PackageName: clean(e.PackageName), PackageVersion: clean(e.PackageVersion), Attempted: clean(e.Attempted),
		Details: details{Changes: changes, Fields: fields},
	}
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
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Insert writes events.
func Insert(ctx context.Context, db DB, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	if _, err := db.Exec(ctx, "insert into audit_events"+columns+source, encode(events...)); err != nil {
		return fmt.Errorf("write audit event: %w", postgres.Translate(err))
	}
	return nil
}
