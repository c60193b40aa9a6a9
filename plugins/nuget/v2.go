package nuget

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/plugins/nuget/internal/odata"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

const (
	// v2Page is how many versions one answer of the older protocol has.
	v2Page = 100
	// v2Most bounds how many packages one query looks through.
	v2Most = 5000
)

func v2Service(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	return xml(odata.DocumentType, odata.RenderServiceDocument(r.BaseURL+"/v2")), nil
}

func v2Metadata(context.Context, *sdk.Request) (sdk.Outcome, error) {
	return xml(odata.DocumentType, odata.RenderMetadata()), nil
}

func xml(media string, doc []byte) *sdk.Response {
	return sdk.Text(http.StatusOK, string(doc)).Header("Content-Type", media)
}

// v2Download sends a package by the older protocol's address.
func v2Download(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := findVersion(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	stored, err := fileOf(found, "nupkg")
	if err != nil {
		return nil, err
	}
	return sdk.SendFile(stored).ContentType("application/octet-stream"), nil
}

// v2Query answers a query of the older protocol: parse → find → filter → page.
func v2Query(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	q, err := odata.Parse(r.Param("query"), r.QueryValues)
	if err != nil {
		return nil, sdk.BadRequest("%v", err)
	}
	entries, err := v2Entries(ctx, r, q)
	if err != nil {
		return nil, err
	}
	if q.Resource == odata.Package {
		if len(entries) == 0 {
			return nil, sdk.NotFound("Package")
		}
		return xml(odata.EntryType, odata.RenderEntry(r.BaseURL+"/v2", entries[0])), nil
	}
	entries = slices.DeleteFunc(entries, func(e odata.Entry) bool { return !q.Filter.Match(&e.Facts) })
	slices.SortStableFunc(entries, func(a, b odata.Entry) int { return q.Compare(&a.Facts, &b.Facts) })
	total := len(entries)
	if q.Count {
		return sdk.Text(http.StatusOK, strconv.Itoa(total)), nil
	}
	feed := odata.Feed{Base: r.BaseURL + "/v2", Title: string(q.Resource)}
	if q.InlineCount {
		feed.Count = &total
	}
	size := v2Page
	if q.Top >= 0 {
		size = min(q.Top, v2Page)
	}
	from := min(q.Skip, total)
	to := min(from+size, total)
	if to < total && (q.Top < 0 || q.Top > size) {
		feed.Next = v2Next(r, q, to, size)
	}
	feed.Entries = entries[from:to]
	for _, e := range feed.Entries {
		if e.LastUpdated.After(feed.Updated) {
			feed.Updated = e.LastUpdated
		}
	}
	return xml(odata.FeedType, odata.RenderFeed(feed)), nil
}

// v2Next is the address of the page that begins at skip.
func v2Next(r *sdk.Request, q odata.Query, skip, size int) string {
	values := url.Values{}
	for _, name := range []string{"id", "searchTerm", "includePrerelease", "includeAllVersions", "semVerLevel", "targetFramework", "packageIds", "versions", "versionConstraints", "$filter", "$orderby", "$inlinecount"} {
		if v := r.QueryValues(name); len(v) > 0 {
			values[name] = v
		}
	}
	values.Set("$skip", strconv.Itoa(skip))
	if q.Top >= 0 {
		values.Set("$top", strconv.Itoa(q.Top-size))
	}
	return r.BaseURL + "/v2/" + r.Param("query") + "?" + values.Encode()
}

// v2Entries finds the versions that a query is about, before it filters them.
func v2Entries(ctx context.Context, r *sdk.Request, q odata.Query) ([]odata.Entry, error) {
	w := wanted{words: []string{}, prerelease: true, semVer2: q.IsSemVer2(), take: v2Most}
	var keys []string
	exact, byFilter := q.Filter.ExactID()
	switch {
	case q.Resource == odata.Package, q.Resource == odata.FindPackagesByID:
		if err := names.CheckID(q.ID); err != nil {
			return nil, sdk.BadRequest("%v", err)
		}
		keys, w.semVer2 = []string{names.Key(q.ID)}, w.semVer2 || q.Resource == odata.Package
	case q.Resource == odata.GetUpdates:
		for _, u := range q.Updates {
			keys = append(keys, names.Key(u.ID))
		}
	case byFilter:
		keys = []string{exact}
	default:
		for word := range strings.FieldsSeq(q.SearchTerm) {
			w.words = append(w.words, escapeLike(word))
		}
		var err error
		if keys, _, err = w.ids(ctx, r); err != nil {
			return nil, err
		}
	}
	versions, err := w.listedOf(ctx, r, keys)
	if err != nil {
		return nil, err
	}
	chosen := choose(q, keys, versions)
	ids := make([]int64, len(chosen))
	for i, c := range chosen {
		ids[i] = c.id
	}
	details, err := describe(ctx, r, ids)
	if err != nil {
		return nil, err
	}
	var entries []odata.Entry
	for _, c := range chosen {
		if d, ok := details[c.id]; ok {
			entries = append(entries, v2Entry(r, d, c))
		}
	}
	return entries, nil
}

// candidate is a version, and whether it is its package's latest.
type candidate struct {
	id                     int64
	latest, absoluteLatest bool
}

// choose takes the versions that a query is about.
func choose(q odata.Query, keys []string, versions map[string][]listed) []candidate {
	var out []candidate
	for _, key := range keys {
		all := versions[key]
		stable := -1
		for i, v := range all {
			if !v.key.IsPrerelease() {
				stable = i
			}
		}
		for i, v := range all {
			c := candidate{id: v.id, latest: i == stable, absoluteLatest: i == len(all)-1}
			switch q.Resource {
			case odata.Package:
				if v.key.Key() != normalKey(q.Version) {
					continue
				}
			case odata.Search:
				if v.key.IsPrerelease() && !q.IncludePrerelease {
					continue
				}
			case odata.GetUpdates:
				if !updates(q, key, v, all) {
					continue
				}
			}
			out = append(out, c)
		}
	}
	return out
}

func normalKey(text string) string {
	v, err := version.Parse(text)
	if err != nil {
		return text
	}
	return v.Key()
}

// updates reports whether a version is what an installed one is updated to: the
// highest above it, or every one above it.
func updates(q odata.Query, key string, v listed, all []listed) bool {
	for _, u := range q.Updates {
		fits := func(v listed) bool {
			return names.Key(u.ID) == key && v.key.Compare(u.Version) > 0 && u.Constraint.Satisfies(v.key) && (q.IncludePrerelease || !v.key.IsPrerelease())
		}
		if !fits(v) {
			continue
		}
		if q.IncludeAllVersions {
			return true
		}
		higher := slices.ContainsFunc(all, func(other listed) bool { return fits(other) && other.key.Compare(v.key) > 0 })
		if !higher {
			return true
		}
	}
	return false
}

func v2Entry(r *sdk.Request, d described, c candidate) odata.Entry {
	place := r.BaseURL + "/download/" + d.nameKey + "/" + d.lower()
	groups := make([]nuspec.Group, len(d.Groups))
	for i, g := range d.Groups {
		groups[i].TargetFramework = g.TargetFramework
		for _, dep := range g.Dependencies {
			groups[i].Dependencies = append(groups[i].Dependencies, nuspec.Dependency{ID: dep.ID, Range: dep.Range})
		}
	}
	return odata.Entry{
		Facts: odata.Facts{
			ID: d.ID, Version: d.key, Title: d.title(), Description: d.Description, Tags: strings.Join(d.Tags, " "),
			IsLatestVersion: c.latest, IsAbsoluteLatestVersion: c.absoluteLatest,
		},
		Authors: d.Authors, Copyright: d.Copyright, Language: d.Language, Summary: d.Summary, ReleaseNotes: d.ReleaseNotes,
		MinClientVersion: d.MinClientVersion, Dependencies: odata.FormatDependencies(groups), ProjectURL: d.ProjectURL,
		IconURL: d.iconURL(place), LicenseURL: d.licenseURL(place), LicenseNames: d.LicenseExpression,
		RequireLicenseAcceptance: d.RequireLicenseAcceptance, Created: d.published, LastUpdated: d.published, Published: d.listedAt(), LastEdited: d.published,
		PackageHash: base64.StdEncoding.EncodeToString(d.sha512), PackageHashAlgorithm: "SHA512", PackageSize: d.size,
		DownloadURL: place + "/" + d.nameKey + "." + d.lower() + ".nupkg",
	}
}
