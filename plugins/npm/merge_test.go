package npm

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// group is a registry whose group has two projects. Both have 1.0.0 of one
// package, and each another version; the second project's were published later.
func group(t *testing.T) *plugintest.Registry {
	t.Helper()
	published := func(project int64, version, content string, tags ...string) plugintest.Package {
		return plugintest.Package{
			ProjectID: project, Name: "@group/web", Version: version, Tags: tags,
			Files: []plugintest.File{{Name: tarballName("@group/web", version), Content: []byte(content)}},
			Rows: map[string][]spec.Row{"metadata": {{
				"manifest": rawJSON(`{"name":"@group/web","version":"` + version + `","from":"` + content + `"}`), "abbreviated": rawJSON(`{}`),
				"dist": rawJSON(`{}`), "readme": "", "description": "", "author": "", "keywords": []string{}, "predicate_type": "",
			}}},
		}
	}
	return plugintest.New(t, Plugin(), plugintest.State{
		Packages: []plugintest.Package{
			published(1, "1.0.0", "first"),
			published(1, "2.0.0", "first", "latest"),
			published(2, "1.0.0", "second", "beta"),
			published(2, "3.0.0", "second", "latest"),
		},
		Queries: map[string]plugintest.QueryFunc{
			"search": func(*plugintest.Registry, []any) ([]spec.Row, error) { return nil, nil },
			// Stands for the SQL: "latest" was set last in the first project.
			"last_tags": func(*plugintest.Registry, []any) ([]spec.Row, error) {
				return []spec.Row{
					{"name": "beta", "version": "1.0.0", "project_id": int64(2)},
					{"name": "latest", "version": "2.0.0", "project_id": int64(1)},
				}, nil
			},
		},
	})
}

func TestProjectsOfAGroupAreOneRegistry(t *testing.T) {
	t.Parallel()
	for _, level := range []struct {
		name  string
		level spec.Level
	}{{"group", spec.LevelGroup}, {"instance", spec.LevelInstance}} {
		t.Run(level.name, func(t *testing.T) {
			t.Parallel()
			reg := group(t)
			for _, step := range []struct{ golden, method, path, body string }{
				{"packument", "GET", "@group%2fweb", ""},
				{"version", "GET", "@group%2fweb/latest", ""},
				{"tarball", "GET", "@group/web/-/web-1.0.0.tgz", ""},
				{"tags", "GET", "-/package/@group%2fweb/dist-tags", ""},
				{"set_tag", "PUT", "-/package/@group%2fweb/dist-tags/stable", `"1.0.0"`},
				{"set_tag_absent", "PUT", "-/package/@group%2fweb/dist-tags/stable", `"9.0.0"`},
				{"remove_tag", "DELETE", "-/package/@group%2fweb/dist-tags/beta", ""},
				{"remove_tag_absent", "DELETE", "-/package/@group%2fweb/dist-tags/absent", ""},
				{"audit", "POST", "-/npm/v1/security/advisories/bulk", `{"a":["1.0.0"]}`},
			} {
				result := reg.Do(plugintest.Request{Method: step.method, Path: step.path, Body: []byte(step.body), Level: level.level})
				plugintest.Golden(t, level.name+"_"+step.golden, result)
			}
			publish := plugintest.Request{Method: "PUT", Path: "@group%2fweb", Level: level.level, Body: []byte("{}")}
			if got := reg.Do(publish); got.Response.Status != http.StatusMethodNotAllowed {
				t.Errorf("publish: %d", got.Response.Status)
			}
			// npm would take a 404 for success.
			for _, path := range []string{"DELETE @group%2fweb/-rev/4-5", "PUT @group%2fweb/-rev/4-5", "DELETE @group/web/-/@group/web-1.0.0.tgz/-rev/4-5"} {
				method, path, _ := strings.Cut(path, " ")
				if got := reg.Do(plugintest.Request{Method: method, Path: path, Level: level.level, Body: []byte("{}")}); got.Response.Status != http.StatusMethodNotAllowed || got.Plan != nil {
					t.Errorf("%s %s: %s", method, path, words(got))
				}
			}
		})
	}
}
