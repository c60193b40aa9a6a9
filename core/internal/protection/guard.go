package protection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/maypok86/otter/v2"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Guard holds changes of packages against the rules of their project.
type Guard struct {
	pool  *pgxpool.Pool
	while time.Duration
	kept  *otter.Cache[place, heard] // nil: every change asks the database
}

// place is what rules are read of at once.
type place struct {
	projectID int64
	format    string
}

// heard are rules, and until when they are believed.
type heard struct {
	rules []registry.ProtectionRule
	until time.Time
}

// NewGuard makes a Guard that asks the database about every change.
func NewGuard(pool *pgxpool.Pool) *Guard { return &Guard{pool: pool} }

// maxKept bounds the rules that are held, and the projects without any.
const maxKept = 50_000

// Remembering makes a Guard that believes what it has read for a while: of many
// publishes, one asks. A rule takes effect within that time on every node.
func Remembering(pool *pgxpool.Pool, while time.Duration) (*Guard, error) {
	kept, err := otter.New(&otter.Options[place, heard]{
		MaximumWeight: maxKept,
		Weigher:       func(_ place, h heard) uint32 { return uint32(1 + len(h.rules)) },
		// Only makes room: until decides.
		ExpiryCalculator: otter.ExpiryWriting[place, heard](while),
	})
	if err != nil {
		return nil, fmt.Errorf("remember protection rules for %s: %w", while, err)
	}
	return &Guard{pool: pool, while: while, kept: kept}, nil
}

// Change is what somebody is about to do to packages of a format in a project.
// Names are those that are displayed.
type Change struct {
	ProjectID int64
	Format    string
	Actor     registry.Actor
	Level     registry.AccessLevel // the actor's role on the project
	Pushed    []string
	Deleted   []string
}

// Check refuses, CodeForbidden in GitLab's words, a change that a rule keeps its
// actor from. Other errors are the database's.
func (g *Guard) Check(ctx context.Context, c Change) error {
	if authz.Unbound(c.Actor) || len(c.Pushed)+len(c.Deleted) == 0 {
		return nil
	}
	rules, err := g.rules(ctx, place{c.ProjectID, c.Format})
	if err != nil {
		return err
	}
	for _, r := range rules {
		if authz.Protected(c.Actor, c.Level, r.ForPush) && slices.ContainsFunc(c.Pushed, r.Matches) {
			return registry.Errorf(registry.CodeForbidden, "Package protected.")
		}
		if authz.Protected(c.Actor, c.Level, r.ForDelete) && slices.ContainsFunc(c.Deleted, r.Matches) {
			return registry.Errorf(registry.CodeForbidden, "Package is deletion protected.")
		}
	}
	return nil
}

// rules are those of a place, as they were no longer ago than the Guard may
// believe. The time runs from when the question was asked: what a slow database
// says may have been overtaken before it arrives.
func (g *Guard) rules(ctx context.Context, p place) ([]registry.ProtectionRule, error) {
	if g.kept != nil {
		if h, ok := g.kept.GetIfPresent(p); ok && time.Now().Before(h.until) {
			return h.rules, nil
		}
	}
	asked := time.Now()
	rows, err := g.pool.Query(ctx, "select "+columns+" from package_protection_rules where project_id = $1 and package_type = $2", p.projectID, p.format)
	if err != nil {
		return nil, fmt.Errorf("read protection rules: %w", postgres.Translate(err))
	}
	rules, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read protection rules: %w", postgres.Translate(err))
	}
	if g.kept != nil {
		g.kept.Set(p, heard{rules, asked.Add(g.while)})
	}
	return rules, nil
}
