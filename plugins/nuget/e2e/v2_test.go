package e2e_test

import (
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

type feed struct {
	Entries []entry `xml:"entry"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Count string `xml:"count"`
}

type entry struct {
	Title   string `xml:"title"`
	Content struct {
		Src string `xml:"src,attr"`
	} `xml:"content"`
	Properties struct {
		Version         string `xml:"Version"`
		IsLatestVersion bool   `xml:"IsLatestVersion"`
		Dependencies    string `xml:"Dependencies"`
		PackageHash     string `xml:"PackageHash"`
	} `xml:"properties"`
}

func (f feed) versions() (all []string) {
	for _, e := range f.Entries {
		all = append(all, e.Properties.Version)
	}
	return all
}

// testV2 sends what nuget.exe, PowerShell and Chocolatey send (nuget.md §10.2), and
// gets real answers: cases 8 to 14 and 114 to 118.
func testV2(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.push(t, "Git", "1.0.0", `<dependencies><group targetFramework="net45"><dependency id="Dep" version="1.0"/></group><group targetFramework="net46"/></dependencies>`)
	c.push(t, "Git", "1.10.0")
	c.push(t, "Git", "2.0.0-beta")
	c.push(t, "Git.Install", "1.0.0")
	read := func(path string) feed {
		t.Helper()
		a := c.get(t, path).wantStatus(t, path, 200)
		var f feed
		if err := xml.Unmarshal(a.body, &f); err != nil {
			t.Fatalf("%s: %v: %s", path, err, a.body)
		}
		return f
	}
	q := url.QueryEscape
	for path, want := range map[string][]string{
		"/v2/FindPackagesById()?id='git'":                                                                                                                {"1.0.0", "1.10.0", "2.0.0-beta"},
		"/v2/FindPackagesById()?id='Git'&semVerLevel=2.0.0":                                                                                              {"1.0.0", "1.10.0", "2.0.0-beta"},
		"/v2/FindPackagesById()?id='absent'":                                                                                                             nil,
		"/v2/Packages()?$filter=" + q("(tolower(Id) eq 'git') and IsLatestVersion") + "&semVerLevel=2.0.0":                                               {"1.10.0"},
		"/v2/Packages()?$filter=" + q("tolower(Id) eq 'git' and IsAbsoluteLatestVersion"):                                                                {"2.0.0-beta"},
		"/v2/Packages()?$filter=" + q("(Id ne null) and substringof('git',tolower(Id))") + "&$orderby=Id,Version":                                        {"1.0.0", "1.10.0", "2.0.0-beta", "1.0.0"},
		"/v2/Search()?$filter=IsLatestVersion&$orderby=Id&searchTerm='git'&targetFramework=''&includePrerelease=false&$skip=0&$top=30&semVerLevel=2.0.0": {"1.10.0", "1.0.0"},
		"/v2/Search()?searchTerm='install'&targetFramework=''&includePrerelease=true":                                                                    {"1.0.0"},
		"/v2/GetUpdates()?packageIds='Git'&versions='1.0.0'&includePrerelease=false&includeAllVersions=false&targetFrameworks=''&versionConstraints=''":  {"1.10.0"},
		"/v2/GetUpdates()?packageIds='Git|Git.Install'&versions='1.0.0|1.0.0'&includePrerelease=true&includeAllVersions=true":                            {"1.10.0", "2.0.0-beta"},
	} {
		if got := read(path).versions(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, not %v", path, got, want)
		}
	}
	a := c.get(t, "/v2/Packages(Id='git',Version='1.0')").wantStatus(t, "one package", 200)
	var one entry
	if err := xml.Unmarshal(a.body, &one); err != nil || one.Title != "Git" || one.Properties.Dependencies != "Dep:[1.0.0, ):net45|::net46" || one.Properties.PackageHash == "" {
		t.Errorf("%+v, %v", one, err)
	}
	if !strings.Contains(string(a.body), "/>") || strings.Contains(string(a.body), "</content>") {
		t.Error("the content is not an empty element, which clients want")
	}
	if got := c.get(t, strings.TrimPrefix(one.Content.Src, c.base)); string(got.body) != string(content) {
		t.Errorf("its content: %d", got.status)
	}
	c.get(t, "/v2/Packages(Id='git',Version='9.0')").wantStatus(t, "no such version", 404)
	for path, want := range map[string]string{
		"/v2/Packages()/$count":                                        "4",
		"/v2/FindPackagesById()/$count?id='git'":                       "3",
		"/v2/Search()/$count?searchTerm='git'&includePrerelease=false": "3",
	} {
		if a := c.get(t, path); string(a.body) != want {
			t.Errorf("%s: %s, not %s", path, a.body, want)
		}
	}
	page := read("/v2/Packages()?$top=3&$skip=1&$orderby=Id,Version&$inlinecount=allpages")
	if !slices.Equal(page.versions(), []string{"1.10.0", "2.0.0-beta", "1.0.0"}) || page.Count != "4" {
		t.Errorf("%v of %s", page.versions(), page.Count)
	}
	for path, says := range map[string]string{
		"/v2/FindPackagesById()":                       "id",
		"/v2/Packages()?$filter=" + q("Id gt 'a'"):     "gt",
		"/v2/Packages()?$filter=" + q("nonsense("):     "nonsense",
		"/v2/Packages(Id='a b',Version='1.0')":         "a b",
		"/v2/Everything()":                             "",
		"/v2/Packages()?$top=-1":                       "top",
		"/v2/GetUpdates()?packageIds='a'&versions='x'": "x",
	} {
		a := c.get(t, path)
		if a.status != 400 && a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
		if !strings.Contains(string(a.body), says) {
			t.Errorf("%s: %s does not name %q", path, a.body, says)
		}
	}
}
