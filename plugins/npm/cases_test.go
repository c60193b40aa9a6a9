package npm

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
)

// The cases of GitLab's specs that need no server, by what they promise. Those
// that are tables of their own (names, versions, tags, refusals of a publish,
// deprecations) are in the other tests.

func TestAnyScopeIsTaken(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, name := range []string{"@group/demo", "@another/demo", "demo"} {
		publishes(t, reg, newPublication(t, name, "1.0.0", nil))
	}
}

func TestPathsThatAreNoNames(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, path := range []string{"@g%2fmy_inv@@lid", "@inv@lid_scope%2fpackage", "@scope%2f..%2f..%2fpackage", "@scope%252e%252e%252fpackage", "-", "@scope"} {
		p := newPublication(t, "demo", "1.0.0", nil)
		r := p.request(t)
		for name := range map[string]bool{"demo": true, strings.ReplaceAll(path, "%2f", "/"): true} {
			p.document["name"] = name
			r = p.request(t)
			r.Path = path
			if got := reg.Do(r); got.Response == nil || got.Response.Status != http.StatusBadRequest {
				t.Errorf("%s with the name %s: %s", path, name, words(got))
			}
		}
	}
	// Below a scope there is one name only: nothing of the format is at such a path.
	if got := reg.Do(plugintest.Request{Method: http.MethodPut, Path: "@scope/sub/group", Body: []byte(`{}`)}); got.Response.Status < 400 {
		t.Errorf("got %s", words(got))
	}
}

// GitLab skips them; here they are kept as they are, for nothing is indexed by them.
func TestLongDependenciesAreTaken(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	long := strings.Repeat("x", 300)
	publishes(t, reg, newPublication(t, "demo", "1.0.0", object{"dependencies": object{long: "^1", "short": long}}))
	if got := at(get(t, reg, "demo", abbreviatedType), "versions", "1.0.0", "dependencies", "short"); got != long {
		t.Errorf("got %v", got)
	}
}

func TestScriptsThatRunOnInstallAreTold(t *testing.T) {
	t.Parallel()
	for script, told := range map[string]any{"preinstall": true, "install": true, "postinstall": true, "prepare": nil, "test": nil} {
		reg := newRegistry(t)
		publishes(t, reg, newPublication(t, "demo", "1.0.0", object{"scripts": object{script: "x"}}))
		for _, accept := range []string{fullType, abbreviatedType} {
			if got := at(get(t, reg, "demo", accept), "versions", "1.0.0", "hasInstallScript"); got != told {
				t.Errorf("%s: %v", script, got)
			}
		}
	}
	for name, c := range map[string]struct {
		inside object
		file   string
		told   any
	}{
		"binding.gyp is built":  {nil, "binding.gyp", true},
		"unless gypfile is off": {object{"gypfile": false}, "binding.gyp", nil},
		"another one is not":    {nil, "other.gyp", nil},
		"nor one further down":  {nil, "deps/binding.gyp", nil},
	} {
		reg := newRegistry(t)
		publishes(t, reg, agreement{c.inside, c.inside, []string{c.file}}.publication(t))
		if got := at(get(t, reg, "demo", abbreviatedType), "versions", "1.0.0", "hasInstallScript"); got != c.told {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAShrinkwrapIsTold(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	publishes(t, reg, agreement{files: []string{"npm-shrinkwrap.json"}}.publication(t))
	if at(get(t, reg, "demo", abbreviatedType), "versions", "1.0.0", "_hasShrinkwrap") != true {
		t.Error("_hasShrinkwrap is missing")
	}
}

func TestTheLimitsAreGitLabs(t *testing.T) {
	t.Parallel()
	m, err := Plugin().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Limits.MaxFileBytes != 524_288_000 || m.Limits.TooLargeStatus != http.StatusBadRequest {
		t.Errorf("got %+v", m.Limits)
	}
	p := newPublication(t, "demo", "1.0.0", nil)
	p.tarball = tarballOf(t, file{name: "package/package.json", content: `{"name":"demo","version":"1.0.0","x":"` + strings.Repeat("x", maxPackageJSON) + `"}`})
	p.document["_attachments"] = p.attachments()
	if got := newRegistry(t).Send(p.request(t)); got.Response.Status != http.StatusBadRequest || !strings.Contains(message(t, got), "package.json") {
		t.Errorf("a package.json over 4 MiB: %s", words(got))
	}
}

func TestPublishBodiesThatAreNone(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	for _, body := range []string{"", "{", "[]", `"x"`, "null", `{"name":7}`, `{"name":"demo","name":"demo"}`, `{"name":"demo","versions":[]}`, `{"name":"demo","versions":{"1.0.0":{}},"_attachments":{"demo-1.0.0.tgz":7}}`} {
		got := reg.Do(plugintest.Request{Method: http.MethodPut, Path: "demo", Body: []byte(body)})
		if got.Response == nil || got.Response.Status != http.StatusBadRequest || len(got.Response.Body) == 0 {
			t.Errorf("%s: %s", body, words(got))
		}
	}
}

func TestTooManyTagsAtOnce(t *testing.T) {
	t.Parallel()
	p := newPublication(t, "demo", "1.0.0", nil)
	tags := object{}
	for i := range maxTags + 1 {
		tags[fmt.Sprintf("tag-%d", i)] = "1.0.0"
	}
	p.document["dist-tags"] = tags
	if got := newRegistry(t).Send(p.request(t)); got.Response.Status != http.StatusBadRequest || !strings.Contains(message(t, got), "dist-tags") {
		t.Errorf("got %s", words(got))
	}
}

func TestAttachmentsThatDoNotBelong(t *testing.T) {
	t.Parallel()
	for key, data := range map[string]string{"demo-1.0.0.tgz": "", "demo.zip": "eA==", "demo-1.0.1.tgz": "eA==", "demo-1.0.1.sigstore": "{}"} {
		p := newPublication(t, "demo", "1.0.0", nil)
		attachments := p.attachments()
		attachments[key] = object{"data": data}
		p.document["_attachments"] = attachments
		if got := newRegistry(t).Send(p.request(t)); got.Response.Status != http.StatusBadRequest || !strings.Contains(strings.ToLower(message(t, got)), "attachment") {
			t.Errorf("%s: %s", key, words(got))
		}
	}
	for bundle, says := range map[string]string{
		"": "Attachment data is empty.", "{": "not valid JSON", "{}": "no statement", `{"dsseEnvelope":{"payload":"e30="}}`: "no statement",
		`"` + strings.Repeat("x", maxBundle) + `"`: "larger than",
	} {
		p := newPublication(t, "demo", "1.0.0", nil)
		p.sign(bundle)
		if got := newRegistry(t).Send(p.request(t)); got.Response.Status != http.StatusBadRequest || !strings.Contains(message(t, got), says) {
			t.Errorf("%.20s: %s", bundle, words(got))
		}
	}
}

// npm takes a 404 for success, so what was never there is not answered with 200.
func TestUnpublishingWhatWasNeverThere(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t)
	publishes(t, reg, newPublication(t, "demo", "1.0.0", nil))
	for path, status := range map[string]int{
		"absent/-/absent-1.0.0.tgz/-rev/1-1":                              404,
		"api/v4/projects/2/packages/npm/demo/-/demo-1.0.0.tgz/-rev/1-1":   404, // another project's
		"api/v4/projects/1/packages/npm/absent/-/demo-1.0.0.tgz/-rev/1-1": 404,
		"demo/-/demo-0.9.0.tgz/-rev/1-1":                                  200, // may be gone already
		"-/package/absent/dist-tags/latest":                               404,
		"-/package/%20/dist-tags/latest":                                  400,
		"demo/-/demo-1.0.0.sigstore/-rev/1-1":                             404, // goes with its version
	} {
		if got := reg.Send(plugintest.Request{Method: http.MethodDelete, Path: path}); got.Response == nil || got.Response.Status != status {
			t.Errorf("%s: %s", path, words(got))
		}
	}
	get(t, reg, "demo/1.0.0", "")
}
