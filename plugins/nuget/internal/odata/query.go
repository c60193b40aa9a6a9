// Package odata reads the requests of NuGet's protocol of version 2, and writes
// what answers them: Atom feeds of OData 2.
//
// Of OData it knows what clients of packages send (NuGet.Client's
// V2FeedQueryBuilder, Chocolatey, PowerShellGet), and refuses the rest by name:
// to leave a condition out would answer another question.
package odata

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pakhus/pakhus/plugins/nuget/internal/names"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// Resource is what a request asks for.
type Resource string

// The resources, by their names in paths.
const (
	Package          Resource = "Package"  // one, by its key: Packages(Id='a',Version='1.0.0')
	Packages         Resource = "Packages" // all
	FindPackagesByID Resource = "FindPackagesById"
	Search           Resource = "Search"
	GetUpdates       Resource = "GetUpdates"
)

// Query is a request.
type Query struct {
	Resource Resource
	Count    bool // only how many there are is asked for: /$count

	ID      string // of Package and FindPackagesByID, one that can be a package's
	Version string // of Package; so this

	SearchTerm         string
	IncludePrerelease  bool
	IncludeAllVersions bool // of GetUpdates: not the newest only
	SemVerLevel        string
	TargetFramework    string
	Updates            []Update

	Filter      Filter
	OrderBy     []Order
	Skip        int
	Top         int  // less than 0: not limited
	InlineCount bool // the feed is to say how many there are without Skip and Top
}

// Update is a package that a client has, and wants to be newer.
type Update struct {
	ID         string
	Version    version.Version
	Constraint version.Range // in which the newer one must be
}

// The forms of a path, decoded, from the feed's root on.
var (
	functionPath = regexp.MustCompile(`^(Packages|Search|FindPackagesById|GetUpdates)(?:\(\))?(/\$count)?$`)
	keyPath      = regexp.MustCompile(`^Packages\(Id='([^']*)',\s*Version='([^']*)'\)$`)
)

// Parse reads a request: its path from the feed's root on, decoded and without a
// slash before it, and its parameters. The error is a sentence for a 400.
//
// Parameters that are not OData's and not known mean nothing, as clients add
// their own.
func Parse(path string, parameter func(name string) []string) (Query, error) {
	q := Query{Top: -1}
	if m := keyPath.FindStringSubmatch(path); m != nil {
		q.Resource, q.ID, q.Version = Package, m[1], m[2]
	} else if m := functionPath.FindStringSubmatch(path); m != nil {
		q.Resource, q.Count = Resource(m[1]), m[2] != ""
	} else {
		return Query{}, fmt.Errorf("the feed has no %.200q", path)
	}
	p := parameters{get: parameter}
	q.takeParameters(&p)
	if p.err != nil {
		return Query{}, p.err
	}
	if err := q.check(); err != nil {
		return Query{}, err
	}
	return q, nil
}

func (q *Query) takeParameters(p *parameters) {
	if q.Resource == FindPackagesByID {
		q.ID = p.text("id")
	}
	q.SearchTerm = p.text("searchTerm")
	q.IncludePrerelease = p.truth("includePrerelease")
	q.IncludeAllVersions = p.truth("includeAllVersions")
	q.SemVerLevel = p.text("semVerLevel")
	q.TargetFramework = p.text("targetFramework")
	if q.Resource == GetUpdates {
		q.Updates = p.updates()
	}
	q.Filter = p.filter()
	q.OrderBy = p.orderBy()
	q.Skip = p.number("$skip", 0)
	q.Top = p.number("$top", -1)
	q.InlineCount = p.inlineCount()
	for _, name := range []string{"$select", "$expand", "$skiptoken", "$format"} {
		p.refuse(name)
	}
}

// check refuses what can be no package. Clients write versions normalised, so
// that these can be published too.
func (q *Query) check() error {
	if q.Resource != Package && q.Resource != FindPackagesByID {
		return nil
	}
	if q.ID == "" {
		return errors.New("the parameter id is missing")
	}
	if err := names.CheckID(q.ID); err != nil {
		return err
	}
	if q.Resource == FindPackagesByID {
		return nil
	}
	_, err := version.ParseStrict(q.Version)
	return err
}

// IsSemVer2 reports whether the client says that it knows SemVer 2. One package
// by its key is for all to see.
func (q Query) IsSemVer2() bool {
	return q.Resource == Package || strings.HasPrefix(q.SemVerLevel, "2.")
}
