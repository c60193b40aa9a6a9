package npm

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk/plugintest"
)

type object = map[string]any

// agreement is a package.json with files beside it, and the version object that
// a client sends for it.
type agreement struct {
	inside   object
	document object
	files    []string
}

func (a agreement) publication(t testing.TB) *publication {
	t.Helper()
	p := newPublication(t, "demo", "1.0.0", nil)
	written := object{"name": "demo", "version": "1.0.0"}
	said := maps.Clone(written)
	maps.Copy(written, a.inside)
	maps.Copy(said, a.document)
	data, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	files := []file{{name: "package/package.json", content: string(data)}}
	for _, name := range a.files {
		files = append(files, file{name: "package/" + name, content: "{}"})
	}
	p.tarball = tarballOf(t, files...)
	p.document["versions"] = object{"1.0.0": said}
	p.document["_attachments"] = p.attachments()
	return p
}

// Each was sent by a released client for that package.json.
func TestWhatClientsRewrite(t *testing.T) {
	t.Parallel()
	gyp := object{"gypfile": true, "scripts": object{"install": gypInstall}}
	for name, a := range map[string]agreement{
		"npm expands directories.bin":            {object{"directories": object{"bin": "./bin"}}, object{"directories": object{"bin": "./bin"}, "bin": object{"foo": "bin/foo", "x.js": "bin/deep/x.js"}}, nil},
		"npm builds whatever ends in gyp":        {nil, gyp, []string{"other.gyp"}},
		"pnpm says nothing of gyp":               {nil, nil, []string{"binding.gyp"}},
		"yarn 1 builds beside a preinstall":      {object{"scripts": object{"preinstall": "a"}}, object{"scripts": object{"preinstall": "a", "install": gypInstall}}, []string{"binding.gyp"}},
		"yarn 1 drops an absolute command":       {object{"bin": object{"a": "cli.js", "b": "/lib/../cli.js"}}, object{"bin": object{"a": "cli.js"}}, nil},
		"npm puts an absolute command right":     {object{"bin": object{"b": "/lib/../cli.js"}}, object{"bin": object{"b": "cli.js"}}, nil},
		"npm drops an empty bin":                 {object{"bin": object{}}, nil, nil},
		"npm writes shortcuts of GitHub in full": {object{"dependencies": object{"a": "user/repo#v1"}}, object{"dependencies": object{"a": "github:user/repo#v1"}}, nil},
		"npm depends on what is bundled":         {object{"bundledDependencies": []string{"dep"}}, object{"bundleDependencies": []string{"dep"}, "dependencies": object{"dep": "*"}}, nil},
		"npm reads a list of dependencies":       {object{"dependencies": []string{"a@1", "b"}}, object{"dependencies": object{"a": "1", "b": ""}}, nil},
		"npm drops what is null":                 {object{"dependencies": nil, "scripts": nil, "bin": nil, "os": nil}, nil, nil},
		"one system is a list of one":            {object{"os": "linux"}, object{"os": []string{"linux"}}, nil},
		"the order of engines is no difference":  {object{"engines": object{"a": "1", "b": "2"}}, object{"engines": object{"b": "2", "a": "1"}}, nil},
		"no peers are no peers":                  {object{"peerDependenciesMeta": object{}}, nil, nil},
		"older npm repeats optional ones":        {object{"optionalDependencies": object{"o": "1"}}, object{"optionalDependencies": object{"o": "1"}, "dependencies": object{"o": "1"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			publishes(t, newRegistry(t), a.publication(t))
		})
	}
}

func TestWhatIsNoRewriting(t *testing.T) {
	t.Parallel()
	for field, a := range map[string]agreement{
		"os":                   {object{"os": []string{"linux"}}, object{"os": []string{"darwin"}}, nil},
		"cpu":                  {object{"cpu": []string{"x64"}}, nil, nil},
		"libc":                 {object{"libc": []string{"musl"}}, object{"libc": []string{"glibc"}}, nil},
		"engines":              {object{"engines": object{"node": ">=1"}}, object{"engines": object{"node": ">=2"}}, nil},
		"peerDependenciesMeta": {object{"peerDependenciesMeta": object{"a": object{"optional": true}}}, nil, nil},
		"peerDependencies":     {object{"peerDependencies": object{"a": "1"}}, object{"peerDependencies": object{"a": "2"}}, nil},
		"optionalDependencies": {nil, object{"optionalDependencies": object{"a": "1"}}, nil},
		"dependencies":         {object{"dependencies": object{"a": "user/repo"}}, object{"dependencies": object{"a": "github:other/repo"}}, nil},
		"bundleDependencies":   {object{"dependencies": object{"a": "1"}}, object{"dependencies": object{"a": "1"}, "bundleDependencies": []string{"a"}}, nil},
		// Nothing is built, so nobody adds the script; and a folder has only its own files.
		"scripts": {nil, object{"scripts": object{"install": gypInstall}}, nil},
		"bin":     {object{"directories": object{"bin": "bin"}}, object{"bin": object{"npm": "bin/evil"}}, nil},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			got := newRegistry(t).Send(a.publication(t).request(t))
			if got.Response.Status != http.StatusBadRequest || !strings.Contains(message(t, got), `"`+field+`"`) {
				t.Errorf("got %s", words(got))
			}
		})
	}
}

// What a version object shows is computed, or from the tarball; never both, and
// never what an author has no say in.
func TestAnAuthorCannotSpeakForTheRegistry(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	claims := object{
		"_id": "evil@9.9.9", "_hasShrinkwrap": true, "_rev": "1", "hasInstallScript": true, "deprecated": "no",
		"dist": object{"tarball": "https://evil.example/x.tgz"}, "bundledDependencies": []string{"a"}, "dependencies": object{"a": "1"},
	}
	publishes(t, reg, agreement{inside: claims, document: object{"dependencies": object{"a": "1"}, "bundledDependencies": []string{"a"}}}.publication(t))
	for _, accept := range []string{fullType, abbreviatedType} {
		got := reg.Do(plugintest.Request{Path: "demo", Header: http.Header{"Accept": {accept}}})
		if !jsontext.Value(got.Response.Body).IsValid() { // no name twice
			t.Fatalf("%s", got.Response.Body)
		}
		v, ok := at(get(t, reg, "demo", accept), "versions", "1.0.0").(object)
		if !ok || v["_id"] != "demo@1.0.0" || at(v, "dist", "tarball") != plugintest.BaseURL+"/npm/demo/-/demo-1.0.0.tgz" {
			t.Errorf("got %v", v)
		}
		for _, key := range []string{"_hasShrinkwrap", "_rev", "hasInstallScript", "deprecated", "bundledDependencies"} {
			if _, there := v[key]; there {
				t.Errorf("%s is what the author says", key)
			}
		}
	}
}

func TestSpecifiersOfTheSameRepository(t *testing.T) {
	t.Parallel()
	same := []string{
		"user/repo#v1", "github:user/repo#v1", "git+https://github.com/user/repo.git#v1", "git@github.com:user/repo.git#v1",
		"git+ssh://git@github.com/user/repo.git#v1", "git://github.com/user/repo#v1", "https://token:x@github.com/user/repo#v1",
	}
	for _, a := range same {
		for _, b := range same {
			if !sameSpec(a, b) {
				t.Errorf("%s is not %s", a, b)
			}
		}
	}
	other := []string{
		"user/repo", "user/repo#v2", "other/repo#v1", "gitlab:user/repo#v1", "https://evil.example/user/repo#v1", "https://github.com.evil.example/user/repo#v1",
		"https://evil.example/@github.com/user/repo#v1", "^1.0.0", "npm:user@1", "file:../user/repo#v1", "./user/repo#v1", "", "ftp://github.com/user/repo#v1",
	}
	for _, b := range other {
		if sameSpec(same[0], b) || !sameSpec(b, b) {
			t.Errorf("%s", b)
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"name":"a","bin":["..\\x",""],"directories":{"bin":".."},"dependencies":"a@1, b","bundleDependencies":{"":1}}`))
	f.Add([]byte(`{"name":"@a/b","bin":{"../../ls":"/etc/passwd",".":"x"},"scripts":{"install":"node_modules/.bin/"},"engines":["node"]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var in, again contents
		if in.parse(document) != nil {
			return
		}
		if err := again.parse(document); err != nil {
			t.Fatal(err)
		}
		one, two := factsOf(&in.packageJSON), factsOf(&again.packageJSON)
		if field := one.differs(two); field != "" {
			t.Fatalf("%q differs from itself", field)
		}
		for command, target := range one.bin {
			if command == "" || command == "." || command == ".." || strings.Contains(command, "/") ||
				target == "" || strings.HasPrefix(target, "/") || strings.HasPrefix(target, "../") || target == ".." {
				t.Fatalf("command %q is %q", command, target)
			}
		}
	})
}

func FuzzVersion(f *testing.F) {
	for _, seed := range []string{"1.0.0", "v1.0.0", "1.0.0-a..b", "1.0.0+", "1.0.0-01", "99999999999999999999.0.0"} {
		f.Add(seed, "latest")
	}
	f.Fuzz(func(t *testing.T, version, tag string) {
		if checkVersion(version) == nil {
			if !sameVersion("v"+version, version) || highest([]string{version}) != version || strings.ContainsAny(version, "/\\%\x00 ") {
				t.Fatalf("version %q", version)
			}
			if checkTag(version) == nil {
				t.Fatalf("%q is a version and a tag", version)
			}
		}
		if checkTag(tag) == nil && (strings.ContainsAny(tag, "/\x00\r\n") || tag == ".." || len(tag) > maxName) {
			t.Fatalf("tag %q", tag)
		}
	})
}
