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
	ID        int64
	PackageID int64
	Name      string
	Size      int64
	SHA256    [32]byte
	CreatedAt time.Time
}

// FindFile returns a file of some projects and a format. A file of another
// project or format is CodeNotFound, like one that does not exist.
func (p *Packages) FindFile(ctx context.Context, projectIDs []int64, format string, id int64) (File, error) {
	f := File{ID: id}
	var sum []byte
	err := p.pool.QueryRow(ctx, `
		select f.package_id, f.file_name, f.size, f.sha256, f.created_at
		from package_files f
		join packages p on p.id = f.package_id
		where f.id = $1 and p.project_id = any ($2) and p.format = $3`,
		id, projectIDs, format).Scan(&f.PackageID, &f.Name, &f.Size, &sum, &f.CreatedAt)
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

// Generations returns the generations of cache keys in some projects, in order.
// A key that nothing was ever written under in a project has none.
func (p *Packages) Generations(ctx context.Context, projectIDs []int64, format string, keys []string) ([]Generation, error) {
	rows, err := p.pool.Query(ctx, `
		select project_id, key, generation from cache_generations
		where project_id = any ($1) and format = $2 and key = any ($3)
		order by project_id, key`, projectIDs, format, keys)
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
		select not s.duplicates_allowed, s.duplicate_exception_regex, s.keep_snapshots
		from projects p
		join groups g on g.id = p.group_id
		cross join unnest(g.ancestor_ids) with ordinality a (id, depth)
		join package_settings s on s.group_id = a.id
		where p.id = $1 and s.format = $2
		order by a.depth desc
		limit 1`, projectID, format).Scan(&s.RefuseDuplicates, &s.DuplicateException, &s.KeepSnapshots)
	s.Decided = err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read settings: %w", postgres.Translate(err))
	}
	return s, nil
}
