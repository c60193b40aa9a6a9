package packages_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// shelf is a project with packages that are told apart by their names.
type shelf struct {
	db       *pgtest.Database
	packages *packages.Packages
	project  int64
	ids      map[string]int64
}

// newShelf puts packages into a project in the order of the rows, a minute
// apart. A row is name, version, format, status; a version "-" is none.
func newShelf(t *testing.T, rows ...string) *shelf {
	t.Helper()
	db := plantest.NewDatabase(t)
	s := &shelf{db: db, packages: packages.New(db.Pool), project: plantest.NewProject(t, db, "shelf").ID, ids: map[string]int64{}}
	for i, row := range rows {
		s.put(t, i, strings.Fields(row))
	}
	return s
}

func (s *shelf) put(t *testing.T, minute int, f []string) {
	t.Helper()
	name, version, format, status := f[0], f[1], f[2], f[3]
	var id int64
	err := s.db.Pool.QueryRow(t.Context(), `
		insert into packages (project_id, format, name, version, name_key, version_key, status, created_at)
		values ($1, $2, $3, nullif($4, '-'), lower($3), $4, $5, timestamptz '2026-01-01' + $6 * interval '1 minute') returning id`,
		s.project, format, name, version, status, minute).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	s.ids[name+"@"+version] = id
}

// exec runs a statement.
func (s *shelf) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.db.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// list returns what a query finds as "name@version name@version".
func (s *shelf) list(t *testing.T, q packages.Query) (string, packages.Extent) {
	t.Helper()
	if q.Statuses == nil {
		q.Statuses = registry.Displayable()
	}
	if q.Page == (packages.Page{}) {
		q.Page = packages.Page{Number: 1, Size: 100}
	}
	found, extent, err := s.packages.List(t.Context(), s.project, q)
	if err != nil {
		t.Fatal(err)
	}
	return titles(found), extent
}

func titles(found []packages.Package) string {
	names := make([]string, 0, len(found))
	for _, p := range found {
		names = append(names, p.Name+"@"+p.Version)
	}
	return strings.Join(names, " ")
}

func TestListFinds(t *testing.T) {
	t.Parallel()
	s := newShelf(t,
		"Left-Pad 1.0.0 npm default", "right-pad 2.0.0 npm deprecated", "broken 1.0.0 npm error", "secret 1.0.0 npm hidden",
		"raw 1.0.0 npm processing", "gone 1.0.0 npm pending_destruction", "holder - maven default", "net 10.0.0 terraform_module default",
		"100%_sure 2.0.0 pypi default",
	)
	other := plantest.NewProject(t, s.db, "other").ID
	s.exec(t, `insert into packages (project_id, format, name, version, name_key, version_key) values ($1, 'npm', 'foreign', '1', 'foreign', '1')`, other)
	for name, c := range map[string]struct {
		q    packages.Query
		want string
	}{
		"what is displayable":              {packages.Query{}, "Left-Pad@1.0.0 right-pad@2.0.0 broken@1.0.0 100%_sure@2.0.0"},
		"one format":                       {packages.Query{Format: "pypi"}, "100%_sure@2.0.0"},
		"terraform modules when asked for": {packages.Query{Format: "terraform_module"}, "net@10.0.0"},
		"a word in whatever case":          {packages.Query{Words: []string{"PAD"}}, "Left-Pad@1.0.0 right-pad@2.0.0"},
		"all of the words":                 {packages.Query{Words: []string{"pad", "left"}}, "Left-Pad@1.0.0"},
		"wildcards as text":                {packages.Query{Words: []string{"%_"}}, "100%_sure@2.0.0"},
		"a backslash as text":              {packages.Query{Words: []string{`\`}}, ""},
		"a version":                        {packages.Query{Version: "2.0.0"}, "right-pad@2.0.0 100%_sure@2.0.0"},
		"a version of no prefix":           {packages.Query{Version: "2.0"}, ""},
		"those without a version":          {packages.Query{Versionless: true, Format: "maven"}, "holder@"},
		"not those without a version":      {packages.Query{Format: "maven"}, ""},
		"a status":                         {packages.Query{Statuses: []string{"hidden"}}, "secret@1.0.0"},
		"another status":                   {packages.Query{Statuses: []string{"processing"}}, "raw@1.0.0"},
		"a version and those without":      {packages.Query{Version: "2.0.0", Versionless: true}, "right-pad@2.0.0 100%_sure@2.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := s.list(t, c.q); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "b 2 pypi default", "B 10 npm default", "a 1 npm default", "c 1 helm default")
	for by, want := range map[string]string{
		"":           "b@2 B@10 a@1 c@1",
		"created_at": "b@2 B@10 a@1 c@1",
		"name":       "B@10 a@1 b@2 c@1",
		"version":    "a@1 c@1 B@10 b@2",
		"type":       "c@1 B@10 a@1 b@2",
		"id; drop":   "b@2 B@10 a@1 c@1",
	} {
		up, _ := s.list(t, packages.Query{Order: packages.Order{By: by}})
		down, _ := s.list(t, packages.Query{Order: packages.Order{By: by, Descending: true}})
		if up != want {
			t.Errorf("by %q: %q, want %q", by, up, want)
		}
		reverse := strings.Fields(down)
		slices.Reverse(reverse)
		if strings.Join(reverse, " ") != want {
			t.Errorf("by %q descending: %q", by, down)
		}
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "a 1 npm default", "b 1 npm default", "c 1 npm default", "d 1 npm default", "e 1 npm default")
	for number, want := range map[int]struct {
		titles string
		more   bool
	}{1: {"a@1 b@1", true}, 2: {"c@1 d@1", true}, 3: {"e@1", false}, 4: {"", false}, 1 << 30: {"", false}} {
		got, extent := s.list(t, packages.Query{Page: packages.Page{Number: number, Size: 2}})
		if got != want.titles || extent.More != want.more || extent.Total != 5 {
			t.Errorf("page %d: %q, %+v", number, got, extent)
		}
	}
}

func TestLongListsAreNotCountedToTheirEnd(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.exec(t, `
		insert into packages (project_id, format, name, version, name_key, version_key)
		select $1, 'npm', 'n' || i, '1', 'n' || i, '1' from generate_series(1, $2::int) i`, s.project, packages.Countable+50)
	_, extent := s.list(t, packages.Query{Page: packages.Page{Number: packages.Countable / 100, Size: 100}})
	if extent.Total != packages.Countable+1 || !extent.More {
		t.Errorf("%+v", extent)
	}
	_, extent = s.list(t, packages.Query{Page: packages.Page{Number: packages.Countable/100 + 1, Size: 100}})
	if extent.More {
		t.Errorf("the last page: %+v", extent)
	}
}

func TestListBringsTags(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "a 1 npm default", "a 2 npm default", "b 1 npm default")
	for _, tag := range []string{"a@2 latest", "a@2 next", "b@1 latest"} {
		title, name, _ := strings.Cut(tag, " ")
		s.exec(t, `
			insert into package_tags (project_id, package_id, format, name_key, name, updated_at)
			select project_id, id, format, name_key, $2, created_at from packages where id = $1`, s.ids[title], name)
	}
	found, _, err := s.packages.List(t.Context(), s.project, packages.Query{Statuses: registry.Displayable(), Page: packages.Page{Number: 1, Size: 10}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		for _, tag := range p.Tags {
			got = append(got, fmt.Sprintf("%s@%s:%s", p.Name, p.Version, tag.Name))
			if tag.PackageID != p.ID || tag.ID == 0 || tag.UpdatedAt.IsZero() {
				t.Errorf("%+v", tag)
			}
		}
	}
	if want := "a@2:latest a@2:next b@1:latest"; strings.Join(got, " ") != want {
		t.Errorf("tags %v", got)
	}
}
