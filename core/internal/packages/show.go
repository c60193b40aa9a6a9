package packages

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Find returns a package of a project, whatever its status, with its tags. One
// of another project is CodeNotFound, like one that does not exist.
func (p *Packages) Find(ctx context.Context, projectID, id int64) (Package, error) {
	rows, err := p.pool.Query(ctx, `
		select `+packageColumns+`
		from packages
		where id = $2 and project_id = $1 and status <> 'pending_destruction'`, projectID, id)
	if err != nil {
		return Package{}, fmt.Errorf("find package %d: %w", id, postgres.Translate(err))
	}
	found, err := pgx.CollectRows(rows, scanPackage)
	if err == nil {
		err = p.addTags(ctx, found)
	}
	if err != nil {
		return Package{}, fmt.Errorf("find package %d: %w", id, postgres.Translate(err))
	}
	if len(found) == 0 {
		return Package{}, registry.Errorf(registry.CodeNotFound, "Package Not Found")
	}
	return found[0], nil
}

// Siblings returns the other versions of a package, those that lists show, with
// their tags, in the order of the versions' text.
func (p *Packages) Siblings(ctx context.Context, projectID, id int64) ([]Package, error) {
	// The index packages_identity has no packages that are to go: the statement
	// says that it wants none, or the index would be of no use to it.
	rows, err := p.pool.Query(ctx, `
		select v.id, v.project_id, v.format, v.name, v.version, v.status, coalesce(v.creator_user_id, 0), v.lock_version,
		       v.last_downloaded_at, v.created_at, v.updated_at
		from packages p
		join packages v on v.project_id = p.project_id and v.format = p.format and v.name_key = p.name_key
		where p.id = $2 and p.project_id = $1
		  and v.id <> p.id and v.version is not null
		  and v.status = any ($3) and v.status <> 'pending_destruction'
		order by v.version collate "C", v.id`, projectID, id, registry.Displayable())
	if err != nil {
		return nil, fmt.Errorf("find versions beside package %d: %w", id, postgres.Translate(err))
	}
	found, err := pgx.CollectRows(rows, scanPackage)
	if err == nil {
		err = p.addTags(ctx, found)
	}
	if err != nil {
		return nil, fmt.Errorf("find versions beside package %d: %w", id, postgres.Translate(err))
	}
	return found, nil
}
