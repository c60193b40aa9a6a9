package npm

import (
	"context"
	"errors"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

// version answers with one version object, named by version or tag.
func version(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	name, wanted := r.Param("name"), r.Param("version")
	if checkVersion(wanted) != nil {
		f := served(name)
		f.WithTags = true
		tagged, err := find(ctx, r, f)
		if err != nil {
			return nil, err
		}
		tags, err := tagsOf(ctx, r, name, tagged)
		if err != nil {
			return nil, err
		}
		if wanted = tags[wanted]; wanted == "" {
			return nil, sdk.ErrNotFound
		}
	}
	f := served(name)
	f.Version, f.WithRows = wanted, versionRows("manifest")
	found, err := findOne(ctx, r, f)
	if err != nil {
		return nil, err
	}
	return sdk.JSONBytes(http.StatusOK, appendVersion(nil, r.BaseURL, found, "manifest")), nil
}

// tarball sends a version's file.
func tarball(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := findFile(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(found.Files) == 0 {
		return nil, sdk.NotFound("Package file")
	}
	return sdk.SendFile(found.Files[0]).ContentType("application/octet-stream"), nil
}

// findFile finds the version of a file that a URL names; a [sdk.NotFound] if
// there is none.
func findFile(ctx context.Context, r *sdk.Request) (sdk.FoundPackage, error) {
	name := r.Param("name")
	for _, file := range tarballNames(name, r.Param("file")) {
		found, err := findOne(ctx, r, sdk.Finder{Name: name, FileName: file, WithFiles: true, Limit: 1})
		if err == nil || !errors.Is(err, sdk.ErrNotFound) {
			return found, err
		}
	}
	return sdk.FoundPackage{}, sdk.NotFound("Package file")
}
