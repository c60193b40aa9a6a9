package conan

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/pakhus/pakhus/plugins/conan/internal/reference"
	"github.com/pakhus/pakhus/sdk"
)

// removed is the answer to a removal: clients take any other success for a fault.
func removed(plan *sdk.Plan) (sdk.Outcome, error) {
	return sdk.Empty(http.StatusOK).With(plan), nil
}

// find returns the recipe's package, and a 404 if there is none.
func find(ctx context.Context, r *sdk.Request, t target) (sdk.FoundPackage, error) {
	found, err := r.Packages.First(ctx, sdk.Finder{Name: t.Key(), Version: t.Version})
	if errors.Is(err, sdk.ErrNotFound) {
		return found, target{Reference: t.Reference}.notFound()
	}
	return found, err
}

// removeRecipe removes a recipe with all its revisions.
func removeRecipe(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, r, t)
	if err != nil {
		return nil, err
	}
	return removed(sdk.NewPlan().DestroyPackage(sdk.Existing(found.Package)))
}

// removeRevision removes a revision of a recipe with its packages, and with the
// last revision the recipe.
func removeRevision(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, r, t)
	if err != nil {
		return nil, err
	}
	list, err := r.Meta.Select(ctx, sdk.RowSelect{Table: "recipe_revisions", Where: sdk.Row{"package_id": found.Package.ID}, Columns: []string{"revision"}})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(row sdk.Row) bool { return row["revision"] == t.revision }) {
		return nil, t.notFound()
	}
	seen, err := lookAt(ctx, r.Meta, found.Package.ID, "", t.revision+"/")
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	pkg := sdk.Existing(found.Package)
	another := anotherThan(t.revision, list)
	if another == "" {
		plan.Unchanged(found.Package, nil)
		if !seen.others {
			return removed(plan.DestroyPackage(pkg))
		}
		// Another revision is on its way: what has come of it stays.
		plan.SetStatus(pkg, sdk.StatusProcessing, "")
	} else {
		// Whatever else comes and goes meanwhile, the recipe keeps one.
		plan.RowPresent("recipe_revisions", sdk.Row{"package_id": found.Package.ID, "revision": another}, nil)
	}
	plan.DeleteRows("recipe_revisions", sdk.Row{"package_id": found.Package.ID, "revision": t.revision})
	plan.DestroyFiles(pkg, t.revision+"/")
	return removed(plan)
}

// anotherThan is a revision of the list that is not the one; empty if there is none.
func anotherThan(one string, list []sdk.Row) string {
	for _, row := range list {
		if revision, _ := row["revision"].(string); revision != one {
			return revision
		}
	}
	return ""
}

// removeAllPackages removes the packages of a revision, and leaves the recipe.
func removeAllPackages(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	return t.removeReferences(ctx, r, sdk.Row{"recipe_revision": t.revision}, t.revision+"/package/")
}

// removePackage removes a package with all its revisions.
func removePackage(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	return t.removeReferences(ctx, r, sdk.Row{"recipe_revision": t.revision, "reference": t.packageID}, t.revision+"/package/"+t.packageID+"/")
}

// removeReferences removes packages, by their rows and by what the keys of their
// files begin with. Their revisions go with them.
func (t target) removeReferences(ctx context.Context, r *sdk.Request, where sdk.Row, prefix string) (sdk.Outcome, error) {
	found, err := find(ctx, r, t)
	if err != nil {
		return nil, err
	}
	where["package_id"] = found.Package.ID
	rows, err := r.Meta.Select(ctx, sdk.RowSelect{Table: "package_references", Where: where, Columns: []string{"reference"}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, sdk.NotFound("Package of " + t.String() + "#" + t.revision)
	}
	return removed(sdk.NewPlan().DeleteRows("package_references", where).DestroyFiles(sdk.Existing(found.Package), prefix))
}

// removePackageRevision removes a revision of a package, and with the last one
// the package.
func removePackageRevision(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, r, t)
	if err != nil {
		return nil, err
	}
	where := sdk.Row{"package_id": found.Package.ID, "recipe_revision": t.revision, "reference": t.packageID}
	list, err := r.Meta.Select(ctx, sdk.RowSelect{Table: "package_revisions", Where: where, Columns: []string{"revision"}})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(row sdk.Row) bool { return row["revision"] == t.packageRevision }) {
		return nil, t.notFound()
	}
	folder := t.revision + "/package/" + t.packageID + "/"
	seen, err := lookAt(ctx, r.Meta, found.Package.ID, folder, t.folder())
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	if another := anotherThan(t.packageRevision, list); another != "" {
		there := maps.Clone(where)
		there["revision"] = another
		plan.RowPresent("package_revisions", there, nil)
	} else {
		plan.Unchanged(found.Package, nil)
		if !seen.others {
			return removed(plan.DeleteRows("package_references", where).DestroyFiles(sdk.Existing(found.Package), folder))
		}
	}
	where["revision"] = t.packageRevision
	return removed(plan.DeleteRows("package_revisions", where).DestroyFiles(sdk.Existing(found.Package), t.folder()))
}

// removePackages removes packages of a recipe by their ids, or all if the list is
// empty: for clients without revisions, of whatever revision they are.
func removePackages(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	var asked struct {
		PackageIDs []string `json:"package_ids"`
	}
	if err := r.JSON(&asked); err != nil {
		return nil, err
	}
	found, err := find(ctx, r, t)
	if err != nil {
		return nil, err
	}
	rows, err := r.Meta.Select(ctx, sdk.RowSelect{
		Table: "package_references", Where: sdk.Row{"package_id": found.Package.ID}, Columns: []string{"recipe_revision", "reference"},
	})
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{} // and whether it was found
	for _, id := range asked.PackageIDs {
		id, err := reference.PackageID(id)
		if err != nil {
			return nil, sdk.BadRequest("%v", err)
		}
		wanted[id] = false
	}
	plan := sdk.NewPlan()
	for _, row := range rows {
		id, _ := row["reference"].(string)
		revision, _ := row["recipe_revision"].(string)
		if _, one := wanted[id]; !one && len(asked.PackageIDs) > 0 {
			continue
		}
		wanted[id] = true
		plan.DeleteRows("package_references", sdk.Row{"package_id": found.Package.ID, "recipe_revision": revision, "reference": id})
		plan.DestroyFiles(sdk.Existing(found.Package), revision+"/package/"+id+"/")
	}
	for id, there := range wanted {
		if !there {
			t.packageID = id
			return nil, sdk.NotFound("Package " + t.String() + ":" + id)
		}
	}
	if len(rows) == 0 {
		return nil, sdk.NotFound("Package of " + t.String())
	}
	return removed(plan)
}

// removeFiles removes files of a recipe that a client without revisions has
// uploaded once, and does not any more.
func removeFiles(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	t, err := targetOf(r)
	if err != nil {
		return nil, err
	}
	var asked struct {
		Files []string `json:"files"`
	}
	if err := r.JSON(&asked); err != nil {
		return nil, err
	}
	if _, err := find(ctx, r, t); err != nil {
		return nil, err
	}
	t.revision = v1Revision
	plan := sdk.NewPlan()
	for _, name := range asked.Files {
		if name == reference.Manifest || name == reference.Conanfile {
			return nil, sdk.BadRequest("%s is what makes a recipe: remove the recipe", name)
		}
		found, err := r.Packages.First(ctx, sdk.Finder{Name: t.Key(), Version: t.Version, FileKey: t.folder() + name, WithFiles: true})
		if errors.Is(err, sdk.ErrNotFound) || err == nil && len(found.Files) == 0 {
			continue // what the client was shown before it uploaded was a revision of Conan 2
		}
		if err != nil {
			return nil, err
		}
		plan.DestroyFile(found.Files[0])
	}
	return removed(plan)
}
