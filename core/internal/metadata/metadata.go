// Package metadata gives a format its own PostgreSQL schema: it runs the
// format's migrations as a role that owns nothing else, refuses what could act
// on the core's behalf, installs the named queries, and knows the resulting
// tables well enough to write and read their rows.
//
//	metadata.go   Install, step by step
//	role.go       the format's role and schema, and work done as that role
//	migrations.go which migrations have run, which are to run
//	queries.go    named queries become functions
//	lint.go       what a named query must not say
//	check.go      what migrations must not have made
//	schema.go     the tables, as they are
//	value.go      contract values to SQL and back
//
// The core never runs SQL text of a plugin's with its own rights. Migrations
// run on a connection that has logged in as the format's role (SET ROLE can be
// undone by what runs after it); queries run as functions owned by that role;
// rows are written with statements the core makes itself, on tables that are
// known to have nothing executable on them.
package metadata

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Install brings the database at url to the manifest's schema and returns what
// is there then. Nodes that start at once wait for each other. On an error that
// the format is to blame for, the database is as it was; the error names the object.
// The URL must lead to the server itself or to a pooler in session mode.
func Install(ctx context.Context, databaseURL string, m *spec.Manifest) (*Schema, error) {
	cfg, err := connConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	// Nothing of a format's is ever found by an unqualified name. Temporary
	// tables would be, before all others, were they not named last.
	cfg.RuntimeParams["search_path"] = "pg_catalog, pg_temp"
	core, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", postgres.Translate(err))
	}
	defer func() { _ = core.Close(context.WithoutCancel(ctx)) }()
	i := &installer{core: core, url: databaseURL, manifest: m, schema: "fmt_" + m.Format}
	// Released with the connection.
	if _, err := core.Exec(ctx, "select pg_advisory_lock(hashtextextended($1, 0))", "pakhus format "+m.Format); err != nil {
		return nil, fmt.Errorf("wait for other nodes: %w", postgres.Translate(err))
	}
	if err := i.install(ctx); err != nil {
		return nil, fmt.Errorf("schema of format %s: %w", m.Format, postgres.Translate(err))
	}
	return load(ctx, core, m)
}

type installer struct {
	core     *pgx.Conn
	url      string
	manifest *spec.Manifest
	schema   string
	role     string
	user     string // the core's
}

func (i *installer) install(ctx context.Context) error {
	if err := lintQueries(i.manifest.Metadata.Queries); err != nil {
		return err
	}
	if err := i.makeSchema(ctx); err != nil {
		return err
	}
	pending, err := i.pending(ctx)
	if err != nil {
		return err
	}
	queries, err := i.queriesChanged(ctx)
	if err != nil {
		return err
	}
	if len(pending) > 0 || queries {
		if err := i.change(ctx, pending); err != nil {
			return err
		}
	}
	// Once more, on a connection that no migration has had its hands on.
	return check(ctx, i.core, i.schema, i.manifest.Metadata.Queries)
}

// change runs migrations and installs queries, all or nothing of it.
func (i *installer) change(ctx context.Context, pending []int) error {
	return i.asRole(ctx, func(tx pgx.Tx) error {
		if err := i.migrate(ctx, tx, pending); err != nil {
			return err
		}
		// A migration can have set a path on which the catalogue is not the catalogue.
		if _, err := tx.Exec(ctx, "set local search_path = pg_catalog, pg_temp"); err != nil {
			return fmt.Errorf("reset search path: %w", err)
		}
		if err := i.installQueries(ctx, tx); err != nil {
			return err
		}
		return check(ctx, tx, i.schema, i.manifest.Metadata.Queries)
	})
}

// connConfig reads a URL that may also hold what only a pool understands.
func connConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be used: %w", err)
	}
	return cfg.ConnConfig, nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
