package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// How long, and how often, the outcome of a lost commit is looked for. The
// client waits meanwhile; after it, the client hears 503 and may ask again.
const (
	resolveTime  = 15 * time.Second
	resolveEvery = 100 * time.Millisecond
)

// afterCommit finds out what a COMMIT that returned an error has done: nil, it
// committed; errTryAgain, it did not and never will.
func (e *Executor) afterCommit(ctx context.Context, intent uuid.UUID, cause error) error {
	if rolledBack(cause) {
		return e.failed(fmt.Errorf("commit: %w", cause))
	}
	e.log.Warn("the answer to a commit was lost; asking what became of it", "intent", intent.String(), "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.resolveTime)
	defer cancel()
	for {
		committed, err := e.committed(ctx, intent)
		if err == nil {
			e.log.Info("the lost commit is resolved", "intent", intent.String(), "committed", committed)
			if committed {
				return nil
			}
			return fmt.Errorf("commit was lost: %w", errors.Join(errTryAgain, cause))
		}
		select {
		case <-ctx.Done():
			return registry.Errorf(registry.CodeUnavailable, "it is not known whether this was done; look before you repeat it").
				Because(errors.Join(cause, err))
		case <-time.After(resolveEvery):
		}
	}
}

// rolledBack reports whether the server itself said that the transaction ended
// without effect. A session that it ends (FATAL) may have committed before.
func rolledBack(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.SeverityUnlocalized == "ERROR"
}

// committed asks the table that the lost transaction wrote its intent to.
// Inserting the same intent waits for a transaction that is still under way. If
// the insert succeeds, the other did not commit and, because the key is taken
// now, never can. The row says who wrote it: our own insert's answer can be lost too.
func (e *Executor) committed(ctx context.Context, intent uuid.UUID) (bool, error) {
	if _, err := e.pool.Exec(ctx, "insert into intents (id, void) values ($1, true) on conflict (id) do nothing", intent); err != nil {
		return false, postgres.Translate(err)
	}
	var void bool
	if err := e.pool.QueryRow(ctx, "select void from intents where id = $1", intent).Scan(&void); err != nil {
		return false, postgres.Translate(err)
	}
	return !void, nil
}
