// Package accounts makes and changes who and where: users, groups, projects,
// members and tokens.
//
//	users.go     people, and whether they are let in; changeusers.go
//	groups.go    where projects live; groups nest: tree.go, changegroups.go
//	projects.go  where packages live; changeprojects.go
//	settings.go  what groups and projects decide for packages; reuse.go
//	members.go   who has which role where; changemembers.go
//	jobscope.go  whose jobs a project lets in
//	lists.go     page by page: listusers.go, listgroups.go, listprojects.go, listmembers.go
//	tokens.go    personal tokens and deploy tokens; maketokens.go; granular.go, what granular ones may name
//	paths.go     what groups, projects and users may be called
//
// Errors that are the caller's fault name the field that is wrong.
package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// DB is a pool, or a transaction that a caller has begun.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Accounts makes and finds accounts.
type Accounts struct{ db DB }

// New makes an Accounts on a pool.
func New(pool *pgxpool.Pool) *Accounts { return &Accounts{db: pool} }

// In returns an Accounts within a transaction.
func In(tx pgx.Tx) *Accounts { return &Accounts{db: tx} }

// inTx runs fn in one transaction of the Accounts' own; within a caller's, in a savepoint.
func (a *Accounts) inTx(ctx context.Context, fn func(pgx.Tx) error) error {
	tx, err := a.db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Translate(err))
	}
	// The rollback outlives a cancelled command, or the connection would be lost with it.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// missing makes "there is no …" of an error that says so, and translates others.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return registry.Errorf(registry.CodeNotFound, "there is no "+format, args...)
	}
	return postgres.Translate(err)
}
