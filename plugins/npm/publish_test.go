package npm

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestPublishStoresOneVersion(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"demo", "@acme/web"} {
		reg := newRegistry(t)
		publishes(t, reg, newPublication(t, name, "1.0.0", nil))
		found := reg.Packages(spec.Finder{Name: name, WithFiles: true, WithTags: true})
		if len(found) != 1 || len(found[0].Files) != 1 || found[0].Files[0].FileName != name+"-1.0.0.tgz" || len(found[0].Tags) != 1 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// refusal is a change to a publish, and what it is refused with.
type refusal struct {
	change func(*testing.T, *publication)
	status int
	says   string
}

// refusals are cases 70–73, 75, 80–85, 91 and 94–98 of GitLab's, and ours.
func refusals() map[string]refusal {
	set := func(key string, value any) func(*testing.T, *publication) {
		return func(_ *testing.T, p *publication) { p.document[key] = value }
	}
	object := func(key string, value any) func(*testing.T, *publication) {
		return func(t *testing.T, p *publication) {
			t.Helper()
			changed := maps.Clone(p.manifest)
			changed[key] = value
			p.document["versions"] = map[string]any{p.version: changed}
		}
	}
	packed := func(files ...file) func(*testing.T, *publication) {
		return func(t *testing.T, p *publication) {
			t.Helper()
			p.tarball = tarballOf(t, files...)
			p.document["_attachments"] = p.attachments()
		}
	}
	attached := func(key string, data any) func(*testing.T, *publication) {
		return set("_attachments", map[string]any{key: map[string]any{"data": data}})
	}
	pj := func(content string) file { return file{name: "package/package.json", content: content} }
	const good = `{"name":"demo","version":"1.0.0"}`
	return map[string]refusal{
		"name empty":             {set("name", ""), 400, "Name is empty."},
		"name of another":        {set("name", "other"), 400, `"other" in the document is not "demo"`},
		"no versions":            {set("versions", nil), 400, "Versions key is missing"},
		"versions empty":         {set("versions", map[string]any{}), 400, "Version is empty."},
		"two versions":           {set("versions", map[string]any{"1.0.0": map[string]any{}, "1.0.1": map[string]any{}}), 400, "2 versions"},
		"version 1":              {set("versions", map[string]any{"1": map[string]any{}}), 400, "Version should follow SemVer"},
		"version with a path":    {set("versions", map[string]any{"../../1.2.3": map[string]any{}}), 400, "Version should follow SemVer"},
		"tag that is a version":  {set("dist-tags", map[string]any{"1.0.0": "1.0.0"}), 400, "is a version"},
		"tag on another":         {set("dist-tags", map[string]any{"latest": "2.0.0"}), 400, `"latest" names version "2.0.0"`},
		"tag blank":              {set("dist-tags", map[string]any{" ": "1.0.0"}), 400, "dist-tag"},
		"no attachment":          {set("_attachments", map[string]any{}), 400, "Attachment data is empty."},
		"attachment empty":       {attached("demo-1.0.0.tgz", ""), 400, "Attachment data is empty."},
		"attachment of another":  {attached("other-1.0.0.tgz", base64.StdEncoding.EncodeToString([]byte("x"))), 400, `"other-1.0.0.tgz" is neither`},
		"shasum":                 {object("dist", map[string]any{"shasum": strings.Repeat("0", 40)}), 400, "dist.shasum"},
		"integrity":              {object("dist", map[string]any{"integrity": "sha512-AAAA"}), 400, "dist.integrity"},
		"dependencies differ":    {object("dependencies", map[string]any{"evil": "*"}), 400, `"dependencies"`},
		"optional differ":        {object("optionalDependencies", map[string]any{"evil": "*"}), 400, `"optionalDependencies"`},
		"peers differ":           {object("peerDependencies", map[string]any{"evil": "*"}), 400, `"peerDependencies"`},
		"bundled differ":         {object("bundleDependencies", []string{"evil"}), 400, `"bundleDependencies"`},
		"install script differs": {object("scripts", map[string]any{"postinstall": "evil"}), 400, `"scripts"`},
		"bin differs":            {object("bin", map[string]any{"ls": "evil.js"}), 400, `"bin"`},
		"name differs inside":    {packed(pj(`{"name":"other","version":"1.0.0"}`)), 400, `"name"`},
		"version differs inside": {packed(pj(`{"name":"demo","version":"1.0.1"}`)), 400, `"version"`},
		"no package.json":        {packed(file{name: "package/index.js", content: "1"}), 400, "package.json not found"},
		"package.json at root":   {packed(file{name: "package.json", content: good}), 400, "package.json not found"},
		"two of them":            {packed(pj(good), file{name: "other/package.json", content: good}), 400, "more than one <folder>/package.json"},
		"package.json not JSON":  {packed(pj(`{`)), 400, "package.json in the tarball is not valid"},
		"a key twice inside":     {packed(pj(`{"name":"demo","name":"evil","version":"1.0.0"}`)), 400, "package.json in the tarball is not valid"},
		"a link":                 {packed(pj(good), file{name: "package/x", content: "/etc/passwd", kind: tar.TypeSymlink}), 400, "invalid package file"},
		"traversal":              {packed(pj(good), file{name: "package/../../x", content: "1"}), 400, "invalid package file"},
		"a member twice":         {packed(pj(good), pj(good)), 400, "invalid package file"},
		"not a tarball": {func(_ *testing.T, p *publication) {
			p.tarball = []byte("not gzip")
			p.document["_attachments"] = p.attachments()
		}, 400, "invalid package file"},
		"manifest too large": {func(t *testing.T, p *publication) {
			t.Helper()
			data, err := json.Marshal(map[string]any{"name": "demo", "version": "1.0.0", "x": strings.Repeat("y", maxManifest)})
			if err != nil {
				t.Fatal(err)
			}
			packed(pj(string(data)))(t, p)
		}, 400, "Package json structure is too large"},
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range refusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t)
			p := newPublication(t, "demo", "1.0.0", nil)
			c.change(t, p)
			got := reg.Send(p.request(t))
			if got.Response == nil || got.Response.Status != c.status || !strings.Contains(message(t, got), c.says) {
				t.Errorf("got %s", words(got))
			}
			if n := len(reg.Packages(spec.Finder{})); n != 0 {
				t.Errorf("%d packages are stored", n)
			}
		})
	}
}

// message is the key that npm prints.
func message(t *testing.T, r plugintest.Result) string {
	t.Helper()
	if r.Response == nil {
		return ""
	}
	var body struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(r.Response.Body, &body); err != nil {
		t.Fatalf("%v: %s", err, r.Response.Body)
	}
	return body.Error
}

func TestAVersionIsPublishedOnce(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	p := newPublication(t, "demo", "1.0.0", nil)
	publishes(t, reg, p)
	if got := reg.Send(p.request(t)); got.Response.Status != http.StatusForbidden || message(t, got) != "Package already exists." {
		t.Errorf("got %s", words(got))
	}
	rev, ok := at(get(t, reg, "demo", ""), "_rev").(string)
	if !ok {
		t.Fatal("no _rev")
	}
	if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: "demo/-rev/" + rev}); got.Response.Status != http.StatusOK {
		t.Fatal(words(got))
	}
	if got := reg.Send(p.request(t)); got.Response.Status != http.StatusForbidden {
		t.Errorf("after it was unpublished: %s", words(got))
	}
}

// What npm and others do to a manifest before they publish it is no disagreement.
func TestHonestClientsAreTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ inside, document map[string]any }{
		"bin becomes an object":      {map[string]any{"bin": "./cli.js"}, map[string]any{"bin": map[string]any{"demo": "cli.js"}}},
		"optional ones are added":    {map[string]any{"optionalDependencies": map[string]any{"fsevents": "^2"}}, map[string]any{"optionalDependencies": map[string]any{"fsevents": "^2"}, "dependencies": map[string]any{"fsevents": "^2"}}},
		"bundled is respelt":         {map[string]any{"bundledDependencies": []string{"b", "a"}}, map[string]any{"bundleDependencies": []string{"a", "b"}}},
		"bundle all":                 {map[string]any{"dependencies": map[string]any{"a": "1"}, "bundleDependencies": true}, map[string]any{"dependencies": map[string]any{"a": "1"}, "bundleDependencies": []string{"a"}}},
		"bundle none":                {map[string]any{"bundleDependencies": false}, map[string]any{}},
		"version is cleaned":         {map[string]any{"version": " v1.0.0"}, map[string]any{}},
		"build metadata is stripped": {map[string]any{"version": "1.0.0+5"}, map[string]any{}},
		"script paths are shortened": {map[string]any{"scripts": map[string]any{"install": "./node_modules/.bin/x"}}, map[string]any{"scripts": map[string]any{"install": "x"}}},
		"other scripts may differ":   {map[string]any{"scripts": map[string]any{"test": "x"}}, map[string]any{}},
		"odd dependencies drop out":  {map[string]any{"dependencies": map[string]any{"a": 1}}, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPublication(t, "demo", "1.0.0", c.inside)
			object := map[string]any{"name": "demo", "version": "1.0.0"}
			maps.Copy(object, c.document)
			p.document["versions"] = map[string]any{"1.0.0": object}
			publishes(t, newRegistry(t), p)
		})
	}
	t.Run("native modules get an install script", func(t *testing.T) {
		t.Parallel()
		reg := newRegistry(t)
		p := newPublication(t, "demo", "1.0.0", nil)
		p.tarball = tarballOf(t, file{name: "package/package.json", content: `{"name":"demo","version":"1.0.0"}`}, file{name: "package/binding.gyp", content: "{}"})
		p.document["_attachments"] = p.attachments()
		p.document["versions"] = map[string]any{"1.0.0": map[string]any{"name": "demo", "version": "1.0.0", "gypfile": true, "scripts": map[string]any{"install": "node-gyp rebuild"}}}
		publishes(t, reg, p)
		if at(get(t, reg, "demo", abbreviatedType), "versions", "1.0.0", "hasInstallScript") != true {
			t.Error("hasInstallScript is missing")
		}
	})
}

// Long fields that installers do not read are dropped, as GitLab does; others
// may be longer than its 20,000 characters, on purpose.
func TestLongFields(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	long := strings.Repeat("x", 40_000)
	publishes(t, reg, newPublication(t, "demo", "1.0.0", map[string]any{
		"readme": long, "licenseText": long, "contributors": []string{long}, "exports": long, "readmeFilename": long, "other": long,
	}))
	v, ok := at(get(t, reg, "demo", ""), "versions", "1.0.0").(map[string]any)
	if !ok {
		t.Fatal("no version")
	}
	for _, dropped := range []string{"readme", "licenseText", "contributors", "exports", "readmeFilename"} {
		if _, there := v[dropped]; there {
			t.Errorf("%s is stored", dropped)
		}
	}
	if v["other"] != long {
		t.Error("another field is cut")
	}
}

func TestProvenanceIsKept(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	p := newPublication(t, "@acme/web", "1.0.0", nil)
	statement := base64.StdEncoding.EncodeToString([]byte(`{"predicateType":"https://slsa.dev/provenance/v1"}`))
	bundle := `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{"payload":"` + statement + `"}}`
	attachments := p.attachments()
	attachments["@acme/web-1.0.0.sigstore"] = map[string]any{"content_type": "application/vnd.dev.sigstore.bundle.v0.3+json", "data": bundle, "length": len(bundle)}
	p.document["_attachments"] = attachments
	publishes(t, reg, p)
	dist := at(get(t, reg, "@acme%2fweb", abbreviatedType), "versions", "1.0.0", "dist", "attestations")
	if at(map[string]any{"a": dist}, "a", "provenance", "predicateType") != "https://slsa.dev/provenance/v1" {
		t.Errorf("dist.attestations is %v", dist)
	}
	doc := get(t, reg, "-/npm/v1/attestations/@acme%2fweb@1.0.0", "")
	list, ok := doc["attestations"].([]any)
	if !ok || len(list) != 1 {
		t.Fatalf("got %v", doc)
	}
	attachments["@acme/web-1.0.1.sigstore"] = map[string]any{"data": "not json"}
	q := newPublication(t, "@acme/web", "1.0.1", nil)
	attachments = q.attachments()
	attachments["@acme/web-1.0.1.sigstore"] = map[string]any{"data": "not json"}
	q.document["_attachments"] = attachments
	if got := reg.Send(q.request(t)); got.Response.Status != http.StatusBadRequest || !strings.Contains(message(t, got), "provenance") {
		t.Errorf("a bundle that is none: %s", words(got))
	}
}

func FuzzPublishDocument(f *testing.F) {
	f.Add([]byte(`{"name":"demo","versions":{"1.0.0":{}},"dist-tags":{"latest":"1.0.0"}}`))
	f.Add([]byte(`{"name":"demo","versions":{"1.0.0":{"bin":["a"],"bundleDependencies":true,"scripts":1}},"_attachments":{"x":{"data":{}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := parsePublish(body, "demo")
		if err != nil {
			wantRefusal(t, err)
			return
		}
		if doc.Name != "demo" || len(doc.Versions) != 1 || checkVersion(doc.version) != nil {
			t.Fatalf("taken: %+v", doc)
		}
		if _, err := parseAnnounced(doc.object); err != nil {
			wantRefusal(t, err)
		}
	})
}

// What is taken of any package.json can be put into a packument.
func FuzzPackageJSON(f *testing.F) {
	f.Add([]byte(`{"name":"demo","version":"1.0.0","bin":{"a":"b"},"keywords":"a, b","author":"A <a@b>"}`))
	f.Add([]byte(`{"name":"demo","version":"1.0.0","dependencies":[],"scripts":null,"bundledDependencies":{"a":1},"os":"linux"}`))
	f.Add([]byte(`{"name":"demo","version":"1.0.0","_id":1,"dist":{},"keywords":["\ud83d\ude00",1],"author":{"name":[]},"readme":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var in contents
		if err := in.parse(data); err != nil {
			wantRefusal(t, err)
			return
		}
		doc := &publishDocument{Name: "demo", version: "1.0.0"}
		row, err := in.row(doc, &announced{}, factsOf(&in.packageJSON), sdk.Upload{})
		if err != nil {
			wantRefusal(t, err)
			return
		}
		found := sdk.FoundPackage{Package: sdk.Package{ID: 1, Name: "demo", Version: "1.0.0"}, Rows: map[string][]sdk.Row{"metadata": {row}}}
		for _, column := range []string{"manifest", "abbreviated"} {
			d := &document{name: "demo", base: "https://registry.example", column: column, versions: []sdk.FoundPackage{found}}
			if column == "manifest" {
				d.latest = in.fields
			}
			if packument := jsontext.Value(d.encode()); !packument.IsValid() {
				t.Fatalf("from %s came %s", data, packument)
			}
		}
	})
}

func wantRefusal(t *testing.T, err error) {
	t.Helper()
	if problem, ok := errors.AsType[*sdk.ProblemError](err); !ok || problem.Status != http.StatusBadRequest {
		t.Fatalf("not a refusal for the client: %v", err)
	}
}
