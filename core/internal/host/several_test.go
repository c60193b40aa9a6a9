package host_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// TestAScopeSeesItsProjects: whatever the question, the answer is of the scope's
// projects, all of them and no other; of none, it is empty.
func TestAScopeSeesItsProjects(t *testing.T) {
	t.Parallel()
	e := setup(t, spec.NamedQuery{
		Name: "named", SQL: "select m.name from manifests m where m.project_id = any ($1) order by m.name", Result: []spec.QueryColumn{{Name: "name", Type: "text"}},
	}, spec.NamedQuery{
		// It names no project: the views do.
		Name: "everything", SQL: `
			select p.name || '-' || p.version, (select count(*) from core_api.package_files f where f.package_id = p.id),
			       (select count(*) from core_api.package_tags t where t.package_id = p.id)
			from core_api.packages p order by p.id`,
		Result: []spec.QueryColumn{{Name: "name", Type: "text"}, {Name: "files", Type: "bigint"}, {Name: "tags", Type: "bigint"}},
	})
	var ids, files []int64
	for _, path := range []string{"q", "r", "s"} { // the environment's own project stays empty
		of := *e
		of.project = plantest.NewProject(t, e.db, path)
		_, file := of.publish(t, "a", path, "", "latest")
		ids, files = append(ids, of.project.ID), append(files, file)
	}
	for _, c := range []struct {
		name     string
		projects []int64
		want     []string // versions
	}{
		{"one", ids[:1], []string{"q"}},
		{"two", []int64{ids[2], ids[0]}, []string{"q", "s"}}, // in the order in which they were published
		{"all", ids, []string{"q", "r", "s"}},
		{"one twice", []int64{ids[1], ids[1]}, []string{"r"}},
		{"one that is empty", []int64{e.project.ID}, nil},
		{"one that there is not", []int64{1 << 40}, nil},
		{"none", []int64{}, nil},
		{"none at all", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			scope, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: c.projects, Schema: e.schema})
			defer end()
			results, err := e.host.Batch(t.Context(), scope, []spec.ReadCall{
				{Find: &spec.Finder{Name: "a", WithFiles: true, WithTags: true, WithRows: []spec.RowSelection{{Table: "manifests", Columns: []string{"name"}}}}},
				{Find: &spec.Finder{}},
				{Find: &spec.Finder{NamePrefix: "a", FileSuffix: ".tgz"}},
				{Select: &spec.RowSelect{Table: "manifests", OrderBy: []string{"name"}}},
				{Query: &spec.QueryCall{Name: "named"}},
				{Query: &spec.QueryCall{Name: "everything"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, page := range []spec.FoundPage{results[0].Page, results[1].Page, results[2].Page} {
				var got []string
				for _, p := range page.Packages {
					got = append(got, p.Package.Version)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("finder %d: %v, want %v", i, got, c.want)
				}
			}
			for _, p := range results[0].Page.Packages {
				if len(p.Files) != 1 || len(p.Tags) != 1 || len(p.Rows["manifests"]) != 1 || p.Rows["manifests"][0]["name"] != "a-"+p.Package.Version {
					t.Errorf("%s: files %v, tags %v, rows %v", p.Package.Version, p.Files, p.Tags, p.Rows)
				}
				if i := slices.Index([]string{"q", "r", "s"}, p.Package.Version); p.Package.ProjectID != ids[i] {
					t.Errorf("%s is of project %d", p.Package.Version, p.Package.ProjectID)
				}
			}
			for i, rows := range [][]spec.Row{results[3].Rows, results[4].Rows, results[5].Rows} {
				var got []string
				for _, r := range rows {
					got = append(got, strings.TrimPrefix(fmt.Sprint(r["name"]), "a-"))
					if i == 2 && (r["files"] != int64(1) || r["tags"] != int64(1)) {
						t.Errorf("the views show %v", r)
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("rows %d: %v, want %v", i, got, c.want)
				}
			}
			for i, file := range files {
				_, _, err := e.host.ReadFile(t.Context(), scope, spec.FileRef{FileID: file}, 0, 1)
				if seen := slices.Contains(c.projects, ids[i]); (err == nil) != seen {
					t.Errorf("file of project %d: %v", i, err)
				}
			}
		})
	}
}

// Pages go through all projects, whatever their order in the scope.
func TestPagesOverSeveralProjects(t *testing.T) {
	t.Parallel()
	e := setup(t)
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	for i := range 3 {
		e.publish(t, "a", fmt.Sprint(2*i), "")
		other.publish(t, "a", fmt.Sprint(2*i+1), "")
	}
	scope, end := e.host.Open(host.Scope{Format: "demo", ProjectIDs: []int64{other.project.ID, e.project.ID}, Schema: e.schema})
	defer end()
	f := spec.Finder{Name: "a", Limit: 4, FileSuffix: ".tgz"}
	var pages [][]string
	for {
		page, err := e.host.FindPackages(t.Context(), scope, f)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, names(page))
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			break
		}
	}
	if got := fmt.Sprint(pages); got != "[[a@0 a@1 a@2 a@3] [a@4 a@5]]" {
		t.Errorf("pages are %s", got)
	}
}
