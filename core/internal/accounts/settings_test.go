package accounts_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// settled is a registry with groups "acme", "acme/apps" and "acme/libs".
func settled(t *testing.T) (*accounts.Accounts, *pgtest.Database) {
	t.Helper()
	db := pgtest.New(t)
	a := accounts.New(db.Pool)
	for _, path := range []string{"acme", "acme/apps", "acme/libs"} {
		if _, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path}); err != nil {
			t.Fatal(err)
		}
	}
	return a, db
}

func TestTheNearestGroupDecides(t *testing.T) {
	t.Parallel()
	a, db := settled(t)
	project, err := a.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/apps/web"})
	if err != nil {
		t.Fatal(err)
	}
	change := func(group, format string, c accounts.SettingsChange) {
		t.Helper()
		if _, err := a.ChangePackageSettings(t.Context(), group, format, c); err != nil {
			t.Fatal(err)
		}
	}
	// wants checks a group's settings, and that those of the project below acme/apps are its group's.
	wants := func(group, decidedBy string, want registry.PackageSettings) {
		t.Helper()
		want.Decided = decidedBy != ""
		got, err := a.PackageSettings(t.Context(), group, "maven")
		if err != nil || got.DecidedBy != decidedBy || got.PackageSettings != want {
			t.Errorf("%s: %+v, %v", group, got, err)
		}
		if group != "acme/apps" {
			return
		}
		if got, err := packages.New(db.Pool).Settings(t.Context(), project.ID, "maven"); err != nil || got != want {
			t.Errorf("the project: %+v, %v", got, err)
		}
	}
	no, yes, three, snapshots := false, true, 3, ".*-SNAPSHOT"

	wants("acme/apps", "", registry.PackageSettings{})
	change("acme", "maven", accounts.SettingsChange{DuplicatesAllowed: &no, DuplicateException: &snapshots})
	change("acme", "generic", accounts.SettingsChange{KeepSnapshots: &three}) // another format's
	wants("acme/apps", "acme", registry.PackageSettings{RefuseDuplicates: true, DuplicateException: snapshots})

	// The first decision of a group changes nothing but what it names, and is the group's own from then on.
	change("ACME/apps", "maven", accounts.SettingsChange{KeepSnapshots: &three})
	change("acme", "maven", accounts.SettingsChange{DuplicatesAllowed: &yes})
	wants("acme/apps", "acme/apps", registry.PackageSettings{RefuseDuplicates: true, DuplicateException: snapshots, KeepSnapshots: 3})
	wants("acme/libs", "acme", registry.PackageSettings{DuplicateException: snapshots})
}

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	a, _ := settled(t)
	allowed := true
	text := func(s string) accounts.SettingsChange {
		return accounts.SettingsChange{DuplicatesAllowed: &allowed, DuplicateException: &s}
	}
	keep := func(n int) accounts.SettingsChange { return accounts.SettingsChange{KeepSnapshots: &n} }
	for name, c := range map[string]struct {
		group, format string
		change        accounts.SettingsChange
		code          registry.Code // CodeInternal: taken
	}{
		"as long as may be":      {"acme", "maven", text(strings.Repeat("ü", 255)), registry.CodeInternal},
		"too long":               {"acme", "maven", text(strings.Repeat("x", 256)), registry.CodeInvalid},
		"unbalanced":             {"acme", "maven", text("("), registry.CodeInvalid},
		"closes what holds it":   {"acme", "maven", text("a)|(b"), registry.CodeInvalid},
		"quotes what holds it":   {"acme", "maven", text(`\Qa`), registry.CodeInvalid},
		"Perl's, not RE2's":      {"acme", "maven", text("(?!a)"), registry.CodeInvalid},
		"no text":                {"acme", "maven", text("\xff"), registry.CodeInvalid},
		"nothing":                {"acme", "maven", text(""), registry.CodeInternal},
		"all":                    {"acme", "maven", keep(0), registry.CodeInternal},
		"fewer than none":        {"acme", "maven", keep(-1), registry.CodeInvalid},
		"more than a column has": {"acme", "maven", keep(1 << 31), registry.CodeInvalid},
		"an exception from what": {"acme", "nuget", accounts.SettingsChange{DuplicateException: new(string)}, registry.CodeInvalid},
		"no format":              {"acme", "maven; drop", keep(1), registry.CodeInvalid},
		"no group":               {"nobody", "maven", keep(1), registry.CodeNotFound},
	} {
		_, err := a.ChangePackageSettings(t.Context(), c.group, c.format, c.change)
		if registry.CodeOf(err) != c.code || (err == nil) != (c.code == registry.CodeInternal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
