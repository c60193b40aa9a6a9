package odata_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/plugins/nuget/internal/odata"
)

// update writes the golden files: go test ./plugins/nuget/internal/odata -update
var update = flag.Bool("update", false, "write the golden files")

// base is where the feed is: GitLab's address of it.
const base = "https://packages.example.com/api/v4/projects/1/packages/nuget/v2"

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	wellFormed(t, got)
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

func wellFormed(t *testing.T, document []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
	}
}

// noon is in a zone of its own, to see that UTC is written.
func noon() time.Time {
	return time.Date(2025, 3, 11, 13, 0, 0, 250_000_000, time.FixedZone("", 60*60))
}

func entry(tb testing.TB) odata.Entry {
	tb.Helper()
	return odata.Entry{
		Facts: odata.Facts{
			ID: "Demo.Json", Version: parseVersion(tb, "1.0-Rc.1+b"), Title: `A <demo> & "more"`, Description: "Two\nlines: é",
			Tags: "json parser", IsAbsoluteLatestVersion: true,
		},
		Authors: "Ada, Grace", Copyright: "© Ada", Language: "en", Summary: "Short", ReleaseNotes: "Fixed", MinClientVersion: "2.12",
		Dependencies: odata.FormatDependencies([]nuspec.Group{
			{TargetFramework: "net45", Dependencies: []nuspec.Dependency{{ID: "A", Range: "1.0"}, {ID: "B"}}}, {TargetFramework: "net6.0"},
		}),
		ProjectURL: "https://example.com/?a=1&b=2", IconURL: "https://example.com/icon.png", LicenseURL: "https://licenses.nuget.org/MIT", LicenseNames: "MIT",
		GalleryDetailsURL: "https://packages.example.com/demo", ReportAbuseURL: "https://packages.example.com/abuse",
		RequireLicenseAcceptance: true, Created: noon(), LastUpdated: noon().Add(time.Hour), Published: noon(), LastEdited: noon().Add(time.Hour),
		PackageHash: "q83vEg==", PackageHashAlgorithm: "SHA512", PackageSize: 4096, DownloadCount: 7, VersionDownloadCount: 3,
		DownloadURL: "https://packages.example.com/api/v4/projects/1/packages/nuget/download/demo.json/1.0.0-rc.1/demo.json.1.0.0-rc.1.nupkg",
	}
}

// bare is an entry of which nothing is known that need not be.
func bare(tb testing.TB) odata.Entry {
	tb.Helper()
	return odata.Entry{
		Facts:   odata.Facts{ID: "a+b", Version: parseVersion(tb, "1.0.0"), IsLatestVersion: true},
		Created: noon(), LastUpdated: noon(), Published: noon(), DownloadURL: "https://packages.example.com/a+b.1.0.0.nupkg",
	}
}

func TestRendered(t *testing.T) {
	t.Parallel()
	count := 41
	golden(t, "service.xml", odata.RenderServiceDocument(base))
	golden(t, "metadata.xml", odata.RenderMetadata())
	golden(t, "entry.xml", odata.RenderEntry(base, entry(t)))
	golden(t, "entry_bare.xml", odata.RenderEntry(base+"/", bare(t)))
	golden(t, "feed.xml", odata.RenderFeed(odata.Feed{
		Base: base, Title: "Search", Updated: noon(), Count: &count, Next: base + "/Search()?$skip=2&$top=2", Entries: []odata.Entry{entry(t), bare(t)},
	}))
	golden(t, "feed_empty.xml", odata.RenderFeed(odata.Feed{Base: base, Title: "FindPackagesById", Updated: noon()}))
}

// What NuGet's client asks of an entry (V2FeedParser).
func TestAClientCanReadIt(t *testing.T) {
	t.Parallel()
	document := odata.RenderFeed(odata.Feed{Base: base, Title: "Packages", Next: "next", Entries: []odata.Entry{entry(t)}})
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		Link    []struct {
			Rel  string `xml:"rel,attr"`
			Href string `xml:"href,attr"`
		} `xml:"link"`
		Entry []struct {
			Title   string `xml:"title"`
			Author  string `xml:"author>name"`
			Content struct {
				Src string `xml:"src,attr"`
			} `xml:"content"`
			Properties struct {
				ID           string `xml:"http://schemas.microsoft.com/ado/2007/08/dataservices Id"`
				Version      string `xml:"http://schemas.microsoft.com/ado/2007/08/dataservices Version"`
				Dependencies string `xml:"http://schemas.microsoft.com/ado/2007/08/dataservices Dependencies"`
				Title        string `xml:"http://schemas.microsoft.com/ado/2007/08/dataservices Title"`
			} `xml:"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata properties"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(document, &feed); err != nil {
		t.Fatal(err)
	}
	e := feed.Entry[0]
	if e.Title != "Demo.Json" || e.Author != "Ada, Grace" || e.Properties.ID != "Demo.Json" || e.Properties.Version != "1.0-Rc.1+b" ||
		e.Properties.Title != `A <demo> & "more"` || e.Content.Src != entry(t).DownloadURL || feed.Link[1].Rel != "next" || feed.Link[1].Href != "next" {
		t.Errorf("%+v", feed)
	}
	if !strings.Contains(string(document), `<content type="application/zip" src="`+entry(t).DownloadURL+`" />`) {
		t.Error("the content is no empty element")
	}
}

func TestNothingIsWrittenThatXMLForbids(t *testing.T) {
	t.Parallel()
	e := bare(t)
	e.Title, e.Summary = "a\x00\x1b\xff\uffffb", "]]></summary>"
	document := odata.RenderEntry(base, e)
	wellFormed(t, document)
	if !bytes.Contains(document, []byte("a\ufffd\ufffd\ufffd\ufffdb")) {
		t.Errorf("%s", document)
	}
}

func TestFormatDependencies(t *testing.T) {
	t.Parallel()
	one := []nuspec.Dependency{{ID: "A", Range: "1.0"}}
	for _, c := range []struct {
		groups []nuspec.Group
		want   string
	}{
		{nil, ""},
		{[]nuspec.Group{{Dependencies: one}}, "A:[1.0.0, ):"},
		{[]nuspec.Group{{}}, "::"},
		{[]nuspec.Group{{TargetFramework: "net6.0"}}, "::net6.0"},
		{[]nuspec.Group{{TargetFramework: "net45", Dependencies: append(one, nuspec.Dependency{ID: "B"})}}, "A:[1.0.0, ):net45|B::net45"},
		{[]nuspec.Group{{TargetFramework: ".NETFramework,Version=v4.5", Dependencies: one}, {TargetFramework: "net6.0"}, {TargetFramework: "netstandard2.0", Dependencies: one}}, "A:[1.0.0, ):.NETFramework,Version=v4.5|::net6.0|A:[1.0.0, ):netstandard2.0"},
	} {
		if got := odata.FormatDependencies(c.groups); got != c.want {
			t.Errorf("%+v: %q, want %q", c.groups, got, c.want)
		}
	}
}

func BenchmarkRenderFeed(b *testing.B) {
	f := odata.Feed{Base: base, Title: "Packages", Updated: noon()}
	for range 100 {
		f.Entries = append(f.Entries, entry(b))
	}
	for b.Loop() {
		odata.RenderFeed(f)
	}
}
