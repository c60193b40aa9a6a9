package packages

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
)

// Build is a run of CI that has published a package, or a file of one.
type Build struct {
	LinkID      int64 // of the link: what lists are sorted and paged by
	OwnerID     int64 // of the package or the file
	ID          int64
	ProjectID   int64 // the job's
	Provider    string
	Issuer      string
	RunID       string
	RunNumber   int64 // 0: the issuer does not say
	RunURL      string
	Repository  string
	Ref         string
	SHA         string
	Workflow    string
	Actor       string
	Event       string
	Environment string
	CreatedAt   time.Time

	// User is the bot that the run came as; 0: it is gone.
	UserID   int64
	Username string
	UserName string
	Blocked  bool
}

const buildColumns = `
	b.id, b.project_id, b.provider, b.issuer, b.run_id, b.run_number, b.run_url, b.repository, b.ref, b.sha, b.workflow, b.actor, b.event, b.environment, b.created_at,
	coalesce(u.id, 0), coalesce(u.username, ''), coalesce(u.name, ''), coalesce(u.state = 'blocked', false)
	from build_infos b left join users u on u.id = b.user_id`

func scanBuild(row pgx.CollectableRow) (b Build, err error) {
	return b, row.Scan(&b.LinkID, &b.OwnerID, &b.ID, &b.ProjectID, &b.Provider, &b.Issuer, &b.RunID, &b.RunNumber, &b.RunURL, &b.Repository, &b.Ref,
		&b.SHA, &b.Workflow, &b.Actor, &b.Event, &b.Environment, &b.CreatedAt, &b.UserID, &b.Username, &b.UserName, &b.Blocked)
}

func (p *Packages) builds(ctx context.Context, sql string, args ...any) ([]Build, error) {
	rows, err := p.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read builds: %w", postgres.Translate(err))
	}
	found, err := pgx.CollectRows(rows, scanBuild)
	if err != nil {
		return nil, fmt.Errorf("read builds: %w", postgres.Translate(err))
	}
	return found, nil
}

// LatestBuilds returns, by package, the last run that has published into it.
// Packages that no job has published have none.
func (p *Packages) LatestBuilds(ctx context.Context, packageIDs []int64) (map[int64]Build, error) {
	found, err := p.builds(ctx, `
		select l.id, l.package_id, `+buildColumns+`
		join (select distinct on (package_id) id, package_id, build_info_id
		      from package_build_infos
		      where package_id = any ($1)
		      order by package_id, id desc) l on l.build_info_id = b.id`, packageIDs)
	if err != nil {
		return nil, err
	}
	latest := make(map[int64]Build, len(found))
	for _, b := range found {
		latest[b.OwnerID] = b
	}
	return latest, nil
}

// FileBuilds returns, by file, the runs that have published it, the first one first.
func (p *Packages) FileBuilds(ctx context.Context, fileIDs []int64) (map[int64][]Build, error) {
	found, err := p.builds(ctx, `
		select l.id, l.package_file_id, `+buildColumns+`
		join package_file_build_infos l on l.build_info_id = b.id
		where l.package_file_id = any ($1)
		order by l.id`, fileIDs)
	if err != nil {
		return nil, err
	}
	all := map[int64][]Build{}
	for _, b := range found {
		all[b.OwnerID] = append(all[b.OwnerID], b)
	}
	return all, nil
}

// BuildCursor is where a page of a package's runs begins: behind a link, on the
// way back or forth. The zero BuildCursor is the beginning.
type BuildCursor struct {
	LinkID   int64
	Backward bool
}

// BuildPage is a page of a package's runs, the latest first.
type BuildPage struct {
	Builds   []Build
	Previous bool // there are later ones
	Next     bool // there are earlier ones
}

// PackageBuilds returns a page of the runs that have published into a package.
func (p *Packages) PackageBuilds(ctx context.Context, packageID int64, at BuildCursor, size int) (BuildPage, error) {
	where, order := "($2 = 0 or l.id < $2)", "desc"
	if at.Backward {
		where, order = "l.id > $2", "asc"
	}
	// One row more than the page has says whether there is another page.
	found, err := p.builds(ctx, `
		select l.id, l.package_id, `+buildColumns+`
		join package_build_infos l on l.build_info_id = b.id
		where l.package_id = $1 and `+where+`
		order by l.id `+order+` limit $3`, packageID, at.LinkID, size+1)
	if err != nil {
		return BuildPage{}, err
	}
	more := len(found) > size
	found = found[:min(size, len(found))]
	if at.Backward {
		slices.Reverse(found)
		return BuildPage{Builds: found, Previous: more, Next: true}, nil
	}
	return BuildPage{Builds: found, Previous: at.LinkID != 0, Next: more}, nil
}
