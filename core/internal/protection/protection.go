// Package protection keeps the rules by which packages of some names take more
// than the usual role to publish or to delete, and holds changes against them.
//
//	protection.go  the rules of a project: read, made, changed, removed
//	pattern.go     what a pattern may be
//	guard.go       whether a rule keeps somebody from a change
//
// What a rule means is in package registry, whom it binds in package authz.
package protection

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Rules are the protection rules of projects. What a rule says wrong is
// CodeUnprocessable, in GitLab's words; a rule that is not there, or another
// project's, is CodeNotFound.
type Rules struct{ db DB }

// DB is a pool, or a transaction that a caller has begun.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Begin(ctx context.Context) (pgx.Tx, error)
}

// NewRules makes a Rules on a pool, or within a transaction.
func NewRules(db DB) *Rules { return &Rules{db: db} }

const columns = `id, project_id, package_type, package_name_pattern,
	coalesce(minimum_access_level_for_push, 0), coalesce(minimum_access_level_for_delete, 0), updated_at`

func scan(row pgx.CollectableRow) (r registry.ProtectionRule, err error) {
	err = row.Scan(&r.ID, &r.ProjectID, &r.PackageType, &r.NamePattern, &r.ForPush, &r.ForDelete, &r.UpdatedAt)
	return r, err
}

// List returns a page of a project's rules, in the order they were made, and how
// it lies in the whole list.
func (s *Rules) List(ctx context.Context, projectID int64, p packages.Page) ([]registry.ProtectionRule, packages.Extent, error) {
	var (
		found []registry.ProtectionRule
		e     packages.Extent
	)
	batch := &pgx.Batch{}
	batch.Queue("select count(*) from package_protection_rules where project_id = $1", projectID).QueryRow(func(row pgx.Row) error {
		return row.Scan(&e.Total)
	})
	offset := (int64(p.Number) - 1) * int64(p.Size)
	batch.Queue("select "+columns+" from package_protection_rules where project_id = $1 order by id limit $2 offset $3",
		projectID, p.Size, offset).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := s.db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, e, fmt.Errorf("list protection rules: %w", postgres.Translate(err))
	}
	e.More = offset+int64(len(found)) < int64(e.Total) && len(found) > 0
	return found, e, nil
}

// Create makes a rule, and returns it with its id.
func (s *Rules) Create(ctx context.Context, r registry.ProtectionRule) (registry.ProtectionRule, error) {
	if err := check(r); err != nil {
		return r, err
	}
	return s.one(ctx, "create", `
		insert into package_protection_rules (project_id, package_type, package_name_pattern, minimum_access_level_for_push, minimum_access_level_for_delete)
		values ($1, $2, $3, nullif($4::smallint, 0), nullif($5::smallint, 0))
		returning `+columns, r.ProjectID, r.PackageType, r.NamePattern, r.ForPush, r.ForDelete)
}

// Find returns a rule of a project.
func (s *Rules) Find(ctx context.Context, projectID, id int64) (registry.ProtectionRule, error) {
	return s.one(ctx, "find", "select "+columns+" from package_protection_rules where id = $2 and project_id = $1", projectID, id)
}

// Update has a rule say what change makes of what it said.
func (s *Rules) Update(ctx context.Context, projectID, id int64, change func(*registry.ProtectionRule)) (r registry.ProtectionRule, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		// Locked: of two changes at once, the later one is of what the earlier one has made.
		if r, err = one(ctx, tx, "find", "select "+columns+" from package_protection_rules where id = $2 and project_id = $1 for update", projectID, id); err != nil {
			return err
		}
		change(&r)
		if err := check(r); err != nil {
			return err
		}
		r, err = one(ctx, tx, "change", `
			update package_protection_rules
			set package_type = $3, package_name_pattern = $4, updated_at = now(),
			    minimum_access_level_for_push = nullif($5::smallint, 0), minimum_access_level_for_delete = nullif($6::smallint, 0)
			where id = $2 and project_id = $1
			returning `+columns, projectID, id, r.PackageType, r.NamePattern, r.ForPush, r.ForDelete)
		return err
	})
	return r, postgres.Translate(err)
}

// Delete removes a rule of a project.
func (s *Rules) Delete(ctx context.Context, projectID, id int64) error {
	_, err := s.one(ctx, "delete", "delete from package_protection_rules where id = $2 and project_id = $1 returning "+columns, projectID, id)
	return err
}

func (s *Rules) one(ctx context.Context, verb, sql string, args ...any) (registry.ProtectionRule, error) {
	return one(ctx, s.db, verb, sql, args...)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// one returns the only rule that a statement is about.
func one(ctx context.Context, q querier, verb, sql string, args ...any) (registry.ProtectionRule, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return registry.ProtectionRule{}, fmt.Errorf("%s protection rule: %w", verb, postgres.Translate(err))
	}
	r, err := pgx.CollectExactlyOneRow(rows, scan)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return r, registry.Errorf(registry.CodeNotFound, "Not Found")
	case postgres.IsUniqueViolation(err, ""):
		return r, registry.Errorf(registry.CodeUnprocessable, "Package name pattern has already been taken").Because(err)
	case err != nil:
		return r, fmt.Errorf("%s protection rule: %w", verb, postgres.Translate(err))
	}
	return r, nil
}
