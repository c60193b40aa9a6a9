package npm

import (
	"bytes"
	"context"
	"net/http"

	"github.com/pakhus/pakhus/sdk"
)

// version answers with one version object, named by version or tag.
func version(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	name, wanted := r.Param("name"), r.Param("version")
	if checkVersion(wanted) != nil {
		tagged, err := r.Packages.Find(ctx, sdk.Finder{Name: name, WithTags: true})
		if err != nil {
			return nil, err
		}
		if wanted = distTags(tagged)[wanted]; wanted == "" {
			return nil, sdk.NotFound("Package")
		}
	}
	found, err := r.Packages.First(ctx, sdk.Finder{Name: name, Version: wanted, WithRows: []sdk.RowSelection{{Table: "metadata"}}})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	writeVersion(&b, r.BaseURL, found, "manifest")
	return sdk.JSONBytes(http.StatusOK, b.Bytes()), nil
}

// tarball sends a version's file. It is found by GitLab's name, which has the
// scope in it, and by npmjs's, which has not: some tools make the URL themselves.
func tarball(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	name, file := r.Param("name"), r.Param("file")
	for _, candidate := range []string{file, scopeOf(name) + file} {
		found, err := r.Packages.First(ctx, sdk.Finder{Name: name, FileName: candidate, WithFiles: true, Limit: 1})
		if err == nil && len(found.Files) == 1 {
			return sdk.SendFile(found.Files[0]).ContentType("application/octet-stream"), nil
		}
		if err != nil && !isNotFound(err) {
			return nil, err
		}
	}
	return nil, sdk.NotFound("Package file")
}
