package routes_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/spec"
)

// npmLike is a manifest with the shapes of the npm format's routes.
func npmLike() *spec.Manifest {
	project := []spec.Level{spec.LevelProject}
	read := func(id, pattern string, levels ...spec.Level) spec.Route {
		return spec.Route{ID: id, Method: "GET", Pattern: pattern, Levels: levels, Action: spec.ActionReadPackage}
	}
	write := func(id, method, pattern string, headers map[string]string) spec.Route {
		return spec.Route{ID: id, Method: method, Pattern: pattern, Levels: project, Action: spec.ActionDestroyPackage, MatchHeaders: headers}
	}
	return &spec.Manifest{
		Format:  "npm",
		Version: "1.0.0",
		Validators: map[string]string{
			"name": `(?:@[A-Za-z0-9_.-]+/)?[A-Za-z0-9._+][A-Za-z0-9._+-]*`,
			"file": `(?:@[A-Za-z0-9_.-]+/)?[A-Za-z0-9._+-]+`,
			"tag":  `[^/]+`,
		},
		Routes: []spec.Route{
			{ID: "ping", Method: "GET", Pattern: "-/ping", Levels: project, Action: spec.ActionNone},
			{ID: "root", Method: "GET", Pattern: "", Levels: project, Action: spec.ActionNone},
			read("tags", "-/package/{name:name}/dist-tags", spec.LevelProject),
			write("set_tag", "PUT", "-/package/{name:name}/dist-tags/{tag:tag}", nil),
			write("remove_tag", "DELETE", "-/package/{name:name}/dist-tags/{tag:tag}", nil),
			read("tarball", "{name:name}/-/{file:file}", spec.LevelProject, spec.LevelGroup),
			write("deprecate", "PUT", "{name:name}", map[string]string{"Npm-Command": "deprecate"}),
			write("publish", "PUT", "{name:name}", nil),
			write("only_by_header", "POST", "-/thing", map[string]string{"X-Want": "yes"}),
			read("packument", "{name:name}", spec.LevelProject, spec.LevelGroup),
		},
		Limits: spec.FileLimits{TooLargeStatus: http.StatusBadRequest},
	}
}

func table(t testing.TB) *routes.Table {
	t.Helper()
	compiled, err := routes.Compile(npmLike())
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestMatch(t *testing.T) {
	t.Parallel()
	compiled := table(t)
	for _, c := range []struct {
		level        spec.Level
		method, path string
		header       string // of npm-command
		route        string
		params       map[string]string
	}{
		{spec.LevelProject, "GET", "-/ping", "", "ping", nil},
		{spec.LevelProject, "GET", "", "", "root", nil},
		{spec.LevelProject, "GET", "demo", "", "packument", map[string]string{"name": "demo"}},
		{spec.LevelProject, "HEAD", "demo", "", "packument", map[string]string{"name": "demo"}},
		{spec.LevelGroup, "GET", "@s/demo", "", "packument", map[string]string{"name": "@s/demo"}},
		{spec.LevelProject, "GET", "@s/demo/-/@s/demo-1.0.0.tgz", "", "tarball", map[string]string{"name": "@s/demo", "file": "@s/demo-1.0.0.tgz"}},
		{spec.LevelProject, "GET", "-/package/@s/demo/dist-tags", "", "tags", map[string]string{"name": "@s/demo"}},
		{spec.LevelProject, "PUT", "-/package/demo/dist-tags/beta", "", "set_tag", map[string]string{"name": "demo", "tag": "beta"}},
		{spec.LevelProject, "PUT", "demo", "", "publish", map[string]string{"name": "demo"}},
		{spec.LevelProject, "PUT", "demo", "Deprecate", "deprecate", map[string]string{"name": "demo"}},
		{spec.LevelProject, "PUT", "demo", "publish", "publish", map[string]string{"name": "demo"}},
	} {
		h := http.Header{}
		if c.header != "" {
			h.Set("Npm-Command", c.header)
		}
		got, err := compiled.Match(c.level, c.method, c.path, nil, h)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		if got.Route.ID != c.route || !maps.Equal(got.Params, c.params) {
			t.Errorf("%s %s: route %s with %v, want %s with %v", c.method, c.path, got.Route.ID, got.Params, c.route, c.params)
		}
	}
}

func TestNothingFits(t *testing.T) {
	t.Parallel()
	compiled := table(t)
	for _, c := range []struct {
		level        spec.Level
		method, path string
	}{
		{spec.LevelProject, "GET", "a/b/c"},
		{spec.LevelProject, "GET", "demo/"},
		{spec.LevelProject, "GET", "demo\n"},
		{spec.LevelProject, "GET", "@s%2fdemo"},
		{spec.LevelGroup, "GET", "-/ping"},
		{spec.LevelInstance, "GET", "demo"},
		{spec.LevelProject, "POST", "-/thing"}, // its header is missing: nothing another method would help
	} {
		_, err := compiled.Match(c.level, c.method, c.path, nil, http.Header{})
		if registry.CodeOf(err) != registry.CodeNotFound {
			t.Errorf("%s %s: %v, want CodeNotFound", c.method, c.path, err)
		}
	}
}

func TestAnotherMethodFits(t *testing.T) {
	t.Parallel()
	compiled := table(t)
	for _, c := range []struct {
		method, path string
		allowed      []string
	}{
		{"DELETE", "demo", []string{"GET", "HEAD", "PUT"}},
		{"POST", "-/ping", []string{"GET", "HEAD"}},
		{"GET", "-/package/demo/dist-tags/beta", []string{"DELETE", "PUT"}},
		{"OPTIONS", "demo", []string{"GET", "HEAD", "PUT"}},
		{"get", "demo", []string{"GET", "HEAD", "PUT"}},
	} {
		_, err := compiled.Match(spec.LevelProject, c.method, c.path, nil, http.Header{})
		method, ok := errors.AsType[*routes.MethodError](err)
		if !ok || registry.CodeOf(err) != registry.CodeMethod || !slices.Equal(method.Allowed, c.allowed) {
			t.Errorf("%s %s: %v, want the methods %v", c.method, c.path, err, c.allowed)
		}
	}
}

// conventional is a table whose route "get" is mounted at every level, by a convention.
func conventional(t *testing.T, c spec.Convention) *routes.Table {
	t.Helper()
	m := npmLike()
	m.Routes = []spec.Route{{
		ID: "get", Method: "GET", Pattern: "{name:any}/v/{file:file}", Action: spec.ActionReadPackage, Convention: &c,
		Levels: []spec.Level{spec.LevelProject, spec.LevelGroup, spec.LevelInstance},
	}}
	m.Validators["any"] = `.+`
	compiled, err := routes.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestNamesTellWhereAPackageLives(t *testing.T) {
	t.Parallel()
	scope := spec.Convention{Value: "{name}", Pattern: "@([^/]+)/.+", Names: spec.NamesRootGroup}
	for _, c := range []struct {
		what       string
		convention spec.Convention
		name, want string
	}{
		{"npm: the scope", scope, "@acme/web", "acme"},
		{"npm: no scope", scope, "web", ""},
		{"npm: no name", scope, "@acme", ""},
		{"npm: more than a scope", scope, "x/@acme/web", ""},
		{"npm: as it is written", scope, "@ACME/web", "ACME"},
		{"maven: all of the name", spec.Convention{Value: "{name}", Names: spec.NamesProject}, "acme/apps/web", "acme/apps/web"},
		{"conan: another separator", spec.Convention{Value: "{name}", Names: spec.NamesProject, Slash: "+"}, "acme+apps+web", "acme/apps/web"},
		{"conan: in a part", spec.Convention{Value: "{name}", Pattern: "[^@]*@([^/]+)/.*", Names: spec.NamesProject, Slash: "+"}, "lib/1.0@acme+web/stable", "acme/web"},
		{"nothing of the query", spec.Convention{Value: "{?q}", Names: spec.NamesProject}, "acme", ""},
		{"several parameters", spec.Convention{Value: "{name}/{file}", Names: spec.NamesProject}, "acme", "acme/f"},
		{"a parameter's own braces are text", spec.Convention{Value: "{name}", Names: spec.NamesProject}, "{file}", "{file}"},
		{"a group that took no part", spec.Convention{Value: "{name}", Pattern: "x|@([^/]+)", Names: spec.NamesRootGroup}, "x", ""},
	} {
		compiled := conventional(t, c.convention)
		for level, want := range map[spec.Level]string{spec.LevelProject: "", spec.LevelGroup: "", spec.LevelInstance: c.want} {
			got, err := compiled.Match(level, "GET", c.name+"/v/f", nil, nil)
			if err != nil || got.Names != want {
				t.Errorf("%s, level %d: %q, %v; want %q", c.what, level, got.Names, err, want)
			}
		}
	}
}

// A search has what it is about in its query.
func TestNamesInTheQuery(t *testing.T) {
	t.Parallel()
	search := spec.Convention{Value: "{?q}", Pattern: "[^@]*@([^/*]+)(?:/.*)?", Names: spec.NamesProject, Slash: "+"}
	m := npmLike()
	for _, pattern := range []string{"{name:name}/v/{file:file}", "search"} {
		m.Routes = append(m.Routes[:0:0], append(m.Routes, spec.Route{
			ID: "get" + strconv.Itoa(len(m.Routes)), Method: "GET", Pattern: pattern, Action: spec.ActionReadPackage, Convention: &search,
			Levels: []spec.Level{spec.LevelInstance},
		})...)
	}
	compiled, err := routes.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"q=lib/1.0@acme%2Bweb/stable": "acme/web",
		"q=lib*@acme%2Bweb":           "acme/web",
		"q=lib/1.0@acme%2B*/stable":   "",
		"q=lib":                       "",
		"q=&name=x@acme":              "", // the pattern's own parameters have other names
		"":                            "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"n/v/f", "search"} {
			got, err := compiled.Match(spec.LevelInstance, "GET", path, values, nil)
			if err != nil || got.Names != want {
				t.Errorf("%s?%s: %q, %v; want %q", path, query, got.Names, err, want)
			}
		}
	}
}

func TestAManifestThatBreaksTheRulesIsRefused(t *testing.T) {
	t.Parallel()
	m := npmLike()
	m.Routes[0].Action = spec.ActionDestroyPackage
	if _, err := routes.Compile(m); err == nil || !strings.Contains(err.Error(), "route ping: action") {
		t.Errorf("%v; want an error that names route and field", err)
	}
	if _, err := routes.Compile(nil); err == nil {
		t.Error("no manifest at all is taken")
	}
}

func BenchmarkMatch(b *testing.B) {
	compiled := table(b)
	for _, path := range []string{"demo", "@scope/name/-/name-1.0.0.tgz", "-/ping"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compiled.Match(spec.LevelProject, "GET", path, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
