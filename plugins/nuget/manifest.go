package nuget

import (
	"strings"
	"time"

	stdjson "encoding/json"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk"
)

// manifest is what is kept of a nuspec: what the documents of both protocols show.
type manifest struct {
	ID                       string        `json:"id"`
	Version                  string        `json:"version"` // as it was published, build metadata and all
	Title                    string        `json:"title,omitzero"`
	Authors                  string        `json:"authors,omitzero"`
	Description              string        `json:"description,omitzero"`
	Summary                  string        `json:"summary,omitzero"`
	ReleaseNotes             string        `json:"release_notes,omitzero"`
	Copyright                string        `json:"copyright,omitzero"`
	Language                 string        `json:"language,omitzero"`
	MinClientVersion         string        `json:"min_client_version,omitzero"`
	Tags                     []string      `json:"tags,omitempty"`
	ProjectURL               string        `json:"project_url,omitzero"`
	LicenseURL               string        `json:"license_url,omitzero"`
	IconURL                  string        `json:"icon_url,omitzero"`
	LicenseExpression        string        `json:"license_expression,omitzero"`
	LicenseFile              string        `json:"license_file,omitzero"`
	Icon                     string        `json:"icon,omitzero"`
	Readme                   string        `json:"readme,omitzero"`
	RequireLicenseAcceptance bool          `json:"require_license_acceptance,omitzero"`
	Repository               string        `json:"repository,omitzero"`
	PackageTypes             []packageType `json:"package_types,omitempty"`
	Groups                   []group       `json:"groups,omitempty"`
}

type packageType struct {
	Name    string `json:"name"`
	Version string `json:"version,omitzero"`
}

// group is what one framework needs. A group without dependencies says that it
// needs nothing, which is not the same as no group.
type group struct {
	TargetFramework string       `json:"target_framework,omitzero"`
	Dependencies    []dependency `json:"dependencies,omitempty"`
}

type dependency struct {
	ID    string `json:"id"`
	Range string `json:"range,omitzero"` // normalised; empty: any version
}

func manifestOf(n nuspec.Nuspec) manifest {
	m := manifest{
		ID: n.ID, Version: n.Version.Original(), Title: n.Title, Authors: n.Authors, Description: n.Description, Summary: n.Summary,
		ReleaseNotes: n.ReleaseNotes, Copyright: n.Copyright, Language: n.Language, MinClientVersion: n.MinClientVersion, Tags: n.Tags,
		ProjectURL: n.ProjectURL, LicenseURL: n.LicenseURL, IconURL: n.IconURL, Icon: n.Icon, Readme: n.Readme,
		RequireLicenseAcceptance: n.RequireLicenseAcceptance, Repository: n.Repository.URL,
	}
	switch n.License.Type {
	case "expression":
		m.LicenseExpression = n.License.Text
	case "file":
		m.LicenseFile = n.License.Text
	}
	for _, t := range n.PackageTypes {
		m.PackageTypes = append(m.PackageTypes, packageType{t.Name, t.Version})
	}
	for _, g := range n.Groups {
		kept := group{TargetFramework: g.TargetFramework}
		for _, d := range g.Dependencies {
			kept.Dependencies = append(kept.Dependencies, dependency{d.ID, normalRange(d.Range)})
		}
		m.Groups = append(m.Groups, kept)
	}
	return m
}

// normalRange writes a range as nuget.org does; it was parsed with the nuspec.
func normalRange(text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	r, err := version.ParseRange(text)
	if err != nil {
		return text
	}
	return r.Normalized()
}

// row is what is stored of a version.
func row(n nuspec.Nuspec, where string) (sdk.Row, error) {
	data, err := json.Marshal(manifestOf(n))
	if err != nil {
		return nil, err
	}
	types := []string{}
	for _, t := range n.PackageTypes {
		types = append(types, t.Name)
	}
	if len(types) == 0 {
		types = []string{"Dependency"} // what a package is that says nothing
	}
	return sdk.Row{
		"manifest": stdjson.RawMessage(data), "nuspec": where, "title": n.Title, "description": n.Description, "authors": n.Authors,
		"tags": append([]string{}, n.Tags...), "package_types": types, "prerelease": n.Version.IsPrerelease(), "semver2": n.IsSemVer2(),
	}, nil
}

// release is one version as the documents show it.
type release struct {
	manifest

	key       version.Version
	published time.Time
	listed    bool
	semVer2   bool
}

// withManifest asks for what a release is made of.
func withManifest() []sdk.RowSelection {
	return []sdk.RowSelection{{Table: "metadata", Columns: []string{"manifest", "semver2", "nuspec"}}}
}

// releaseOf reads a found version.
func releaseOf(p sdk.FoundPackage) (release, error) {
	var raw stdjson.RawMessage
	semVer2 := false
	for _, r := range p.Rows["metadata"] {
		raw, _ = r["manifest"].(stdjson.RawMessage)
		semVer2, _ = r["semver2"].(bool)
	}
	return newRelease(p.Package.Version, raw, semVer2, p.Package.Status, p.Package.CreatedAt)
}

func newRelease(v string, raw stdjson.RawMessage, semVer2 bool, status string, published time.Time) (release, error) {
	r := release{published: published, listed: status != sdk.StatusHidden, semVer2: semVer2}
	if err := json.Unmarshal(raw, &r.manifest); err != nil {
		return r, err
	}
	var err error
	r.key, err = version.Parse(v)
	return r, err
}

// lower is the version as it stands in addresses.
func (r release) lower() string { return r.key.Key() }

// listedAt is when the version was published; clients take the year 1900 for
// "not listed", as nuget.org writes it.
func (r release) listedAt() time.Time {
	if !r.listed {
		return time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return r.published
}

// stamp writes a time as documents of the third protocol do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
