package conan

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// stateQuery reads what decides an upload, and a removal: what there is of a
// recipe and of a revision. $4 to $6 are the target's parts, $7 its folder, $8 the
// key of the file that comes.
func stateQuery() sdk.NamedQuery {
	names := slices.Concat(slices.Concat(required(false), required(true))...)
	names = append(names, slices.Concat(reference.Archives("conan_export"), reference.Archives("conan_sources"))...)
	slices.Sort(names)
	names = slices.Compact(names)
	return sdk.NamedQuery{
		Name: "state",
		SQL: `
			select p.id, p.status,
			       exists (select from recipe_revisions v where v.package_id = p.id and v.revision = $4),
			       exists (select from package_revisions v where v.package_id = p.id and v.recipe_revision = $4 and v.reference = $5 and v.revision = $6),
			       array(select f.file_key from core_api.package_files f where f.package_id = p.id and f.file_key = any (array(select $7 || name from unnest('{` + strings.Join(names, ",") + `}'::text[]) name))),
			       (select f.sha256 from core_api.package_files f where f.package_id = p.id and f.file_key = $8)
			from core_api.packages p
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and p.status <> 'pending_destruction'`,
		ArgumentTypes: []string{"text", "text", "text", "text", "text", "text", "text"},
		Result: []sdk.QueryColumn{
			{Name: "id", Type: "bigint"},
			{Name: "status", Type: "text"},
			{Name: "recipe_complete", Type: "boolean"},
			{Name: "package_complete", Type: "boolean"},
			{Name: "keys", Type: "text[]"},
			{Name: "sha256", Type: "bytea"},
		},
	}
}

// state is what there is of a target. The zero state is nothing at all.
type state struct {
	id              int64 // of the package that the recipe is; 0: there is none
	status          string
	recipeComplete  bool
	packageComplete bool
	keys            []string // of the required files and of archives, those that are stored
	sha256          []byte   // of the stored file of that key; nil: there is none
}

// stateOf reads it; key is that of the file that comes, or empty.
func stateOf(ctx context.Context, r *sdk.Request, t target, key string) (state, error) {
	rows, err := r.Meta.Query(ctx, "state", t.Key(), t.Version, t.revision, t.packageID, t.packageRevision, t.folder(), key)
	if err != nil || len(rows) == 0 {
		return state{}, err
	}
	var s state
	row := rows[0]
	s.id, _ = row["id"].(int64)
	s.status, _ = row["status"].(string)
	s.recipeComplete, _ = row["recipe_complete"].(bool)
	s.packageComplete, _ = row["package_complete"].(bool)
	s.keys, _ = row["keys"].([]string)
	s.sha256, _ = row["sha256"].([]byte)
	return s, nil
}

// complete reports whether the target's revision is served already.
func (s state) complete(t target) bool {
	if t.ofPackage() {
		return s.packageComplete
	}
	return s.recipeComplete
}

// same reports whether the file that comes is stored already.
func (s state) same(u sdk.Upload) bool {
	return s.sha256 != nil && bytes.Equal(s.sha256, u.Digests.SHA256)
}

// missing returns the required files that would still not be there with the one
// that comes, of those of which one is enough, all; and those that are there, of
// which the same holds.
func (s state) missing(t target, key string) (missing, there []string) {
	for _, either := range t.required() {
		if slices.Contains(either, key) {
			continue
		}
		if i := slices.IndexFunc(either, func(k string) bool { return slices.Contains(s.keys, k) }); i >= 0 {
			there = append(there, either[i])
		} else {
			missing = append(missing, either...)
		}
	}
	return missing, there
}
