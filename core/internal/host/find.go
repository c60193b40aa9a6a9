package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	defaultPage = 1000
	// maxPageBytes is where a page is cut, so that it fits a message with room to spare.
	maxPageBytes = 4 << 20
)

// find queues the statements that answer a finder: the packages of a page, and
// then, for that same page, what was asked for with them.
func (s Scope) find(batch *pgx.Batch, f spec.Finder, page *spec.FoundPage) error {
	q, err := s.packagesQuery(f)
	if err != nil {
		return err
	}
	index := map[int64]int{} // package id → place in the page
	batch.Queue(q.sql("p.id, p.project_id, p.name, coalesce(p.version, ''), p.status, p.status_message, p.lock_version, p.created_at, p.updated_at", ""), q.args...).
		Query(func(rows pgx.Rows) error {
			var p spec.Package
			_, err := pgx.ForEachRow(rows, []any{
				&p.ID, &p.ProjectID, &p.Name, &p.Version, &p.Status, &p.StatusMessage, &p.LockVersion, &p.CreatedAt, &p.UpdatedAt,
			}, func() error {
				index[p.ID] = len(page.Packages)
				page.Packages = append(page.Packages, spec.FoundPackage{Package: p})
				return nil
			})
			return err
		})
	if f.WithFiles {
		s.findFiles(batch, q, f.FileName, page, index)
	}
	if f.WithTags {
		findTags(batch, q, page, index)
	}
	for _, r := range f.WithRows {
		if err := s.findRows(batch, q, r, page, index); err != nil {
			return err
		}
	}
	return nil
}

// packagesQuery is the part all of a finder's statements share.
type packagesQuery struct {
	where string
	limit int
	args  []any
}

// sql returns a select over the page, joined with more if given.
func (q packagesQuery) sql(columns, join string) string {
	page := "select * from packages p where " + q.where + " order by p.id limit " + strconv.Itoa(q.limit)
	return "select " + columns + " from (" + page + ") p " + join + " order by p.id"
}

func (s Scope) packagesQuery(f spec.Finder) (packagesQuery, error) {
	q := packagesQuery{limit: defaultPage}
	if f.Limit > 0 {
		q.limit = min(f.Limit, defaultPage)
	}
	var conditions []string
	add := func(condition string, arg any) {
		q.args = append(q.args, arg)
		conditions = append(conditions, strings.ReplaceAll(condition, "$?", "$"+strconv.Itoa(len(q.args))))
	}
	add("p.project_id = any ($?::bigint[])", s.projects())
	add("p.format = $?", s.Format)
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = registry.Installable()
	}
	add("p.status = any ($?)", statuses)
	if f.Name != "" {
		add("p.name_key = $?", f.Name)
	}
	if f.Version != "" {
		add("p.version_key = $?", f.Version)
	}
	if f.NamePrefix != "" {
		add("starts_with(p.name_key, $?)", f.NamePrefix)
	}
	if f.FileName != "" {
		add("exists (select from package_files f where f.package_id = p.id and f.file_name = $?)", f.FileName)
	}
	if f.PageToken != "" {
		after, err := strconv.ParseInt(f.PageToken, 10, 64)
		if err != nil {
			return q, fmt.Errorf("page token %q is not one", f.PageToken)
		}
		add("p.id > $?", after)
	}
	q.where = strings.Join(conditions, " and ")
	return q, nil
}

// projects are those whose packages the scope sees.
func (s Scope) projects() []int64 {
	if s.Project.ID == 0 {
		return []int64{}
	}
	return []int64{s.Project.ID}
}

func (s Scope) findFiles(batch *pgx.Batch, q packagesQuery, name string, page *spec.FoundPage, index map[int64]int) {
	join := "join package_files f on f.package_id = p.id"
	args := slices.Clone(q.args)
	if name != "" {
		args = append(args, name)
		join += " and f.file_name = $" + strconv.Itoa(len(args))
	}
	sql := q.sql("f.id, f.package_id, f.file_name, f.file_key, f.size, f.md5, f.sha1, f.sha256, f.sha512, f.created_at", join) + ", f.id"
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var f spec.PackageFile
			d := &f.Digests
			if err := rows.Scan(&f.ID, &f.PackageID, &f.FileName, &f.FileKey, &f.Size, &d.MD5, &d.SHA1, &d.SHA256, &d.SHA512, &f.CreatedAt); err != nil {
				return err
			}
			p := &page.Packages[index[f.PackageID]]
			p.Files = append(p.Files, f)
		}
		return rows.Err()
	})
}

func findTags(batch *pgx.Batch, q packagesQuery, page *spec.FoundPage, index map[int64]int) {
	sql := q.sql("t.package_id, t.name", "join package_tags t on t.package_id = p.id") + ", t.name"
	batch.Queue(sql, q.args...).Query(func(rows pgx.Rows) error {
		var (
			id   int64
			name string
		)
		_, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error {
			p := &page.Packages[index[id]]
			p.Tags = append(p.Tags, name)
			return nil
		})
		return err
	})
}

func (s Scope) findRows(batch *pgx.Batch, q packagesQuery, r spec.RowSelection, page *spec.FoundPage, index map[int64]int) error {
	table, err := s.Schema.Table(r.Table)
	if err != nil {
		return err
	}
	columns, err := table.Columns(r.Columns)
	if err != nil {
		return err
	}
	link := "r.package_id = p.id"
	id := "r.package_id"
	if !table.Has("package_id") {
		link = "exists (select from package_files f where f.package_id = p.id and f.id = r.package_file_id)"
		id = "p.id"
	}
	sql := q.sql(id+", "+table.Select("r", columns), "join "+table.SQL+" r on "+link)
	batch.Queue(sql, q.args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id int64
			places, row := table.Targets(columns)
			if err := rows.Scan(append([]any{&id}, places...)...); err != nil {
				return err
			}
			p := &page.Packages[index[id]]
			if p.Rows == nil {
				p.Rows = map[string][]spec.Row{}
			}
			p.Rows[r.Table] = append(p.Rows[r.Table], row())
		}
		return rows.Err()
	})
	return nil
}

// cut ends a page where it grows too large for a message, and says where the next begins.
func cut(page *spec.FoundPage, f *spec.Finder) {
	if f == nil || len(page.Packages) == 0 {
		return
	}
	limit := defaultPage
	if f.Limit > 0 {
		limit = min(f.Limit, defaultPage)
	}
	more := len(page.Packages) == limit
	size := 0
	for i, p := range page.Packages {
		size += sizeOf(p)
		if size > maxPageBytes && i > 0 {
			page.Packages, more = page.Packages[:i], true
			break
		}
	}
	if more {
		page.NextPageToken = strconv.FormatInt(page.Packages[len(page.Packages)-1].Package.ID, 10)
	}
}

// sizeOf estimates what a package takes in a message.
func sizeOf(p spec.FoundPackage) int {
	n := 256 + len(p.Package.Name) + len(p.Package.StatusMessage) + 256*len(p.Files)
	for _, t := range p.Tags {
		n += len(t)
	}
	for _, rows := range p.Rows {
		n += sizeOfRows(rows)
	}
	return n
}
