package plan_test

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// rule makes a protection rule of the format "demo".
func (e *env) rule(tb testing.TB, pattern string, push, remove registry.AccessLevel) {
	tb.Helper()
	_, err := protection.NewRules(e.db.Pool).Create(tb.Context(), registry.ProtectionRule{
		ProjectID: e.project.ID, PackageType: "demo", NamePattern: pattern, ForPush: push, ForDelete: remove,
	})
	if err != nil {
		tb.Fatal(err)
	}
}

const (
	pushProtected   = "Package protected."
	deleteProtected = "Package is deletion protected."
)

// Each operation, as part of a push and of a deletion, is about the names that it
// should be, and kept from a maintainer where the rules say owner.
func TestRulesBindPlans(t *testing.T) {
	t.Parallel()
	e := setup(t)
	pushed, kept, free := e.publish(t, "pushed", "1"), e.publish(t, "Kept", "1"), e.publish(t, "free", "1")
	var file int64
	if err := e.db.Pool.QueryRow(t.Context(), "select id from package_files where package_id = $1", kept).Scan(&file); err != nil {
		t.Fatal(err)
	}
	e.rule(t, "push*", registry.Owner, registry.NoAccess)
	e.rule(t, "kep*", registry.NoAccess, registry.Owner)
	ref := func(id int64) spec.PackageRef { return spec.PackageRef{ID: id} }
	const push, remove = spec.ActionCreatePackage, spec.ActionDestroyPackage
	for _, c := range []struct {
		name   string
		action spec.Action
		op     spec.Op
		want   string
	}{
		{"a new package", push, spec.CreatePackage{Local: "p", Name: "pushed-too", Version: "1"}, pushProtected},
		{"in capitals", push, spec.CreatePackage{Local: "p", Name: "PUSHED", NameKey: "other", Version: "2"}, pushProtected},
		{"the key is not the name", push, spec.CreatePackage{Local: "p", Name: "other", NameKey: "pushed", Version: "2"}, ""},
		{"a file", push, spec.AttachFile{Package: ref(pushed), UploadHandle: "u", FileName: "x"}, pushProtected},
		{"a tag", push, spec.SetTag{Package: ref(pushed), Tag: "next"}, pushProtected},
		{"a status", push, spec.UpdatePackage{Package: ref(pushed), Status: "deprecated"}, pushProtected},
		{"a row", push, spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": pushed, "name": "x"}, ConflictColumns: []string{"package_id"}}, pushProtected},
		{"a push to what is not to be deleted", push, spec.SetTag{Package: ref(kept), Tag: "next"}, ""},
		{"a deletion", remove, spec.DestroyPackage{Package: ref(kept)}, deleteProtected},
		{"of a file", remove, spec.DestroyFile{FileID: file}, deleteProtected},
		{"of files", remove, spec.DestroyFiles{Package: ref(kept), FileKeyPrefix: "x"}, deleteProtected},
		{"of a tag", remove, spec.RemoveTag{Name: "Kept", Tag: "latest"}, deleteProtected},
		{"a deprecation", remove, spec.UpdatePackage{Package: ref(kept), Status: "deprecated"}, deleteProtected},
		{"what destroys does not make", remove, spec.CreatePackage{Local: "p", Name: "pushed-too", Version: "1"}, pushProtected},
		{"nor attach", remove, spec.AttachFile{Package: ref(pushed), UploadHandle: "u", FileName: "x"}, pushProtected},
		{"a deletion of what is not to be pushed", remove, spec.DestroyPackage{Package: ref(pushed)}, ""},
		{"another name", remove, spec.DestroyPackage{Package: ref(free)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := e.scope(e.file(t, "u", c.name))
			s.Action, s.Level = c.action, registry.Maintainer
			// What passes is undone, for the others.
			_, err := e.exec.CommitWith(t.Context(), s, operations(c.op), undo)
			if c.want == "" {
				if registry.CodeOf(err) != registry.CodeConflict {
					t.Errorf("error is %v, want that of the test's own", err)
				}
				return
			}
			if registry.CodeOf(err) != registry.CodeForbidden || err.Error() != c.want {
				t.Errorf("error is %v, want %s", err, c.want)
			}
			if there, err := s.Uploads["u"].Present(t.Context()); err != nil || there {
				t.Errorf("the bytes are stored: %t, %v", there, err)
			}
		})
	}
}

func TestWhomRulesBind(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.rule(t, "a", registry.NoAccess, registry.AdminLevel)
	e.rule(t, "b", registry.Maintainer, registry.NoAccess)
	user := registry.Actor{Kind: registry.User}
	for _, c := range []struct {
		name  string
		actor registry.Actor
		level registry.AccessLevel
		push  string // what each of "a", "b" and "c" comes to: + or -
	}{
		{"developer", user, registry.Developer, "+-+"},
		{"maintainer", user, registry.Maintainer, "+++"},
		{"administrator", registry.Actor{Kind: registry.User, Admin: true}, registry.NoAccess, "+++"},
		// GitLab's: any rule that fits, even one that only speaks of deleting.
		{"deploy token", registry.Actor{Kind: registry.DeployToken}, registry.NoAccess, "--+"},
		{"a job", registry.Actor{Kind: registry.System}, registry.NoAccess, "+++"},
	} {
		got := ""
		for _, name := range []string{"a", "b", "c"} {
			s := e.scope()
			s.Actor, s.Level, s.Action = c.actor, c.level, spec.ActionCreatePackage
			_, err := e.exec.Commit(t.Context(), s, operations(spec.CreatePackage{Local: "p", Name: name, Version: c.name}))
			switch {
			case err == nil:
				got += "+"
			case registry.CodeOf(err) == registry.CodeForbidden:
				got += "-"
			default:
				t.Fatal(err)
			}
		}
		if got != c.push {
			t.Errorf("%s: %s, want %s", c.name, got, c.push)
		}
	}
}

// Rules are those of one project and one format.
func TestRulesOfOthersBindNobody(t *testing.T) {
	t.Parallel()
	e := setup(t)
	rules := protection.NewRules(e.db.Pool)
	for _, r := range []registry.ProtectionRule{
		{ProjectID: e.project.ID, PackageType: "npm", NamePattern: "*", ForPush: registry.AdminLevel},
		{ProjectID: e.project.ID, PackageType: "maven", NamePattern: "*", ForPush: registry.AdminLevel},
	} {
		if _, err := rules.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	e.publish(t, "a", "1")
}

// What is believed for a while is not asked again within it.
func TestRulesAreRemembered(t *testing.T) {
	t.Parallel()
	e := setup(t)
	guarded := func(while time.Duration) func(version string) error {
		guard, err := protection.Remembering(e.db.Pool, while)
		if err != nil {
			t.Fatal(err)
		}
		exec := plan.NewGuarded(e.db.Pool, nil, guard, hclog.NewNullLogger())
		return func(version string) error {
			s := e.scope()
			s.Action = spec.ActionCreatePackage
			_, err := exec.Commit(t.Context(), s, operations(spec.CreatePackage{Local: "p", Name: "a", Version: version}))
			return err
		}
	}
	long, short := guarded(time.Hour), guarded(time.Nanosecond)
	for version, publish := range map[string]func(string) error{"1": long, "2": short} {
		if err := publish(version); err != nil {
			t.Fatal(err)
		}
	}
	e.rule(t, "*", registry.Owner, registry.NoAccess)
	if err := long("3"); err != nil {
		t.Errorf("within the while: %v", err)
	}
	if err := short("4"); registry.CodeOf(err) != registry.CodeForbidden {
		t.Errorf("after it: %v", err)
	}
}

// undo is a change that fails, and so the whole plan.
func undo(context.Context, pgx.Tx) error { return registry.Errorf(registry.CodeConflict, "undone") }
