package accounts

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Token is a token without its secret.
type Token struct {
	ID        int64      `json:"id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	Username  string     `json:"username"`
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expires_at"`
}

// CreatePersonalToken makes a token that acts as a user. The secret is returned
// here and never again.
func (a *Accounts) CreatePersonalToken(ctx context.Context, u User, name string, scopes []string, expires *time.Time) (secret string, t Token, err error) {
	if err := checkScopes(scopes, registry.ScopeAPI, registry.ScopeReadAPI); err != nil {
		return "", t, err
	}
	secret = auth.NewToken(auth.PersonalPrefix)
	digest := auth.Digest(secret)
	t = Token{Kind: "personal", Name: name, Username: u.Username, Scopes: scopes, ExpiresAt: expires}
	err = a.db.QueryRow(ctx, "insert into tokens (kind, digest, name, user_id, scopes, expires_at) values ('personal', $1, $2, $3, $4, $5) returning id",
		digest[:], name, u.ID, scopes, expires).Scan(&t.ID)
	if err != nil {
		return "", Token{}, fmt.Errorf("create token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}

// NewDeployToken is a deploy token to be made; exactly one of GroupID and
// ProjectID is set.
type NewDeployToken struct {
	Name      string
	Username  string // empty: gitlab+deploy-token-<id>
	GroupID   int64
	ProjectID int64
	Scopes    []string
	ExpiresAt *time.Time
}

// CreateDeployToken makes a token of a project or a group. The secret is
// returned here and never again.
func (a *Accounts) CreateDeployToken(ctx context.Context, n NewDeployToken) (secret string, t Token, err error) {
	if err := checkScopes(n.Scopes, registry.ScopeReadPackageRegistry, registry.ScopeWritePackageRegistry); err != nil {
		return "", t, err
	}
	if (n.GroupID == 0) == (n.ProjectID == 0) {
		return "", t, registry.Errorf(registry.CodeInvalid, "a deploy token belongs to either a group or a project")
	}
	if n.Username != "" && !regexp.MustCompile(`^[A-Za-z0-9.+_-]{1,255}$`).MatchString(n.Username) {
		return "", t, registry.Errorf(registry.CodeInvalid, "username %q can contain only letters, digits, '.', '+', '_' and '-'", n.Username)
	}
	secret = auth.NewToken(auth.DeployPrefix)
	digest := auth.Digest(secret)
	t = Token{Kind: "deploy", Name: n.Name, Scopes: n.Scopes, ExpiresAt: n.ExpiresAt}
	err = a.db.QueryRow(ctx, `
		with next as (select nextval(pg_get_serial_sequence('tokens', 'id')) as id)
		insert into tokens (id, kind, digest, name, username, group_id, project_id, scopes, expires_at) overriding system value
		select id, 'deploy', $1, $2, coalesce(nullif($3, ''), 'gitlab+deploy-token-' || id), nullif($4::bigint, 0), nullif($5::bigint, 0), $6, $7 from next
		returning id, username`,
		digest[:], n.Name, n.Username, n.GroupID, n.ProjectID, n.Scopes, n.ExpiresAt).Scan(&t.ID, &t.Username)
	if err != nil {
		return "", Token{}, fmt.Errorf("create deploy token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}

// RevokeToken ends a token at once.
func (a *Accounts) RevokeToken(ctx context.Context, id int64) error {
	err := a.db.QueryRow(ctx, "update tokens set revoked_at = now() where id = $1 and revoked_at is null returning id", id).Scan(&id)
	return missing(err, "token %d", id)
}

func checkScopes(scopes []string, allowed ...registry.Scope) error {
	if len(scopes) == 0 {
		return registry.Errorf(registry.CodeInvalid, "scopes are missing: choose from %v", allowed)
	}
	for _, s := range scopes {
		if !slices.Contains(allowed, registry.Scope(s)) {
			return registry.Errorf(registry.CodeInvalid, "scope %q: choose from %v", s, allowed)
		}
	}
	return nil
}
