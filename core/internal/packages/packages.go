// Package packages reads and follows packages of the generic model for the core
// itself. What plugins read goes through package host, what they change through
// package plan.
package packages

import (
	"context"
	"errors"
	"fmt"

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
}

// FindFile returns a file of a project and format. A file of another project
// or format is CodeNotFound, like one that does not exist.
func (p *Packages) FindFile(ctx context.Context, projectID int64, format string, id int64) (File, error) {
	f := File{ID: id}
	var sum []byte
	err := p.pool.QueryRow(ctx, `
		select f.package_id, f.file_name, f.size, f.sha256
		from package_files f
		join packages p on p.id = f.package_id
		where f.id = $1 and p.project_id = $2 and p.format = $3`,
		id, projectID, format).Scan(&f.PackageID, &f.Name, &f.Size, &sum)
	if errors.Is(err, pgx.ErrNoRows) {
		return File{}, registry.Errorf(registry.CodeNotFound, "File Not Found")
	}
	if err != nil {
		return File{}, fmt.Errorf("find file %d: %w", id, postgres.Translate(err))
	}
	copy(f.SHA256[:], sum)
	return f, nil
}

// Generations returns the generation of each package name; a name that nothing
// was ever written under has generation 0.
func (p *Packages) Generations(ctx context.Context, projectID int64, format string, names []string) (map[string]int64, error) {
	out := make(map[string]int64, len(names))
	for _, n := range names {
		out[n] = 0
	}
	rows, err := p.pool.Query(ctx, `
		select key, generation from cache_generations
		where project_id = $1 and format = $2 and key = any($3)`, projectID, format, names)
	if err != nil {
		return nil, fmt.Errorf("read generations: %w", postgres.Translate(err))
	}
	var (
		key        string
		generation int64
	)
	if _, err := pgx.ForEachRow(rows, []any{&key, &generation}, func() error {
		out[key] = generation
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read generations: %w", postgres.Translate(err))
	}
	return out, nil
}
