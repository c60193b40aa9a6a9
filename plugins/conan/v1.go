package conan

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// servedQuery finds what clients without revisions see of a recipe: what such
// clients have uploaded, or else the latest revision; of a package likewise.
func servedQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "served",
		SQL: `
			select v.revision, coalesce((
				select w.revision from package_revisions w
				where w.package_id = p.id and w.recipe_revision = v.revision and w.reference = $4
				order by w.revision <> '0', w.published_at desc, w.revision desc limit 1), '')
			from core_api.packages p
			join recipe_revisions v on v.package_id = p.id
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			order by v.revision <> '0', v.published_at desc, v.revision desc
			limit 1`,
		ArgumentTypes: []string{"text", "text", "text"},
		Result:        []sdk.QueryColumn{{Name: "revision", Type: "text"}, {Name: "package_revision", Type: "text"}},
	}
}

// servedTarget fills in the revisions that a client without them is served; false
// if there are none.
func servedTarget(ctx context.Context, r *sdk.Request) (target, bool, error) {
	t, err := targetOf(r)
	if err != nil {
		return t, false, err
	}
	rows, err := r.Meta.Query(ctx, "served", t.Key(), t.Version, t.packageID)
	if err != nil || len(rows) == 0 {
		return t, false, err
	}
	t.revision, _ = rows[0]["revision"].(string)
	t.packageRevision, _ = rows[0]["package_revision"].(string)
	return t, !t.ofPackage() || t.packageRevision != "", nil
}

// servedFiles are the files that a client without revisions sees: none of what
// it does not know.
func servedFiles(ctx context.Context, r *sdk.Request) (target, []file, error) {
	t, there, err := servedTarget(ctx, r)
	if err != nil || !there {
		return t, nil, err
	}
	all, err := filesOf(ctx, r, t)
	if err != nil {
		return t, nil, err
	}
	list := all[:0]
	for _, f := range all {
		if !reference.IsMetadata(f.path) {
			list = append(list, f)
		}
	}
	return t, list, nil
}

// snapshot lists the files with their MD5. As in GitLab, what is not there has none.
func snapshot(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	_, list, err := servedFiles(ctx, r)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, f := range list {
		sums[f.path] = f.md5
	}
	return sdk.JSON(http.StatusOK, sums), nil
}

// digest tells where the manifest is. GitLab lists all files here, and the client
// then fetches them all.
func digest(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, list, err := servedFiles(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if f.path == reference.Manifest {
			return sdk.JSON(http.StatusOK, map[string]string{f.path: t.fileURL(r, f.path)}), nil
		}
	}
	return nil, sdk.NotFound("Manifest of " + t.String())
}

// downloadURLs tells where the files are.
func downloadURLs(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, list, err := servedFiles(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, t.notFound()
	}
	urls := map[string]string{}
	for _, f := range list {
		urls[f.path] = t.fileURL(r, f.path)
	}
	return sdk.JSON(http.StatusOK, urls), nil
}

// uploadURLs tells where the files go that a client announces. What is no file of
// a recipe or package is left out, as in GitLab.
func uploadURLs(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	var sizes map[string]int64
	if err := r.JSON(&sizes); err != nil {
		return nil, err
	}
	t.revision = v1Revision
	if t.ofPackage() {
		// The client has not sent its recipe if it is what it was shown, and that may be
		// a revision of Conan 2: then the package is of that.
		served, _, err := servedTarget(ctx, r)
		if err != nil {
			return nil, err
		}
		if served.revision != "" {
			t.revision = served.revision
		}
		t.packageRevision = v1Revision
	}
	urls := map[string]string{}
	for name := range sizes {
		if t.checkFile(name) == nil && !reference.IsMetadata(name) {
			urls[name] = t.fileURL(r, name)
		}
	}
	return sdk.JSON(http.StatusOK, urls), nil
}

// fileURL is where a file of the target is, for clients without revisions.
func (t target) fileURL(r *sdk.Request, path string) string {
	segments := []string{"v1", "files", t.Name, t.Version, t.User, t.Channel}
	segments = append(segments, strings.Split(t.folder()+path, "/")...)
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return r.BaseURL + "/" + strings.Join(segments, "/")
}
