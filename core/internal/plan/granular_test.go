package plan_test

import (
	"errors"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Each operation is about the names that it should be, and kept from a granular
// token whose patterns they do not fit.
func TestNamesBindPlans(t *testing.T) {
	t.Parallel()
	e := setup(t)
	acme, other := e.publish(t, "acme-web", "1"), e.publish(t, "other", "1")
	var file int64
	if err := e.db.Pool.QueryRow(t.Context(), "select id from package_files where package_id = $1", other).Scan(&file); err != nil {
		t.Fatal(err)
	}
	here := func(pattern string, permissions ...string) registry.GranularScope {
		return registry.GranularScope{Access: registry.AccessSelected, ProjectIDs: []int64{e.project.ID}, Permissions: permissions, NamePatterns: []string{pattern}}
	}
	both := []registry.GranularScope{here("ACME-*", "upload_package", "delete_package")}
	ref := func(id int64) spec.PackageRef { return spec.PackageRef{ID: id} }
	const push, remove = spec.ActionCreatePackage, spec.ActionDestroyPackage
	for _, c := range []struct {
		name    string
		scopes  []registry.GranularScope
		action  spec.Action
		op      spec.Op
		refused bool
	}{
		{"a new package", both, push, spec.CreatePackage{Local: "p", Name: "acme-api", Version: "1"}, false},
		{"of another name", both, push, spec.CreatePackage{Local: "p", Name: "acm", Version: "1"}, true},
		{"the key is not the name", both, push, spec.CreatePackage{Local: "p", Name: "another", NameKey: "acme-x", Version: "1"}, true},
		{"a file", both, push, spec.AttachFile{Package: ref(other), UploadHandle: "u", FileName: "x"}, true},
		{"a tag", both, push, spec.SetTag{Package: ref(other), Tag: "next"}, true},
		{"a tag of its own", both, push, spec.SetTag{Package: ref(acme), Tag: "next"}, false},
		{"a status", both, push, spec.UpdatePackage{Package: ref(other), Status: "deprecated"}, true},
		{"a row", both, push, spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": other, "name": "x"}, ConflictColumns: []string{"package_id"}}, true},
		{"a deletion", both, remove, spec.DestroyPackage{Package: ref(other)}, true},
		{"a deletion of its own", both, remove, spec.DestroyPackage{Package: ref(acme)}, false},
		{"of a file", both, remove, spec.DestroyFile{FileID: file}, true},
		{"of a tag", both, remove, spec.RemoveTag{Name: "other", Tag: "latest"}, true},
		// A route that destroys and makes takes both.
		{"what destroys does not make", []registry.GranularScope{here("*", "delete_package")}, remove, spec.CreatePackage{Local: "p", Name: "acme-api", Version: "1"}, true},
		{"the other's names", []registry.GranularScope{here("acme*", "upload_package"), here("other", "delete_package")}, push, spec.SetTag{Package: ref(other), Tag: "next"}, true},
		{"nothing of the verb", []registry.GranularScope{here("*", "delete_package")}, push, spec.SetTag{Package: ref(acme), Tag: "next"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := e.scope(e.file(t, "u", c.name))
			s.Action, s.Level = c.action, registry.Owner
			s.Actor.Scopes, s.Actor.Granular = []registry.Scope{registry.ScopeGranular}, c.scopes
			_, err := e.exec.CommitWith(t.Context(), s, operations(c.op), undo)
			if !c.refused {
				if registry.CodeOf(err) != registry.CodeConflict {
					t.Errorf("error is %v, want that of the test's own", err)
				}
				return
			}
			no, ok := errors.AsType[*registry.Error](err)
			if !ok || no.Code != registry.CodeForbidden || no.Word != "insufficient_granular_scope" {
				t.Errorf("error is %v", err)
			}
			if there, err := s.Uploads["u"].Present(t.Context()); err != nil || there {
				t.Errorf("the bytes are stored: %t, %v", there, err)
			}
		})
	}
}
