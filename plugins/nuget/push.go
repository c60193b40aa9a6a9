package nuget

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/archive"
	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/sdk"
)

// maxNuspec bounds a manifest; GitLab's.
const maxNuspec = 4 << 20

// pushed is a package that has arrived, and what its manifest says.
type pushed struct {
	nuspec.Nuspec

	upload sdk.Upload
	where  string   // of the manifest, in the package
	names  []string // of all files in the package
}

// pushPackage publishes a version: it is there when the answer is.
func pushPackage(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	p, err := readPushed(ctx, r)
	if err != nil {
		return nil, err
	}
	if p.IsSymbols() {
		return nil, sdk.BadRequest("this is a symbol package: it is pushed to the address that the index names SymbolPackagePublish")
	}
	if err := p.Required(false); err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	existing, err := r.Packages.First(ctx, sdk.Finder{Name: names.Key(p.ID), Version: p.Version.Key(), Statuses: anyStatus()})
	taken := err == nil
	if err != nil && !errors.Is(err, sdk.ErrNotFound) {
		return nil, err
	}
	// GitLab allows duplicates by default. Here a group must have said so: clients
	// keep a version that they have seen for ever, and compare its hash.
	again := r.Settings.Decided && r.AllowsDuplicate(p.ID, p.Version.Original())
	if taken && !again {
		return nil, sdk.Conflict("A package with the same name and version already exists: %s %s", existing.Package.Name, existing.Package.Version)
	}
	plan, err := p.plan(again)
	if err != nil {
		return nil, err
	}
	return sdk.JSON(http.StatusCreated, map[string]string{"message": "201 Created"}).With(plan), nil
}

// readPushed reads the manifest out of the package, and refuses what is none.
func readPushed(ctx context.Context, r *sdk.Request) (*pushed, error) {
	upload, err := r.File()
	if err != nil {
		return nil, err
	}
	const nuspecs = "*.[nN][uU][sS][pP][eE][cC]"
	found, err := r.Files.Archive(ctx, sdk.ArchiveRead{
		File: sdk.UploadRef(upload), Kind: sdk.Zip, MaxMemberBytes: maxNuspec, ListNames: true,
		// Wherever it stands, as in GitLab, within reason.
		Globs: []string{nuspecs, "*/" + nuspecs, "*/*/" + nuspecs, "*/*/*/" + nuspecs},
	})
	if err != nil {
		return nil, err
	}
	if found.Refusal != "" {
		return nil, sdk.BadRequest("This is no package: %s", found.Refusal)
	}
	p := &pushed{upload: upload, names: found.Names}
	candidates := make([]string, len(found.Members))
	for i, m := range found.Members {
		candidates[i] = m.Name
	}
	if p.where, err = archive.FindNuspec(candidates); err != nil {
		return nil, sdk.BadRequest("This is no package: %v", err)
	}
	for _, m := range found.Members {
		if m.Name != p.where {
			continue
		}
		if p.Nuspec, err = nuspec.Parse(m.Data); err != nil {
			return nil, sdk.BadRequest("%s: %v", p.where, err)
		}
	}
	return p, nil
}

// plan publishes the version; again: in place of one that is there, or was.
func (p *pushed) plan(again bool) (*sdk.Plan, error) {
	row, err := row(p.Nuspec, p.where)
	if err != nil {
		return nil, err
	}
	// Somebody else was faster, or it was deleted: its name and version stay taken.
	taken := sdk.Conflict("%s %s already exists, or was deleted and may not be published again", p.ID, p.Version.Normalized())
	options := []sdk.PackageOption{sdk.Keys(names.Key(p.ID), p.Version.Key()), sdk.OnConflict(warning(taken))}
	if again {
		options = append(options, sdk.Reuse(), sdk.TakeReserved())
	}
	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(p.ID, p.Version.Original(), options...)
	plan.AttachFile(pkg, p.upload, p.fileName("nupkg"), sdk.FileKey("nupkg"), sdk.Replace())
	plan.Upsert("metadata", pkg, row, "package_id")
	for _, tag := range p.Tags {
		plan.SetTag(pkg, tag, sdk.ShareTag())
	}
	return plan, nil
}

// warning puts a refusal's sentence where clients look, in an answer of a plan:
// of those, the SDK does not know when it makes them that they will be sent.
func warning(problem error) error {
	if p, ok := errors.AsType[*sdk.ProblemError](problem); ok {
		p.Header = http.Header{"X-Nuget-Warning": {p.Message}}
	}
	return problem
}

// fileName is how the file is called everywhere: by the version as clients write it.
func (p *pushed) fileName(kind string) string {
	return strings.Join([]string{names.Key(p.ID), p.Version.Key(), kind}, ".")
}
