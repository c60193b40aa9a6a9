package packages_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestFind(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "a 1 npm default", "b - maven processing", "c 1 npm pending_destruction")
	other := plantest.NewProject(t, s.db, "other").ID
	p, err := s.packages.Find(t.Context(), s.project, s.ids["a@1"])
	if err != nil || p.Name != "a" || p.Version != "1" || p.Format != "npm" || p.Status != registry.StatusDefault || p.LockVersion != 1 ||
		p.LastDownloadedAt != nil || p.CreatorID != 0 || p.CreatedAt.IsZero() || p.UpdatedAt.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = s.packages.Find(t.Context(), s.project, s.ids["b@-"]); err != nil || p.Version != "" || p.Status != registry.StatusProcessing {
		t.Errorf("%+v, %v", p, err)
	}
	for name, err := range map[string]error{
		"another project": second(s.packages.Find(t.Context(), other, s.ids["a@1"])),
		"no such id":      second(s.packages.Find(t.Context(), s.project, 1<<40)),
		"one that goes":   second(s.packages.Find(t.Context(), s.project, s.ids["c@1"])),
	} {
		if registry.CodeOf(err) != registry.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestSiblings(t *testing.T) {
	t.Parallel()
	s := newShelf(t,
		"a 2 npm default", "a 10 npm deprecated", "a 1 npm error", "a 3 npm hidden", "a 4 npm processing", "a 5 npm pending_destruction",
		"a - npm default", "a 6 pypi default", "b 7 npm default",
	)
	found, err := s.packages.Siblings(t.Context(), s.project, s.ids["a@2"])
	if err != nil || titles(found) != "a@1 a@10" {
		t.Errorf("%q, %v", titles(found), err)
	}
	if found, err = s.packages.Siblings(t.Context(), s.project+1, s.ids["a@2"]); err != nil || len(found) != 0 {
		t.Errorf("of another project: %q, %v", titles(found), err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	s := newShelf(t, "a 1 npm default", "b 1 npm default")
	for i, name := range []string{"z.tgz", "A.tgz", "m.sig"} {
		s.exec(t, `
			with blob as (insert into blobs (sha256, size) values (sha256($3::bytea), 7) returning sha256)
			insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256, sha1, created_at)
			select $1, $2, 'npm', $4, $4, 7, sha256, '\xab', timestamptz '2026-01-01' - $5 * interval '1 minute' from blob`,
			s.project, s.ids["a@1"], []byte(name), name, i)
	}
	list := func(order packages.Order, page packages.Page) (string, packages.Extent) {
		found, extent, err := s.packages.Files(t.Context(), s.project, s.ids["a@1"], order, page)
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, 0, len(found))
		for _, f := range found {
			if f.PackageID != s.ids["a@1"] || f.Size != 7 || f.MD5 != nil || len(f.SHA1) != 1 || len(f.SHA256) != 32 {
				t.Errorf("%+v", f)
			}
			names = append(names, f.Name)
		}
		return strings.Join(names, " "), extent
	}
	all := packages.Page{Number: 1, Size: 20}
	for by, want := range map[string]string{"": "z.tgz A.tgz m.sig", "id": "z.tgz A.tgz m.sig", "file_name": "A.tgz m.sig z.tgz", "created_at": "m.sig A.tgz z.tgz"} {
		if got, extent := list(packages.Order{By: by}, all); got != want || extent.Total != 3 || extent.More {
			t.Errorf("by %q: %q, %+v", by, got, extent)
		}
	}
	if got, extent := list(packages.Order{By: "file_name", Descending: true}, packages.Page{Number: 1, Size: 2}); got != "z.tgz m.sig" || !extent.More {
		t.Errorf("%q, %+v", got, extent)
	}
	found, _, err := s.packages.Files(t.Context(), s.project, s.ids["a@1"], packages.Order{}, all)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := s.packages.FileOf(t.Context(), s.project, s.ids["a@1"], found[0].ID); err != nil || f.Name != "z.tgz" {
		t.Errorf("%+v, %v", f, err)
	}
	for name, err := range map[string]error{
		"another package": second(s.packages.FileOf(t.Context(), s.project, s.ids["b@1"], found[0].ID)),
		"another project": second(s.packages.FileOf(t.Context(), s.project+1, s.ids["a@1"], found[0].ID)),
		"no such id":      second(s.packages.FileOf(t.Context(), s.project, s.ids["a@1"], 1<<40)),
	} {
		if registry.CodeOf(err) != registry.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
