package conan

import (
	"context"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/sdk"
)

// folderQuery looks at the files of a package by what their keys begin with: of
// those from $5 to before $6 how many there are and which came last, and whether
// there are others from $3 to before $4.
func folderQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "folder",
		SQL: `
			select count(*) filter (where f.file_key >= $5 and f.file_key < $6), coalesce(max(f.id) filter (where f.file_key >= $5 and f.file_key < $6), 0),
			       coalesce(bool_or(not (f.file_key >= $5 and f.file_key < $6)), false)
			from core_api.package_files f
			where f.project_id = any ($1) and f.package_id = $2 and f.file_key >= $3 and f.file_key < $4`,
		ArgumentTypes: []string{"bigint", "text", "text", "text", "text"},
		Result:        []sdk.QueryColumn{{Name: "count", Type: "bigint"}, {Name: "last", Type: "bigint"}, {Name: "others", Type: "boolean"}},
	}
}

// lookedAt is what there is in a folder, and beside it.
type lookedAt struct {
	files  string // how many, and which came last: an upload changes it; empty: none
	others bool
}

// lookAt looks at the folder of a package; within says of what others are.
func lookAt(ctx context.Context, meta sdk.Metadata, id int64, within, folder string) (lookedAt, error) {
	from, to := keysIn(within)
	first, end := keysIn(folder)
	rows, err := meta.Query(ctx, "folder", id, from, to, first, end)
	if err != nil || len(rows) == 0 {
		return lookedAt{}, err
	}
	count, _ := rows[0]["count"].(int64)
	last, _ := rows[0]["last"].(int64)
	var seen lookedAt
	seen.others, _ = rows[0]["others"].(bool)
	if count > 0 {
		seen.files = strconv.FormatInt(count, 10) + "/" + strconv.FormatInt(last, 10)
	}
	return seen, nil
}

// keysIn is the range of the keys in a folder, which ends in a slash; of an empty
// one, of all.
func keysIn(folder string) (from, to string) {
	if folder == "" {
		return "", "\U0010ffff"
	}
	return folder, strings.TrimSuffix(folder, "/") + "0" // which comes after "/"
}
