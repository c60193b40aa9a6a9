package nuget

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// versions answers with a package's versions as they stand in addresses, listed
// or not: what is not listed can still be restored.
func versions(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, r, sdk.Finder{Name: id, FileSuffix: ".nupkg"})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, sdk.NotFound("Package")
	}
	keys := make([]version.Version, 0, len(found))
	for _, p := range found {
		v, err := version.Parse(p.Package.Version)
		if err != nil {
			return nil, err
		}
		keys = append(keys, v)
	}
	slices.SortFunc(keys, version.Version.Compare)
	list := make([]string, len(keys))
	for i, v := range keys {
		list[i] = v.Key()
	}
	return sdk.JSON(http.StatusOK, map[string][]string{"versions": list}), nil
}

// download sends a package, its symbols, or its manifest. The file may be named
// by the version as it was published or as clients write it, in any case.
func download(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := findVersion(ctx, r, withManifest())
	if err != nil {
		return nil, err
	}
	v, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	id, file := names.Key(found.Package.Name), strings.ToLower(r.Param("file"))
	if file == id+".nuspec" {
		return nuspecOf(ctx, r, found)
	}
	kind := strings.TrimPrefix(path.Ext(file), ".")
	stem := strings.TrimSuffix(file, "."+kind)
	if stem != id+"."+strings.ToLower(r.Param("version")) && stem != id+"."+v.Key() && stem != id+"."+strings.ToLower(found.Package.Version) {
		return nil, sdk.NotFound("Package file")
	}
	stored, err := fileOf(found, kind)
	if err != nil {
		return nil, err
	}
	return sdk.SendFile(stored).ContentType("application/octet-stream"), nil
}

// nuspecOf answers with the manifest as it is in the package.
func nuspecOf(ctx context.Context, r *sdk.Request, found sdk.FoundPackage) (sdk.Outcome, error) {
	where := ""
	for _, row := range found.Rows["metadata"] {
		where, _ = row["nuspec"].(string)
	}
	data, err := member(ctx, r, found, where, maxNuspec)
	if err != nil {
		return nil, err
	}
	return sdk.Text(http.StatusOK, string(data)).Header("Content-Type", "application/xml"), nil
}

// member reads a file out of the stored package.
func member(ctx context.Context, r *sdk.Request, found sdk.FoundPackage, name string, most int64) ([]byte, error) {
	stored, err := fileOf(found, "nupkg")
	if err != nil {
		return nil, err
	}
	archive, err := r.Files.Archive(ctx, sdk.ArchiveRead{
		File: sdk.StoredFile(stored), Kind: sdk.Zip, Globs: []string{literal(name)}, MaxMemberBytes: most,
	})
	if err != nil {
		return nil, err
	}
	if archive.Refusal != "" || len(archive.Members) == 0 {
		return nil, sdk.NotFound("File")
	}
	return archive.Members[0].Data, nil
}

// literal is a glob that fits one name.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// part is a file within a package that people look at.
type part struct {
	name  func(manifest) string
	most  int64
	media func(name string, data []byte) string
}

const (
	maxReadme  = 1 << 20
	maxLicense = 1 << 20
	maxIcon    = 1 << 20
)

func readmeOf() part {
	return part{func(m manifest) string { return m.Readme }, maxReadme, func(string, []byte) string { return "text/markdown; charset=utf-8" }}
}

func licenseOf() part {
	return part{func(m manifest) string { return m.LicenseFile }, maxLicense, func(string, []byte) string { return "text/plain; charset=utf-8" }}
}

func iconOf() part { return part{func(m manifest) string { return m.Icon }, maxIcon, imageType} }

// content answers with a part of a package, as text or as an image and as nothing
// else: what a stranger has put there must not act as a page of this registry.
func content(p part) sdk.Handler {
	return func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := findVersion(ctx, r, withManifest())
		if err != nil {
			return nil, err
		}
		one, err := releaseOf(found)
		if err != nil {
			return nil, err
		}
		name := path.Clean(strings.ReplaceAll(p.name(one.manifest), `\`, "/"))
		if p.name(one.manifest) == "" {
			return nil, sdk.NotFound("File")
		}
		data, err := member(ctx, r, found, strings.TrimPrefix(name, "/"), p.most)
		if err != nil {
			return nil, err
		}
		return sdk.Text(http.StatusOK, string(data)).Header("Content-Type", p.media(name, data)), nil
	}
}

// imageType is what the first bytes of an icon say that it is: PNG or JPEG, as
// nuget.org takes them. Anything else is bytes to keep.
func imageType(_ string, data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return "application/octet-stream"
}

func escapePath(s string) string { return strings.ReplaceAll(url.PathEscape(s), "+", "%2B") }
