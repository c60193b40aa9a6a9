package accounts

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// newSecret makes a token of a kind, and what is stored of it.
func newSecret(kind string) (secret string, digest []byte) {
	prefix := auth.PersonalPrefix
	if kind == DeployToken {
		prefix = auth.DeployPrefix
	}
	secret = auth.NewToken(prefix)
	sum := auth.Digest(secret)
	return secret, sum[:]
}

// NewPersonalToken is a token to be made that acts as a user.
type NewPersonalToken struct {
	Name        string
	Description string
	Scopes      []string
	Granular    []registry.GranularScope // instead of Scopes
	ExpiresAt   *time.Time               // nil: never
}

func (n NewPersonalToken) check() error {
	for _, check := range []error{
		checkTokenName(n.Name), checkTokenDescription(n.Description), checkFuture(n.ExpiresAt),
		checkEither(n.Scopes, n.Granular, registry.ScopeAPI, registry.ScopeReadAPI),
	} {
		if check != nil {
			return check
		}
	}
	return nil
}

// CreatePersonalToken makes a token that acts as a user. The secret is returned
// here and never again.
func (a *Accounts) CreatePersonalToken(ctx context.Context, u User, n NewPersonalToken) (secret string, t Token, err error) {
	if err := n.check(); err != nil {
		return "", t, err
	}
	if err := a.reach(ctx, n.Granular, owner{userID: u.ID}); err != nil {
		return "", t, err
	}
	return a.createOwned(ctx, u, n)
}

// createOwned makes a token that has been checked.
func (a *Accounts) createOwned(ctx context.Context, u User, n NewPersonalToken) (secret string, t Token, err error) {
	secret, digest := newSecret(PersonalToken)
	t = Token{
		Kind: PersonalToken, Name: n.Name, Description: n.Description, Username: u.Username, UserID: u.ID,
		Scopes: scopesOf(n.Scopes, n.Granular), Granular: n.Granular, ExpiresAt: n.ExpiresAt,
	}
	err = a.db.QueryRow(ctx, `
		insert into tokens (kind, digest, name, description, user_id, scopes, granular_scopes, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
		returning id, created_at`,
		t.Kind, digest, n.Name, n.Description, u.ID, t.Scopes, n.Granular, n.ExpiresAt).Scan(&t.ID, &t.CreatedAt)
	if err != nil {
		return "", Token{}, fmt.Errorf("create token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}

// NewAccessToken is a token to be made of a project or a group; exactly one of
// GroupID and ProjectID is set.
type NewAccessToken struct {
	NewPersonalToken

	GroupID     int64
	ProjectID   int64
	AccessLevel registry.AccessLevel // the role of its bot
}

// CreateAccessToken makes a bot with a role in a project or a group, and a token
// that acts as it. The secret is returned here and never again.
func (a *Accounts) CreateAccessToken(ctx context.Context, n NewAccessToken) (secret string, t Token, err error) {
	if (n.GroupID == 0) == (n.ProjectID == 0) {
		return "", t, registry.Errorf(registry.CodeInvalid, "an access token belongs to either a group or a project")
	}
	if n.Name == "" {
		return "", t, registry.Errorf(registry.CodeInvalid, "name is missing")
	}
	if err := n.check(); err != nil {
		return "", t, err
	}
	if err := a.reach(ctx, n.Granular, owner{projectID: n.ProjectID, groupID: n.GroupID}); err != nil {
		return "", t, err
	}
	kind, bot, home, id := ProjectAccessToken, "project_bot", "project", n.ProjectID
	if n.GroupID != 0 {
		kind, bot, home, id = GroupAccessToken, "group_bot", "group", n.GroupID
	}
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		in := In(tx)
		var u User
		err := tx.QueryRow(ctx, "insert into users (username, name, kind) values ($1, $2, $3) returning id, username",
			fmt.Sprintf("%s_%d_bot_%s", home, id, strings.ToLower(rand.Text()[:12])), n.Name, bot).Scan(&u.ID, &u.Username)
		if err != nil {
			return postgres.Translate(err)
		}
		if err := in.AddMember(ctx, u.ID, n.GroupID, n.ProjectID, n.AccessLevel); err != nil {
			return err
		}
		if secret, t, err = in.createOwned(ctx, u, n.NewPersonalToken); err != nil {
			return err
		}
		t.Kind, t.GroupID, t.ProjectID, t.AccessLevel = kind, n.GroupID, n.ProjectID, n.AccessLevel
		_, err = tx.Exec(ctx, "update tokens set kind = $2, group_id = nullif($3::bigint, 0), project_id = nullif($4::bigint, 0) where id = $1",
			t.ID, kind, n.GroupID, n.ProjectID)
		return postgres.Translate(err)
	})
	if err != nil {
		return "", Token{}, err
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
	Granular  []registry.GranularScope // instead of Scopes
	ExpiresAt *time.Time
}

// CreateDeployToken makes a token of a project or a group. The secret is
// returned here and never again.
func (a *Accounts) CreateDeployToken(ctx context.Context, n NewDeployToken) (secret string, t Token, err error) {
	for _, check := range []error{
		checkTokenName(n.Name), checkFuture(n.ExpiresAt),
		checkEither(n.Scopes, n.Granular, registry.ScopeReadPackageRegistry, registry.ScopeWritePackageRegistry),
	} {
		if check != nil {
			return "", t, check
		}
	}
	if (n.GroupID == 0) == (n.ProjectID == 0) {
		return "", t, registry.Errorf(registry.CodeInvalid, "a deploy token belongs to either a group or a project")
	}
	if n.Username != "" && !regexp.MustCompile(`^[A-Za-z0-9.+_-]{1,255}$`).MatchString(n.Username) {
		return "", t, registry.Errorf(registry.CodeInvalid, "username %q can contain only letters, digits, '.', '+', '_' and '-'", n.Username)
	}
	if err := a.reach(ctx, n.Granular, owner{projectID: n.ProjectID, groupID: n.GroupID}); err != nil {
		return "", t, err
	}
	secret, digest := newSecret(DeployToken)
	t = Token{
		Kind: DeployToken, Name: n.Name, Scopes: scopesOf(n.Scopes, n.Granular), Granular: n.Granular, ExpiresAt: n.ExpiresAt,
		ProjectID: n.ProjectID, GroupID: n.GroupID,
	}
	err = a.db.QueryRow(ctx, `
		with next as (select nextval(pg_get_serial_sequence('tokens', 'id')) as id)
		insert into tokens (id, kind, digest, name, username, group_id, project_id, scopes, granular_scopes, expires_at) overriding system value
		select id, 'deploy', $1, $2, coalesce(nullif($3, ''), 'gitlab+deploy-token-' || id), nullif($4::bigint, 0), nullif($5::bigint, 0), $6, $7::jsonb, $8 from next
		returning id, username, created_at`,
		digest, n.Name, n.Username, n.GroupID, n.ProjectID, t.Scopes, n.Granular, n.ExpiresAt).Scan(&t.ID, &t.Username, &t.CreatedAt)
	if err != nil {
		return "", Token{}, fmt.Errorf("create deploy token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}
