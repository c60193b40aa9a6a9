package plan

import (
	"context"
	"errors"
	"fmt"

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
const maxTries = 4

// Commit carries a plan out. It returns an error only if nothing was changed,
// or if that could not be found out (CodeUnavailable): then the caller's client
// must not be told that anything was done. What a protection rule keeps the actor
// from is CodeForbidden.
func (e *Executor) Commit(ctx context.Context, s Scope, p *spec.Plan) (Result, error) {
	return e.CommitWith(ctx, s, p, nil)
}

// CommitWith is Commit with one more change in the same transaction: a job's
// completion. The change is made again if the transaction is begun again.
func (e *Executor) CommitWith(ctx context.Context, s Scope, p *spec.Plan, also func(context.Context, pgx.Tx) error) (Result, error) {
	if err := validate(s, p); err != nil {
		return Result{}, err
	}
	if len(p.Jobs) > 0 && e.jobs == nil {
		return Result{}, errors.New("the plan enqueues jobs, and there is no queue")
	}
	var last error
	for range maxTries {
		result, err := e.try(ctx, s, p, also)
		if err == nil || !errors.Is(err, errTryAgain) {
			return result, err
		}
		e.log.Debug("a plan's transaction is begun again", "request_id", s.RequestID, "format", s.Format, "error", err)
		last = err
	}
	return Result{}, registry.Errorf(registry.CodeUnavailable, "the registry is too busy; try again").Because(last)
}

// errTryAgain marks a try that changed nothing and may succeed when repeated.
var errTryAgain = errors.New("try again")

func makeDurable(ctx context.Context, s Scope, p *spec.Plan) error {
	for _, o := range p.Operations {
		if a, ok := o.Op.(spec.AttachFile); ok && s.Uploads[a.UploadHandle].Small() == nil {
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

func (r refusal) result() Result {
	if r.answer == nil {
		return Result{State: AskAgain}
	}
	return Result{State: Refused, Refusal: r.answer}
}

// try is one transaction, and what must be before it.
func (e *Executor) try(ctx context.Context, s Scope, p *spec.Plan, also func(context.Context, pgx.Tx) error) (Result, error) {
	r := newRun(e, s, p)
	err := r.lookUp(ctx)
	if err == nil {
		err = r.protected(ctx)
	}
	if err == nil {
		// Bytes before rows: a row whose bytes are missing can never be seen.
		err = makeDurable(ctx, s, p)
	}
	if err == nil {
		err = r.transact(ctx, also)
	}
	if no, ok := errors.AsType[refusal](err); ok {
		return no.result(), nil
	}
	if err != nil {
		return Result{}, err
	}
	return Result{State: Committed, PackageIDs: r.packageIDs, FileIDs: r.fileIDs, Touched: r.generations()}, nil
}

// transact begins, makes the changes and commits. Afterwards the connection is
// the pool's again: what became of a lost commit is asked on another one.
func (r *run) transact(ctx context.Context, also func(context.Context, pgx.Tx) error) error {
	conn, err := r.executor.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Translate(err))
	}
	r.tx = &transaction{conn: conn}
	err = r.changes(ctx, also)
	if err != nil {
		r.tx.end(ctx)
		return r.executor.failed(err)
	}
	err = r.tx.commit(ctx)
	r.tx.end(ctx)
	if err != nil {
		return r.executor.afterCommit(ctx, r.intent, err)
	}
	return nil
}

// changes are the transaction up to its commit.
func (r *run) changes(ctx context.Context, also func(context.Context, pgx.Tx) error) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.present(ctx); err != nil {
		return err
	}
	// Jobs go before the changes: from the cache generations on, the last of the
	// changes, others wait for this transaction's end.
	for _, j := range r.plan.Jobs {
		if err := r.executor.jobs.Enqueue(ctx, r.tx.joined(), r.scope.Format, r.scope.Project.ID, j); err != nil {
			return err
		}
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	if also != nil {
		return also(ctx, r.tx.joined())
	}
	return nil
}

// failed is what an error before the commit comes to: nothing has happened, so
// what another transaction or a lost connection got in the way of is begun again.
func (e *Executor) failed(err error) error {
	if _, ok := errors.AsType[refusal](err); ok {
		return err
	}
	translated := postgres.Translate(err)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == pgerrcode.LockNotAvailable {
		return errors.Join(errTryAgain, translated)
	}
	if registry.CodeOf(translated) == registry.CodeUnavailable {
		return errors.Join(errTryAgain, translated)
	}
	return translated
}

func newRun(e *Executor, s Scope, p *spec.Plan) *run {
	return &run{
		executor: e, scope: s, plan: p, intent: uuid.New(),
		stored: map[int64]stored{}, files: map[int64]storedFile{},
		created: map[spec.Local]created{}, packageIDs: map[spec.Local]int64{}, fileIDs: map[spec.Local]int64{},
		touched: map[string]struct{}{},
	}
}
