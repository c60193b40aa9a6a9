package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// grant is what somebody has allowed an application.
type grant struct {
	id     int64
	user   registry.Actor
	scopes []string
	over   bool // revoked, or its user is blocked
}

// Tokens are what an application gets. They are shown this once.
type Tokens struct {
	Access  string
	Refresh string
	Scopes  []string
	Made    time.Time

	by registry.Actor // whom the access token acts as
}

// allow keeps what somebody has allowed, and returns the code for it.
func (s *Server) allow(ctx context.Context, a *Asked, userID int64) (code string, err error) {
	code = rand.Text()
	digest := auth.Digest(code)
	_, err = s.Pool.Exec(ctx, `
		insert into oauth_grants (application_id, user_id, scopes, code_digest, redirect_uri, code_challenge, code_expires_at)
		values ($1, $2, $3, $4, $5, nullif($6, ''), now() + $7::interval)`,
		a.client.id, userID, a.Scopes, digest[:], a.RedirectURI, a.challenge, codeLife)
	if err != nil {
		return "", fmt.Errorf("allow application: %w", postgres.Translate(err))
	}
	return code, nil
}

// invalidGrant is a code or refresh token that is no good, for whatever reason: a
// stranger learns nothing of which.
func invalidGrant() error {
	return oidc.ErrInvalidGrant().WithDescription("The provided authorization grant is invalid, expired, revoked, " +
		"does not match the redirection URI used in the authorization request, or was issued to another client.")
}

// exchange gives tokens for a code. A code that comes a second time has been
// stolen, or what came of it was: all that ends.
func (s *Server) exchange(ctx context.Context, c *client, r *oidc.AccessTokenRequest, verify func(*oidc.CodeChallenge) error) (t Tokens, err error) {
	digest := auth.Digest(r.Code)
	return s.inTx(ctx, "exchange code", func(tx pgx.Tx) (t Tokens, refused error, err error) {
		var (
			g             grant
			redirect      string
			challenge     *string
			used, expired bool
		)
		err = tx.QueryRow(ctx, `
			select g.id, g.user_id, u.username, g.scopes, g.revoked_at is not null or u.state <> 'active',
			       g.redirect_uri, g.code_challenge, g.code_used_at is not null, g.code_expires_at <= now()
			from oauth_grants g join users u on u.id = g.user_id
			where g.code_digest = $1 and g.application_id = $2 for update of g`, digest[:], c.id).
			Scan(&g.id, &g.user.UserID, &g.user.Username, &g.scopes, &g.over, &redirect, &challenge, &used, &expired)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return t, invalidGrant(), nil
		case err != nil:
			return t, nil, err
		case used:
			return t, &ended{invalidGrant(), g, "a code was used twice"}, end(ctx, tx, g)
		case g.over, expired, redirect != r.RedirectURI:
			return t, invalidGrant(), nil
		}
		var expected *oidc.CodeChallenge
		if challenge != nil {
			expected = &oidc.CodeChallenge{Challenge: *challenge, Method: oidc.CodeChallengeMethodS256}
		}
		if err := verify(expected); err != nil {
			return t, err, nil
		}
		if _, err := tx.Exec(ctx, "update oauth_grants set code_used_at = now() where id = $1", g.id); err != nil {
			return t, nil, err
		}
		t, err = issue(ctx, tx, c, g, g.scopes)
		return t, nil, err
	})
}

// refresh gives new tokens for a refresh token, whose access token ends. One that
// comes a second time has been stolen, or the new one was: all ends.
func (s *Server) refresh(ctx context.Context, c *client, token string, scopes []string) (Tokens, error) {
	digest := auth.Digest(token)
	return s.inTx(ctx, "refresh token", func(tx pgx.Tx) (t Tokens, refused error, err error) {
		var (
			g             grant
			id            int64
			used, expired bool
		)
		err = tx.QueryRow(ctx, `
			select g.id, g.user_id, u.username, g.scopes, g.revoked_at is not null or u.state <> 'active', r.id, r.used_at is not null, r.expires_at <= now()
			from oauth_refresh_tokens r join oauth_grants g on g.id = r.grant_id join users u on u.id = g.user_id
			where r.digest = $1 and g.application_id = $2 for update of g, r`, digest[:], c.id).
			Scan(&g.id, &g.user.UserID, &g.user.Username, &g.scopes, &g.over, &id, &used, &expired)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return t, invalidGrant(), nil
		case err != nil:
			return t, nil, err
		case used && !g.over:
			return t, &ended{invalidGrant(), g, "a refresh token was used twice"}, end(ctx, tx, g)
		case g.over, used, expired:
			return t, invalidGrant(), nil
		}
		wanted := g.scopes
		if scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == "" }); len(scopes) > 0 {
			slices.Sort(scopes)
			wanted = slices.Compact(scopes)
		}
		for _, scope := range wanted {
			if !slices.Contains(g.scopes, scope) {
				return t, oidc.ErrInvalidScope().WithDescription("The requested scope is invalid, unknown, or malformed."), nil
			}
		}
		if _, err := tx.Exec(ctx, "update oauth_refresh_tokens set used_at = now() where id = $1", id); err != nil {
			return t, nil, err
		}
		if _, err := tx.Exec(ctx, "update tokens set revoked_at = now() where oauth_grant_id = $1 and revoked_at is null", g.id); err != nil {
			return t, nil, err
		}
		t, err = issue(ctx, tx, c, g, wanted)
		return t, nil, err
	})
}

// issue makes an access token and a refresh token.
func issue(ctx context.Context, tx pgx.Tx, c *client, g grant, scopes []string) (Tokens, error) {
	t := Tokens{Access: auth.NewToken(auth.OAuthPrefix), Refresh: auth.NewToken(auth.OAuthRefreshPrefix), Scopes: scopes, by: g.user}
	access, refresh := auth.Digest(t.Access), auth.Digest(t.Refresh)
	err := tx.QueryRow(ctx, `
		insert into tokens (kind, digest, name, user_id, scopes, expires_at, oauth_grant_id)
		values ('oauth', $1, $2, $3, $4, now() + $5::interval, $6) returning id, created_at`,
		access[:], c.name, g.user.UserID, scopes, accessLife, g.id).Scan(&t.by.TokenID, &t.Made)
	if err != nil {
		return t, err
	}
	t.by.Kind, t.by.OAuth = registry.User, true
	_, err = tx.Exec(ctx, "insert into oauth_refresh_tokens (digest, grant_id, expires_at) values ($1, $2, now() + $3::interval)", refresh[:], g.id, refreshLife)
	return t, err
}

// end ends all that came of a grant.
func end(ctx context.Context, tx pgx.Tx, g grant) error {
	for _, sql := range []string{
		"update oauth_grants set revoked_at = coalesce(revoked_at, now()) where id = $1",
		"update tokens set revoked_at = now() where oauth_grant_id = $1 and revoked_at is null",
	} {
		if _, err := tx.Exec(ctx, sql, g.id); err != nil {
			return err
		}
	}
	return nil
}

// ended is a refusal with which a grant has ended.
type ended struct {
	error

	of  grant
	why string
}

// inTx runs what gives tokens in one transaction. What it refuses is refused after
// the transaction has been committed: a refusal may have ended something.
func (s *Server) inTx(ctx context.Context, what string, fn func(pgx.Tx) (Tokens, error, error)) (Tokens, error) {
	var (
		t       Tokens
		refused error
	)
	err := postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) (err error) {
		t, refused, err = fn(tx)
		return err
	})
	if err != nil {
		return Tokens{}, s.fault(what, postgres.Translate(err))
	}
	if e, ok := errors.AsType[*ended](refused); ok {
		if err := s.tellEnd(ctx, e.of, e.why); err != nil {
			return Tokens{}, s.fault(what, err)
		}
		return Tokens{}, e.error
	}
	return t, refused
}

func (s *Server) tellEnd(ctx context.Context, g grant, why string) error {
	g.user.Kind = registry.User
	return s.Done(ctx, g.user, audit.Change{Type: "oauth_grant.revoked", Name: why})
}

// Token is what is known of an access or refresh token that is good.
type Token struct {
	ID        int64
	ClientID  string
	UserID    int64
	Username  string
	Scopes    []string
	Made      time.Time
	ExpiresAt time.Time
	Refresh   bool

	grant grant
}

// find finds a token that OAuth has given out; nil if it is no good. Of clients,
// each sees its own.
func (s *Server) find(ctx context.Context, token string) (*Token, error) {
	digest := auth.Digest(token)
	t := &Token{}
	err := s.Pool.QueryRow(ctx, `
		select f.id, a.uid, u.id, u.username, f.scopes, f.created_at, f.expires_at, f.refresh, g.id
		from (select id, scopes, created_at, expires_at, false as refresh, oauth_grant_id as grant_id
		      from tokens where digest = $1 and oauth_grant_id is not null and revoked_at is null
		      union all
		      select r.id, g.scopes, r.created_at, r.expires_at, true, r.grant_id
		      from oauth_refresh_tokens r join oauth_grants g on g.id = r.grant_id where r.digest = $1 and r.used_at is null) f
		join oauth_grants g on g.id = f.grant_id and g.revoked_at is null
		join oauth_applications a on a.id = g.application_id
		join users u on u.id = g.user_id and u.state = 'active'
		where f.expires_at > now()`, digest[:]).
		Scan(&t.ID, &t.ClientID, &t.UserID, &t.Username, &t.Scopes, &t.Made, &t.ExpiresAt, &t.Refresh, &t.grant.id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // that it is no good is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("find token: %w", postgres.Translate(err))
	}
	t.grant.user = registry.Actor{Kind: registry.User, UserID: t.UserID, Username: t.Username}
	return t, nil
}

// Info is what is known of an access token that is good; nil of any other.
func (s *Server) Info(ctx context.Context, access string) (*Token, error) {
	t, err := s.find(ctx, access)
	if err != nil || t == nil || t.Refresh {
		return nil, err
	}
	return t, nil
}

// revoke ends all that came of the grant of a token.
func (s *Server) revoke(ctx context.Context, t *Token) error {
	if err := postgres.InTx(ctx, s.Pool, func(tx pgx.Tx) error { return end(ctx, tx, t.grant) }); err != nil {
		return postgres.Translate(err)
	}
	return s.tellEnd(ctx, t.grant, "an application gave it up")
}
