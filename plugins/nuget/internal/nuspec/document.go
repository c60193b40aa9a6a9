package nuspec

import "github.com/pakhus/pakhus/sdk/strictxml"

// document is a manifest as nuspec.xsd of NuGet.Packaging has it, in part. There
// have been seven namespaces for the same elements, and none.
type document struct {
	Metadata strictxml.Once[metadata] `xml:"metadata"`
}

type metadata struct {
	MinClientVersion string `xml:"minClientVersion,attr"`

	ID                       strictxml.Text                 `xml:"id"`
	Version                  strictxml.Text                 `xml:"version"`
	Title                    strictxml.Text                 `xml:"title"`
	Authors                  strictxml.Text                 `xml:"authors"`
	Description              strictxml.Text                 `xml:"description"`
	Summary                  strictxml.Text                 `xml:"summary"`
	ReleaseNotes             strictxml.Text                 `xml:"releaseNotes"`
	Copyright                strictxml.Text                 `xml:"copyright"`
	Language                 strictxml.Text                 `xml:"language"`
	Tags                     strictxml.Text                 `xml:"tags"`
	ProjectURL               strictxml.Text                 `xml:"projectUrl"`
	LicenseURL               strictxml.Text                 `xml:"licenseUrl"`
	IconURL                  strictxml.Text                 `xml:"iconUrl"`
	License                  strictxml.Once[license]        `xml:"license"`
	Icon                     strictxml.Text                 `xml:"icon"`
	Readme                   strictxml.Text                 `xml:"readme"`
	RequireLicenseAcceptance strictxml.Text                 `xml:"requireLicenseAcceptance"`
	DevelopmentDependency    strictxml.Text                 `xml:"developmentDependency"`
	Serviceable              strictxml.Text                 `xml:"serviceable"`
	Repository               strictxml.Once[repository]     `xml:"repository"`
	PackageTypes             strictxml.Once[packageTypes]   `xml:"packageTypes"`
	Dependencies             strictxml.Once[dependencyList] `xml:"dependencies"`
}

type license struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type repository struct {
	Type   string `xml:"type,attr"`
	URL    string `xml:"url,attr"`
	Branch string `xml:"branch,attr"`
	Commit string `xml:"commit,attr"`
}

type packageTypes struct {
	PackageType []struct {
		Name    string `xml:"name,attr"`
		Version string `xml:"version,attr"`
	} `xml:"packageType"`
}

type dependencyList struct {
	Group      []group      `xml:"group"`
	Dependency []dependency `xml:"dependency"`
}

type group struct {
	TargetFramework string       `xml:"targetFramework,attr"`
	Dependency      []dependency `xml:"dependency"`
}

type dependency struct {
	ID      string `xml:"id,attr"`
	Version string `xml:"version,attr"`
	Include string `xml:"include,attr"`
	Exclude string `xml:"exclude,attr"`
}
