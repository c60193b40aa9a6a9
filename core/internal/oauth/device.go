package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// What devices are to leave between two polls, and how much more each time that
// they do not; RFC 8628's.
const (
	pollInterval = 5 * time.Second
	pollPenalty  = 5 * time.Second
	pollSlack    = time.Second // a network's delays are no hurry
)

// Device is a device that waits for somebody's decision.
type Device struct {
	Application string
	Scopes      []string

	id int64
}

// newDevice keeps that a device waits, and returns what it polls with, and what
// its user is to type in.
func (s *Server) newDevice(ctx context.Context, c *client, scopes []string) (deviceCode, userCode string, err error) {
	for range 5 {
		if deviceCode, err = op.NewDeviceCode(32); err != nil {
			return "", "", err
		}
		of := op.UserCodeBase20
		if userCode, err = op.NewUserCode([]rune(of.CharSet), of.CharAmount, of.DashInterval); err != nil {
			return "", "", err
		}
		device, user := auth.Digest(deviceCode), auth.Digest(typed(userCode))
		_, err = s.Pool.Exec(ctx, `
			insert into oauth_device_codes (digest, user_code_digest, application_id, scopes, poll_interval, expires_at)
			values ($1, $2, $3, $4, $5, now() + $6::interval)`, device[:], user[:], c.id, scopes, int64(pollInterval/time.Second), deviceLife)
		if !postgres.IsUniqueViolation(err, "") {
			return deviceCode, userCode, postgres.Translate(err)
		}
	}
	return "", "", fmt.Errorf("no user code is free: %w", err)
}

// typed is a user code as it is compared: people write them in their own way.
func typed(userCode string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(userCode))
}

// Device finds what waits for a user code; CodeUnauthenticated if nothing does: it
// is somebody's attempt at a secret.
func (s *Server) Device(ctx context.Context, userCode string) (Device, error) {
	var d Device
	digest := auth.Digest(typed(userCode))
	err := s.Pool.QueryRow(ctx, `
		select d.id, a.name, d.scopes from oauth_device_codes d join oauth_applications a on a.id = d.application_id
		where d.user_code_digest = $1 and d.allowed is null and d.expires_at > now()`, digest[:]).Scan(&d.id, &d.Application, &d.Scopes)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, registry.Errorf(registry.CodeUnauthenticated, "The code is invalid or has expired.")
	}
	if err != nil {
		return d, fmt.Errorf("find device: %w", postgres.Translate(err))
	}
	return d, nil
}

// Decide keeps somebody's decision about a device; false if it came too late.
func (s *Server) Decide(ctx context.Context, d Device, by registry.Actor, allowed bool) (bool, error) {
	tag, err := s.Pool.Exec(ctx, "update oauth_device_codes set user_id = $2, allowed = $3 where id = $1 and allowed is null and expires_at > now()",
		d.id, by.UserID, allowed)
	if err != nil {
		return false, fmt.Errorf("decide about a device: %w", postgres.Translate(err))
	}
	if tag.RowsAffected() == 0 || !allowed {
		return tag.RowsAffected() == 1, nil
	}
	return true, s.Done(ctx, by, audit.Change{Type: "oauth_grant.created", Name: d.Application})
}

// redeem gives a device its tokens, once somebody has allowed it.
func (s *Server) redeem(ctx context.Context, c *client, deviceCode string) (Tokens, error) {
	digest := auth.Digest(deviceCode)
	return s.inTx(ctx, "redeem device code", func(tx pgx.Tx) (t Tokens, refused error, err error) {
		var (
			g              grant
			id             int64
			user           *int64
			allowed        *bool
			expired, hasty bool
		)
		err = tx.QueryRow(ctx, `
			select d.id, d.scopes, d.user_id, coalesce(u.username, ''), coalesce(u.state <> 'active', false), d.allowed, d.expires_at <= now(),
			       coalesce(d.polled_at + d.poll_interval * interval '1 second' - $3::interval > now(), false)
			from oauth_device_codes d left join users u on u.id = d.user_id
			where d.digest = $1 and d.application_id = $2 for update of d`, digest[:], c.id, pollSlack).
			Scan(&id, &g.scopes, &user, &g.user.Username, &g.over, &allowed, &expired, &hasty)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return t, invalidGrant(), nil
		case err != nil:
			return t, nil, err
		case expired:
			return t, oidc.ErrExpiredDeviceCode(), nil
		case allowed == nil && hasty:
			_, err = tx.Exec(ctx, "update oauth_device_codes set polled_at = now(), poll_interval = poll_interval + $2 where id = $1", id, int64(pollPenalty/time.Second))
			return t, oidc.ErrSlowDown(), err
		case allowed == nil:
			_, err = tx.Exec(ctx, "update oauth_device_codes set polled_at = now() where id = $1", id)
			return t, oidc.ErrAuthorizationPending(), err
		}
		if _, err := tx.Exec(ctx, "delete from oauth_device_codes where id = $1", id); err != nil {
			return t, nil, err
		}
		if !*allowed || g.over || user == nil {
			return t, oidc.ErrAccessDenied(), nil
		}
		g.user.UserID = *user
		err = tx.QueryRow(ctx, "insert into oauth_grants (application_id, user_id, scopes) values ($1, $2, $3) returning id", c.id, *user, g.scopes).Scan(&g.id)
		if err != nil {
			return t, nil, err
		}
		t, err = issue(ctx, tx, c, g, g.scopes)
		return t, nil, err
	})
}
