// Package metadata gives a format its own PostgreSQL schema: it runs the
// format's migrations as a role that owns nothing else, refuses what could act
// on the core's behalf, installs the named queries, and knows the resulting
// tables well enough to write and read their rows.
//
// The core never runs SQL text of a plugin's with its own rights. Migrations
// run on a connection that has logged in as the format's role (SET ROLE can be
// undone by what runs after it); queries run as functions owned by that role;
// rows are written with statements the core makes itself, on tables that are
// known to have nothing executable on them.
package metadata

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Install brings the database at url to the manifest's schema and returns what
// is there then. Nodes that start at once wait for each other. On an error that
// the format is to blame for, the database is as it was; the error names the object.
func Install(ctx context.Context, databaseURL string, m *spec.Manifest) (*Schema, error) {
	core, err := pgx.Connect(ctx, databaseURL)
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
		return nil, fmt.Errorf("schema of format %s: %w", m.Format, err)
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
	if err := checkQueries(i.manifest.Metadata.Queries); err != nil {
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
	if err != nil || (len(pending) == 0 && !queries) {
		return err
	}
	return i.asRole(ctx, func(tx pgx.Tx) error {
		if err := i.migrate(ctx, tx, pending); err != nil {
			return err
		}
		if err := i.installQueries(ctx, tx); err != nil {
			return err
		}
		return check(ctx, tx, i.schema, i.manifest.Metadata.Queries)
	})
}

// makeSchema makes role and schema, and the table of what was applied. Roles
// belong to the server, not to the database: the instance's id keeps two
// registries on one server apart.
func (i *installer) makeSchema(ctx context.Context) error {
	var id string
	if err := i.core.QueryRow(ctx, "select left(replace(id::text, '-', ''), 8), current_user from instance").Scan(&id, &i.user); err != nil {
		return fmt.Errorf("read instance: %w", err)
	}
	i.role = "pakhus_" + id + "_" + i.manifest.Format
	role, schema, user := quote(i.role), quote(i.schema), quote(i.user)
	var exists bool
	if err := i.core.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", i.role).Scan(&exists); err != nil {
		return fmt.Errorf("look for role: %w", err)
	}
	if !exists {
		if _, err := i.core.Exec(ctx, "create role "+role+" nologin"); err != nil {
			return fmt.Errorf("create role %s: %w", i.role, err)
		}
	}
	for _, sql := range []string{
		"grant " + role + " to " + user,
		"alter role " + role + " set search_path = " + schema,
		"alter role " + role + " set lock_timeout = '5s'",
		"alter role " + role + " set statement_timeout = '5min'",
		"create schema if not exists " + schema + " authorization " + role,
		"grant usage on schema public, core_api to " + role,
		"grant references (id, project_id) on packages, package_files to " + role,
		"grant select on all tables in schema core_api to " + role,
		"set role " + role,
		"grant usage on schema " + schema + " to " + user,
		"create table if not exists " + schema + ".schema_migrations (version int primary key, name text not null, sha256 bytea not null, applied_at timestamptz not null default now())",
		"reset role",
	} {
		if _, err := i.core.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare schema: %w", err)
		}
	}
	return nil
}

// pending returns the numbers of the migrations to run, from 1. A migration
// that has run must not have changed since.
func (i *installer) pending(ctx context.Context) ([]int, error) {
	applied := map[int][]byte{}
	rows, err := i.core.Query(ctx, "select version, sha256 from "+quote(i.schema)+".schema_migrations where version > 0")
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	var (
		version int
		sum     []byte
	)
	if _, err := pgx.ForEachRow(rows, []any{&version, &sum}, func() error {
		applied[version] = sum
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	migrations := i.manifest.Metadata.Migrations
	for v := range applied {
		if v > len(migrations) {
			return nil, fmt.Errorf("the database has migration %d, this plugin knows %d: a newer version of the plugin has run", v, len(migrations))
		}
	}
	var pending []int
	for n, m := range migrations {
		sum, ok := applied[n+1]
		if !ok {
			pending = append(pending, n+1)
			continue
		}
		if want := sha256.Sum256([]byte(m.SQL)); string(sum) != string(want[:]) {
			return nil, fmt.Errorf("migration %d (%s) has run and was changed since", n+1, m.Name)
		}
	}
	return pending, nil
}

func (i *installer) migrate(ctx context.Context, tx pgx.Tx, pending []int) error {
	for _, n := range pending {
		m := i.manifest.Metadata.Migrations[n-1]
		// The simple protocol: a migration is a script of many statements.
		if _, err := tx.Conn().PgConn().Exec(ctx, m.SQL).ReadAll(); err != nil {
			return fmt.Errorf("migration %d (%s): %w", n, m.Name, err)
		}
		if tx.Conn().PgConn().TxStatus() != 'T' {
			return fmt.Errorf("migration %d (%s) ends the transaction; migrations run in one", n, m.Name)
		}
		sum := sha256.Sum256([]byte(m.SQL))
		if _, err := tx.Exec(ctx, "insert into "+quote(i.schema)+".schema_migrations (version, name, sha256) values ($1, $2, $3)", n, m.Name, sum[:]); err != nil {
			return fmt.Errorf("record migration %d: %w", n, err)
		}
	}
	return nil
}

// asRole runs fn in one transaction on a connection that has logged in as the
// format's role, which may log in only meanwhile and with a password made for it.
func (i *installer) asRole(ctx context.Context, fn func(pgx.Tx) error) (err error) {
	password := newPassword()
	if _, err := i.core.Exec(ctx, "alter role "+quote(i.role)+" login connection limit 2 password "+literal(password)); err != nil {
		return fmt.Errorf("let the role log in: %w", err)
	}
	defer func() {
		if _, e := i.core.Exec(context.WithoutCancel(ctx), "alter role "+quote(i.role)+" nologin password null"); e != nil && err == nil {
			err = fmt.Errorf("end the role's login: %w", e)
		}
	}()
	cfg, err := pgx.ParseConfig(i.url)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	cfg.User, cfg.Password = i.role, password
	cfg.RuntimeParams = map[string]string{"application_name": "pakhus format " + i.manifest.Format}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("log in as %s: %w", i.role, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "grant select, insert, update, delete on all tables in schema "+quote(i.schema)+" to "+quote(i.user)); err != nil {
		return fmt.Errorf("grant tables to the core: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
