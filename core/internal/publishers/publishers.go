// Package publishers lets CI jobs in: a project's rules say whose, and a job whose
// ID token one of them fits gets a job token for a short while.
//
//	publishers.go  the rules
//	check.go       what a rule may say
//	store.go       rules are made, found, changed and taken away
//	match.go       which rule fits an ID token
//	exchange.go    an ID token becomes a job token, once
package publishers

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Publisher is a rule: whose jobs are let into a project, and with what role.
type Publisher struct {
	ID          int64
	ProjectID   int64
	Name        string
	Issuer      string            // its URL
	Subject     string            // "*" stands for any text, here and in the claims' values
	Claims      map[string]string // by name, what they must say
	Environment string            // what the claim "environment" must say; empty: anything
	AccessLevel registry.AccessLevel
	BotID       int64 // the user that its jobs act as
	BotUsername string
	CreatedByID int64 // 0: nobody who is still there
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Publishers makes rules, and lets jobs in by them.
type Publishers struct {
	db       DB
	verifier *oidc.Verifier
	log      hclog.Logger
}

// DB is a pool, or a transaction that a caller has begun.
type DB interface {
	querier
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// New makes a Publishers of the issuers that a verifier trusts.
func New(db DB, verifier *oidc.Verifier, log hclog.Logger) *Publishers {
	return &Publishers{db: db, verifier: verifier, log: log}
}

// inTx runs fn in one transaction of the Publishers' own; within a caller's, in a savepoint.
func (p *Publishers) inTx(ctx context.Context, fn func(pgx.Tx) error) error {
	tx, err := p.db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Translate(err))
	}
	// The rollback outlives a cancelled request, or the connection would be lost with it.
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(tx); err != nil {
		return err
	}
	return postgres.Translate(tx.Commit(ctx))
}

// Issuers returns the issuers that rules may name.
func (p *Publishers) Issuers() []oidc.Issuer { return p.verifier.Issuers() }
