package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Granted is an application that somebody has allowed to act for them, and that
// still may.
type Granted struct {
	ApplicationID int64
	Application   string
	Scopes        []string
	Since         time.Time
}

// Granted returns the applications that a user has allowed, by name.
func (s *Server) Granted(ctx context.Context, userID int64) ([]Granted, error) {
	rows, err := s.Pool.Query(ctx, `
		select a.id, a.name, array_agg(distinct scope order by scope), min(g.created_at)
		from oauth_grants g join oauth_applications a on a.id = g.application_id cross join unnest(g.scopes) scope
		where g.user_id = $1 and g.revoked_at is null
		  and exists (select from oauth_refresh_tokens r where r.grant_id = g.id and r.used_at is null and r.expires_at > now())
		group by a.id, a.name order by a.name, a.id`, userID)
	if err != nil {
		return nil, fmt.Errorf("list allowed applications: %w", postgres.Translate(err))
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Granted])
	if err != nil {
		return nil, fmt.Errorf("list allowed applications: %w", postgres.Translate(err))
	}
	return all, nil
}

// Withdraw ends all that somebody has allowed an application.
func (s *Server) Withdraw(ctx context.Context, by registry.Actor, applicationID int64) error {
	var name string
	err := postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "select name from oauth_applications where id = $1", applicationID).Scan(&name); err != nil {
			return err
		}
		for _, sql := range []string{
			"update oauth_grants set revoked_at = now() where application_id = $1 and user_id = $2 and revoked_at is null",
			`update tokens t set revoked_at = now() from oauth_grants g
			 where g.id = t.oauth_grant_id and g.application_id = $1 and g.user_id = $2 and t.revoked_at is null`,
		} {
			if _, err := tx.Exec(ctx, sql, applicationID, by.UserID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("withdraw from an application: %w", postgres.Translate(err))
	}
	return s.Done(ctx, by, audit.Change{Type: "oauth_grant.revoked", Name: name})
}
