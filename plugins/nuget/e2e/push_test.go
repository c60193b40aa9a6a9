package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func private(t *testing.T, reg *registrytest.Registry) caller {
	t.Helper()
	return inProject(reg, reg.NewProject(t, "private"), reg.Token)
}

// testPush: nuget.md, cases 52 to 77 and 98 to 106.
func testPush(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"every address", everyAddress},
		{"duplicates", duplicates},
		{"what is no package", noPackage},
		{"odd packages that are right", oddPackages},
		{"the same version at once", sameAtOnce},
		{"delete, unlist and relist", deletions},
		{"a package that is deleted by itself", fileGone},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.test(t, reg) })
	}
}

func everyAddress(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	for i, path := range []string{"", "/", "/v2", "/v2/", "/v2/package", "/v2/package/"} {
		c.pushTo(t, path, nupkg(t, "Demo", "1."+string(rune('0'+i)))).wantStatus(t, path, http.StatusCreated)
	}
	c.send(t, "PUT", "/", []byte("no form"), "Content-Type", "application/octet-stream").wantStatus(t, "no form", http.StatusBadRequest)
	c.send(t, "PUT", "/", []byte("--x--\r\n"), "Content-Type", "multipart/form-data; boundary=x").wantStatus(t, "no file", http.StatusBadRequest)
	c.send(t, "PUT", "/index.json", nil).wantStatus(t, "elsewhere", http.StatusMethodNotAllowed)
}

// duplicates: 69 and 70, and what a group may allow.
func duplicates(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	c := inProject(reg, p, reg.Token)
	c.push(t, "Demo.Lib", "1.0")
	for _, again := range [][2]string{{"Demo.Lib", "1.0"}, {"demo.LIB", "1.0"}, {"Demo.Lib", "1.0.0"}, {"Demo.Lib", "1.0.0.0"}, {"Demo.Lib", "1.0.0+build"}} {
		a := c.pushTo(t, "/", nupkg(t, again[0], again[1])).wantStatus(t, again[0]+" "+again[1], http.StatusConflict)
		if !strings.Contains(a.header.Get("X-Nuget-Warning"), "already exists") {
			t.Errorf("warns %q", a.header.Get("X-Nuget-Warning"))
		}
	}
	c.push(t, "Demo.Lib", "1.0-BETA")
	c.pushTo(t, "/", nupkg(t, "Demo.Lib", "1.0.0-beta")).wantStatus(t, "another case of a label", http.StatusConflict)

	reg.SetPackageSettings(t, p.Group, "nuget", "--duplicates", "allowed")
	replaced := zipped(t, "Demo.Lib.nuspec", nuspec("Demo.Lib", "1.0.0", "<title>Replaced</title>"))
	for range 50 { // a node believes what it has heard for a second
		if c.pushTo(t, "/", replaced).status == http.StatusCreated {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	if a := c.get(t, "/download/demo.lib/1.0.0/demo.lib.1.0.0.nupkg"); !bytes.Equal(a.body, replaced) {
		t.Errorf("not replaced: %d", a.status)
	}
	if a := c.get(t, "/metadata/demo.lib/1.0.0.json"); !strings.Contains(string(a.body), `"title":"Replaced"`) {
		t.Errorf("metadata is not replaced: %s", a.body)
	}
}

func noPackage(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	whole := nupkg(t, "Demo", "1.0.0")
	for name, row := range map[string]struct {
		content []byte
		says    string
	}{
		"no zip":                {[]byte("<html>"), "no package"},
		"nothing":               {nil, "no package"},
		"half":                  {whole[:len(whole)/2], "no package"},
		"a prefix":              {append([]byte("#!/bin/sh\n"), whole...), "no package"},
		"a trailer":             {append(bytes.Clone(whole), "more"...), "no package"},
		"no manifest":           {zipped(t, "lib/a.dll", "MZ"), "nuspec"},
		"two manifests":         {zipped(t, "a.nuspec", nuspec("A", "1.0"), "b.nuspec", nuspec("B", "1.0")), "nuspec"},
		"traversal":             {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0"), "../evil", "x"), "leaves the archive"},
		"a name twice":          {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0"), "a", "x", "a", "y"), "twice"},
		"a manifest cut short":  {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0")[:120]), "Demo.nuspec"},
		"a bomb":                {zipped(t, "Demo.nuspec", `<!DOCTYPE package [<!ENTITY a "b">]><package/>`), "Demo.nuspec"},
		"a manifest of 5 MiB":   {zipped(t, "Demo.nuspec", nuspec("Demo", "1.0", "<summary>"+strings.Repeat("x", 5<<20)+"</summary>")), "larger than"},
		"no id":                 {zipped(t, "Demo.nuspec", nuspec("", "1.0")), "id"},
		"a bad id":              {zipped(t, "Demo.nuspec", nuspec("De mo", "1.0")), "De mo"},
		"a long id":             {zipped(t, "Demo.nuspec", nuspec(strings.Repeat("x", 101), "1.0")), "100"},
		"no version":            {zipped(t, "Demo.nuspec", nuspec("Demo", "")), "version"},
		"one number":            {zipped(t, "Demo.nuspec", nuspec("Demo", "1")), "version"},
		"a version of a path":   {zipped(t, "Demo.nuspec", nuspec("Demo", "1./2.3")), "version"},
		"no authors":            {zipped(t, "Demo.nuspec", strings.Replace(nuspec("Demo", "1.0"), "Ann, Bob", "", 1)), "authors"},
		"no description":        {zipped(t, "Demo.nuspec", strings.Replace(nuspec("Demo", "1.0"), "A demo of Demo", "", 1)), "description"},
		"a project URL of none": {nupkg(t, "Demo", "1.0", "<projectUrl>javascript:alert(1)</projectUrl>"), "projectUrl"},
		"a floating dependency": {nupkg(t, "Demo", "1.0", `<dependencies><dependency id="X" version="1.*"/></dependencies>`), "1.*"},
		"symbols":               {nupkg(t, "Demo", "1.0", `<packageTypes><packageType name="SymbolsPackage"/></packageTypes>`), "symbol"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.pushTo(t, "/", row.content).wantStatus(t, name, http.StatusBadRequest)
			if !strings.Contains(a.header.Get("X-Nuget-Warning"), row.says) {
				t.Errorf("warns %q, not of %q", a.header.Get("X-Nuget-Warning"), row.says)
			}
		})
	}
	if a := c.get(t, "/query?q="); !strings.Contains(string(a.body), `"totalHits":0`) {
		t.Errorf("something was stored: %s", a.body)
	}
}

func oddPackages(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	utf16 := []byte{0xff, 0xfe}
	for _, r := range strings.Replace(nuspec("Utf16", "1.0"), "utf-8", "utf-16", 1) {
		utf16 = append(utf16, byte(r), byte(r>>8))
	}
	for id, content := range map[string][]byte{
		"Bom":    zipped(t, "Bom.nuspec", "\ufeff"+nuspec("Bom", "1.0")),
		"Liar":   zipped(t, "Liar.nuspec", strings.Replace(nuspec("Liar", "1.0"), "utf-8", "utf-16", 1)),
		"Utf16":  zipped(t, "Utf16.nuspec", string(utf16)),
		"Deeper": zipped(t, "package/Deeper.nuspec", nuspec("Deeper", "1.0")),
		"Bare":   zipped(t, "Bare.NUSPEC", strings.Replace(nuspec("Bare", "1.0"), ` xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"`, "", 1)),
	} {
		c.pushTo(t, "/", content).wantStatus(t, id, http.StatusCreated)
		c.get(t, "/download/"+strings.ToLower(id)+"/1.0.0/"+strings.ToLower(id)+".nuspec").wantStatus(t, id+".nuspec", http.StatusOK)
	}
	long := c.pushTo(t, "/", zipped(t, "Long.nuspec", strings.Replace(nuspec("Long", "1.0"), "A demo of Long", strings.Repeat("x", 5000), 1)))
	long.wantStatus(t, "a long description is cut", http.StatusCreated) // 66
}

func sameAtOnce(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	var created, conflicts atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		content := nupkg(t, "Demo", "1.0.0", "<title>"+string(rune('a'+i))+"</title>")
		all.Go(func() {
			switch a := c.pushTo(t, "/", content); a.status {
			case http.StatusCreated:
				created.Add(1)
			case http.StatusConflict:
				conflicts.Add(1)
			default:
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if created.Load() != 1 || conflicts.Load() != 7 {
		t.Errorf("%d created, %d conflicts", created.Load(), conflicts.Load())
	}
}

// fileGone: what is deleted of a version through the packages API is not served.
func fileGone(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	c := inProject(reg, p, reg.Token)
	c.push(t, "Demo", "1.0.0", "<tags>one two</tags>")
	c.push(t, "Demo", "2.0.0")
	api := caller{base: fmt.Sprintf("%s/api/v4/projects/%d/packages", reg.URL, p.ID), token: reg.Token}
	var packages []struct {
		ID   int64
		Name string
		Tags []struct{ Name string }
	}
	api.get(t, "?package_type=nuget&package_version=1.0.0").json(t, &packages)
	if len(packages) != 1 || packages[0].Name != "Demo" || len(packages[0].Tags) != 2 {
		t.Fatalf("%+v", packages)
	}
	var files []struct{ ID int64 }
	path := fmt.Sprintf("/%d/package_files", packages[0].ID)
	api.get(t, path).json(t, &files)
	if a := api.send(t, "DELETE", fmt.Sprintf("%s/%d", path, files[0].ID), nil); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/download/demo/index.json", "/metadata/demo/index.json", "/query?q=demo", "/v2/FindPackagesById()?id='demo'"} {
		if a := c.get(t, path); a.status != http.StatusOK || strings.Contains(string(a.body), "1.0.0.json") || strings.Contains(string(a.body), `"1.0.0"`) || !strings.Contains(string(a.body), "2.0.0") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	c.get(t, "/metadata/demo/1.0.0.json").wantStatus(t, "leaf", http.StatusNotFound)
}

func deletions(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	for _, v := range []string{"1.0", "2.0", "3.0"} {
		c.push(t, "Demo", v)
	}
	c.send(t, "DELETE", "/Demo/2.0.0?unlist=true", nil).wantStatus(t, "unlist", http.StatusNoContent)
	// Not listed: search does not show it; whoever knows it still gets it.
	if a := c.get(t, "/query?q=demo"); strings.Contains(string(a.body), `"2.0"`) {
		t.Errorf("search shows %s", a.body)
	}
	if a := c.get(t, "/download/demo/index.json"); !strings.Contains(string(a.body), `"2.0.0"`) {
		t.Errorf("versions %s", a.body)
	}
	if a := c.get(t, "/metadata/demo/2.0.0.json"); !strings.Contains(string(a.body), `"listed":false`) || !strings.Contains(string(a.body), `"published":"1900`) {
		t.Errorf("leaf %s", a.body)
	}
	c.send(t, "POST", "/demo/2.0", nil).wantStatus(t, "relist", http.StatusOK)
	if a := c.get(t, "/query?q=demo"); !strings.Contains(string(a.body), `"2.0"`) {
		t.Errorf("search shows %s", a.body)
	}
	long := "Mon, 02 Jan 2006 15:04:05 GMT"
	c.send(t, "DELETE", "/DEMO/1.0.0", nil, "If-Unmodified-Since", long).wantStatus(t, "changed since", http.StatusPreconditionFailed)
	c.send(t, "DELETE", "/DEMO/1.0.0", nil).wantStatus(t, "delete", http.StatusNoContent)
	c.send(t, "DELETE", "/DEMO/1.0.0", nil).wantStatus(t, "delete again", http.StatusNotFound)
	c.get(t, "/metadata/demo/1.0.0.json").wantStatus(t, "deleted", http.StatusNotFound)
	c.get(t, "/download/demo/1.0/demo.1.0.nupkg").wantStatus(t, "deleted", http.StatusNotFound)
	a := c.pushTo(t, "/", nupkg(t, "Demo", "1.0")).wantStatus(t, "a deleted version, again", http.StatusConflict)
	if !strings.Contains(a.header.Get("X-Nuget-Warning"), "was deleted") {
		t.Errorf("warns %q", a.header.Get("X-Nuget-Warning"))
	}
	c.send(t, "DELETE", "/De%20mo/1.0.0", nil).wantStatus(t, "a bad id", http.StatusBadRequest)
	c.send(t, "DELETE", "/Demo/1.%20", nil).wantStatus(t, "a bad version", http.StatusBadRequest)
	c.send(t, "DELETE", "/Demo/9.9.9", nil).wantStatus(t, "no such version", http.StatusNotFound)
	c.send(t, "POST", "/Demo/9.9.9", nil).wantStatus(t, "relist nothing", http.StatusNotFound)
}
