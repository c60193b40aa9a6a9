package packages

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Package is a package as the API shows it.
type Package struct {
	ID               int64
	ProjectID        int64
	Format           string
	Name             string
	Version          string // empty for a package without a version
	Status           registry.PackageStatus
	CreatorID        int64 // the user's; 0: a deploy token's
	LockVersion      int64
	LastDownloadedAt *time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Tags             []Tag
}

// Tag is one tag of a package.
type Tag struct {
	ID        int64
	PackageID int64
	Name      string
	UpdatedAt time.Time
}

// Query is what List looks for. What is zero does not narrow the search.
type Query struct {
	Format      string   // without one, terraform_module is left out, as GitLab does
	Words       []string // each occurs in the name, in upper or lower case
	Version     string
	Versionless bool     // also those without a version
	Statuses    []string // one of these; none finds nothing
	Names       NameLimits
	Order       Order
	Page        Page
}

const (
	packageColumns = `id, project_id, format, name, coalesce(version, ''), status, coalesce(creator_user_id, 0), lock_version,
		last_downloaded_at, created_at, updated_at`
	ofProject = "project_id = $1"
	// ofProjects: looked up project by project, not through all packages there are.
	ofProjects = "project_id = any ($1)"
	listFrom   = `
		  and (format = $2 or ($2 = '' and format <> 'terraform_module'))
		  and status = any ($3)
		  and name ilike all ($4)
		  and ($5 = '' or version = $5)
		  and ($6 or version is not null)`
)

// List returns a page of a project's packages, and how it lies in the whole list.
func (p *Packages) List(ctx context.Context, projectID int64, q Query) ([]Package, Extent, error) {
	return p.list(ctx, ofProject, projectID, q)
}

// ListOf is List for the packages of several projects; they can be ordered by
// their project's path, too.
func (p *Packages) ListOf(ctx context.Context, projectIDs []int64, q Query) ([]Package, Extent, error) {
	return p.list(ctx, ofProjects, projectIDs, q)
}

func (p *Packages) list(ctx context.Context, of string, projects any, q Query) ([]Package, Extent, error) {
	order := q.Order.sql(map[string]string{
		"created_at": "created_at", "name": `name collate "C"`, "version": `version collate "C"`, "type": `format collate "C"`,
		"project_path": `(select full_path from projects where id = project_id) collate "C"`,
	}, "created_at")
	args := []any{projects, q.Format, q.Statuses, patterns(q.Words), q.Version, q.Versionless}
	from := " from packages where " + of + listFrom
	only, limited := q.Names.SQL("packages", func(arg any) string {
		args = append(args, arg)
		return fmt.Sprintf("$%d", len(args))
	})
	if limited {
		from += " and " + only
	}
	found, extent, err := page(ctx, p.pool, q.Page, packageColumns, from, order, args, scanPackage)
	if err == nil {
		err = p.addTags(ctx, found)
	}
	if err != nil {
		return nil, Extent{}, fmt.Errorf("list packages: %w", postgres.Translate(err))
	}
	return found, extent, nil
}

func scanPackage(row pgx.CollectableRow) (p Package, err error) {
	err = row.Scan(&p.ID, &p.ProjectID, &p.Format, &p.Name, &p.Version, &p.Status, &p.CreatorID, &p.LockVersion,
		&p.LastDownloadedAt, &p.CreatedAt, &p.UpdatedAt)
	return p, err
}

// patterns are what ilike takes for "each word occurs": the words' own wildcards are text.
func patterns(words []string) []string {
	literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, "%"+literal.Replace(w)+"%")
	}
	return out
}

// addTags fills in the tags of all packages with one statement.
func (p *Packages) addTags(ctx context.Context, to []Package) error {
	if len(to) == 0 {
		return nil
	}
	at := make(map[int64]*Package, len(to))
	ids := make([]int64, 0, len(to))
	for i := range to {
		at[to[i].ID] = &to[i]
		ids = append(ids, to[i].ID)
	}
	rows, err := p.pool.Query(ctx, `
		select id, package_id, name, updated_at
		from package_tags
		where package_id = any ($1)
		order by package_id, id`, ids)
	if err != nil {
		return err
	}
	var t Tag
	_, err = pgx.ForEachRow(rows, []any{&t.ID, &t.PackageID, &t.Name, &t.UpdatedAt}, func() error {
		at[t.PackageID].Tags = append(at[t.PackageID].Tags, t)
		return nil
	})
	return err
}
