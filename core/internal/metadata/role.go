package metadata

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// grantsLock is taken by whoever changes the privileges of the schemas that all
// formats share: PostgreSQL lets only one change them at a time.
const grantsLock = "pakhus grants"

// makeSchema makes role and schema, and the table of what was applied. Roles
// belong to the server, not to the database: the instance's id keeps two
// registries on one server apart.
func (i *installer) makeSchema(ctx context.Context) error {
	var id string
	if err := i.core.QueryRow(ctx, "select left(replace(id::text, '-', ''), 8), current_user from public.instance").Scan(&id, &i.user); err != nil {
		return fmt.Errorf("read instance: %w", err)
	}
	i.role = "pakhus_" + id + "_" + i.manifest.Format
	tx, err := i.core.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", grantsLock); err != nil {
		return fmt.Errorf("wait for other formats: %w", err)
	}
	var exists, mayCreate bool
	if err := tx.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", i.role).Scan(&exists); err != nil {
		return fmt.Errorf("look for role: %w", err)
	}
	if !exists {
		if _, err := tx.Exec(ctx, "create role "+quote(i.role)+" nologin"); err != nil {
			return fmt.Errorf("create role %s: %w", i.role, err)
		}
	}
	for _, sql := range i.grants() {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("prepare schema: %w", err)
		}
	}
	if err := tx.QueryRow(ctx, "select has_schema_privilege($1, 'public', 'create')", i.role).Scan(&mayCreate); err != nil {
		return fmt.Errorf("read privileges: %w", err)
	}
	if mayCreate {
		return fmt.Errorf("role %s may create objects in the schema public; run: revoke create on schema public from public", i.role)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// grants are run at every start: what they say holds then, whatever was before.
func (i *installer) grants() []string {
	role, schema, user := quote(i.role), quote(i.schema), quote(i.user)
	return []string{
		"grant " + role + " to " + user,
		"alter role " + role + " reset all",
		"alter role " + role + " set search_path = " + schema,
		"alter role " + role + " set lock_timeout = '5s'",
		"alter role " + role + " set statement_timeout = '5min'",
		"create schema if not exists " + schema + " authorization " + role,
		// What PostgreSQL before 15 granted to everybody, and a cluster made then still does.
		"revoke create on schema public from public",
		"grant usage on schema public, core_api to " + role,
		"grant references (id, project_id) on public.packages, public.package_files to " + role,
		"grant select on all tables in schema core_api to " + role,
		// The views of core_api are read with the role's own rights, so that the policies of
		// the tables below hold for it.
		"grant select (id, project_id, format, name, version, name_key, version_key, status, created_at, updated_at) on public.packages to " + role,
		"grant select (id, project_id, package_id, format, file_name, file_key, size, sha256, sha1, md5, sha512, created_at) on public.package_files to " + role,
		"grant select (package_id, project_id, format, name, updated_at) on public.package_tags to " + role,
		"set local role " + role,
		"grant usage on schema " + schema + " to " + user,
		"create table if not exists " + schema + ".schema_migrations (version int primary key, name text not null, sha256 bytea not null, applied_at timestamptz not null default now())",
		"reset role",
	}
}

// asRole runs fn in one transaction on a connection that has logged in as the
// format's role, which may log in only meanwhile and with a password made for it.
func (i *installer) asRole(ctx context.Context, fn func(pgx.Tx) error) (err error) {
	password := rand.Text() + rand.Text() // letters and digits
	if _, err := i.core.Exec(ctx, "alter role "+quote(i.role)+" login connection limit 2 password '"+password+"'"); err != nil {
		return fmt.Errorf("let the role log in: %w", err)
	}
	defer func() {
		if e := i.endLogin(context.WithoutCancel(ctx)); e != nil && err == nil {
			err = e
		}
	}()
	cfg, err := connConfig(i.url)
	if err != nil {
		return err
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

// endLogin takes the role's login away, and ends what is logged in: a migration
// can give its role a password that others know.
func (i *installer) endLogin(ctx context.Context) error {
	if _, err := i.core.Exec(ctx, "alter role "+quote(i.role)+" nologin password null"); err != nil {
		return fmt.Errorf("end the role's login: %w", err)
	}
	if _, err := i.core.Exec(ctx, "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1", i.role); err != nil {
		return fmt.Errorf("end the role's sessions: %w", err)
	}
	return nil
}
