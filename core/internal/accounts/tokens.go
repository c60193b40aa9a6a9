package accounts

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// The kinds of tokens.
const (
	PersonalToken      = "personal"
	ProjectAccessToken = "project_access" // of a bot with a role in a project
	GroupAccessToken   = "group_access"   // of a bot with a role in a group
	DeployToken        = "deploy"
	OAuthToken         = "oauth" // of an application that acts for its user
)

// Token is a token without its secret.
type Token struct {
	ID          int64      `json:"id"`
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitzero"`
	Username    string     `json:"username"`
	Scopes      []string   `json:"scopes"`
	ExpiresAt   *time.Time `json:"expires_at"`

	UserID      int64                `json:"user_id,omitzero"` // whom it acts as; 0 of a deploy token
	ProjectID   int64                `json:"-"`                // where it belongs: of all but personal tokens exactly one is set
	GroupID     int64                `json:"-"`                //
	AccessLevel registry.AccessLevel `json:"-"`                // of the bot of an access token
	Revoked     bool                 `json:"revoked,omitzero"` //
	CreatedAt   time.Time            `json:"created_at"`       //
	LastUsedAt  *time.Time           `json:"last_used_at"`     // to the minute
}

// Expired reports whether the token is over at a time.
func (t Token) Expired(at time.Time) bool { return t.ExpiresAt != nil && !t.ExpiresAt.After(at) }

// Active reports whether the token is good at a time.
func (t Token) Active(at time.Time) bool { return !t.Revoked && !t.Expired(at) }

const (
	maxTokenName        = 255 // characters; GitLab's
	maxTokenDescription = 255
)

func checkTokenName(name string) error {
	if utf8.RuneCountInString(name) > maxTokenName {
		return registry.Errorf(registry.CodeInvalid, "name is longer than %d characters", maxTokenName)
	}
	return nil
}

func checkTokenDescription(text string) error {
	if utf8.RuneCountInString(text) > maxTokenDescription {
		return registry.Errorf(registry.CodeInvalid, "description is longer than %d characters", maxTokenDescription)
	}
	return nil
}

// checkFuture refuses an end that is over.
func checkFuture(end *time.Time) error {
	if end != nil && !end.After(time.Now()) {
		return registry.Errorf(registry.CodeInvalid, "expires_at is over already")
	}
	return nil
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

// TokenFilter selects tokens. Those that clients had made for themselves by a
// sign-in with a token are never among them: they are part of that one.
type TokenFilter struct {
	Kinds     []string // empty: all
	ID        int64    // 0: any
	UserID    int64    // 0: anybody's
	ProjectID int64    // 0: of any or no project
	GroupID   int64    // likewise
	Active    *bool    // whether they are good; nil: both
	Revoked   *bool    // nil: both
	Search    string   // within the name, without case
	Page      int      // from 1
	PerPage   int      // 0: all
}

// Tokens returns the tokens that a filter selects, by id, and how many there are
// on all pages.
func (a *Accounts) Tokens(ctx context.Context, f TokenFilter) (tokens []Token, total int, err error) {
	limit, offset := f.PerPage, (f.Page-1)*f.PerPage
	if limit == 0 {
		limit, offset = 1<<30, 0
	}
	rows, err := a.db.Query(ctx, `
		select t.id, t.kind, t.name, t.description, coalesce(t.username, u.username, ''), t.scopes, t.expires_at,
		       coalesce(t.user_id, 0), coalesce(t.project_id, 0), coalesce(t.group_id, 0),
		       coalesce((select max(m.access_level) from memberships m
		                 where t.kind in ('project_access', 'group_access') and m.user_id = t.user_id), 0),
		       t.revoked_at is not null, t.created_at, t.last_used_at, count(*) over ()
		from tokens t left join users u on u.id = t.user_id
		where t.parent_id is null
		  and (cardinality($1::text[]) = 0 or t.kind = any ($1))
		  and ($2 = 0 or t.id = $2) and ($3 = 0 or t.user_id = $3) and ($4 = 0 or t.project_id = $4) and ($5 = 0 or t.group_id = $5)
		  and ($6::boolean is null or $6 = (t.revoked_at is null and (t.expires_at is null or t.expires_at > now())))
		  and ($7::boolean is null or $7 = (t.revoked_at is not null))
		  and ($8 = '' or strpos(lower(t.name), lower($8)) > 0)
		order by t.id
		limit $9 offset $10`,
		append([]string{}, f.Kinds...), f.ID, f.UserID, f.ProjectID, f.GroupID, f.Active, f.Revoked, f.Search, limit, max(offset, 0))
	if err != nil {
		return nil, 0, fmt.Errorf("list tokens: %w", postgres.Translate(err))
	}
	var t Token
	_, err = pgx.ForEachRow(rows, []any{
		&t.ID, &t.Kind, &t.Name, &t.Description, &t.Username, &t.Scopes, &t.ExpiresAt, &t.UserID, &t.ProjectID, &t.GroupID, &t.AccessLevel,
		&t.Revoked, &t.CreatedAt, &t.LastUsedAt, &total,
	}, func() error {
		tokens = append(tokens, t)
		t = Token{}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list tokens: %w", postgres.Translate(err))
	}
	return tokens, total, nil
}

// Token returns the one token that a filter selects, or CodeNotFound.
func (a *Accounts) Token(ctx context.Context, f TokenFilter) (Token, error) {
	tokens, _, err := a.Tokens(ctx, f)
	if err != nil {
		return Token{}, err
	}
	if len(tokens) != 1 {
		return Token{}, registry.Errorf(registry.CodeNotFound, "there is no token %d", f.ID)
	}
	return tokens[0], nil
}

// RevokeToken ends a token at once, and with it those that were made by it. A bot
// without a good token has no role any more.
func (a *Accounts) RevokeToken(ctx context.Context, id int64) error {
	return a.inTx(ctx, func(tx pgx.Tx) error {
		if err := revoke(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			delete from memberships m using tokens t
			where t.id = $1 and t.kind in ('project_access', 'group_access') and m.user_id = t.user_id
			  and not exists (select from tokens o where o.user_id = t.user_id and o.revoked_at is null)`, id)
		return postgres.Translate(err)
	})
}

func revoke(ctx context.Context, tx pgx.Tx, id int64) error {
	err := tx.QueryRow(ctx, "update tokens set revoked_at = now() where id = $1 and revoked_at is null returning id", id).Scan(&id)
	return missing(err, "token %d", id)
}

// RotateToken puts a new token in the place of one that is good, which ends at
// once: of the same kind, name, scopes and owner. The secret is returned here and
// never again.
func (a *Accounts) RotateToken(ctx context.Context, id int64, expires *time.Time) (secret string, t Token, err error) {
	if err := checkFuture(expires); err != nil {
		return "", t, err
	}
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		old, err := In(tx).Token(ctx, TokenFilter{ID: id})
		if err != nil {
			return err
		}
		if !old.Active(time.Now()) {
			return registry.Errorf(registry.CodeInvalid, "token %d is revoked or expired: it cannot be rotated", id)
		}
		if err := revoke(ctx, tx, id); err != nil {
			return err
		}
		var digest []byte
		secret, digest = newSecret(old.Kind)
		t = old
		t.ExpiresAt, t.LastUsedAt = expires, nil
		return tx.QueryRow(ctx, `
			insert into tokens (kind, digest, name, description, user_id, project_id, group_id, username, scopes, expires_at)
			select kind, $2, name, description, user_id, project_id, group_id, username, scopes, $3 from tokens where id = $1
			returning id, created_at`, id, digest, expires).Scan(&t.ID, &t.CreatedAt)
	})
	if err != nil {
		return "", Token{}, postgres.Translate(err)
	}
	return secret, t, nil
}
