package conan

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// filesQuery finds the files of a revision that is complete, in the project that
// published it last. $4 to $6 are the target's parts, $7 what the keys begin with,
// and $8 what comes after those.
func filesQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "files",
		SQL: `
			with one as (
				select p.id
				from core_api.packages p
				join recipe_revisions v on v.package_id = p.id and v.revision = $4
				left join package_revisions w on w.package_id = p.id and w.recipe_revision = $4 and w.reference = $5 and w.revision = $6
				where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + ` and ($5 = '' or w.revision is not null)
				order by w.published_at desc, v.published_at desc, p.id desc
				limit 1
			)
			select f.id, substr(f.file_key, length($7) + 1), f.md5
			from one
			join core_api.package_files f on f.package_id = one.id and f.file_key >= $7 and f.file_key < $8
			order by f.id`,
		ArgumentTypes: []string{"text", "text", "text", "text", "text", "text", "text"},
		Result:        []sdk.QueryColumn{{Name: "id", Type: "bigint"}, {Name: "path", Type: "text"}, {Name: "md5", Type: "bytea"}},
	}
}

// fileListQuery makes the document about these files; none (null) of a revision that
// has an archive in several compressions, where more is to be said: see filesOf.
func fileListQuery() sdk.NamedQuery {
	q := filesQuery()
	var once []string
	for _, stem := range []string{"conan_package", "conan_export", "conan_sources"} {
		once = append(once, "count(*) filter (where path in ('"+strings.Join(reference.Archives(stem), "', '")+"')) <= 1")
	}
	return sdk.NamedQuery{
		Name: "file_list",
		SQL: "select case when " + strings.Join(once, " and ") +
			" then json_build_object('files', json_object_agg(path, '{}'::json order by path))::text end" +
			" from (" + q.SQL + ") as f (id, path, md5) having count(*) > 0",
		ArgumentTypes: q.ArgumentTypes,
		Result:        []sdk.QueryColumn{{Name: "document", Type: "text"}},
	}
}

// file is one of a revision.
type file struct {
	id   int64
	path string
	md5  string
}

// filesOf returns the files of the target's revision; none if it is not complete.
// Of an archive that was sent once more in another compression, the last counts.
func filesOf(ctx context.Context, r *sdk.Request, t target) ([]file, error) {
	from, to := keysIn(t.folder())
	rows, err := r.Meta.Query(ctx, "files", t.Key(), t.Version, t.revision, t.packageID, t.packageRevision, from, to)
	if err != nil {
		return nil, err
	}
	list, archives := make([]file, 0, len(rows)), map[string]int{}
	for _, row := range rows {
		var f file
		f.id, _ = row["id"].(int64)
		f.path, _ = row["path"].(string)
		md5, _ := row["md5"].([]byte)
		f.md5 = hex.EncodeToString(md5)
		stem := reference.Archive(f.path)
		if i, twice := archives[stem]; twice && stem != "" {
			list[i] = f
			continue
		}
		archives[stem] = len(list)
		list = append(list, f)
	}
	return list, nil
}

// files lists the files of a revision. The core does so by itself where nothing is
// special about them.
func files(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	from, to := keysIn(t.folder())
	document, err := documentOf(ctx, r, t, "file_list", t.Key(), t.Version, t.revision, t.packageID, t.packageRevision, from, to)
	if document != nil || err != nil {
		return document, err
	}
	list, err := filesOf(ctx, r, t)
	if err != nil {
		return nil, err
	}
	names := make(map[string]struct{}, len(list))
	for _, f := range list {
		names[f.path] = struct{}{}
	}
	return sdk.JSON(http.StatusOK, map[string]any{"files": names}), nil
}

// getFile sends a file.
func getFile(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	path := r.Param("path")
	if err := t.checkFile(path); err != nil {
		return nil, err
	}
	finder := sdk.Finder{Name: t.Key(), Version: t.Version, FileKey: t.folder() + path, WithFiles: true}
	found, err := r.Packages.Find(ctx, finder)
	if err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return nil, err
	}
	for _, p := range slices.Backward(found) { // of several projects, the one that came last
		for _, f := range p.Files {
			return sdk.SendFile(f).ContentType("application/octet-stream"), nil
		}
	}
	return nil, sdk.NotFound("File " + path + " of " + t.String())
}
