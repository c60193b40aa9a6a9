package maven

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// deployed is one uploaded file, and what is stored of its version.
type deployed struct {
	layout.Coordinates

	name   string // of the package: "com/example/app"
	file   layout.File
	upload sdk.Upload

	stored *sdk.FoundPackage // the version, complete or not; nil: this is its first file
	same   *sdk.PackageFile  // the stored file of that name; nil: there is none, as far as is known
}

// putFile stores one file of a version: parse → check → plan.
func putFile(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	d, err := parseDeployed(r)
	if err != nil {
		return nil, err
	}
	if err := d.lookUp(ctx, r); err != nil {
		return nil, err
	}
	if d.same != nil && d.complete() {
		if bytes.Equal(d.same.Digests.SHA256, d.upload.Digests.SHA256) {
			// A client whose answer was lost sends the file once more.
			return sdk.Empty(http.StatusOK), nil
		}
		if !version.IsSnapshot(d.Version) && !r.AllowsDuplicate(d.name, d.Version) {
			return nil, sdk.BadRequest("Duplicate package is not allowed: %s is stored already", r.Param("file"))
		}
	}
	plan, err := d.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	return sdk.Empty(http.StatusOK).With(plan), nil
}

func parseDeployed(r *sdk.Request) (*deployed, error) {
	name, v, fileName := r.Param("name"), r.Param("version"), r.Param("file")
	if err := checkPath(name, v, fileName); err != nil {
		return nil, err
	}
	groupID, artifactID, err := layout.ParseName(name)
	if err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	if version.IsTimestamped(v) {
		return nil, sdk.BadRequest("%s is a build of a snapshot: its directory is the snapshot's, which ends in -SNAPSHOT", v)
	}
	d := &deployed{Coordinates: layout.Coordinates{GroupID: groupID, ArtifactID: artifactID, Version: v}, name: name}
	if d.file, err = layout.ParseFile(artifactID, v, fileName); err != nil && !errors.Is(err, layout.ErrForeign) {
		return nil, sdk.BadRequest("%v", err)
	}
	if d.upload, err = r.File(); err != nil {
		return nil, err
	}
	return d, nil
}

// lookUp reads what is stored. The version was read before the call. A file of
// the same name is rare: where there is one, the plan is refused for it, and it
// is looked for when the core asks again.
func (d *deployed) lookUp(ctx context.Context, r *sdk.Request) error {
	found, err := r.Packages.First(ctx, versionFinder(d.name, d.Version))
	if errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d.stored = &found
	if r.Attempt == 1 {
		return nil
	}
	with, err := r.Packages.First(ctx, fileFinder(d.name, d.Version, r.Param("file")))
	if errors.Is(err, sdk.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range with.Files {
		d.same = &with.Files[i]
	}
	return nil
}

// complete reports whether the version is served already.
func (d *deployed) complete() bool {
	return d.stored != nil && d.stored.Package.Status != sdk.StatusProcessing
}

// plan stores the file, what it says, and the version's completion if this file
// is what was missing.
func (d *deployed) plan(ctx context.Context, r *sdk.Request) (*sdk.Plan, error) {
	options := []sdk.PackageOption{
		sdk.Reuse(), sdk.Processing(),
		sdk.OnConflict(sdk.BadRequest("Version %s of %s was deleted, and may not be published again", d.Version, d.name)),
	}
	if version.IsSnapshot(d.Version) || r.AllowsDuplicate(d.name, d.Version) {
		options = append(options, sdk.TakeReserved()) // its files may change anyway
	}
	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(d.name, d.Version, options...)
	if d.stored == nil {
		watch(plan, expireArgs{Name: d.name, Version: d.Version})
	}
	var attach []sdk.FileOption
	if d.same != nil {
		attach = append(attach, sdk.Replace())
	}
	plan.AttachFile(pkg, d.upload, r.Param("file"), attach...)
	kind, err := d.guard(ctx, r)
	if err != nil {
		return nil, err
	}
	complete, err := kind.plan(ctx, r, plan, pkg)
	if err != nil {
		return nil, err
	}
	if complete && !d.complete() {
		plan.SetStatus(pkg, sdk.StatusDefault, "")
	}
	return plan, nil
}

// has returns the version as it is now, if it has a file, and nil if not. Either way
// the plan depends on that.
func (d *deployed) has(ctx context.Context, r *sdk.Request, plan *sdk.Plan, file string) (*sdk.FoundPackage, error) {
	if d.stored == nil {
		plan.FileAbsent(d.name, d.Version, file, nil)
		return nil, nil //nolint:nilnil // not there is an answer
	}
	finder := versionFinder(d.name, d.Version)
	finder.FileName = file
	found, err := r.Packages.First(ctx, finder)
	if errors.Is(err, sdk.ErrNotFound) {
		plan.FileAbsent(d.name, d.Version, file, nil)
		return nil, nil //nolint:nilnil // likewise
	}
	if err != nil {
		return nil, err
	}
	plan.FilePresent(d.name, d.Version, file, nil)
	return &found, nil
}

// archives are the extensions of files that are zips.
func archives() []string { return []string{"jar", "war", "ear", "rar", "aar", "klib", "zip"} }

// guard looks whether the file is what its name says, and returns what it is.
func (d *deployed) guard(ctx context.Context, r *sdk.Request) (kind, error) {
	extension := d.file.Extension
	switch {
	case extension == "pom" && d.file.Classifier == "":
		return readPOM(ctx, r, d)
	case extension == "module":
		return plainFile{}, checkModule(ctx, r, d)
	case hasSignature(extension):
		return plainFile{}, checkSignature(ctx, r, d)
	case slices.Contains(archives(), extension):
		if err := checkZip(ctx, r, d); err != nil {
			return nil, err
		}
		if d.file.Classifier == "" {
			return readMain(ctx, r, d)
		}
	case d.file.Classifier == "" && extension != "":
		return mainFile{deployed: d}, nil
	}
	return plainFile{}, nil
}

// kind is what a file is to its version.
type kind interface {
	// plan adds what the file says to the plan, and reports whether it completes
	// the set that it belongs to.
	plan(ctx context.Context, r *sdk.Request, plan *sdk.Plan, pkg sdk.Ref) (complete bool, err error)
}

// plainFile is one that nothing waits for: sources, signatures, what Ivy adds.
type plainFile struct{}

func (plainFile) plan(context.Context, *sdk.Request, *sdk.Plan, sdk.Ref) (bool, error) {
	return false, nil
}
