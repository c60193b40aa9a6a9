package conan

import (
	"context"
	"net/http"
	"time"

	"github.com/pakhus/pakhus/sdk"
)

// maxRevisions is how many a list has, GitLab's.
const maxRevisions = 1000

// served are the statuses of recipes that clients see.
const served = "p.status in ('default', 'hidden', 'deprecated')"

// recipeRevisionsQuery finds the newest revisions of a recipe, in all projects
// that the request is about; one that several have was published when it last was.
func recipeRevisionsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "recipe_revisions",
		SQL: `
			select v.revision, max(v.published_at)
			from core_api.packages p
			cross join lateral (select * from recipe_revisions v where v.package_id = p.id order by v.published_at desc, v.revision desc limit $4) v
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			group by v.revision
			order by max(v.published_at) desc, v.revision desc
			limit $4`,
		ArgumentTypes: []string{"text", "text", "bigint"},
		Result:        []sdk.QueryColumn{{Name: "revision", Type: "text"}, {Name: "published_at", Type: "timestamptz"}},
	}
}

// packageRevisionsQuery does likewise for a package. Of a recipe that has none of it
// there is a row without a revision.
func packageRevisionsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "package_revisions",
		SQL: `
			select v.revision, max(v.published_at)
			from core_api.packages p
			left join lateral (
				select * from package_revisions v
				where v.package_id = p.id and v.recipe_revision = $4 and v.reference = $5
				order by v.published_at desc, v.revision desc limit $6
			) v on true
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			  and exists (select from recipe_revisions r where r.package_id = p.id)
			group by v.revision
			order by max(v.published_at) desc nulls last, v.revision desc
			limit $6`,
		ArgumentTypes: []string{"text", "text", "text", "text", "bigint"},
		Result:        []sdk.QueryColumn{{Name: "revision", Type: "text"}, {Name: "published_at", Type: "timestamptz"}},
	}
}

// A time as stamp writes it, in SQL.
const stampSQL = `to_char(v.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

// latestQuery makes the document about the newest revision of a recipe, as published
// is; in several projects, of the one that was published last.
func latestQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "latest",
		SQL: `
			select json_build_object('revision', v.revision, 'time', ` + stampSQL + `)::text
			from core_api.packages p
			cross join lateral (select * from recipe_revisions v where v.package_id = p.id order by v.published_at desc, v.revision desc limit 1) v
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			order by v.published_at desc, v.revision desc
			limit 1`,
		ArgumentTypes: []string{"text", "text"},
		Result:        []sdk.QueryColumn{{Name: "document", Type: "text"}},
	}
}

// packageLatestQuery does likewise for a package.
func packageLatestQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "package_latest",
		SQL: `
			select json_build_object('revision', v.revision, 'time', ` + stampSQL + `)::text
			from core_api.packages p
			cross join lateral (
				select * from package_revisions v
				where v.package_id = p.id and v.recipe_revision = $4 and v.reference = $5
				order by v.published_at desc, v.revision desc limit 1
			) v
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			order by v.published_at desc, v.revision desc
			limit 1`,
		ArgumentTypes: []string{"text", "text", "text", "text"},
		Result:        []sdk.QueryColumn{{Name: "document", Type: "text"}},
	}
}

// documentOf is the answer of a query that makes it; nil: the query leaves it to
// others. Without a row there is no target.
func documentOf(ctx context.Context, r *sdk.Request, t target, query string, arguments ...any) (sdk.Outcome, error) {
	rows, err := r.Meta.Query(ctx, query, arguments...)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, t.notFound()
	}
	document, ok := rows[0]["document"].(string)
	if !ok {
		return nil, nil //nolint:nilnil // as the comment says
	}
	return sdk.JSONBytes(http.StatusOK, []byte(document)), nil
}

// published is a revision as clients read it.
type published struct {
	Revision string `json:"revision"`
	Time     string `json:"time"`
}

// revisionsOf returns the target's revisions, the newest first: those of the
// recipe, or those of its package; and whether the recipe is there at all.
func revisionsOf(ctx context.Context, r *sdk.Request, t target) (list []published, recipe bool, err error) {
	var rows []sdk.Row
	if t.ofPackage() {
		rows, err = r.Meta.Query(ctx, "package_revisions", t.Key(), t.Version, t.revision, t.packageID, int64(maxRevisions))
	} else {
		rows, err = r.Meta.Query(ctx, "recipe_revisions", t.Key(), t.Version, int64(maxRevisions))
	}
	if err != nil {
		return nil, false, err
	}
	list = make([]published, 0, len(rows))
	for _, row := range rows {
		if name, ok := row["revision"].(string); ok {
			at, _ := row["published_at"].(time.Time)
			list = append(list, published{Revision: name, Time: stamp(at)})
		}
	}
	return list, len(rows) > 0, nil
}

// stamp writes a time so that every client reads it; a number would crash them.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// latest answers with the revision that became complete last. The core does so by
// itself where there is one.
func latest(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	if t.ofPackage() {
		return documentOf(ctx, r, t, "package_latest", t.Key(), t.Version, t.revision, t.packageID)
	}
	return documentOf(ctx, r, t, "latest", t.Key(), t.Version)
}

// revisions lists the revisions, the newest first.
func revisions(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	list, recipe, err := revisionsOf(ctx, r, t)
	switch {
	case err != nil:
		return nil, err
	case !recipe && t.ofPackage():
		return nil, sdk.NotFound("Package")
	case !recipe:
		return nil, t.notFound()
	case t.ofPackage(): // none is an answer, too
		return sdk.JSON(http.StatusOK, map[string]any{"packageReference": t.String() + "#" + t.revision + ":" + t.packageID, "revisions": list}), nil
	}
	return sdk.JSON(http.StatusOK, map[string]any{"reference": t.String(), "revisions": list}), nil
}

// notFound says what of the target there is not.
func (t target) notFound() error {
	switch {
	case t.packageRevision != "":
		return sdk.NotFound("Package revision " + t.String() + "#" + t.revision + ":" + t.packageID + "#" + t.packageRevision)
	case t.ofPackage():
		return sdk.NotFound("Package " + t.String() + "#" + t.revision + ":" + t.packageID)
	case t.revision != "":
		return sdk.NotFound("Recipe revision " + t.String() + "#" + t.revision)
	}
	return sdk.NotFound("Recipe " + t.String())
}
