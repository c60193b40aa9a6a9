package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testDocuments: nuget.md, cases 1 to 6, 15 to 28 and 42 to 51.
func testDocuments(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("index", func(t *testing.T) { t.Parallel(); serviceIndex(t, reg) })
	t.Run("registrations", func(t *testing.T) { t.Parallel(); registrations(t, reg) })
	t.Run("pages", func(t *testing.T) { t.Parallel(); registrationPages(t, reg) })
	t.Run("hives", func(t *testing.T) { t.Parallel(); hives(t, reg) })
	t.Run("flat container", func(t *testing.T) { t.Parallel(); flatContainer(t, reg) })
	t.Run("what people look at", func(t *testing.T) { t.Parallel(); parts(t, reg) })
}

func serviceIndex(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	var doc struct {
		Version   string
		Resources []struct {
			ID   string `json:"@id"`
			Type string `json:"@type"`
		}
	}
	c.get(t, "/index.json").json(t, &doc)
	has := map[string]string{}
	for _, r := range doc.Resources {
		has[r.Type] = r.ID
		if !strings.HasPrefix(r.ID, c.base) {
			t.Errorf("%s is at %s", r.Type, r.ID)
		}
	}
	for _, want := range []string{
		"PackageBaseAddress/3.0.0", "RegistrationsBaseUrl", "RegistrationsBaseUrl/3.0.0-beta", "RegistrationsBaseUrl/3.0.0-rc", "RegistrationsBaseUrl/3.4.0",
		"RegistrationsBaseUrl/3.6.0", "RegistrationsBaseUrl/Versioned", "SearchQueryService", "SearchQueryService/3.0.0-beta", "SearchQueryService/3.0.0-rc",
		"SearchQueryService/3.5.0", "SearchAutocompleteService", "PackagePublish/2.0.0", "SymbolPackagePublish/4.9.0", "VulnerabilityInfo/6.7.0", "ReadmeUriTemplate/6.13.0",
	} {
		if has[want] == "" {
			t.Errorf("the index has no %s", want)
		}
	}
	if doc.Version != "3.0.0" || has["RepositorySignatures/5.0.0"] != "" {
		t.Errorf("%s; signatures, which clients refuse over HTTP: %q", doc.Version, has["RepositorySignatures/5.0.0"])
	}
	var pages []map[string]string
	c.get(t, "/vulnerabilities/index.json").json(t, &pages)
	if len(pages) != 1 {
		t.Fatalf("%v", pages)
	}
	c.get(t, strings.TrimPrefix(pages[0]["@id"], c.base)).wantStatus(t, "the page of no vulnerabilities", 200)
	c.get(t, "/repository-signatures/index.json").wantStatus(t, "signatures", 200)
	c.get(t, "/index.xls").wantStatus(t, "another suffix", 404)
	// GitLab takes numbers only; here the escaped path is as good.
	p := reg.NewProject(t, "private")
	byPath := caller{base: reg.URL + "/api/v4/projects/" + url.PathEscape(p.Path) + "/packages/nuget", token: reg.Token}
	byPath.push(t, "Demo", "1.0.0")
	byPath.get(t, "/index.json").wantStatus(t, "by path", 200)
	byPath.get(t, "/metadata/demo/index.json").wantStatus(t, "by path", 200)
}

type registrationDoc struct {
	Count int
	Items []struct {
		ID           string `json:"@id"`
		Count        int
		Lower, Upper string
		Items        []leafDoc
	}
}

type leafDoc struct {
	PackageContent string
	CatalogEntry   struct {
		ID, Version, Authors, Description, IconURL, LicenseURL, ProjectURL, ReadmeURL string
		Tags                                                                          []string
		DependencyGroups                                                              []struct {
			TargetFramework string
			Dependencies    []struct{ ID, Range string }
		}
	}
}

func registrations(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	c.push(t, "Demo.Lib", "1.10.0", `<tags>one two</tags><projectUrl>https://example.com/p</projectUrl><license type="expression">MIT OR Apache-2.0</license>`+
		`<icon>icon.png</icon><readme>README.md</readme><dependencies><group targetFramework=".NETStandard2.0"><dependency id="Other" version="1.0"/></group>`+
		`<group targetFramework=".NETFramework4.6.1"><dependency id="Other" version="[2.0,3.0)"/></group><group targetFramework="net5.0"/></dependencies>`)
	c.push(t, "Demo.Lib", "1.9.0-RC.1", `<dependencies><dependency id="Flat"/></dependencies>`)
	for _, id := range []string{"demo.lib", "Demo.Lib", "DEMO.LIB"} {
		var doc registrationDoc
		c.get(t, "/metadata/"+id+"/index.json").json(t, &doc)
		if doc.Count != 1 || doc.Items[0].Count != 2 || doc.Items[0].Lower != "1.9.0-rc.1" || doc.Items[0].Upper != "1.10.0" {
			t.Fatalf("%s: %+v", id, doc)
		}
		last := doc.Items[0].Items[1].CatalogEntry
		if last.ID != "Demo.Lib" || last.Version != "1.10.0" || last.Authors != "Ann, Bob" || !slices.Equal(last.Tags, []string{"one", "two"}) || last.ProjectURL != "https://example.com/p" {
			t.Errorf("%+v", last)
		}
		if !strings.HasSuffix(last.IconURL, "/download/demo.lib/1.10.0/icon") || !strings.HasPrefix(last.LicenseURL, "https://licenses.nuget.org/MIT%20OR") || !strings.HasSuffix(last.ReadmeURL, "/readme") {
			t.Errorf("%+v", last)
		}
		// One dependency of two frameworks is two, and a framework that needs nothing stays.
		groups := last.DependencyGroups
		if len(groups) != 3 || groups[0].Dependencies[0].Range != "[1.0.0, )" || groups[1].Dependencies[0].Range != "[2.0.0, 3.0.0)" || groups[2].TargetFramework != "net5.0" || len(groups[2].Dependencies) != 0 {
			t.Errorf("%+v", groups)
		}
		if flat := doc.Items[0].Items[0].CatalogEntry.DependencyGroups; len(flat) != 1 || flat[0].TargetFramework != "" || flat[0].Dependencies[0].Range != "" {
			t.Errorf("%+v", flat)
		}
		a := c.get(t, strings.TrimPrefix(doc.Items[0].Items[1].PackageContent, c.base))
		a.wantStatus(t, "packageContent", 200)
	}
	for _, version := range []string{"1.10.0", "1.10", "1.10.0.0", "1.9.0-RC.1", "1.9-rc.1"} {
		c.get(t, "/metadata/demo.lib/"+version+".json").wantStatus(t, version, 200)
	}
	c.get(t, "/metadata/demo.lib/1.8.json").wantStatus(t, "no such version", 404)
	c.get(t, "/metadata/absent/index.json").wantStatus(t, "no such package", 404)
	c.get(t, "/metadata/demo.lib/index").wantStatus(t, "without a suffix", 404)
}

// registrationPages: beyond 128 versions the index names pages.
func registrationPages(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	const versions = 140
	for i := range versions {
		c.push(t, "Many", fmt.Sprintf("1.%d.0", i))
	}
	var doc registrationDoc
	c.get(t, "/metadata/many/index.json").json(t, &doc)
	if doc.Count != 3 || len(doc.Items[0].Items) != 0 || doc.Items[0].Lower != "1.0.0" || doc.Items[2].Upper != "1.139.0" {
		t.Fatalf("%+v", doc)
	}
	seen := 0
	for _, item := range doc.Items {
		var page struct {
			Count        int
			Lower, Upper string
			Items        []leafDoc
		}
		c.get(t, strings.TrimPrefix(item.ID, c.base)).json(t, &page)
		if page.Count != item.Count || len(page.Items) != item.Count || page.Lower != item.Lower {
			t.Errorf("page %+v of %+v", page, item)
		}
		seen += page.Count
	}
	if seen != versions {
		t.Errorf("%d versions in the pages", seen)
	}
	c.get(t, "/metadata/many/page/8.0.0/9.0.0.json").wantStatus(t, "an empty page", 404)
	// A new version is in the index at once, though the last answer is remembered.
	c.push(t, "Many", "2.0.0")
	c.get(t, "/metadata/many/index.json").json(t, &doc)
	if doc.Items[len(doc.Items)-1].Upper != "2.0.0" {
		t.Errorf("%+v", doc.Items[len(doc.Items)-1])
	}
}

// hives: clients before 4.3 are not shown what they cannot read.
func hives(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	c.push(t, "Demo", "1.0.0")
	c.push(t, "Demo", "1.1.0-beta.1")
	c.push(t, "Demo", "1.2.0", `<dependencies><dependency id="X" version="1.0.0-rc.1"/></dependencies>`)
	for path, want := range map[string]int{"/metadata/demo/index.json": 3, "/metadata-semver1/demo/index.json": 1} {
		var doc registrationDoc
		c.get(t, path).json(t, &doc)
		if doc.Items[0].Count != want {
			t.Errorf("%s: %d versions", path, doc.Items[0].Count)
		}
	}
	c.get(t, "/metadata-semver1/demo/1.1.0-beta.1.json").wantStatus(t, "a leaf of the old hive", 404)
	a := c.send(t, "GET", "/metadata/demo/index.json", nil, "Accept-Encoding", "gzip")
	if a.header.Get("Content-Encoding") != "gzip" || !bytes.HasPrefix(a.body, []byte("\x1f\x8b")) {
		t.Errorf("not compressed: %v", a.header)
	}
}

func flatContainer(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.push(t, "Demo.Lib", "1.0-RC")
	c.push(t, "Demo.Lib", "1.10")
	c.push(t, "Demo.Lib", "1.9+build")
	for _, id := range []string{"demo.lib", "Demo.Lib"} {
		var doc struct{ Versions []string }
		c.get(t, "/download/"+id+"/index.json").json(t, &doc)
		if !slices.Equal(doc.Versions, []string{"1.0.0-rc", "1.9.0", "1.10.0"}) {
			t.Errorf("%v", doc.Versions)
		}
	}
	for _, path := range []string{
		"/download/demo.lib/1.0.0-rc/demo.lib.1.0.0-rc.nupkg", "/download/Demo.Lib/1.0-RC/Demo.Lib.1.0-RC.nupkg", "/download/demo.lib/1.0-rc/demo.lib.1.0.0-rc.nupkg",
		"/download/DEMO.LIB/1.0.0-RC/DEMO.LIB.1.0.0-RC.NUPKG", "/v2/package/Demo.Lib/1.0-RC",
	} {
		if a := c.get(t, path); !bytes.Equal(a.body, content) || a.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{
		"/download/demo.lib/1.0.0-rc/other.1.0.0-rc.nupkg", "/download/demo.lib/1.0.0-rc/demo.lib.1.10.0.nupkg", "/download/demo.lib/1.0.0-rc/demo.lib.1.0.0-rc.xls",
		"/download/demo.lib/1.0.0-rc/demo.lib.1.0.0-rc.snupkg", "/download/absent/index.json", "/download/demo.lib/9.0/demo.lib.9.0.nupkg",
	} {
		c.get(t, path).wantStatus(t, path, 404)
	}
	if a := c.get(t, "/download/demo.lib/1.0.0-rc/demo.lib.nuspec"); !strings.Contains(string(a.body), "<version>1.0-RC</version>") || a.header.Get("Content-Type") != "application/xml" {
		t.Errorf("nuspec: %d %s", a.status, a.body)
	}
	part := c.send(t, "GET", "/download/demo.lib/1.0.0-rc/demo.lib.1.0.0-rc.nupkg", nil, "Range", "bytes=0-3")
	if part.status != http.StatusPartialContent || string(part.body) != "PK\x03\x04" {
		t.Errorf("range: %d %q", part.status, part.body)
	}
}

// parts are served as text and images, and as nothing that could act.
func parts(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	c.push(t, "Demo", "1.0.0", `<license type="file">LICENSE.txt</license><icon>icon.png</icon><readme>README.md</readme>`)
	c.push(t, "Evil", "1.0.0", `<icon>README.md</icon><readme>../../etc/passwd</readme><license type="file">none.txt</license>`)
	for path, want := range map[string]string{"readme": "text/markdown; charset=utf-8", "license": "text/plain; charset=utf-8", "icon": "image/png"} {
		a := c.get(t, "/download/demo/1.0.0/"+path).wantStatus(t, path, 200)
		if a.header.Get("Content-Type") != want || a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	if a := c.get(t, "/download/evil/1.0.0/icon"); a.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("text as an icon is %s", a.header.Get("Content-Type"))
	}
	c.get(t, "/download/evil/1.0.0/readme").wantStatus(t, "a readme outside", 404)
	c.get(t, "/download/evil/1.0.0/license").wantStatus(t, "a licence that is not there", 404)
}

// testSearch: cases 29 to 41 and 122 to 126.
func testSearch(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	c.push(t, "Alpha.Tool", "1.0.0", `<packageTypes><packageType name="DotnetTool"/></packageTypes>`)
	c.push(t, "Beta", "2.0.0-rc1", "<tags>special words</tags>")
	c.push(t, "Gamma", "1.0.0")
	c.push(t, "Gamma", "1.10.0")
	c.push(t, "Gamma", "1.9.0")
	c.push(t, "Gamma.More", "1.0.0", "<title>100% a_b</title>")
	type hits struct {
		TotalHits int
		Data      []struct {
			ID, Version string
			Versions    []struct{ Version string }
			Tags        []string
		}
	}
	ids := func(h hits) (all []string) {
		for _, d := range h.Data {
			all = append(all, d.ID)
		}
		return all
	}
	for query, want := range map[string][]string{
		"":                            {"Alpha.Tool", "Beta", "Gamma", "Gamma.More"},
		"?q=GAMMA":                    {"Gamma", "Gamma.More"},
		"?q=gamma&take=1":             {"Gamma"},
		"?q=gamma&skip=1":             {"Gamma.More"},
		"?q=gamma&skip=9":             nil,
		"?q=special":                  {"Beta"},
		"?q=tags:special":             {"Beta"},
		"?q=id:alpha":                 {"Alpha.Tool"},
		"?q=ann":                      {"Alpha.Tool", "Beta", "Gamma", "Gamma.More"},
		"?q=demo+gamma":               {"Gamma", "Gamma.More"},
		"?q=nothing":                  nil,
		"?q=%25":                      {"Gamma.More"},
		"?q=a_b":                      {"Gamma.More"},
		"?prerelease=false":           {"Alpha.Tool", "Gamma", "Gamma.More"},
		"?packageType=dotnettool":     {"Alpha.Tool"},
		"?packageType=Dependency&q=g": {"Gamma", "Gamma.More"},
	} {
		var got hits
		c.get(t, "/query"+query).json(t, &got)
		if !slices.Equal(ids(got), want) {
			t.Errorf("%s: %v, not %v", query, ids(got), want)
		}
	}
	var got hits
	c.get(t, "/query?q=gamma&take=1").json(t, &got)
	if got.TotalHits != 2 || got.Data[0].Version != "1.10.0" || len(got.Data[0].Versions) != 3 || got.Data[0].Tags == nil {
		t.Errorf("%+v", got)
	}
	c.get(t, "/query?q=gamma&skip=9").json(t, &got)
	if got.TotalHits != 2 {
		t.Errorf("beyond the end: %d", got.TotalHits)
	}
	for _, bad := range []string{"take=0", "skip=-1", "take=abc", "prerelease=maybe"} {
		c.get(t, "/query?"+bad).wantStatus(t, bad, 400)
	}
	for query, want := range map[string]string{
		"?q=gam":                       `{"data":["Gamma","Gamma.More"],"totalHits":2}`,
		"?id=gamma":                    `{"data":["1.0.0","1.9.0","1.10.0"],"totalHits":3}`,
		"?id=beta&prerelease=false":    `{"data":[],"totalHits":0}`,
		"?q=&prerelease=false&take=1":  `{"data":["Alpha.Tool"],"totalHits":3}`,
		"?q=tool&packageType=Template": `{"data":[],"totalHits":0}`,
	} {
		if a := c.get(t, "/autocomplete"+query); string(a.body) != want {
			t.Errorf("%s: %s, not %s", query, a.body, want)
		}
	}
}

// testLevels: cases 7, 26, 40 and 41.
func testLevels(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	one, two := reg.NewProjectIn(t, root, "one", "private"), reg.NewProjectIn(t, reg.NewGroup(t, "private", root), "two", "private")
	first, second := inProject(reg, one, reg.Token), inProject(reg, two, reg.Token)
	first.push(t, "Shared", "1.0.0")
	second.push(t, "Shared", "2.0.0")
	last := second.push(t, "Shared", "1.0")
	second.push(t, "Other", "1.0.0")
	c := inGroup(reg, root, reg.Token)
	var doc registrationDoc
	c.get(t, "/metadata/shared/index.json").json(t, &doc)
	if doc.Items[0].Count != 2 {
		t.Errorf("%+v", doc.Items[0])
	}
	if a := c.get(t, strings.TrimPrefix(doc.Items[0].Items[0].PackageContent, c.base)); !bytes.Equal(a.body, last) {
		t.Errorf("not the package that was published last: %d", a.status)
	}
	if a := c.get(t, "/query?q=shared"); !strings.Contains(string(a.body), `"totalHits":1`) {
		t.Errorf("%s", a.body)
	}
	var index struct{ Resources []map[string]string }
	c.get(t, "/index.json").json(t, &index)
	for _, r := range index.Resources {
		if strings.Contains(r["@type"], "Publish") {
			t.Errorf("a group cannot be pushed to: %v", r)
		}
	}
	c.pushTo(t, "/", nupkg(t, "Shared", "3.0")).wantStatus(t, "push to a group", http.StatusNotFound)
	for who, row := range map[string]struct {
		token         string
		shared, other int
	}{
		"anonymous":         {"", 401, 401},
		"stranger":          {reg.NewUser(t, "", "").Token, 404, 404},
		"member of the one": {reg.NewUser(t, "guest", one.Path).Token, 200, 404},
		"a deploy token":    {reg.NewDeployToken(t, two.Path, "read_package_registry"), 200, 200},
	} {
		g := inGroup(reg, root, row.token)
		g.get(t, "/metadata/shared/index.json").wantStatus(t, who+", shared", row.shared)
		g.get(t, "/metadata/other/index.json").wantStatus(t, who+", other", row.other)
	}
	var raw json.RawMessage
	inGroup(reg, root, reg.NewUser(t, "guest", one.Path).Token).get(t, "/metadata/shared/index.json").json(t, &raw)
	if strings.Contains(string(raw), "2.0.0") {
		t.Errorf("a version of a project that is hidden: %s", raw)
	}
}
