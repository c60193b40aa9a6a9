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
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/oidc"
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
	pool     *pgxpool.Pool
	verifier *oidc.Verifier
	log      hclog.Logger
}

// New makes a Publishers of the issuers that a verifier trusts.
func New(pool *pgxpool.Pool, verifier *oidc.Verifier, log hclog.Logger) *Publishers {
	return &Publishers{pool: pool, verifier: verifier, log: log}
}

// Issuers returns the issuers that rules may name.
func (p *Publishers) Issuers() []oidc.Issuer { return p.verifier.Issuers() }
