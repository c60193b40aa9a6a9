// Package nuspec reads what a registry keeps of a manifest, the .nuspec file of a
// NuGet package.
package nuspec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
	"github.com/pakhus/pakhus/sdk/strictxml"
)

// MaxBytes bounds a manifest; GitLab's number.
const MaxBytes = 4 << 20

// Nuspec is a manifest. What is not written is empty.
type Nuspec struct {
	ID      string // one that can be published
	Version version.Version

	Title, Authors, Description, Summary, ReleaseNotes, Copyright string
	Language, MinClientVersion                                    string
	Tags                                                          []string // each once

	ProjectURL, LicenseURL, IconURL string // of http or https
	License                         License
	Icon, Readme                    string // names of files in the package

	RequireLicenseAcceptance, DevelopmentDependency, Serviceable bool

	Repository   Repository
	PackageTypes []PackageType
	// Groups are the dependencies, in their order. One without any says that its
	// framework needs nothing, which is not the same as not being there.
	Groups []Group
}

// License says under what the package may be used. Its type is "expression", and
// the text one of SPDX, or "file", and the text a name in the package.
type License struct{ Type, Text string }

// Repository is where the sources are, as it is written: the URL may be of any
// scheme, or none.
type Repository struct{ Type, URL, Branch, Commit string }

// PackageType is what the package is for: "Dependency" where none is written.
type PackageType struct{ Name, Version string }

// Group are the dependencies that a target framework has.
type Group struct {
	TargetFramework string // as it is written; empty: all frameworks
	Dependencies    []Dependency
}

// Dependency is what a manifest says of one.
type Dependency struct {
	ID               string
	Range            string // as it is written, a valid one; empty: any version
	Include, Exclude string
}

// Parse reads a manifest. The error is a sentence for who uploaded it.
//
// The owners are left out: who they are is for the registry to say.
func Parse(data []byte) (Nuspec, error) {
	var d document
	if err := strictxml.Unmarshal(data, &d, strictxml.Root("package"), strictxml.MaxBytes(MaxBytes)); err != nil {
		return Nuspec{}, fmt.Errorf("the nuspec is not valid: %w", err)
	}
	m := &d.Metadata.Value
	n := Nuspec{
		Title:                    cut(m.Title.Value, maxName),
		Authors:                  cut(m.Authors.Value, maxName),
		Description:              cut(m.Description.Value, maxText),
		Summary:                  cut(m.Summary.Value, maxText),
		ReleaseNotes:             cut(m.ReleaseNotes.Value, maxText),
		Copyright:                cut(m.Copyright.Value, maxName),
		RequireLicenseAcceptance: isTrue(m.RequireLicenseAcceptance),
		DevelopmentDependency:    isTrue(m.DevelopmentDependency),
		Serviceable:              isTrue(m.Serviceable),
	}
	for _, take := range []func(*metadata) error{
		n.takeIdentity, n.takeValues, n.takeURLs, n.takeLicense, n.takeTags, n.takePackageTypes, n.takeGroups,
	} {
		if err := take(m); err != nil {
			return Nuspec{}, err
		}
	}
	return n, nil
}

// isTrue is the client's rule: "1" is not true to it.
func isTrue(t strictxml.Text) bool { return strings.EqualFold(t.Value, "true") }

// Required refuses a manifest that lacks what GitLab asks for: the id, the
// version, the authors and a description, or of a symbol package, whose manifest
// has less in it, all but the authors. The error is a sentence.
func (n Nuspec) Required(symbols bool) error {
	switch {
	case n.ID == "":
		return missing("id")
	case n.Version == version.Version{}:
		return missing("version")
	case n.Authors == "" && !symbols:
		return missing("authors")
	case n.Description == "":
		return missing("description")
	default:
		return nil
	}
}

func missing(element string) error { return errors.New("the nuspec has no " + element) }

// IsSymbols reports whether the manifest is of a symbol package.
func (n Nuspec) IsSymbols() bool {
	for _, t := range n.PackageTypes {
		if strings.EqualFold(t.Name, "SymbolsPackage") {
			return true
		}
	}
	return false
}

// IsSemVer2 reports whether clients that know SemVer 1 only must not see the
// package: its version needs SemVer 2, or one that it asks for.
func (n Nuspec) IsSemVer2() bool {
	if n.Version.IsSemVer2() {
		return true
	}
	for _, g := range n.Groups {
		for _, d := range g.Dependencies {
			if r, err := version.ParseRange(d.Range); err == nil && r.IsSemVer2() {
				return true
			}
		}
	}
	return false
}
