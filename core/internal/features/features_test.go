package features_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"npm": true, "npm/publish": true, "npm_login_web": true, "npm/v2_search": true,
		"": false, "/": false, "npm/": false, "/publish": false, "npm/a/b": false, "NPM": false, "npm publish": false, "npm/publish\n": false,
		strings.Repeat("a", 100): true, strings.Repeat("a", 101): false,
	} {
		if got := features.ValidName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
	got := features.Names("npm", &spec.Route{ID: "login_web", FeatureFlag: "web_login"})
	if strings.Join(got, " ") != "npm npm/login_web web_login" {
		t.Errorf("got %v", got)
	}
}

// place is two groups deep, with a project in the lower one.
type place struct {
	upper, lower registry.Group
	project      registry.Project
}

func (p place) place() features.Place {
	return features.Place{ProjectID: p.project.ID, GroupIDs: p.project.GroupAncestorIDs}
}

func newPlace(t *testing.T, db *pgtest.Database) (p place) {
	t.Helper()
	a := accounts.New(db.Pool)
	var err error
	if p.upper, err = a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme"}); err != nil {
		t.Fatal(err)
	}
	if p.lower, err = a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme/apps"}); err != nil {
		t.Fatal(err)
	}
	if p.project, err = a.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/apps/web"}); err != nil {
		t.Fatal(err)
	}
	return p
}

// Each step decides nearer than, or takes back, the one before.
func TestTheNearestDecides(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := newPlace(t, db)
	store := features.NewStore(db.Pool)
	flags := features.New(db.Pool, 0, map[string]bool{"npm/search": false})
	names := []string{"npm", "npm/search"}
	step := func(what string, wantProject, wantElsewhere bool, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		now, err := flags.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := now.On(names, p.place()); got != wantProject {
			t.Errorf("%s: in the project %t", what, got)
		}
		if got := now.On(names, features.Place{}); got != wantElsewhere {
			t.Errorf("%s: elsewhere %t", what, got)
		}
	}
	set := func(s features.Setting) func() error { return func() error { return store.Put(t.Context(), s) } }
	step("configured off", false, false, func() error { return nil })
	step("the instance", true, true, set(features.Setting{Name: "npm/search", Enabled: true}))
	step("the upper group", false, true, set(features.Setting{Name: "npm/search", GroupID: p.upper.ID}))
	step("the lower group", true, true, set(features.Setting{Name: "npm/search", GroupID: p.lower.ID, Enabled: true}))
	step("the project", false, true, set(features.Setting{Name: "npm/search", ProjectID: p.project.ID}))
	step("the project again", true, true, set(features.Setting{Name: "npm/search", ProjectID: p.project.ID, Enabled: true}))
	step("the whole format", false, false, set(features.Setting{Name: "npm"}))
	step("the format in the group", true, false, set(features.Setting{Name: "npm", GroupID: p.upper.ID, Enabled: true}))
	step("nothing of the project", true, false, func() error {
		_, err := store.Remove(t.Context(), features.Setting{Name: "npm/search", ProjectID: p.project.ID})
		return err
	})
	step("nothing any more", false, false, func() error {
		for _, name := range names {
			if n, err := store.RemoveAll(t.Context(), name); err != nil || n == 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
		return nil
	})
	flags.Configure(nil)
	step("nothing configured", true, true, func() error { return nil })
}

func TestWhatIsKnownIsBelievedForAWhile(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store, flags := features.NewStore(db.Pool), features.New(db.Pool, time.Hour, nil)
	on := func() bool {
		t.Helper()
		now, err := flags.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return now.Instance("npm")
	}
	if !on() {
		t.Fatal("off, and nobody said so")
	}
	if err := store.Put(t.Context(), features.Setting{Name: "npm"}); err != nil {
		t.Fatal(err)
	}
	if !on() {
		t.Error("it was read anew")
	}
	if flags.Forget(); on() {
		t.Error("it was not forgotten")
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := features.NewStore(db.Pool)
	if err := store.Put(t.Context(), features.Setting{Name: "npm"}, features.Setting{Name: "n p m"}); registry.CodeOf(err) != registry.CodeInvalid || !strings.Contains(err.Error(), `"n p m"`) {
		t.Errorf("a bad name: %v", err)
	}
	if err := store.Put(t.Context(), features.Setting{Name: "npm"}, features.Setting{Name: "npm", ProjectID: 99}); registry.CodeOf(err) != registry.CodeNotFound {
		t.Errorf("no project: %v", err)
	}
	if all, err := store.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("half of it was done: %v, %v", all, err)
	}
}

// A setting of a place ends with it.
func TestListSaysWhere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := newPlace(t, db)
	store := features.NewStore(db.Pool)
	if err := store.Put(t.Context(), features.Setting{Name: "npm", ProjectID: p.project.ID}, features.Setting{Name: "npm", GroupID: p.lower.ID, Enabled: true}, features.Setting{Name: "maven"}); err != nil {
		t.Fatal(err)
	}
	list := func() (out string) {
		all, err := store.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			out += strings.Join([]string{x.Name, x.Path, map[bool]string{true: "on", false: "off"}[x.Enabled]}, " ") + "; "
		}
		return out
	}
	if got := list(); got != "maven  off; npm acme/apps/web off; npm acme/apps on; " {
		t.Errorf("got %s", got)
	}
	if _, err := db.Pool.Exec(t.Context(), "delete from projects"); err != nil {
		t.Fatal(err)
	}
	if got := list(); got != "maven  off; npm acme/apps on; " {
		t.Errorf("after the project: %s", got)
	}
}
