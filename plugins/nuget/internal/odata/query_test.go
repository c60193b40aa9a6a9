package odata_test

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/odata"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

// parse reads a request as it stands in a URL, behind the feed's root.
func parse(tb testing.TB, request string) (odata.Query, error) {
	tb.Helper()
	path, query, _ := strings.Cut(request, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		tb.Fatal(err)
	}
	if path, err = url.PathUnescape(path); err != nil {
		tb.Fatal(err)
	}
	return odata.Parse(path, func(name string) []string { return values[name] })
}

func parseVersion(tb testing.TB, s string) version.Version {
	tb.Helper()
	v, err := version.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func parseRange(tb testing.TB, s string) version.Range {
	tb.Helper()
	r, err := version.ParseRange(s)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestWhatClientsAskFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request string
		want    odata.Query
	}{
		{"Packages(Id='Demo',Version='1.0.0-rc.1')", odata.Query{Resource: odata.Package, ID: "Demo", Version: "1.0.0-rc.1", Top: -1}},
		{"Packages(Id='a%2Bb',%20Version='1.0')", odata.Query{Resource: odata.Package, ID: "a+b", Version: "1.0", Top: -1}},
		{"FindPackagesById()?id='Demo'&semVerLevel=2.0.0", odata.Query{Resource: odata.FindPackagesByID, ID: "Demo", SemVerLevel: "2.0.0", Top: -1}},
		{"FindPackagesById?id=Demo&$skip=40&$top=20", odata.Query{Resource: odata.FindPackagesByID, ID: "Demo", Skip: 40, Top: 20}},
		{
			"Search()?$orderby=Id&searchTerm='json%20it''s'&targetFramework='net45%7Cnet6.0'&includePrerelease=True&$skip=0&$top=30&semVerLevel=2.0.0",
			odata.Query{Resource: odata.Search, OrderBy: []odata.Order{{By: odata.ID}}, SearchTerm: "json it's", TargetFramework: "net45|net6.0", IncludePrerelease: true, Top: 30, SemVerLevel: "2.0.0"},
		},
		{"Search()/$count?searchTerm=''&targetFramework=''&includePrerelease=false", odata.Query{Resource: odata.Search, Count: true, Top: -1}},
		{"Packages/$count", odata.Query{Resource: odata.Packages, Count: true, Top: -1}},
		{"Packages()?$orderby=DownloadCount%20desc,Id&$top=0&$inlinecount=allpages&other=1", odata.Query{Resource: odata.Packages, OrderBy: []odata.Order{{By: odata.ID}}, InlineCount: true}},
		{"Packages?$orderby=Version%20desc,%20id%20asc,Version", odata.Query{Resource: odata.Packages, OrderBy: []odata.Order{{By: odata.Version, Descending: true}, {By: odata.ID}}, Top: -1}},
		{
			"GetUpdates()?packageIds='a%7CÜ%7Cb'&versions='1.0%7C1%7C2.0'&includePrerelease=false&includeAllVersions=true&targetFrameworks=''&versionConstraints='%7C%7C[2.0,3.0)'",
			odata.Query{Resource: odata.GetUpdates, IncludeAllVersions: true, Top: -1, Updates: []odata.Update{
				{ID: "a", Version: parseVersion(t, "1.0")},
				{ID: "b", Version: parseVersion(t, "2.0"), Constraint: parseRange(t, "[2.0,3.0)")},
			}},
		},
		{"GetUpdates()/$count?packageIds=''&versions=''", odata.Query{Resource: odata.GetUpdates, Count: true, Top: -1}},
	} {
		got, err := parse(t, c.request)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n%+v, %v\nwant\n%+v", c.request, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ request, reason string }{
		{"", `the feed has no ""`},
		{"Users()", `the feed has no "Users()"`},
		{"packages()", "the feed has no"},
		{"Packages()/$value", "the feed has no"},
		{"Packages('a')", "the feed has no"},
		{"Packages(Id='a')", "the feed has no"},
		{"Packages(Id='a',Version='1.0')/Title", "the feed has no"},
		{"Packages(Id='a''b',Version='1.0')", "the feed has no"},
		{"Packages(Id='a%20b',Version='1.0')", `the package id "a b" is not valid`},
		{"Packages(Id='',Version='1.0')", "the parameter id is missing"},
		{"Packages(Id='a',Version='555')", `the version "555" is not valid`},
		{"Packages(Id='a',Version='1.%2F2.3')", `the version "1./2.3" is not valid`},
		{"Packages(Id='a',Version='')", "it has no number"},
		{"FindPackagesById()", "the parameter id is missing"},
		{"FindPackagesById()?id=''", "the parameter id is missing"},
		{"FindPackagesById()?id='a/b'", `the package id "a/b" is not valid`},
		{"FindPackagesById()?id='a", "the parameter id must be a text between quotes"},
		{"FindPackagesById()?id='", "the parameter id must be a text between quotes"},
		{"FindPackagesById()?id='a'b'", "the parameter id must be a text between quotes"},
		{"FindPackagesById()?id='a'&id='b'", "the parameter id occurs twice"},
		{"Search()?includePrerelease=1", "the parameter includePrerelease must be true or false"},
		{"Search()?searchTerm='" + strings.Repeat("a", 8192) + "'", "the parameter searchTerm has more than 8192 bytes"},
		{"Search()?$skip=-1", "the parameter $skip must be a whole number, 0 or more"},
		{"Search()?$top=x", "the parameter $top must be a whole number, 0 or more"},
		{"Search()?$top=4294967296", "the parameter $top must be a whole number, 0 or more"},
		{"Search()?$inlinecount=some", "the parameter $inlinecount must be allpages or none"},
		{"Search()?$filter=Owner%20eq%20'a'", `"Owner" in the filter is not supported`},
		{"Search()?$orderby=Owner", `to order by "Owner" is not supported`},
		{"Search()?$orderby=Id%20up", `the order "Id up" is not supported`},
		{"Search()?$orderby=Id,,Version", `the order "" is not supported`},
		{"Search()?$select=Id", "the parameter $select is not supported"},
		{"Search()?$expand=a", "the parameter $expand is not supported"},
		{"Search()?$format=json", "the parameter $format is not supported"},
		{"GetUpdates()?packageIds='a%7Cb'&versions='1.0'", "packageIds and versions are not of one length"},
		{"GetUpdates()?packageIds='a'&versions='1.0'&versionConstraints='%7C'", "packageIds and versionConstraints are not of one length"},
		{"GetUpdates()?packageIds='a'&versions='x'", `the version "x" is not valid`},
		{"GetUpdates()?packageIds='a'&versions='1.0'&versionConstraints='1.*'", "a package cannot ask for a floating version"},
		{"GetUpdates()?packageIds='" + strings.Repeat("a%7C", 500) + "a'&versions='1.0'", "the parameter packageIds has more than 500 ids"},
	} {
		if q, err := parse(t, c.request); err == nil || !strings.Contains(err.Error(), c.reason) || !reflect.DeepEqual(q, odata.Query{}) {
			t.Errorf("%.200s: %+v, %v, want %q", c.request, q, err, c.reason)
		}
	}
}

func TestWhoKnowsSemVer2(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]bool{
		"Packages(Id='a',Version='1.0')": true, "Packages()?semVerLevel=2.0.0": true, "Packages()": false, "Packages()?semVerLevel=1.0.0": false,
	} {
		if q, err := parse(t, request); err != nil || q.IsSemVer2() != want {
			t.Errorf("%s: %t, %v", request, q.IsSemVer2(), err)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		"":                            "A 1.9, a 1.10, b 1.0",
		"Id%20desc":                   "b 1.0, A 1.9, a 1.10",
		"Version%20desc":              "a 1.10, A 1.9, b 1.0",
		"Version":                     "b 1.0, A 1.9, a 1.10",
		"Id,Version%20desc":           "a 1.10, A 1.9, b 1.0",
		"DownloadCount%20desc,Id":     "A 1.9, a 1.10, b 1.0",
		"Published%20desc,Id%20desc":  "b 1.0, A 1.9, a 1.10",
		"NormalizedVersion%20desc,Id": "a 1.10, A 1.9, b 1.0",
		"LastUpdated,Created,Version": "b 1.0, A 1.9, a 1.10",
		"Id%20desc,Version%20desc":    "b 1.0, a 1.10, A 1.9",
		"Id%20asc,Id%20desc,Created":  "A 1.9, a 1.10, b 1.0",
		"VersionDownloadCount%20DESC": "A 1.9, a 1.10, b 1.0",
	} {
		q, err := parse(t, "Packages()?$orderby="+order)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		facts := []odata.Facts{{ID: "b", Version: parseVersion(t, "1.0")}, {ID: "a", Version: parseVersion(t, "1.10")}, {ID: "A", Version: parseVersion(t, "1.9")}}
		slices.SortFunc(facts, func(a, b odata.Facts) int { return q.Compare(&a, &b) })
		for _, f := range facts {
			got = append(got, f.ID+" "+f.Version.Original())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", order, got, want)
		}
	}
}
