package host_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Every way by which a plugin reads, each naming what it has seen.
var everyWay = map[string]func(t *testing.T, e *env, scope string) []string{ //nolint:gochecknoglobals // a table of the test
	"find": func(t *testing.T, e *env, scope string) []string {
		t.Helper()
		page, err := e.host.FindPackages(t.Context(), scope, spec.Finder{})
		fatal(t, err)
		return names(page)
	},
	"files and tags of what is found": func(t *testing.T, e *env, scope string) []string {
		t.Helper()
		page, err := e.host.FindPackages(t.Context(), scope, spec.Finder{WithFiles: true, WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests"}, {Table: "checksums"}}})
		fatal(t, err)
		seen := []string{}
		for _, p := range page.Packages {
			if len(p.Files) != 1 || len(p.Tags) != 1 || len(p.Rows["manifests"]) != 1 || len(p.Rows["checksums"]) != 1 {
				t.Errorf("%s has %d files, %d tags, %v", p.Package.Name, len(p.Files), len(p.Tags), p.Rows)
			}
			seen = append(seen, p.Package.Name+"@"+p.Package.Version)
		}
		return seen
	},
	"rows": func(t *testing.T, e *env, scope string) []string {
		t.Helper()
		rows, err := e.host.SelectRows(t.Context(), scope, spec.RowSelect{Table: "manifests", Columns: []string{"name"}})
		fatal(t, err)
		return texts(rows, "name", "-", "@")
	},
	"rows of files": func(t *testing.T, e *env, scope string) []string {
		t.Helper()
		rows, err := e.host.SelectRows(t.Context(), scope, spec.RowSelect{Table: "checksums", Columns: []string{"kind"}})
		fatal(t, err)
		return slices.Repeat([]string{"?"}, len(rows))
	},
	"packages": namedQuery("packages"), "files": namedQuery("files"), "tags": namedQuery("tags"),
	"joined": namedQuery("joined"), "beside": namedQuery("beside"),
}

func namedQuery(name string) func(t *testing.T, e *env, scope string) []string {
	return func(t *testing.T, e *env, scope string) []string {
		t.Helper()
		rows, err := e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: name})
		fatal(t, err)
		return texts(rows, "name", "", "")
	}
}

func namedQueries() []spec.NamedQuery {
	result := []spec.QueryColumn{{Name: "name", Type: "text"}}
	return []spec.NamedQuery{
		{Name: "packages", SQL: "select p.name || '@' || p.version from core_api.packages p where p.project_id = any ($1)", Result: result},
		{Name: "files", SQL: "select replace(replace(f.file_name, '.tgz', ''), '-', '@') from core_api.package_files f where f.project_id = any ($1)", Result: result},
		{Name: "tags", SQL: "select t.name from core_api.package_tags t where t.project_id = any ($1)", Result: result},
		{Name: "joined", SQL: "select replace(m.name, '-', '@') from core_api.packages p join manifests m on m.package_id = p.id", Result: result},
		// The tables without the views, which a query may name as well.
		{Name: "beside", SQL: "select p.name || '@' || p.version from core_api.packages v join public.packages p on p.name_key = v.name_key", Result: result},
		{Name: "own", SQL: "select m.name from manifests m where m.project_id = any ($1)", Result: result},
	}
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func texts(rows []spec.Row, column, old, replacement string) []string {
	seen := []string{}
	for _, r := range rows {
		seen = append(seen, strings.ReplaceAll(fmt.Sprint(r[column]), old, replacement))
	}
	return seen
}

// TestWhatNamesHideIsNotThere: what a granular token's patterns hide is found on no
// way, whichever projects have which patterns; without patterns all is there.
func TestWhatNamesHideIsNotThere(t *testing.T) {
	t.Parallel()
	e := setup(t, namedQueries()...)
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	for _, name := range []string{"acme.web", "ACME.api", "secret", "acme%"} {
		e.publish(t, name, "1", "", name+"@1")
		other.publish(t, name, "2", "", name+"@2")
	}
	ids := []int64{e.project.ID, other.project.ID}
	any, only := registry.Names{}, registry.OnlyNames
	for _, c := range []struct {
		what  string
		names []registry.Names // of the two projects
		want  string
	}{
		{"no limits", []registry.Names{any, any}, "ACME.api@1 ACME.api@2 acme%@1 acme%@2 acme.web@1 acme.web@2 secret@1 secret@2"},
		{"the same in both", []registry.Names{only([]string{"acme.*"}), only([]string{"acme.*"})}, "ACME.api@1 ACME.api@2 acme.web@1 acme.web@2"},
		{"in each its own", []registry.Names{only([]string{"acme.w*"}), only([]string{"secret", "*pi"})}, "ACME.api@2 acme.web@1 secret@2"},
		{"in one none", []registry.Names{any, only([]string{"secret"})}, "ACME.api@1 acme%@1 acme.web@1 secret@1 secret@2"},
		{"nothing in one", []registry.Names{only(nil), only([]string{"secret"})}, "secret@2"},
		{"nothing at all", []registry.Names{only(nil), only(nil)}, ""},
		// What "like" and arrays make something of is text.
		{"wildcards of like", []registry.Names{only([]string{"acme%"}), only([]string{"acme%"})}, "acme%@1 acme%@2"},
		{"another wildcard of like", []registry.Names{only([]string{"secre_", `"},{`, "a,*", `\*`}), only([]string{"secre_", `"},{`, "a,*", `\*`})}, ""},
		{"a pattern that looks like a project's", []registry.Names{only([]string{fmt.Sprintf("%d:*", ids[1])}), only([]string{"x"})}, ""},
	} {
		scope, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: ids, Schema: e.schema, Names: packages.LimitNames(ids, c.names)})
		want := strings.Fields(c.want)
		for way, see := range everyWay {
			got := see(t, e, scope)
			switch way {
			case "rows of files":
				if len(got) != len(want) {
					t.Errorf("%s, %s: %d rows, want %d", c.what, way, len(got), len(want))
				}
				continue
			case "beside": // joined by name: what is seen of both projects, once for each
				slices.Sort(got)
				got = slices.Compact(got)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", c.what, way, got, want)
			}
		}
		end()
	}
}

func TestAQueryOfOwnTablesAloneIsNotLimitedAndNotRun(t *testing.T) {
	t.Parallel()
	e := setup(t, namedQueries()...)
	e.publish(t, "secret", "1", "")
	ids := []int64{e.project.ID}
	scope, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: ids, Schema: e.schema, Names: packages.LimitNames(ids, []registry.Names{registry.OnlyNames([]string{"a"})})})
	defer end()
	if rows, err := e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: "own"}); err == nil || !strings.Contains(err.Error(), "reads no package") {
		t.Errorf("%v, %v", rows, err)
	}
	if rows, err := e.host.RunQuery(t.Context(), e.open(t, nil), spec.QueryCall{Name: "own"}); err != nil || len(rows) != 1 {
		t.Errorf("without limits: %v, %v", rows, err)
	}
}

// A file is opened only if its package is seen; and one scope's limits end with it.
func TestAHiddenPackagesFileIsNotOpened(t *testing.T) {
	t.Parallel()
	e := setup(t, namedQueries()...)
	_, shown := e.publish(t, "acme", "1", "")
	_, hidden := e.publish(t, "secret", "1", "")
	ids := []int64{e.project.ID}
	for range 3 { // on any of the pool's connections
		scope, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: ids, Schema: e.schema, Names: packages.LimitNames(ids, []registry.Names{registry.OnlyNames([]string{"ac*"})})})
		if _, _, err := e.host.ReadFile(t.Context(), scope, spec.FileRef{FileID: shown}, 0, 10); err != nil {
			t.Error(err)
		}
		if data, _, err := e.host.ReadFile(t.Context(), scope, spec.FileRef{FileID: hidden}, 0, 10); err == nil {
			t.Errorf("%q", data)
		}
		if rows, err := e.host.RunQuery(t.Context(), scope, spec.QueryCall{Name: "packages"}); err != nil || len(rows) != 1 {
			t.Errorf("limited: %v, %v", rows, err)
		}
		end()
		if rows, err := e.host.RunQuery(t.Context(), e.open(t, nil), spec.QueryCall{Name: "packages"}); err != nil || len(rows) != 2 {
			t.Errorf("afterwards: %v, %v", rows, err)
		}
	}
}
