package npm

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
)

// unpublish removes a package: all versions that the caller has seen. Versions
// that came since stay.
func unpublish(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	// Also those without a tarball, which nobody has seen: nothing of the package is to be left.
	seen, err := seenVersions(ctx, r, sdk.Finder{Name: r.Param("name")})
	if err != nil {
		return nil, err
	}
	return destroyed(seen)
}

// unpublishVersions is how npm removes some versions: it sends the packument
// back without them. Those that it has seen and left out go. The tarball's own
// DELETE, which follows, then finds its work done.
func unpublishVersions(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	var doc struct {
		Name     string                    `json:"name"`
		Versions map[string]jsontext.Value `json:"versions"`
	}
	if err := r.JSON(&doc); err != nil {
		return nil, err
	}
	if doc.Name != r.Param("name") {
		return nil, sdk.BadRequest("The name %q in the document is not %q, the package that the URL names", doc.Name, r.Param("name"))
	}
	if doc.Versions == nil {
		return nil, sdk.BadRequest("Versions key is missing from the JSON upload")
	}
	seen, err := seenVersions(ctx, r, served(r.Param("name")))
	if err != nil {
		return nil, err
	}
	gone := slices.DeleteFunc(seen, func(p sdk.FoundPackage) bool {
		_, kept := doc.Versions[p.Package.Version]
		return kept
	})
	return destroyed(gone)
}

// unpublishTarball removes the version of a tarball. One that is gone already
// is no error as long as the package is there: it is npm's last step of removing it.
func unpublishTarball(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	number := r.Param("project")
	if !strings.HasSuffix(r.Param("file"), ".tgz") || (number != "" && number != strconv.FormatInt(r.Project.ID, 10)) {
		return nil, sdk.NotFound("Package file")
	}
	found, err := findFile(ctx, r)
	if err == nil {
		return destroyed([]sdk.FoundPackage{found})
	}
	if problem, ok := errors.AsType[*sdk.ProblemError](err); !ok || problem.Status != http.StatusNotFound {
		return nil, err
	}
	if _, err := r.Packages.First(ctx, sdk.Finder{Name: r.Param("name")}); err != nil {
		return nil, err
	}
	return destroyed(nil)
}

// unpublishAbove refuses what can only be asked of a project.
func unpublishAbove(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return nil, sdk.Problem(http.StatusMethodNotAllowed, "Packages are unpublished from their project; name its registry")
}

// seenVersions returns those of the versions that a finder selects that were
// there when the caller read the packument whose revision it sends.
func seenVersions(ctx context.Context, r *sdk.Request, f sdk.Finder) ([]sdk.FoundPackage, error) {
	_, id, ok := strings.Cut(r.Param("rev"), "-")
	newest, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil {
		return nil, sdk.Conflict("The revision %q is not one of this registry; read the package again", r.Param("rev"))
	}
	versions, err := r.Packages.Find(ctx, f)
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, sdk.ErrNotFound
	}
	return slices.DeleteFunc(versions, func(p sdk.FoundPackage) bool { return p.Package.ID > newest }), nil
}

func destroyed(versions []sdk.FoundPackage) (sdk.Outcome, error) {
	if len(versions) > maxChanges {
		return nil, sdk.BadRequest("%d versions would be removed; at most %d at a time", len(versions), maxChanges)
	}
	plan := sdk.NewPlan()
	for _, v := range versions {
		plan.DestroyPackage(sdk.Existing(v.Package))
	}
	return sdk.JSON(http.StatusOK, map[string]bool{"ok": true}).With(plan), nil
}
