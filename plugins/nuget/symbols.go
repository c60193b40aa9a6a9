package nuget

import (
	"context"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/archive"
	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/pdb"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// maxPDB bounds the symbols of one assembly.
const maxPDB = 8 << 20

// pushSymbols publishes the symbols of a version that is there already.
func pushSymbols(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	p, err := readPushed(ctx, r)
	if err != nil {
		return nil, err
	}
	if !p.IsSymbols() {
		return nil, sdk.BadRequest("this is no symbol package: its manifest does not have the package type SymbolsPackage")
	}
	if err := p.Required(true); err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	if err := archive.CheckSymbols(p.names); err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	found, err := r.Packages.First(ctx, sdk.Finder{Name: names.Key(p.ID), Version: p.Version.Key(), Statuses: anyStatus(), WithFiles: true})
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, sdk.Problem(http.StatusNotFound, "The package %s %s that these symbols are of is not here", p.ID, p.Version.Normalized())
	}
	if err != nil {
		return nil, err
	}
	if _, err := fileOf(found, "snupkg"); err == nil && (!r.Settings.Decided || !r.AllowsDuplicate(found.Package.Name, found.Package.Version)) {
		return nil, sdk.Conflict("The symbols of %s %s are here already", found.Package.Name, found.Package.Version)
	}
	plan := sdk.NewPlan()
	plan.AttachFile(sdk.Existing(found.Package), p.upload, p.fileName("snupkg"), sdk.FileKey("snupkg"), sdk.Replace())
	plan.Enqueue("index_symbols", indexArgs{ID: p.ID, Version: p.Version.Original()}, sdk.UniqueKey(names.Key(p.ID)+"@"+p.Version.Key()))
	return sdk.JSON(http.StatusCreated, map[string]string{"message": "201 Created"}).With(plan), nil
}

type indexArgs struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// indexSymbols notes by what a debugger asks for the symbols of a version.
// Symbols that are not portable have nothing to be asked by, and are left out.
func indexSymbols(ctx context.Context, j *sdk.JobRun) (*sdk.Plan, error) {
	var args indexArgs
	if err := j.Decode(&args); err != nil {
		return nil, err
	}
	v, err := version.Parse(args.Version)
	if err != nil {
		return nil, err
	}
	found, err := j.Packages.First(ctx, sdk.Finder{Name: names.Key(args.ID), Version: v.Key(), Statuses: anyStatus(), WithFiles: true})
	if errors.Is(err, sdk.ErrNotFound) {
		return nil, nil //nolint:nilnil // it went away meanwhile
	}
	if err != nil {
		return nil, err
	}
	stored, err := fileOf(found, "snupkg")
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // likewise
	}
	list, err := j.Files.Archive(ctx, sdk.ArchiveRead{File: sdk.StoredFile(stored), Kind: sdk.Zip, ListNames: true})
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan().Unchanged(found.Package, nil).DeleteRows("symbols", sdk.Row{"package_id": found.Package.ID})
	for _, name := range list.Names {
		if !archive.IsPDB(name) {
			continue
		}
		read, err := j.Files.Archive(ctx, sdk.ArchiveRead{File: sdk.StoredFile(stored), Kind: sdk.Zip, Globs: []string{literal(name)}, MaxMemberBytes: maxPDB})
		if err != nil {
			return nil, err
		}
		if read.Refusal != "" || len(read.Members) == 0 {
			j.Log.Info("symbols were not indexed", "package", args.ID, "version", args.Version, "file", name, "reason", read.Refusal)
			continue
		}
		symbols, err := pdb.Parse(read.Members[0].Data)
		if err != nil {
			j.Log.Info("symbols were not indexed", "package", args.ID, "version", args.Version, "file", name, "reason", err)
			continue
		}
		plan.Upsert("symbols", sdk.Existing(found.Package), sdk.Row{
			"file_id": stored.ID, "member": name, "file_name": strings.ToLower(path.Base(name)),
			"signature": symbols.Signature, "checksum": symbols.Checksum,
		}, "package_id", "signature", "file_name")
	}
	return plan, nil
}

// symbolFile answers a debugger: symbols by name, signature and the checksum
// that the assembly names. GitLab takes the checksum for a password; here the
// project's visibility decides, as of everything else.
func symbolFile(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	file, signature := strings.ToLower(r.Param("file")), strings.ToLower(r.Param("signature"))
	if file != strings.ToLower(r.Param("same")) {
		return nil, sdk.BadRequest("the file is named twice in the address, and differently")
	}
	sums := regexp.MustCompile(`(?i)SHA256:([0-9a-f]{64})`).FindAllStringSubmatch(r.Header("SymbolChecksum"), -1)
	if len(sums) == 0 {
		return nil, sdk.BadRequest("the header SymbolChecksum is missing, or has no SHA256")
	}
	rows, err := r.Meta.Select(ctx, sdk.RowSelect{Table: "symbols", Where: sdk.Row{"signature": signature, "file_name": file}})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, sum := range sums {
			if !strings.EqualFold(sum[1], text(row, "checksum")) {
				continue
			}
			id, _ := row["file_id"].(int64)
			read, err := r.Files.Archive(ctx, sdk.ArchiveRead{
				File: sdk.FileRef{FileID: id}, Kind: sdk.Zip, Globs: []string{literal(text(row, "member"))}, MaxMemberBytes: maxPDB,
			})
			if err != nil {
				return nil, err
			}
			if len(read.Members) == 1 {
				return sdk.Text(http.StatusOK, string(read.Members[0].Data)).Header("Content-Type", "application/octet-stream"), nil
			}
		}
	}
	return nil, sdk.NotFound("Symbol")
}

func text(row sdk.Row, column string) string { s, _ := row[column].(string); return s }
