package npm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// rich has every field that installers look at.
func rich() map[string]any {
	return map[string]any{
		"description": "a demo", "license": "MIT", "keywords": []any{"one", "two"}, "author": "Ann <ann@example.com>",
		"homepage": "https://example.com", "main": "index.js",
		"dependencies": map[string]any{"a": "^1"}, "devDependencies": map[string]any{"b": "^1"}, "peerDependencies": map[string]any{"c": "^1"},
		"optionalDependencies": map[string]any{"d": "^1"}, "bundleDependencies": []any{"a"},
		"peerDependenciesMeta": map[string]any{"c": map[string]any{"optional": true}},
		"bin":                  map[string]any{"demo": "cli.js"}, "engines": map[string]any{"node": ">=18"}, "os": []any{"linux"}, "cpu": []any{"x64"}, "libc": []any{"glibc"},
		"funding": "https://example.com", "directories": map[string]any{"bin": "bin"},
		"scripts": map[string]any{"postinstall": "node x.js"},
	}
}

func TestTheAbbreviatedDocumentHasWhatInstallersNeed(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	publishes(t, reg, newPublication(t, "@acme/web", "1.0.0", rich()))
	doc := get(t, reg, "@acme%2Fweb", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*")
	v, ok := at(doc, "versions", "1.0.0").(map[string]any)
	if !ok {
		t.Fatal("no version")
	}
	for _, key := range []string{
		"dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "bundleDependencies", "peerDependenciesMeta", "bin", "engines",
		"os", "cpu", "libc", "funding", "directories",
	} {
		if !reflect.DeepEqual(v[key], rich()[key]) {
			t.Errorf("%s is %v, want %v", key, v[key], rich()[key])
		}
	}
	if v["hasInstallScript"] != true || v["name"] != "@acme/web" || v["version"] != "1.0.0" {
		t.Errorf("got %v", v)
	}
	for _, key := range []string{"scripts", "main", "description", "license", "keywords"} {
		if _, there := v[key]; there {
			t.Errorf("%s is in the abbreviated document", key)
		}
	}
	dist, ok := v["dist"].(map[string]any)
	if !ok || dist["tarball"] != plugintest.BaseURL+"/npm/@acme/web/-/@acme/web-1.0.0.tgz" ||
		!strings.HasPrefix(fmt.Sprint(dist["integrity"]), "sha512-") || len(fmt.Sprint(dist["shasum"])) != 40 || dist["fileCount"] != 2.0 {
		t.Errorf("dist is %v", dist)
	}
	if at(doc, "modified") == nil || at(doc, "time", "1.0.0") == nil {
		t.Error("the times are missing; yarn 4 and pnpm 11 ask for them")
	}
}

func TestTheFullDocumentHasTheRest(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	p := newPublication(t, "demo", "1.0.0", rich())
	p.document["readme"] = "# Demo"
	publishes(t, reg, p)
	doc := get(t, reg, "demo", "")
	if doc["_id"] != "demo" || doc["name"] != "demo" || doc["readme"] != "# Demo" || doc["_rev"] == "" || at(doc, "dist-tags", "latest") != "1.0.0" {
		t.Errorf("got %v", doc)
	}
	v, ok := at(doc, "versions", "1.0.0").(map[string]any)
	if !ok {
		t.Fatal("no version")
	}
	for _, key := range []string{"scripts", "main", "description", "license", "keywords", "author"} {
		if !reflect.DeepEqual(v[key], rich()[key]) {
			t.Errorf("%s is %v, want %v", key, v[key], rich()[key])
		}
	}
	if v["_id"] != "demo@1.0.0" {
		t.Errorf("_id is %v", v["_id"])
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(at(doc, "time", "1.0.0"))); err != nil {
		t.Error(err)
	}
}

func TestLatestIsTheHighestVersionUntilItIsSet(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, v := range []string{"1.10.0", "1.9.0"} {
		p := newPublication(t, "demo", v, nil)
		p.document["dist-tags"] = map[string]any{"next": v}
		publishes(t, reg, p)
	}
	if doc := get(t, reg, "demo", ""); at(doc, "dist-tags", "latest") != "1.10.0" || at(doc, "dist-tags", "next") != "1.9.0" {
		t.Errorf("got %v", doc["dist-tags"])
	}
	if got := reg.Send(plugintest.Request{Method: http.MethodPut, Path: "-/package/demo/dist-tags/latest", Body: []byte(`"1.9.0"`)}); got.Response.Status != http.StatusNoContent {
		t.Fatal(words(got))
	}
	if doc := get(t, reg, "demo", ""); at(doc, "dist-tags", "latest") != "1.9.0" {
		t.Errorf("got %v", doc["dist-tags"])
	}
}

func TestAbsentPackagesAreNotFound(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for method, paths := range map[string][]string{
		http.MethodGet:    {"demo", "@acme%2fweb", "demo/1.0.0", "demo/latest", "demo/-/demo-1.0.0.tgz", "-/package/demo/dist-tags", "-/npm/v1/attestations/demo@1.0.0"},
		http.MethodDelete: {"-/package/demo/dist-tags/latest"},
	} {
		for _, path := range paths {
			got := reg.Do(plugintest.Request{Method: method, Path: path})
			if got.Response == nil || got.Response.Status != http.StatusNotFound || !strings.Contains(message(t, got), "not found") {
				t.Errorf("%s %s: %s", method, path, words(got))
			}
		}
	}
}

func TestOneVersion(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	publishes(t, reg, newPublication(t, "demo", "1.0.0", nil))
	publishes(t, reg, newPublication(t, "demo", "2.0.0-beta.1", nil))
	for wanted, version := range map[string]string{"1.0.0": "1.0.0", "latest": "2.0.0-beta.1", "2.0.0-beta.1": "2.0.0-beta.1"} {
		if doc := get(t, reg, "demo/"+wanted, ""); doc["version"] != version || at(doc, "dist", "tarball") == nil {
			t.Errorf("%s: %v", wanted, doc)
		}
	}
}

func TestATarballHasTwoNames(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	p := newPublication(t, "@acme/web", "1.0.0", nil)
	publishes(t, reg, p)
	for _, path := range []string{"@acme/web/-/@acme/web-1.0.0.tgz", "@acme%2fweb/-/web-1.0.0.tgz", "@acme%2Fweb/-/@acme%2Fweb-1.0.0.tgz"} {
		got := reg.Do(plugintest.Request{Path: path})
		if got.Response == nil || got.Response.Status != http.StatusOK || !bytes.Equal(got.Response.Body, p.tarball) {
			t.Errorf("%s: %s", path, words(got))
		}
	}
	if got := reg.Do(plugintest.Request{Path: "@acme%2fweb/-/other-1.0.0.tgz"}); got.Response.Status != http.StatusNotFound {
		t.Errorf("another's file: %s", words(got))
	}
}

func TestDistTags(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	publishes(t, reg, newPublication(t, "demo", "1.0.0", nil))
	publishes(t, reg, newPublication(t, "demo", "1.0.1", nil))
	put := func(tag, body string) plugintest.Result {
		return reg.Send(plugintest.Request{Method: http.MethodPut, Path: "-/package/demo/dist-tags/" + tag, Body: []byte(body)})
	}
	for _, step := range []struct {
		tag, body string
		status    int
	}{
		{"beta", `"1.0.1"`, 204},
		{"beta", `"1.0.0"`, 204}, // moved
		{"beta", `"9.9.9"`, 404},
		{"beta", `""`, 400},
		{"beta", `null`, 400},
		{"beta", ``, 400},
		{"%20", `"1.0.0"`, 400},
		{"1.0.0", `"1.0.0"`, 400},
	} {
		if got := put(step.tag, step.body); got.Response == nil || got.Response.Status != step.status {
			t.Errorf("%s %s: %s", step.tag, step.body, words(got))
		}
	}
	if doc := get(t, reg, "-/package/demo/dist-tags", ""); len(doc) != 2 || doc["beta"] != "1.0.0" || doc["latest"] != "1.0.1" {
		t.Errorf("got %v", doc)
	}
	for _, want := range []int{204, 404} {
		if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: "-/package/demo/dist-tags/beta"}); got.Response.Status != want {
			t.Errorf("delete: %s", words(got))
		}
	}
	if got := reg.Do(plugintest.Request{Path: "-/package/%20/dist-tags"}); got.Response.Status != http.StatusBadRequest {
		t.Errorf("a blank name: %s", words(got))
	}
}

func TestDeprecate(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, v := range []string{"1.0.0", "1.0.1", "2.0.0"} {
		publishes(t, reg, newPublication(t, "demo", v, nil))
	}
	send := func(versions map[string]any) plugintest.Result {
		body, err := json.Marshal(map[string]any{"name": "demo", "versions": versions})
		if err != nil {
			t.Fatal(err)
		}
		return reg.Send(plugintest.Request{Method: http.MethodPut, Path: "demo", Body: body, Header: http.Header{"Npm-Command": {"deprecate"}}})
	}
	message := func(v string) any { return at(get(t, reg, "demo", abbreviatedType), "versions", v, "deprecated") }
	got := send(map[string]any{"1.0.0": map[string]any{"deprecated": "old"}, "1.0.1": map[string]any{"deprecated": "older"}, "2.0.0": map[string]any{}, "9.9.9": map[string]any{"deprecated": "x"}})
	if got.Response.Status != http.StatusOK || message("1.0.0") != "old" || message("1.0.1") != "older" || message("2.0.0") != nil {
		t.Fatalf("%s: %v %v %v", words(got), message("1.0.0"), message("1.0.1"), message("2.0.0"))
	}
	if got := send(map[string]any{"1.0.0": map[string]any{"deprecated": "old"}}); got.Response.Status != http.StatusOK || !emptyPlan(got) {
		t.Errorf("the same again changes something: %s", words(got))
	}
	if got := send(map[string]any{"1.0.0": map[string]any{"deprecated": ""}}); got.Response.Status != http.StatusOK || message("1.0.0") != nil || message("1.0.1") != "older" {
		t.Errorf("lifted: %s, %v", words(got), message("1.0.0"))
	}
	for name, versions := range map[string]map[string]any{
		"without the key": {"1.0.0": map[string]any{}},
		"not a text":      {"1.0.0": map[string]any{"deprecated": 7}},
		"too long":        {"1.0.0": map[string]any{"deprecated": strings.Repeat("x", maxMessage+1)}},
	} {
		if got := send(versions); got.Response.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", name, words(got))
		}
	}
}

func emptyPlan(r plugintest.Result) bool { return r.Plan.Empty() }

func TestUnpublish(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, v := range []string{"1.0.0", "1.0.1", "1.0.2"} {
		publishes(t, reg, newPublication(t, "demo", v, nil))
	}
	versions := func() []string {
		var all []string
		for _, p := range reg.Packages(spec.Finder{Name: "demo"}) {
			all = append(all, p.Package.Version)
		}
		slices.Sort(all)
		return all
	}
	// npm reads the package, then somebody publishes, then npm writes.
	doc := get(t, reg, "demo", "")
	rev := fmt.Sprint(doc["_rev"])
	publishes(t, reg, newPublication(t, "demo", "1.0.3", nil))
	body, err := json.Marshal(map[string]any{"name": "demo", "versions": map[string]any{"1.0.0": map[string]any{}, "1.0.2": map[string]any{}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := reg.Send(plugintest.Request{Method: http.MethodPut, Path: "demo/-rev/" + rev, Body: body}); got.Response.Status != http.StatusOK {
		t.Fatal(words(got))
	}
	if got := versions(); !slices.Equal(got, []string{"1.0.0", "1.0.2", "1.0.3"}) {
		t.Fatalf("left are %v", got)
	}
	// npm's last step, by the path it really uses, and again.
	for _, path := range []string{"api/v4/projects/1/packages/npm/demo/-/demo-1.0.1.tgz/-rev/" + rev, "demo/-/demo-1.0.1.tgz/-rev/" + rev} {
		if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: path}); got.Response == nil || got.Response.Status != http.StatusOK {
			t.Errorf("%s: %s", path, words(got))
		}
	}
	if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: "demo/-/demo-1.0.0.tgz/-rev/" + rev}); got.Response.Status != http.StatusOK || len(versions()) != 2 {
		t.Errorf("a tarball alone: %s, left are %v", words(got), versions())
	}
	for path, status := range map[string]int{"demo/-rev/undefined": 409, "demo/-rev/1": 409, "absent/-rev/1-1": 404} {
		if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: path}); got.Response.Status != status {
			t.Errorf("%s: %s", path, words(got))
		}
	}
	rev = fmt.Sprint(get(t, reg, "demo", "")["_rev"])
	if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: "demo/-rev/" + rev}); got.Response.Status != http.StatusOK || len(versions()) != 0 {
		t.Errorf("all: %s, left are %v", words(got), versions())
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, c := range []struct {
		req    plugintest.Request
		status int
		says   string
	}{
		{plugintest.Request{Path: "-/ping"}, 200, "{}"},
		{plugintest.Request{Path: "-/whoami"}, 200, `"username":"tester"`},
		{plugintest.Request{Path: "-/whoami", Actor: spec.Actor{Kind: spec.Anonymous}}, 401, ""},
		{plugintest.Request{Path: "-/package/demo/visibility"}, 200, `"public":false`},
		{plugintest.Request{Method: "POST", Path: "-/npm/v1/security/advisories/bulk", Body: []byte(`{"a":["1.0.0"]}`)}, 200, "{}"},
		{plugintest.Request{Method: "POST", Path: "-/npm/v1/security/audits/quick", Body: []byte(`{"dependencies":{"a":{},"b":{}}}`)}, 200, `"totalDependencies":2`},
		{plugintest.Request{Method: "POST", Path: "-/npm/v1/security/audits/quick", Body: []byte(`[`)}, 400, "Invalid json"},
		{plugintest.Request{Method: "PUT", Path: "-/user/org.couchdb.user:ann", Body: []byte(`{"name":"ann","password":"x"}`)}, 201, `"ok":true`},
		{plugintest.Request{Method: "POST", Path: "-/v1/login", Body: []byte(`{"hostname":"x"}`)}, 200, `"doneUrl":"` + plugintest.BaseURL + `/npm/-/v1/done/`},
		{plugintest.Request{Path: "-/npm/v1/keys"}, 404, ""},
	} {
		got := reg.Do(c.req)
		if got.Response == nil || got.Response.Status != c.status || !strings.Contains(string(got.Response.Body), c.says) {
			t.Errorf("%s %s: %s", c.req.Method, c.req.Path, words(got))
		}
	}
}

// A tarball may be deleted by itself, through the packages API; a provenance
// bundle may be left of its version.
func TestAVersionWithoutItsTarballIsNotServed(t *testing.T) {
	t.Parallel()
	version := func(v string, tags []string, files ...string) plugintest.Package {
		p := plugintest.Package{Name: "demo", Version: v, Tags: tags, Rows: map[string][]spec.Row{"metadata": {{
			"manifest": rawJSON(`{}`), "abbreviated": rawJSON(`{}`), "dist": rawJSON(`{}`), "readme": "", "predicate_type": "",
		}}}}
		for _, f := range files {
			p.Files = append(p.Files, plugintest.File{Name: f, Content: []byte("x")})
		}
		return p
	}
	reg := plugintest.New(t, Plugin(), plugintest.State{Packages: []plugintest.Package{
		version("1.0.0", nil, "demo-1.0.0.tgz"),
		version("2.0.0", []string{"latest", "old"}),
		version("3.0.0", []string{"next"}, "demo-3.0.0.sigstore"),
	}})
	for _, accept := range []string{fullType, abbreviatedType} {
		doc := get(t, reg, "demo", accept)
		if v, ok := doc["versions"].(map[string]any); !ok || len(v) != 1 || v["1.0.0"] == nil || at(doc, "dist-tags", "latest") != "1.0.0" || at(doc, "dist-tags", "next") != nil {
			t.Errorf("%s: %v with the tags %v", accept, doc["versions"], doc["dist-tags"])
		}
	}
	tags := "-/package/demo/dist-tags"
	if doc := get(t, reg, tags, ""); len(doc) != 1 || doc["latest"] != "1.0.0" {
		t.Errorf("tags %v", doc)
	}
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "demo/latest", "", 200},
		{"GET", "demo/2.0.0", "", 404},
		{"GET", "demo/next", "", 404},
		{"PUT", tags + "/stable", `"3.0.0"`, 404},
		{"DELETE", tags + "/next", "", 204}, // nobody sees it, and still it can go
	} {
		if got := reg.Do(plugintest.Request{Method: c.method, Path: c.path, Body: []byte(c.body)}); got.Response.Status != c.want {
			t.Errorf("%s %s: %s", c.method, c.path, words(got))
		}
	}
	// What a client has not seen, it has not left out.
	rev, _ := get(t, reg, "demo", "")["_rev"].(string)
	left := func() int { return len(reg.Packages(spec.Finder{Name: "demo"})) }
	if rev = strings.Replace(rev, "-1", "-99", 1); left() != 3 {
		t.Fatalf("%d versions", left())
	}
	reg.Send(plugintest.Request{Method: "PUT", Path: "demo/-rev/" + rev, Body: []byte(`{"name":"demo","versions":{}}`)})
	if left() != 2 {
		t.Errorf("%d versions are left of an unpublish of some", left())
	}
	reg.Send(plugintest.Request{Method: "DELETE", Path: "demo/-rev/" + rev})
	if left() != 0 {
		t.Errorf("%d versions are left of an unpublish of all", left())
	}
}

func TestSearchTerms(t *testing.T) {
	t.Parallel()
	got := parseTerms("  web scope:@acme author:ann keywords:a,b 100%_ ")
	want := terms{words: []string{"web", `100\%\_`}, keywords: []string{"a", "b"}, scope: "@acme", author: "ann"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// The manifest is one that a core takes.
func TestTheManifestIsValid(t *testing.T) {
	t.Parallel()
	m, err := Plugin().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Routes {
		if r.Method != http.MethodGet && r.Action == sdk.ActionReadPackage && !r.Authenticated {
			t.Errorf("%s: a write without credentials", r.ID)
		}
	}
}

func BenchmarkPackument(b *testing.B) {
	for _, versions := range []int{1, 100, 2000} {
		for _, kind := range []string{"manifest", "abbreviated"} {
			b.Run(fmt.Sprintf("%s/%d", kind, versions), func(b *testing.B) {
				d := &document{name: "demo", base: plugintest.BaseURL, column: kind}
				stored := rawJSON(`{"name":"demo","description":"` + strings.Repeat("x", 900) + `"}`)
				for i := range versions {
					d.versions = append(d.versions, sdk.FoundPackage{
						Package: sdk.Package{ID: int64(i), Name: "demo", Version: fmt.Sprintf("1.0.%d", i), CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(1, 0)},
						Rows:    map[string][]sdk.Row{"metadata": {{"manifest": stored, "abbreviated": stored, "dist": rawJSON(`{"shasum":"x"}`), "predicate_type": ""}}},
					})
				}
				b.ReportAllocs()
				for b.Loop() {
					d.tags = distTags(d.versions) // without "latest": the highest is looked for
					d.encode()
				}
			})
		}
	}
}
