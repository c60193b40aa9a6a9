package host

import (
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/sdk/spec"
)

// findsOne reports whether a finder is for one file: of one version, in one
// project. That is what a download asks, and nothing is asked more often.
func (s Scope) findsOne(f spec.Finder) bool {
	return len(s.ProjectIDs) == 1 && f.Name != "" && f.Version != "" && (f.FileKey != "" || f.FileName != "") &&
		f.WithFiles && !f.WithTags && len(f.WithRows) == 0 && f.FileSuffix == "" && f.PageToken == ""
}

// findFile queues what find would, as one statement: package, file, and content.
func (s Scope) findFile(batch *pgx.Batch, f spec.Finder, p *page, contents map[int64][]byte) error {
	of := f
	of.FileKey, of.FileName = "", ""
	q, err := s.packagesQuery(of)
	if err != nil {
		return err
	}
	p.limit = q.limit
	condition, args := filesOf(q, f)
	content := "null::bytea"
	if contents != nil {
		content = "(select b.content from blobs b where b.sha256 = f.sha256)"
	}
	// "offset 0" as in packagesQuery.sql: looked up in the package, and not joined with all files.
	batch.Queue(`
		select p.id, p.project_id, p.name, coalesce(p.version, ''), p.status, p.status_message, p.lock_version, p.created_at, p.updated_at,
		       f.id, f.file_name, f.file_key, f.size, f.md5, f.sha1, f.sha256, f.sha512, f.created_at, `+content+`
		from packages p
		cross join lateral (select f.* from package_files f where `+condition+` offset 0) f
		where `+q.where+`
		order by f.id`, args...).Query(func(rows pgx.Rows) error { return p.file(rows, contents) })
	return nil
}

// file reads what findFile asks for.
func (p *page) file(rows pgx.Rows, contents map[int64][]byte) error {
	part := part{page: p}
	p.index = map[int64]int{}
	for rows.Next() {
		var (
			pkg     spec.Package
			f       spec.PackageFile
			content []byte
		)
		d := &f.Digests
		if err := rows.Scan(&pkg.ID, &pkg.ProjectID, &pkg.Name, &pkg.Version, &pkg.Status, &pkg.StatusMessage, &pkg.LockVersion, &pkg.CreatedAt, &pkg.UpdatedAt,
			&f.ID, &f.FileName, &f.FileKey, &f.Size, &d.MD5, &d.SHA1, &d.SHA256, &d.SHA512, &f.CreatedAt, &content); err != nil {
			return err
		}
		f.PackageID = pkg.ID
		p.begin(pkg)
		found, err := part.add(pkg.ID, 250+len(f.FileName)+len(f.FileKey))
		if found == nil {
			return err
		}
		found.Files = append(found.Files, f)
		if content != nil {
			contents[f.ID] = content
		}
	}
	return rows.Err()
}
