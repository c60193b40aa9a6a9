package nuget

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// A registration is a package's metadata, version by version, in pages. There
// are two sets of them ("hives"): one with everything, and one without the
// versions that clients before NuGet 4.3 cannot read.
type hive struct {
	path    string
	semVer2 bool
}

func everything() hive { return hive{"/metadata/", true} }
func semVer1() hive    { return hive{"/metadata-semver1/", false} }

const (
	// inlined is up to how many versions the index has all of them in it, as nuget.org does.
	inlined = 128
	// pageSize is how many a page has beyond that.
	pageSize = 64
)

type registrationIndex struct {
	ID    string             `json:"@id"`
	Type  []string           `json:"@type"`
	Count int                `json:"count"`
	Items []registrationSpan `json:"items"`
}

type registrationSpan struct {
	ID     string             `json:"@id"`
	Type   string             `json:"@type"`
	Count  int                `json:"count"`
	Items  []registrationItem `json:"items,omitempty"`
	Lower  string             `json:"lower"`
	Upper  string             `json:"upper"`
	Parent string             `json:"parent"`
}

type registrationItem struct {
	ID             string       `json:"@id"`
	Type           string       `json:"@type"`
	CatalogEntry   catalogEntry `json:"catalogEntry"`
	PackageContent string       `json:"packageContent"`
	Registration   string       `json:"registration"`
	Listed         bool         `json:"listed"`
	Published      string       `json:"published"`
}

// catalogEntry stands in the leaf itself, as GitLab has it; the protocol has an
// address there, and clients take both.
type catalogEntry struct {
	ID                       string            `json:"@id"`
	Type                     string            `json:"@type"`
	Authors                  string            `json:"authors"`
	DependencyGroups         []dependencyGroup `json:"dependencyGroups,omitempty"`
	Description              string            `json:"description"`
	IconURL                  string            `json:"iconUrl,omitzero"`
	PackageID                string            `json:"id"`
	Language                 string            `json:"language,omitzero"`
	LicenseExpression        string            `json:"licenseExpression,omitzero"`
	LicenseURL               string            `json:"licenseUrl,omitzero"`
	Listed                   bool              `json:"listed"`
	MinClientVersion         string            `json:"minClientVersion,omitzero"`
	PackageContent           string            `json:"packageContent"`
	PackageTypes             []packageType     `json:"packageTypes,omitempty"`
	ProjectURL               string            `json:"projectUrl,omitzero"`
	Published                string            `json:"published"`
	ReadmeURL                string            `json:"readmeUrl,omitzero"`
	RequireLicenseAcceptance bool              `json:"requireLicenseAcceptance"`
	Summary                  string            `json:"summary"`
	Tags                     []string          `json:"tags"`
	Title                    string            `json:"title"`
	Version                  string            `json:"version"`
}

type dependencyGroup struct {
	Type            string            `json:"@type"`
	TargetFramework string            `json:"targetFramework,omitzero"`
	Dependencies    []entryDependency `json:"dependencies,omitempty"`
}

type entryDependency struct {
	Type         string `json:"@type"`
	ID           string `json:"id"`
	Range        string `json:"range"`
	Registration string `json:"registration"`
}

// known is a version of which nothing is read yet but what it is called.
type known struct {
	id  int64
	key version.Version
}

// knownQuery finds the versions of a package that are served, listed or not.
func knownQuery() sdk.NamedQuery {
	return sdk.NamedQuery{
		Name: "known",
		SQL: `
			select distinct on (p.version_key) p.id, p.version
			from core_api.packages p
			join metadata m on m.package_id = p.id
			where p.project_id = any ($1) and p.name_key = $2 and p.status in ('default', 'hidden', 'deprecated') and ($3 or not m.semver2)
			  and exists (select from core_api.package_files f where f.package_id = p.id and f.file_key = 'nupkg')
			order by p.version_key, p.id desc`,
		ArgumentTypes: []string{"text", "boolean"},
		Result:        []sdk.QueryColumn{{Name: "id", Type: "bigint"}, {Name: "version", Type: "text"}},
	}
}

// knownOf returns a package's versions in their order; at least one. What they say
// of themselves is read for those alone that a document shows.
func (h hive) knownOf(ctx context.Context, r *sdk.Request, id string) ([]known, error) {
	rows, err := r.Meta.Query(ctx, "known", id, h.semVer2)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, sdk.NotFound("Package")
	}
	all := make([]known, len(rows))
	for i, row := range rows {
		all[i].id, _ = row["id"].(int64)
		if all[i].key, err = version.Parse(text(row, "version")); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b known) int { return a.key.Compare(b.key) })
	return all, nil
}

// registration answers with the index of a package's versions.
func registration(h hive) sdk.Handler {
	return func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		id, err := idOf(r)
		if err != nil {
			return nil, err
		}
		all, err := h.knownOf(ctx, r, id)
		if err != nil {
			return nil, err
		}
		doc := registrationIndex{ID: h.index(r, id), Type: []string{"catalog:CatalogRoot", "PackageRegistration", "catalog:Permalink"}}
		if len(all) <= inlined {
			span, err := h.filled(ctx, r, id, all)
			if err != nil {
				return nil, err
			}
			doc.Items = []registrationSpan{span}
		} else {
			for part := range slices.Chunk(all, pageSize) {
				doc.Items = append(doc.Items, h.span(r, id, part))
			}
		}
		doc.Count = len(doc.Items)
		return sdk.JSON(http.StatusOK, doc), nil
	}
}

// registrationPage answers with the versions between two.
func registrationPage(h hive) sdk.Handler {
	return func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		id, err := idOf(r)
		if err != nil {
			return nil, err
		}
		lower, err := version.Parse(r.Param("lower"))
		if err != nil {
			return nil, sdk.BadRequest("%v", err)
		}
		upper, err := version.Parse(r.Param("upper"))
		if err != nil {
			return nil, sdk.BadRequest("%v", err)
		}
		all, err := h.knownOf(ctx, r, id)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(v known) bool { return v.key.Compare(lower) < 0 || v.key.Compare(upper) > 0 })
		if len(all) == 0 {
			return nil, sdk.NotFound("Page")
		}
		span, err := h.filled(ctx, r, id, all)
		if err != nil {
			return nil, err
		}
		return sdk.JSON(http.StatusOK, span), nil
	}
}

// registrationLeaf answers with one version.
func registrationLeaf(h hive) sdk.Handler {
	return func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := findVersion(ctx, r, withManifest())
		if err != nil {
			return nil, err
		}
		one, err := releaseOf(found)
		if err != nil {
			return nil, err
		}
		if one.semVer2 && !h.semVer2 {
			return nil, sdk.NotFound("Package")
		}
		return sdk.JSON(http.StatusOK, h.item(r, names.Key(found.Package.Name), one)), nil
	}
}

func (h hive) index(r *sdk.Request, id string) string { return r.BaseURL + h.path + id + "/index.json" }

// span is a page without its versions.
func (h hive) span(r *sdk.Request, id string, part []known) registrationSpan {
	lower, upper := part[0].key.Key(), part[len(part)-1].key.Key()
	return registrationSpan{
		ID: fmt.Sprintf("%s%s%s/page/%s/%s.json", r.BaseURL, h.path, id, lower, upper), Type: "catalog:CatalogPage",
		Count: len(part), Lower: lower, Upper: upper, Parent: h.index(r, id),
	}
}

// filled is a page with its versions.
func (h hive) filled(ctx context.Context, r *sdk.Request, id string, part []known) (registrationSpan, error) {
	s := h.span(r, id, part)
	ids := make([]int64, len(part))
	for i, v := range part {
		ids[i] = v.id
	}
	details, err := describe(ctx, r, ids)
	if err != nil {
		return s, err
	}
	for _, v := range part {
		if d, ok := details[v.id]; ok { // not: it was deleted between the two reads
			s.Items = append(s.Items, h.item(r, id, d.release))
		}
	}
	return s, nil
}

func (h hive) item(r *sdk.Request, id string, v release) registrationItem {
	leaf := r.BaseURL + h.path + id + "/" + v.lower() + ".json"
	place := r.BaseURL + "/download/" + id + "/" + v.lower()
	entry := catalogEntry{
		ID: leaf, Type: "PackageDetails", Authors: v.Authors, Description: v.Description, PackageID: v.ID, Language: v.Language,
		LicenseExpression: v.LicenseExpression, LicenseURL: v.licenseURL(place), IconURL: v.iconURL(place), Listed: v.listed,
		MinClientVersion: v.MinClientVersion, PackageContent: place + "/" + id + "." + v.lower() + ".nupkg", PackageTypes: v.PackageTypes,
		ProjectURL: v.ProjectURL, Published: stamp(v.listedAt()), RequireLicenseAcceptance: v.RequireLicenseAcceptance, Summary: v.Summary,
		Tags: append([]string{}, v.Tags...), Title: v.title(), Version: v.Version,
	}
	if v.Readme != "" {
		entry.ReadmeURL = place + "/readme"
	}
	for _, g := range v.Groups {
		group := dependencyGroup{Type: "PackageDependencyGroup", TargetFramework: g.TargetFramework}
		for _, d := range g.Dependencies {
			group.Dependencies = append(group.Dependencies, entryDependency{"PackageDependency", d.ID, d.Range, h.index(r, names.Key(d.ID))})
		}
		entry.DependencyGroups = append(entry.DependencyGroups, group)
	}
	return registrationItem{
		ID: leaf, Type: "Package", CatalogEntry: entry, PackageContent: entry.PackageContent, Registration: h.index(r, id),
		Listed: v.listed, Published: entry.Published,
	}
}

func (v release) title() string {
	if v.Title == "" {
		return v.ID
	}
	return v.Title
}

// licenseURL is where the licence can be read: an expression at nuget.org's page
// of it, as clients expect, a file of the package here.
func (v release) licenseURL(place string) string {
	switch {
	case v.LicenseExpression != "":
		return "https://licenses.nuget.org/" + escapePath(v.LicenseExpression)
	case v.LicenseFile != "":
		return place + "/license"
	}
	return v.LicenseURL
}

func (v release) iconURL(place string) string {
	if v.Icon != "" {
		return place + "/icon"
	}
	return v.IconURL
}
