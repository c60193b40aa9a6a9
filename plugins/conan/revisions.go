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

// packageRevisionsQuery does likewise for a package.
func packageRevisionsQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "package_revisions",
		SQL: `
			select v.revision, max(v.published_at)
			from core_api.packages p
			cross join lateral (
				select * from package_revisions v
				where v.package_id = p.id and v.recipe_revision = $4 and v.reference = $5
				order by v.published_at desc, v.revision desc limit $6
			) v
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			group by v.revision
			order by max(v.published_at) desc, v.revision desc
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

// documentOf is the answer of a query that makes it; nil: there is none.
func documentOf(ctx context.Context, r *sdk.Request, query string, arguments ...any) (sdk.Outcome, error) {
	rows, err := r.Meta.Query(ctx, query, arguments...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	document, _ := rows[0]["document"].(string)
	return sdk.JSONBytes(http.StatusOK, []byte(document)), nil
}

// published is a revision as clients read it.
type published struct {
	Revision string `json:"revision"`
	Time     string `json:"time"`
}

// revisionsOf returns the target's revisions, the newest first: those of the
// recipe, or those of its package.
func revisionsOf(ctx context.Context, r *sdk.Request, t target, limit int64) ([]published, error) {
	var rows []sdk.Row
	var err error
	if t.ofPackage() {
		rows, err = r.Meta.Query(ctx, "package_revisions", t.Key(), t.Version, t.revision, t.packageID, limit)
	} else {
		rows, err = r.Meta.Query(ctx, "recipe_revisions", t.Key(), t.Version, limit)
	}
	if err != nil {
		return nil, err
	}
	list := make([]published, len(rows))
	for i, row := range rows {
		at, _ := row["published_at"].(time.Time)
		list[i].Revision, _ = row["revision"].(string)
		list[i].Time = stamp(at)
	}
	return list, nil
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
	var document sdk.Outcome
	if t.ofPackage() {
		document, err = documentOf(ctx, r, "package_latest", t.Key(), t.Version, t.revision, t.packageID)
	} else {
		document, err = documentOf(ctx, r, "latest", t.Key(), t.Version)
	}
	if document == nil && err == nil {
		err = t.notFound()
	}
	return document, err
}

// revisions lists the revisions, the newest first.
func revisions(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	list, err := revisionsOf(ctx, r, t, maxRevisions)
	if err != nil {
		return nil, err
	}
	if t.ofPackage() {
		return packageRevisions(ctx, r, t, list)
	}
	if len(list) == 0 {
		return nil, t.notFound()
	}
	return sdk.JSON(http.StatusOK, map[string]any{"reference": t.String(), "revisions": list}), nil
}

// packageRevisions: of a recipe that is there, none is an answer.
func packageRevisions(ctx context.Context, r *sdk.Request, t target, list []published) (sdk.Outcome, error) {
	if len(list) == 0 {
		recipe, err := revisionsOf(ctx, r, target{Reference: t.Reference}, 1)
		if err != nil {
			return nil, err
		}
		if len(recipe) == 0 {
			return nil, sdk.NotFound("Package")
		}
	}
	return sdk.JSON(http.StatusOK, map[string]any{"packageReference": t.String() + "#" + t.revision + ":" + t.packageID, "revisions": list}), nil
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
