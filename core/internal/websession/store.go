package websession

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
)

// store keeps sessions in the database, with whose they are: so they end with
// their user, and can be ended by them.
type store struct{ pool *pgxpool.Pool }

var _ scs.CtxStore = (*store)(nil)

// FindCtx implements scs.CtxStore.
func (s *store) FindCtx(ctx context.Context, token string) (data []byte, ok bool, err error) {
	err = s.pool.QueryRow(ctx, "select data from web_sessions where digest = $1 and expires_at > now()", token).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if f, ok := ctx.Value(foundKey{}).(*found); ok && err == nil {
		f.token = token
	}
	return data, err == nil, postgres.Translate(err)
}

// found is the session that a request came with.
type found struct{ token string }

type foundKey struct{}

// CommitCtx implements scs.CtxStore. A session that has ended since the request
// began does not come back.
func (s *store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return fmt.Errorf("decode session: %w", err)
	}
	var user *int64
	if id, ok := values[userKey].(int64); ok {
		user = &id
	}
	if f, ok := ctx.Value(foundKey{}).(*found); ok && f.token == token {
		_, err = s.pool.Exec(ctx, "update web_sessions set user_id = $2, data = $3, expires_at = $4 where digest = $1", token, user, data, expiry)
		return postgres.Translate(err)
	}
	_, err = s.pool.Exec(ctx, `
		insert into web_sessions (digest, user_id, data, expires_at) values ($1, $2, $3, $4)
		on conflict (digest) do update set user_id = excluded.user_id, data = excluded.data, expires_at = excluded.expires_at`, // twice in one request
		token, user, data, expiry)
	return postgres.Translate(err)
}

// DeleteCtx implements scs.CtxStore.
func (s *store) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.pool.Exec(ctx, "delete from web_sessions where digest = $1", token)
	return postgres.Translate(err)
}

// errContext: the library asks a store that takes contexts with one.
var errContext = errors.New("sessions are asked for with a context")

// Find implements scs.Store.
func (*store) Find(string) ([]byte, bool, error) { return nil, false, errContext }

// Commit implements scs.Store.
func (*store) Commit(string, []byte, time.Time) error { return errContext }

// Delete implements scs.Store.
func (*store) Delete(string) error { return errContext }
