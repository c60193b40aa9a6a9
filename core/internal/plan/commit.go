package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// maxTries is how often a transaction is begun that lost to another one, or
// whose commit turned out not to have happened.
const maxTries = 3

// Commit carries a plan out. It returns an error only if nothing was changed,
// or if that could not be found out (CodeUnavailable): then the caller's client
// must not be told that anything was done.
func (e *Executor) Commit(ctx context.Context, s Scope, p *spec.Plan) (Result, error) {
	return e.CommitWith(ctx, s, p, nil)
}

// CommitWith is Commit with one more change in the same transaction: a job's completion.
func (e *Executor) CommitWith(ctx context.Context, s Scope, p *spec.Plan, also func(context.Context, pgx.Tx) error) (Result, error) {
	if err := validate(s, p); err != nil {
		return Result{}, err
	}
	var last error
	for range maxTries {
		// Bytes before rows: a row whose bytes are missing can never be seen.
		if err := makeDurable(ctx, s, p); err != nil {
			return Result{}, err
		}
		result, err := e.try(ctx, s, p, also)
		if err == nil {
			return result, nil
		}
		if !errors.Is(err, errTryAgain) {
			return Result{}, err
		}
		last = err
	}
	return Result{}, registry.Errorf(registry.CodeUnavailable, "the registry is too busy; try again").Because(last)
}

// errTryAgain marks a try that changed nothing and may succeed when repeated.
var errTryAgain = errors.New("try again")

func makeDurable(ctx context.Context, s Scope, p *spec.Plan) error {
	for _, o := range p.Operations {
		if a, ok := o.Op.(spec.AttachFile); ok {
			if err := s.Uploads[a.UploadHandle].Commit(ctx); err != nil {
				return fmt.Errorf("store file: %w", err)
			}
		}
	}
	return nil
}

// refusal leaves the transaction with the answer for what stood in the way.
type refusal struct{ answer *spec.HTTPResponse }

func (refusal) Error() string { return "refused" }

// try is one transaction.
func (e *Executor) try(ctx context.Context, s Scope, p *spec.Plan, also func(context.Context, pgx.Tx) error) (Result, error) {
	tx, err := e.pool.Begin(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("begin: %w", postgres.Translate(err))
	}
	defer rollback(ctx, tx)
	r := &run{executor: e, scope: s, plan: p, tx: tx, intent: uuid.New()}
	err = r.all(ctx, also)
	if no, ok := errors.AsType[refusal](err); ok {
		if no.answer == nil {
			return Result{State: AskAgain}, nil
		}
		return Result{State: Refused, Refusal: no.answer}, nil
	}
	if err != nil {
		return Result{}, lost(err)
	}
	if err := tx.Commit(ctx); err != nil {
		if err := e.afterCommit(ctx, r.intent, err); err != nil {
			return Result{}, err
		}
	}
	return Result{State: Committed, PackageIDs: r.packageIDs, FileIDs: r.fileIDs}, nil
}

// lost marks errors of a transaction that another one got in the way of.
func lost(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code {
		case pgerrcode.DeadlockDetected, pgerrcode.SerializationFailure, pgerrcode.LockNotAvailable:
			return errors.Join(errTryAgain, err)
		}
	}
	return postgres.Translate(err)
}

// rollback outlives a cancelled request, or the connection would be thrown away with the transaction.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // a no-op after Commit
}
