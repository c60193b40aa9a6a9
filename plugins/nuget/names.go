package nuget

import (
	"context"
	"errors"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// withID fills in by which validator a pattern takes the package's id.
func withID(pattern, validator string) string {
	return strings.Replace(pattern, "{id}", "{id:"+validator+"}", 1)
}

// idOf reads the package's id from the path, as the key that it is stored under.
func idOf(r *sdk.Request) (string, error) {
	id := r.Param("id")
	if err := names.CheckID(id); err != nil {
		return "", sdk.BadRequest("%v", err)
	}
	return names.Key(id), nil
}

// versionOf reads a version from the path: as it was published or as clients
// write it, the key is the same.
func versionOf(r *sdk.Request) (version.Version, error) {
	v, err := version.Parse(r.Param("version"))
	if err != nil {
		return v, sdk.BadRequest("%v", err)
	}
	return v, nil
}

// anyStatus are the statuses that writers see.
func anyStatus() []string {
	return []string{sdk.StatusDefault, sdk.StatusHidden, sdk.StatusDeprecated, sdk.StatusProcessing, sdk.StatusError}
}

// find returns the versions that a finder selects, each once: of a version that
// several projects of a group have, that which was published last.
func find(ctx context.Context, r *sdk.Request, f sdk.Finder) ([]sdk.FoundPackage, error) {
	found, err := r.Packages.Find(ctx, f)
	if err != nil || r.Project.ID != 0 {
		return found, err
	}
	last := map[string]int{}
	for i, p := range found {
		last[keyOf(p.Package)] = i
	}
	each := found[:0]
	for i, p := range found {
		if last[keyOf(p.Package)] == i {
			each = append(each, p)
		}
	}
	return each, nil
}

// keyOf is what decides whether two packages are one.
func keyOf(p sdk.Package) string {
	v, err := version.Parse(p.Version)
	if err != nil {
		return names.Key(p.Name) + "/" + p.Version // what is stored was parsed
	}
	return names.Key(p.Name) + "/" + v.Key()
}

// findVersion returns the version that the path names, or [sdk.ErrNotFound].
func findVersion(ctx context.Context, r *sdk.Request, rows []sdk.RowSelection) (sdk.FoundPackage, error) {
	id, err := idOf(r)
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	v, err := versionOf(r)
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	found, err := r.Packages.Find(ctx, sdk.Finder{Name: id, Version: v.Key(), FileSuffix: ".nupkg", WithFiles: true, WithRows: rows})
	if err != nil {
		return sdk.FoundPackage{}, err
	}
	if len(found) == 0 {
		return sdk.FoundPackage{}, sdk.NotFound("Package")
	}
	return found[len(found)-1], nil
}

// fileOf returns a package's file of a kind, "nupkg" or "snupkg".
func fileOf(p sdk.FoundPackage, kind string) (sdk.PackageFile, error) {
	for _, f := range p.Files {
		if f.FileKey == kind {
			return f, nil
		}
	}
	return sdk.PackageFile{}, errors.Join(sdk.NotFound("Package file"))
}
