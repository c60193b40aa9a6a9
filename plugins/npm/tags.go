package npm

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// listTags answers with the dist-tags.
func listTags(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	versions, err := taggedVersions(ctx, r, served(r.Param("name")))
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(ctx, r, r.Param("name"), versions)
	if err != nil {
		return nil, err
	}
	return sdk.JSON(http.StatusOK, tags), nil
}

// setTag points a tag at a version. The body is the version, a JSON string.
func setTag(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	if err := checkName(r.Param("name")); err != nil {
		return nil, err
	}
	if err := checkTag(r.Param("tag")); err != nil {
		return nil, err
	}
	var version string
	if err := strictjson.Unmarshal(r.Body(), &version); err != nil || strings.TrimSpace(version) == "" {
		return nil, sdk.BadRequest(`400 Bad request - "Version" not given`)
	}
	f := served(r.Param("name"))
	f.Version = version
	found, err := findOne(ctx, r, f)
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan().In(found.Package.ProjectID).SetTag(sdk.Existing(found.Package), r.Param("tag"))
	return tagged(r).With(plan), nil
}

// removeTag removes a tag. Without a "latest", the highest version is it.
func removeTag(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	if r.Project.ID == 0 {
		return removeTagAbove(ctx, r)
	}
	// Also of a version that is not served: it is how to get rid of such a tag.
	versions, err := taggedVersions(ctx, r, sdk.Finder{Name: r.Param("name")})
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if slices.Contains(v.Tags, r.Param("tag")) {
			plan := sdk.NewPlan().RemoveTag(r.Param("name"), r.Param("tag"))
			return tagged(r).With(plan), nil
		}
	}
	return nil, sdk.NotFound("Package tag")
}

// removeTagAbove removes a tag from the project whose it is that a request about
// several projects is shown.
func removeTagAbove(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	if _, err := taggedVersions(ctx, r, served(r.Param("name"))); err != nil {
		return nil, err
	}
	project, err := projectOfTag(ctx, r, r.Param("name"), r.Param("tag"))
	if err != nil {
		return nil, err
	}
	if project == 0 {
		return nil, sdk.NotFound("Package tag")
	}
	return tagged(r).With(sdk.NewPlan().In(project).RemoveTag(r.Param("name"), r.Param("tag"))), nil
}

// taggedVersions returns the versions that a finder selects of the package that the path names, at least one, with their tags.
func taggedVersions(ctx context.Context, r *sdk.Request, f sdk.Finder) ([]sdk.FoundPackage, error) {
	if err := checkName(r.Param("name")); err != nil {
		return nil, err
	}
	f.WithTags = true
	versions, err := find(ctx, r, f)
	if err == nil && len(versions) == 0 {
		err = sdk.ErrNotFound
	}
	return versions, err
}

// tagged is GitLab's empty answer; yarn 1 takes nothing for success but a document that says so.
func tagged(r *sdk.Request) *sdk.Response {
	if strings.HasPrefix(r.Header("User-Agent"), "yarn/1.") {
		return sdk.JSON(http.StatusOK, map[string]bool{"ok": true})
	}
	return sdk.Empty(http.StatusNoContent)
}
