// Package packages reads and follows packages of the generic model for the core
// itself. What plugins read goes through package host, what they change through
// package plan.
package packages

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Packages reads the generic model.
type Packages struct{ pool *pgxpool.Pool }

// New makes a Packages that reads through pool.
func New(pool *pgxpool.Pool) *Packages { return &Packages{pool: pool} }

// File is a stored file, as far as sending it goes.
type File struct {
	ID          int64
	ProjectID   int64
	PackageID   int64
	PackageName string
	Name        string
	Size        int64
	SHA256      [32]byte
	CreatedAt   time.Time
}

// FindFile returns a file of some projects and a format. A file of another
// project or format, or of a package that the limits hide, is CodeNotFound, like
// one that does not exist.
func (p *Packages) FindFile(ctx context.Context, projectIDs []int64, limits NameLimits, format string, id int64) (File, error) {
	f := File{ID: id}
	var sum []byte
	args := []any{id, projectIDs, format}
	named, limited := limits.SQL("p", func(v any) string { args = append(args, v); return "$4" })
	if limited {
		named = " and " + named
	}
	err := p.pool.QueryRow(ctx, `
		select p.project_id, f.package_id, p.name, f.file_name, f.size, f.sha256, f.created_at
		from package_files f
		join packages p on p.id = f.package_id
		where f.id = $1 and p.project_id = any ($2) and p.format = $3`+named,
		args...).Scan(&f.ProjectID, &f.PackageID, &f.PackageName, &f.Name, &f.Size, &sum, &f.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return File{}, registry.Errorf(registry.CodeNotFound, "File Not Found")
	}
	if err != nil {
		return File{}, fmt.Errorf("find file %d: %w", id, postgres.Translate(err))
	}
	copy(f.SHA256[:], sum)
	return f, nil
}

// Generation is how often what a cache key stands for has changed in a project.
type Generation struct {
	ProjectID int64
	Key       string
	Number    int64 // never used twice
}

// generationsQuery is what a read that is answered from memory costs. One key of
// one project is compared and not listed: the planner takes a list for many, and
// then makes another plan on each call.
func generationsQuery(projectIDs []int64, format string, keys []string) (sql string, args []any) {
	const columns = "select project_id, key, generation from cache_generations where "
	if len(projectIDs) == 1 && len(keys) == 1 {
		return columns + "project_id = $1 and format = $2 and key = $3", []any{projectIDs[0], format, keys[0]}
	}
	return columns + "project_id = any ($1) and format = $2 and key = any ($3) order by project_id, key", []any{projectIDs, format, keys}
}

// QueueGenerations has a batch read what Generations returns.
func QueueGenerations(batch *pgx.Batch, projectIDs []int64, format string, keys []string, into *[]Generation) {
	sql, args := generationsQuery(projectIDs, format, keys)
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		var err error
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Generation])
		return err
	})
}

// Generations returns the generations of cache keys in some projects, in order.
// A key that nothing was ever written under in a project has none.
func (p *Packages) Generations(ctx context.Context, projectIDs []int64, format string, keys []string) ([]Generation, error) {
	sql, args := generationsQuery(projectIDs, format, keys)
	rows, err := p.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read generations: %w", postgres.Translate(err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Generation])
	if err != nil {
		return nil, fmt.Errorf("read generations: %w", postgres.Translate(err))
	}
	return out, nil
}

// Settings returns what is decided for packages of a format in a project.
func (p *Packages) Settings(ctx context.Context, projectID int64, format string) (registry.PackageSettings, error) {
	var s registry.PackageSettings
	err := p.pool.QueryRow(ctx, `
		select not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots, s.max_file_size
		from projects p
		join groups g on g.id = p.group_id
		join package_settings s on s.project_id = p.id or s.group_id = any (g.ancestor_ids)
		where p.id = $1 and s.format = $2
		order by s.project_id nulls last, array_position(g.ancestor_ids, s.group_id) desc
		limit 1`, projectID, format).Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots, &s.MaxFileSize)
	s.Decided = err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read settings: %w", postgres.Translate(err))
	}
	return s, nil
}
