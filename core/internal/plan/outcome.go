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

// resolveTime is how long the outcome of a lost commit is looked for. The
// client waits meanwhile; after it, the client hears 503 and may ask again.
const resolveTime = 15 * time.Second

// afterCommit finds out what a COMMIT that returned an error has done: nil, it
// committed; errTryAgain, it did not and never will.
func (e *Executor) afterCommit(ctx context.Context, intent uuid.UUID, cause error) error {
	if _, ok := errors.AsType[*pgconn.PgError](cause); ok || errors.Is(cause, pgx.ErrTxCommitRollback) {
		return lost(cause) // the server's own word: rolled back
	}
	e.log.Warn("the answer to a commit was lost; asking what became of it", "intent", intent.String(), "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
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
			return registry.Errorf(registry.CodeUnavailable, "it is not known whether this was done; ask again before repeating it").
				Because(errors.Join(cause, err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// committed asks the table that the lost transaction wrote its intent to.
// Inserting the same intent waits for a transaction that is still under way; if
// the insert then succeeds, the other did not commit and, because the key is
// taken now, never can.
func (e *Executor) committed(ctx context.Context, intent uuid.UUID) (bool, error) {
	tag, err := e.pool.Exec(ctx, "insert into intents (id) values ($1) on conflict (id) do nothing", intent)
	if err != nil {
		return false, postgres.Translate(err)
	}
	return tag.RowsAffected() == 0, nil
}
