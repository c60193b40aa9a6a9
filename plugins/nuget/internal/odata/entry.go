package odata

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// Entry is a package as a feed shows it. What is empty is written as null where
// it may be.
type Entry struct {
	Facts
	Authors, Copyright, Language, Summary, ReleaseNotes, MinClientVersion string
	Dependencies                                                          string // see FormatDependencies
	ProjectURL, IconURL, LicenseURL, GalleryDetailsURL, ReportAbuseURL    string
	LicenseNames                                                          string // an expression
	RequireLicenseAcceptance                                              bool
	// Published is when the package became visible. To clients, one of 1900 or
	// before is not listed.
	Created, LastUpdated, Published time.Time
	LastEdited                      time.Time // zero: never
	PackageHash                     string    // in base 64
	PackageHashAlgorithm            string    // "SHA512"
	PackageSize                     int64
	DownloadCount                   int64 // of all versions
	VersionDownloadCount            int64
	DownloadURL                     string // of the .nupkg
}

// FormatDependencies writes dependencies in one line, as the property
// Dependencies has them: "id:range:framework", parted by "|". A group without any
// is "::framework".
func FormatDependencies(groups []nuspec.Group) string {
	var parts []string
	for _, g := range groups {
		if len(g.Dependencies) == 0 {
			parts = append(parts, "::"+g.TargetFramework)
		}
		for _, d := range g.Dependencies {
			normalized := d.Range
			if r, err := version.ParseRange(d.Range); err == nil && d.Range != "" {
				normalized = r.Normalized()
			}
			parts = append(parts, d.ID+":"+normalized+":"+g.TargetFramework)
		}
	}
	return strings.Join(parts, "|")
}

// field is one of the properties of an entity.
type field struct {
	name     string
	edm      string // its type
	required bool   // may not be null
	text     func(e *Entry) string
}

// The types of properties (CSDL 2.0).
const (
	edmString   = "Edm.String"
	edmBoolean  = "Edm.Boolean"
	edmInt64    = "Edm.Int64"
	edmDateTime = "Edm.DateTime"
)

// fields are the properties of the gallery's V2FeedPackage, and their order.
func fields() []field {
	return []field{
		{"Id", edmString, true, func(e *Entry) string { return e.ID }},
		{"Version", edmString, true, func(e *Entry) string { return e.Version.Original() }},
		{"NormalizedVersion", edmString, false, func(e *Entry) string { return e.Version.Normalized() }},
		{"Authors", edmString, false, func(e *Entry) string { return e.Authors }},
		{"Copyright", edmString, false, func(e *Entry) string { return e.Copyright }},
		{"Created", edmDateTime, true, func(e *Entry) string { return dateTime(e.Created) }},
		{"Dependencies", edmString, false, func(e *Entry) string { return e.Dependencies }},
		{"Description", edmString, false, func(e *Entry) string { return e.Description }},
		{"DownloadCount", edmInt64, true, func(e *Entry) string { return strconv.FormatInt(e.DownloadCount, 10) }},
		{"GalleryDetailsUrl", edmString, false, func(e *Entry) string { return e.GalleryDetailsURL }},
		{"IconUrl", edmString, false, func(e *Entry) string { return e.IconURL }},
		{"IsLatestVersion", edmBoolean, true, func(e *Entry) string { return strconv.FormatBool(e.IsLatestVersion) }},
		{"IsAbsoluteLatestVersion", edmBoolean, true, func(e *Entry) string { return strconv.FormatBool(e.IsAbsoluteLatestVersion) }},
		{"IsPrerelease", edmBoolean, true, func(e *Entry) string { return strconv.FormatBool(e.IsPrerelease()) }},
		{"Language", edmString, false, func(e *Entry) string { return e.Language }},
		{"LastUpdated", edmDateTime, true, func(e *Entry) string { return dateTime(e.LastUpdated) }},
		{"Published", edmDateTime, true, func(e *Entry) string { return dateTime(e.Published) }},
		{"PackageHash", edmString, false, func(e *Entry) string { return e.PackageHash }},
		{"PackageHashAlgorithm", edmString, false, func(e *Entry) string { return e.PackageHashAlgorithm }},
		{"PackageSize", edmInt64, true, func(e *Entry) string { return strconv.FormatInt(e.PackageSize, 10) }},
		{"ProjectUrl", edmString, false, func(e *Entry) string { return e.ProjectURL }},
		{"ReportAbuseUrl", edmString, false, func(e *Entry) string { return e.ReportAbuseURL }},
		{"ReleaseNotes", edmString, false, func(e *Entry) string { return e.ReleaseNotes }},
		{"RequireLicenseAcceptance", edmBoolean, true, func(e *Entry) string { return strconv.FormatBool(e.RequireLicenseAcceptance) }},
		{"Summary", edmString, false, func(e *Entry) string { return e.Summary }},
		{"Tags", edmString, false, func(e *Entry) string { return e.Tags }},
		{"Title", edmString, false, func(e *Entry) string { return e.Title }},
		{"VersionDownloadCount", edmInt64, true, func(e *Entry) string { return strconv.FormatInt(e.VersionDownloadCount, 10) }},
		{"MinClientVersion", edmString, false, func(e *Entry) string { return e.MinClientVersion }},
		{"LastEdited", edmDateTime, false, func(e *Entry) string { return unlessZero(e.LastEdited) }},
		{"LicenseUrl", edmString, false, func(e *Entry) string { return e.LicenseURL }},
		{"LicenseNames", edmString, false, func(e *Entry) string { return e.LicenseNames }},
		{"LicenseReportUrl", edmString, false, func(*Entry) string { return "" }}, // nobody reports any
	}
}

func dateTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func unlessZero(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return dateTime(t)
}

// key is the address of an entry from the feed's root on.
func (e *Entry) key() string {
	return "Packages(Id='" + url.PathEscape(e.ID) + "',Version='" + url.PathEscape(e.Version.Normalized()) + "')"
}
