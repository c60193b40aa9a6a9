package nuget

import (
	"archive/zip"
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// packed is a package whose bytes are the same with every Go.
func packed(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(members); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Store})
		if err == nil {
			_, err = f.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pushed is a push as clients send it.
func push(t *testing.T, path string, content []byte) plugintest.Request {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err := w.SetBoundary("always-the-same")
	if err != nil {
		t.Fatal(err)
	}
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="package"; filename="package.nupkg"`}, "Content-Type": {"application/octet-stream"}})
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return plugintest.Request{Method: "PUT", Path: path, Body: b.Bytes(), Header: http.Header{"Content-Type": {w.FormDataContentType()}}}
}

func manifestXML(id, version, more string) string {
	return `<package><metadata><id>` + id + `</id><version>` + version + `</version><authors>Ann</authors><description>A demo</description>` + more + `</metadata></package>`
}

// TestStory is what changes something, and what is answered without SQL; the rest
// is tried against the running server.
func TestStory(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, Plugin(), plugintest.State{Unique: map[string][][]string{"metadata": {{"package_id"}}, "symbols": {{"package_id", "signature", "file_name"}}}})
	demo := packed(t, "Demo.Lib.nuspec", manifestXML("Demo.Lib", "1.0", `<tags>one two</tags><readme>docs/README.md</readme><dependencies>`+
		`<group targetFramework="net45"><dependency id="Other" version="1.0"/></group><group targetFramework="net46"/></dependencies>`),
		"docs/README.md", "# Demo", "lib/net45/Demo.dll", "MZ")
	symbols := packed(t, "Demo.Lib.nuspec", manifestXML("Demo.Lib", "1.0", `<packageTypes><packageType name="SymbolsPackage"/></packageTypes>`), "lib/net45/Demo.pdb", "BSJB")
	for _, step := range []struct {
		golden string
		req    plugintest.Request
	}{
		{"index", plugintest.Request{Path: "index.json"}},
		{"index_of_group", plugintest.Request{Path: "index.json", Level: spec.LevelGroup}},
		{"push", push(t, "", demo)},
		{"push_again", push(t, "", demo)},
		{"push_no_package", push(t, "", []byte("<html>"))},
		{"versions", plugintest.Request{Path: "download/demo.lib/index.json"}},
		{"download", plugintest.Request{Path: "download/Demo.Lib/1.0.0/demo.lib.1.0.nupkg"}},
		{"download_nuspec", plugintest.Request{Path: "download/demo.lib/1.0.0/demo.lib.nuspec"}},
		{"readme", plugintest.Request{Path: "download/demo.lib/1.0.0/readme"}},
		{"leaf", plugintest.Request{Path: "metadata/demo.lib/1.0.0.json"}},
		{"leaf_absent", plugintest.Request{Path: "metadata/demo.lib/9.0.0.json"}},
		{"push_symbols", push(t, "symbolpackage", symbols)},
		{"push_symbols_again", push(t, "symbolpackage", symbols)},
		{"unlist", plugintest.Request{Method: "DELETE", Path: "demo.lib/1.0.0?unlist=true"}},
		{"relist", plugintest.Request{Method: "POST", Path: "DEMO.LIB/1.0"}},
		{"delete", plugintest.Request{Method: "DELETE", Path: "Demo.Lib/1.0"}},
		{"push_deleted", push(t, "", demo)},
	} {
		plugintest.Golden(t, step.golden, reg.Send(step.req))
	}
}

// TestAGroupMayAllowDuplicates: where it has decided at all.
func TestAGroupMayAllowDuplicates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings spec.PackageSettings
		want     int
	}{
		"nobody has decided":          {spec.PackageSettings{}, 409},
		"allowed":                     {spec.PackageSettings{Decided: true}, 201},
		"refused":                     {spec.PackageSettings{Decided: true, RefuseDuplicates: true}, 409},
		"refused, but not this one":   {spec.PackageSettings{Decided: true, RefuseDuplicates: true, DuplicateException: "Demo"}, 201},
		"allowed, but not this one":   {spec.PackageSettings{Decided: true, DuplicateException: `1\..*`}, 409},
		"an exception from no answer": {spec.PackageSettings{DuplicateException: "Demo"}, 409},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := plugintest.New(t, Plugin(), plugintest.State{Settings: c.settings, Unique: map[string][][]string{"metadata": {{"package_id"}}}})
			for i, want := range []int{201, c.want} {
				content := packed(t, "Demo.nuspec", manifestXML("Demo", "1.0", ""), "data", string(rune('a'+i)))
				if got := reg.Send(push(t, "", content)); got.Response.Status != want {
					t.Errorf("push %d: %d %s", i+1, got.Response.Status, got.Response.Body)
				}
			}
		})
	}
}
