package host

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	defaultPage = 2000
	maxPage     = 10_000
)

// find queues the statements that answer a finder: the packages of a page, and
// then, for that same page, what was asked for with them. The contents of small
// files go into contents; if that is nil, they are not wanted.
func (s Scope) find(batch *pgx.Batch, f spec.Finder, p *page, contents map[int64][]byte) error {
	if s.findsOne(f) {
		return s.findFile(batch, f, p, contents)
	}
	q, err := s.packagesQuery(f)
	if err != nil {
		return err
	}
	p.limit = q.limit
	batch.Queue(q.sql("p.id, p.project_id, p.name, coalesce(p.version, ''), p.status, p.status_message, p.lock_version, p.created_at, p.updated_at", "", ""), q.args...).
		Query(p.packages)
	if f.WithFiles {
		queueFiles(batch, q, f, p)
		queueContents(batch, q, f, contents)
	}
	if f.WithTags {
		batch.Queue(q.sql("p.id, t.name", "select t.name from package_tags t where t.package_id = p.id", "t", "t.name"), q.args...).Query(p.tags)
	}
	for _, r := range f.WithRows {
		if err := s.queueRows(batch, q, r, p); err != nil {
			return err
		}
	}
	return nil
}

// packagesQuery is the part all of a finder's statements share.
type packagesQuery struct {
	where string
	order string // of the page: by id, spelled so that the right index is taken
	limit int
	args  []any
}

// sql returns a select over the page, in its order. What is selected with each
// package, if anything, is a subquery that is named with alias and may refer to
// p. It is looked up package by package: the planner does not know how few
// packages of one name there are, and would read whole tables instead.
func (q packagesQuery) sql(columns, subquery, alias string, order ...string) string {
	own := "p.id, p.project_id" // narrow: the page is sorted
	if subquery == "" {
		own = "p.*"
	}
	sql := "select " + columns + " from (select " + own + ", " + q.order + " as place from packages p where " + q.where +
		" order by place limit " + strconv.Itoa(q.limit) + ") p"
	if subquery != "" {
		sql += " cross join lateral (" + subquery + " offset 0) " + alias
	}
	return sql + " order by " + strings.Join(append([]string{"p.place"}, order...), ", ")
}

func (s Scope) packagesQuery(f spec.Finder) (packagesQuery, error) {
	q := packagesQuery{limit: defaultPage, order: "p.id"}
	if f.Name != "" || f.NamePrefix != "" {
		// Not the primary key's order: it would be walked through all packages, for those of one name.
		q.order = "p.id + 0"
	}
	if f.Limit > 0 {
		q.limit = min(f.Limit, maxPage)
	}
	var conditions []string
	add := func(condition string, arg any) {
		q.args = append(q.args, arg)
		conditions = append(conditions, strings.ReplaceAll(condition, "$?", "$"+strconv.Itoa(len(q.args))))
	}
	if len(s.ProjectIDs) == 1 {
		// Not a list: the planner takes one for ten projects, and then makes another plan on each call.
		add("p.project_id = $?", s.ProjectIDs[0])
	} else {
		add("p.project_id = any ($?::bigint[])", s.projects())
	}
	add("p.format = $?", s.Format)
	if named, ok := s.Names.SQL("p", func(v any) string { q.args = append(q.args, v); return "$" + strconv.Itoa(len(q.args)) }); ok {
		conditions = append(conditions, named)
	}
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = registry.Installable()
	}
	add("p.status = any ($?)", statuses)
	if !slices.Contains(statuses, string(registry.StatusPendingDestruction)) {
		// Said once more as the index says it, or it could not be used.
		conditions = append(conditions, "p.status <> 'pending_destruction'")
	}
	if f.Name != "" {
		add("p.name_key = $?", f.Name)
	}
	if f.Version != "" {
		add("p.version_key = $?", f.Version)
	}
	if f.NamePrefix != "" {
		// A range, which any plan can look up in the index.
		add("p.name_key >= $?", f.NamePrefix)
		if end := after(f.NamePrefix); end != "" {
			add("p.name_key < $?", end)
		}
	}
	if f.FileName != "" {
		file := "select from package_files f where f.package_id = p.id and f.file_name = $?"
		if f.Name != "" || f.NamePrefix != "" {
			// Package by package, as in sql: a plan made while there were few files would read them all.
			file += " offset 0"
		}
		add("exists ("+file+")", f.FileName)
	}
	if f.FileKey != "" {
		add("exists (select from package_files f where f.package_id = p.id and f.file_key = $? offset 0)", f.FileKey)
	}
	if f.FileSuffix != "" {
		// "offset 0" as in sql: looked up package by package, not joined with all files of the registry.
		add("exists (select from package_files f where f.package_id = p.id and right(f.file_name, length($?::text)) = $?::text offset 0)", f.FileSuffix)
	}
	if f.PageToken != "" {
		last, err := strconv.ParseInt(f.PageToken, 10, 64)
		if err != nil {
			return q, fmt.Errorf("page token %q is not one", f.PageToken)
		}
		add(q.order+" > $?", last)
	}
	q.where = strings.Join(conditions, " and ")
	return q, nil
}

// after returns the least text greater than all that begin with prefix, in the
// order of code points; "" if there is none.
func after(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch last {
		case utf8.MaxRune:
			continue
		case 0xd7ff: // next come the surrogates, which no text has
			return prefix + "\ue000"
		}
		return prefix + string(last+1)
	}
	return ""
}

// projects are those whose packages the scope sees; never null, which would be
// no condition to some statements of formats.
func (s Scope) projects() []int64 {
	return append([]int64{}, s.ProjectIDs...)
}

func queueFiles(batch *pgx.Batch, q packagesQuery, f spec.Finder, p *page) {
	files, args := filesOf(q, f)
	files = "select f.* from package_files f where " + files
	batch.Queue(q.sql("f.id, f.package_id, f.file_name, f.file_key, f.size, f.md5, f.sha1, f.sha256, f.sha512, f.created_at", files, "f", "f.id"), args...).
		Query(p.files)
}

// filesOf is the condition on a package's files f that a finder means, and the
// arguments that go with it and the page's.
func filesOf(q packagesQuery, f spec.Finder) (condition string, args []any) {
	condition, args = "f.package_id = p.id", slices.Clone(q.args)
	if f.FileName != "" {
		args = append(args, f.FileName)
		condition += " and f.file_name = $" + strconv.Itoa(len(args))
	}
	if f.FileKey != "" {
		args = append(args, f.FileKey)
		condition += " and f.file_key = $" + strconv.Itoa(len(args))
	}
	return condition, args
}

// queueContents asks for the contents of the files that a finder of one file
// finds, as far as they are in the database.
func queueContents(batch *pgx.Batch, q packagesQuery, f spec.Finder, into map[int64][]byte) {
	if into == nil || f.FileName == "" && f.FileKey == "" {
		return
	}
	condition, args := filesOf(q, f)
	contents := "select f.id, b.content from package_files f join blobs b on b.sha256 = f.sha256 where " + condition + " and b.content is not null"
	batch.Queue(q.sql("c.id, c.content", contents, "c"), args...).Query(func(rows pgx.Rows) error {
		var (
			id      int64
			content []byte
		)
		_, err := pgx.ForEachRow(rows, []any{&id, &content}, func() error {
			into[id] = content
			content = nil
			return nil
		})
		return err
	})
}

func (s Scope) queueRows(batch *pgx.Batch, q packagesQuery, r spec.RowSelection, p *page) error {
	table, err := s.Schema.Table(r.Table)
	if err != nil {
		return err
	}
	columns, err := table.Columns(r.Columns)
	if err != nil {
		return err
	}
	rows := "select r.* from " + table.SQL + " r where r.package_id = p.id and r.project_id = p.project_id"
	if table.IsUnique([]string{"package_id"}) {
		// Not by an index of projects, which a planner that has no statistics yet takes for as good.
		rows = "select r.* from " + table.SQL + " r where r.package_id = p.id and r.project_id + 0 = p.project_id"
	}
	if !table.Has("package_id") {
		rows = "select r.* from package_files f join " + table.SQL + " r on r.package_file_id = f.id and r.project_id = f.project_id where f.package_id = p.id"
	}
	batch.Queue(q.sql("p.id, "+table.Select("r", columns), rows, "r"), q.args...).Query(func(result pgx.Rows) error {
		places, row := table.Targets(columns)
		return p.rows(result, r.Table, places, row)
	})
	return nil
}
