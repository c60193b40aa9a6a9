package conan

import (
	"context"
	stdjson "encoding/json"
	"net/http"

	"github.com/pakhus/pakhus/plugins/conan/internal/pattern"
	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// recipesQuery finds recipes by their parts: $2 to $5 are regular expressions, or
// empty; $6 and $7 what names begin with in lower case, and what comes after that.
func recipesQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "recipes",
		SQL: `
			select distinct r.name, r.version, r.username, r.channel
			from recipes r
			join core_api.packages p on p.id = r.package_id
			where r.project_id = any ($1) and p.status in ('default', 'deprecated')
			  and lower(r.name) collate "C" >= $6 and lower(r.name) collate "C" < $7
			  and ($2 = '' or r.name ~ $2) and ($3 = '' or r.version ~ $3)
			  and ($4 = '' or r.username <> '_' and r.username ~ $4 or $4 = '^_$' and r.username = '_')
			  and ($5 = '' or r.channel <> '_' and r.channel ~ $5 or $5 = '^_$' and r.channel = '_')
			order by r.name, r.version, r.username, r.channel`,
		ArgumentTypes: []string{"text", "text", "text", "text", "text", "text"},
		Result: []sdk.QueryColumn{
			{Name: "name", Type: "text"}, {Name: "version", Type: "text"}, {Name: "username", Type: "text"}, {Name: "channel", Type: "text"},
		},
	}
}

// searchRecipes answers with the recipes that a text fits. GitLab finds nothing
// by "*"; clients list and remove by it, so here it finds everything.
func searchRecipes(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	p, err := pattern.Parse(r.Query("q"))
	if err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	ignoreCase := ""
	// The client says so only when it does not want it, in Python's spelling.
	if text := r.Query("ignorecase"); text != "False" && text != "false" {
		ignoreCase = "(?i)"
	}
	expression := func(s string) string {
		if s == "" || s == "^_$" {
			return s
		}
		return ignoreCase + s
	}
	rows, err := r.Meta.Query(ctx, "recipes", expression(p.Name), expression(p.Version), expression(p.User), expression(p.Channel), p.Prefix, p.Prefix+"\U0010ffff")
	if err != nil {
		return nil, err
	}
	results := make([]string, len(rows))
	for i, row := range rows {
		results[i] = recipeOf(row).String()
	}
	return sdk.JSON(http.StatusOK, map[string][]string{"results": results}), nil
}

func recipeOf(row sdk.Row) reference.Reference {
	var ref reference.Reference
	ref.Name, _ = row["name"].(string)
	ref.Version, _ = row["version"].(string)
	ref.User, _ = row["username"].(string)
	ref.Channel, _ = row["channel"].(string)
	return ref
}

// packagesPage is how many packages are read at a time: what is said of each may
// have some kilobytes.
const packagesPage = 500

// packagesQuery finds the packages of a recipe's revision that have a complete
// revision, by their ids; of all revisions if $4 is empty. Of a package that
// several have, the newest says what it is.
func packagesQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "packages",
		SQL: `
			select distinct on (m.reference) m.reference, m.info, m.content
			from core_api.packages p
			join package_references m on m.package_id = p.id
			cross join lateral (
				select v.published_at from package_revisions v
				where v.package_id = m.package_id and v.recipe_revision = m.recipe_revision and v.reference = m.reference
				order by v.published_at desc limit 1
			) v
			where p.project_id = any ($1) and p.name_key = $2 and p.version_key = $3 and ` + served + `
			  and ($4 = '' or m.recipe_revision = $4) and m.reference > $5
			order by m.reference, v.published_at desc
			limit $6`,
		ArgumentTypes: []string{"text", "text", "text", "text", "bigint"},
		Result:        []sdk.QueryColumn{{Name: "reference", Type: "text"}, {Name: "info", Type: "json"}, {Name: "content", Type: "text"}},
	}
}

// searchPackages answers with the packages of a recipe, and what each was built
// for: of the revision that is asked for, of the latest, or to clients without
// revisions of all.
func searchPackages(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	known, there, err := revisionsOf(ctx, r, t)
	if err != nil {
		return nil, err
	}
	if t.revision != "" {
		if there, err = isThere(ctx, r, t); err != nil {
			return nil, err
		}
	}
	if !there {
		return nil, t.notFound()
	}
	if t.revision == "" && !isV1(r) {
		t.revision = known[0].Revision
	}
	// Newer clients say so when they want the ids alone.
	idsOnly := r.Query("list_only") == "True"
	all := map[string]map[string]any{}
	for after := ""; ; {
		rows, err := r.Meta.Query(ctx, "packages", t.Key(), t.Version, t.revision, after, int64(packagesPage))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			after, _ = row["reference"].(string)
			all[after] = map[string]any{}
			if !idsOnly {
				all[after] = described(row)
			}
		}
		if len(rows) < packagesPage {
			return sdk.JSON(http.StatusOK, all), nil
		}
	}
}

// described is what is said of a package: as clients read it themselves, and
// as it was read here for those that do not.
func described(row sdk.Row) map[string]any {
	said := map[string]any{}
	if info, ok := row["info"].(stdjson.RawMessage); ok {
		if err := stdjson.Unmarshal(info, &said); err != nil {
			return map[string]any{}
		}
	}
	if content, ok := row["content"].(string); ok && content != "" {
		said["content"] = content
	}
	return said
}

// isThere reports whether a recipe has the target's revision.
func isThere(ctx context.Context, r *sdk.Request, t target) (bool, error) {
	list, err := filesOf(ctx, r, target{Reference: t.Reference, revision: t.revision})
	return len(list) > 0, err
}
