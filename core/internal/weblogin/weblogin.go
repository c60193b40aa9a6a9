// Package weblogin lets a person sign in with a browser on behalf of a package
// client that waits: the client starts a login and shows its page's URL, the
// person signs in there, and the client's next poll gets a token.
package weblogin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// State is how a login stands.
type State int

// The states.
const (
	Gone    State = iota // no such login, over time, or consumed
	Pending              // nobody has signed in yet
	Ready                // somebody has; this poll has consumed the login
)

// Result is the answer to a poll.
type Result struct {
	State State
	Actor registry.Actor // of Ready
	Name  string         // what to call the token
}

// Logins are the logins under way. Both of a login's ids are random; only
// their digests are stored. A login lives ten minutes and is consumed once.
type Logins struct{ pool *pgxpool.Pool }

// New makes a Logins.
func New(pool *pgxpool.Pool) *Logins { return &Logins{pool: pool} }

// Start begins a login. page goes into the URL a person opens, poll stays with the client.
func (l *Logins) Start(ctx context.Context, name string) (page, poll string, err error) {
	page, poll = rand.Text(), rand.Text()
	_, err = l.pool.Exec(ctx, `
		insert into web_logins (page_digest, poll_digest, name, expires_at) values ($1, $2, $3, now() + interval '10 minutes')`,
		digest(page), digest(poll), name)
	if err != nil {
		return "", "", fmt.Errorf("start login: %w", postgres.Translate(err))
	}
	return page, poll, nil
}

// Open reports whether a page's login can still be completed, and its name.
func (l *Logins) Open(ctx context.Context, page string) (name string, ok bool, err error) {
	err = l.pool.QueryRow(ctx, `
		select name from web_logins where page_digest = $1 and expires_at > now() and completed_at is null`, digest(page)).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return name, err == nil, postgres.Translate(err)
}

// Complete notes who has signed in on a page; false if the login cannot be completed any more.
func (l *Logins) Complete(ctx context.Context, page string, actor registry.Actor) (bool, error) {
	var expiry *time.Time
	if !actor.ExpiresAt.IsZero() {
		expiry = &actor.ExpiresAt
	}
	tag, err := l.pool.Exec(ctx, `
		update web_logins set user_id = $2, scopes = $3, credential_expires_at = $4, token_id = nullif($5::bigint, 0), completed_at = now()
		where page_digest = $1 and expires_at > now() and completed_at is null`, digest(page), actor.UserID, actor.Scopes, expiry, actor.TokenID)
	if err != nil {
		return false, fmt.Errorf("complete login: %w", postgres.Translate(err))
	}
	return tag.RowsAffected() == 1, nil
}

// Poll asks how a login stands, and consumes it if it is done.
func (l *Logins) Poll(ctx context.Context, poll string) (Result, error) {
	r := Result{State: Ready, Actor: registry.Actor{Kind: registry.User}}
	var expiry *time.Time
	err := l.pool.QueryRow(ctx, `
		with done as (
			delete from web_logins where poll_digest = $1 and expires_at > now() and completed_at is not null
			returning user_id, name, scopes, credential_expires_at, coalesce(token_id, 0) as token_id
		)
		select u.id, u.username, u.is_admin, done.name, done.scopes, done.credential_expires_at, done.token_id
		from done join users u on u.id = done.user_id where u.state = 'active'`, digest(poll)).
		Scan(&r.Actor.UserID, &r.Actor.Username, &r.Actor.Admin, &r.Name, &r.Actor.Scopes, &expiry, &r.Actor.TokenID)
	if err == nil {
		if expiry != nil {
			r.Actor.ExpiresAt = *expiry
		}
		return r, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return Result{}, fmt.Errorf("poll login: %w", postgres.Translate(err))
	}
	// Whatever is still there is pending: somebody may have signed in since the
	// statement above, and then the next poll gets it.
	var waiting bool
	err = l.pool.QueryRow(ctx, "select exists (select from web_logins where poll_digest = $1 and expires_at > now())", digest(poll)).Scan(&waiting)
	if err != nil {
		return Result{}, fmt.Errorf("poll login: %w", postgres.Translate(err))
	}
	if waiting {
		return Result{State: Pending}, nil
	}
	return Result{State: Gone}, nil
}

func digest(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
