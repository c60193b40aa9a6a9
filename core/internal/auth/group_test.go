package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// nested makes "top/sub/Web.App" of setup one of several: "top/one" beside the
// subgroup, "top/sub/deep/two" below it, and "other/sub/web" elsewhere.
func nested(t *testing.T) *world {
	t.Helper()
	w := setup(t)
	for _, path := range []string{"top/sub/deep", "other", "other/sub", "empty"} {
		if _, err := w.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"top/one", "top/sub/deep/two", "other/sub/web"} {
		if _, err := w.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: path}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// of resolves a request about a group; an empty secret is nobody's.
func (w *world) of(t *testing.T, secret string, ref auth.GroupRef) auth.Caller {
	t.Helper()
	c, err := w.auth.ResolveGroup(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, secret != "", ref)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// standings are "path:level" of each project.
func standings(c auth.Caller) string {
	all := make([]string, 0, len(c.Standings))
	for _, s := range c.Standings {
		all = append(all, fmt.Sprintf("%s:%d", s.Project.FullPath, s.Level))
	}
	return strings.Join(all, " ")
}

func (w *world) member(t *testing.T, u accounts.User, groupPath, projectPath string, level registry.AccessLevel) {
	t.Helper()
	var (
		g   registry.Group
		p   registry.Project
		err error
	)
	if groupPath != "" {
		g, err = w.accounts.FindGroup(t.Context(), groupPath)
	} else {
		p, err = w.accounts.FindProject(t.Context(), projectPath)
	}
	if err == nil {
		err = w.accounts.AddMember(t.Context(), u.ID, g.ID, p.ID, level)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAGroupIsFoundWithAllBelowIt(t *testing.T) {
	t.Parallel()
	w := nested(t)
	const sub = "top/sub/Web.App:0 top/sub/deep/two:0"
	for ref, want := range map[auth.GroupRef]string{
		{ID: w.top.ID}:                           "top/sub/Web.App:0 top/one:0 top/sub/deep/two:0",
		{Path: "top"}:                            "top/sub/Web.App:0 top/one:0 top/sub/deep/two:0",
		{Path: "TOP", Root: true}:                "top/sub/Web.App:0 top/one:0 top/sub/deep/two:0",
		{ID: w.sub.ID}:                           sub,
		{Path: "top/sub"}:                        sub,
		{Path: "Top/SUB"}:                        sub,
		{Path: "top/sub/deep"}:                   "top/sub/deep/two:0",
		{Path: "empty"}:                          "",
		{Path: "other"}:                          "other/sub/web:0",
		{Path: "sub"}:                            "no group", // the last part of two paths, and no path
		{Path: "top/sub", Root: true}:            "no group",
		{Path: "top/sub/Web.App"}:                "no group",
		{ID: 1 << 40}:                            "no group",
		{Path: "top' or true --"}:                "no group",
		{Path: fmt.Sprint(w.top.ID)}:             "no group", // a path of digits is none
		{ID: w.top.ID, Path: "", Root: true}:     "top/sub/Web.App:0 top/one:0 top/sub/deep/two:0",
		{ID: w.sub.ID, Path: "", Root: true}:     "no group",
		{Path: strings.Repeat("x/", 1000) + "x"}: "no group",
	} {
		c := w.of(t, "", ref)
		got := standings(c)
		if c.Group == nil {
			if got = "no group"; len(c.Standings) != 0 {
				t.Errorf("%+v: projects of no group: %s", ref, standings(c))
			}
		}
		if got != want || c.Actor.Kind != registry.Anonymous || c.Level != registry.NoAccess || c.Project != nil {
			t.Errorf("%+v: %q with level %d, want %q", ref, got, c.Level, want)
		}
	}
	c := w.of(t, "", auth.GroupRef{Path: "top/sub"})
	if g := c.Group; g.ID != w.sub.ID || g.FullPath != "top/sub" || g.ParentID != w.top.ID || fmt.Sprint(g.AncestorIDs) != fmt.Sprint([]int64{w.top.ID, w.sub.ID}) {
		t.Errorf("group %+v", g)
	}
	if p := c.Standings[0].Project; p.ID != w.project.ID || fmt.Sprint(p.GroupAncestorIDs) != fmt.Sprint([]int64{w.top.ID, w.sub.ID}) || p.PackageAccess != registry.PackagesEnabled {
		t.Errorf("project %+v", p)
	}
}

func TestRolesReachFromWhereTheyAreDown(t *testing.T) {
	t.Parallel()
	w := nested(t)
	for name, c := range map[string]struct {
		group, project string
		top, sub       string // levels: of the group, and the standings
	}{
		"stranger":        {"", "", "0: Web.App:0 one:0 two:0", "0: Web.App:0 two:0"},
		"of the top":      {"top", "", "30: Web.App:30 one:30 two:30", "30: Web.App:30 two:30"},
		"of the subgroup": {"top/sub", "", "0: Web.App:30 one:0 two:30", "30: Web.App:30 two:30"},
		"of the deepest":  {"top/sub/deep", "", "0: Web.App:0 one:0 two:30", "0: Web.App:0 two:30"},
		"of one project":  {"", "top/sub/deep/two", "0: Web.App:0 one:0 two:30", "0: Web.App:0 two:30"},
		"from elsewhere":  {"other", "", "0: Web.App:0 one:0 two:0", "0: Web.App:0 two:0"},
	} {
		u := w.user(t, strings.ReplaceAll(name, " ", "-"))
		if c.group != "" || c.project != "" {
			w.member(t, u, c.group, c.project, registry.Developer)
		}
		secret, _ := w.token(t, u, nil, "api")
		for path, want := range map[string]string{"top": c.top, "top/sub": c.sub} {
			caller := w.of(t, secret, auth.GroupRef{Path: path})
			got := fmt.Sprintf("%d: %s", caller.Level, strings.NewReplacer("top/sub/deep/", "", "top/sub/", "", "top/", "").Replace(standings(caller)))
			if got != want {
				t.Errorf("%s, %s: %s, want %s", name, path, got, want)
			}
			if caller.Actor.UserID != u.ID {
				t.Errorf("%s: actor %+v", name, caller.Actor)
			}
		}
	}
}

func TestTheHighestOfSeveralRolesCounts(t *testing.T) {
	t.Parallel()
	w := nested(t)
	u := w.user(t, "ann")
	w.member(t, u, "top", "", registry.Reporter)
	w.member(t, u, "top/sub", "", registry.Guest)
	w.member(t, u, "", "top/sub/Web.App", registry.Maintainer)
	w.member(t, u, "", "top/one", registry.Guest)
	secret, _ := w.token(t, u, nil, "api")
	c := w.of(t, secret, auth.GroupRef{Path: "top/sub"})
	if got := standings(c); c.Level != registry.Reporter || got != "top/sub/Web.App:40 top/sub/deep/two:20" {
		t.Errorf("level %d, %s", c.Level, got)
	}
	if got := standings(w.of(t, secret, auth.GroupRef{Path: "top"})); got != "top/sub/Web.App:40 top/one:20 top/sub/deep/two:20" {
		t.Errorf("top: %s", got)
	}
}

// A deploy token has no role: what it may is decided by where it belongs.
func TestADeployTokenAsksAboutAGroup(t *testing.T) {
	t.Parallel()
	w := nested(t)
	secret, _, err := w.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{GroupID: w.sub.ID, Scopes: []string{"read_package_registry"}})
	if err != nil {
		t.Fatal(err)
	}
	c := w.of(t, secret, auth.GroupRef{Path: "top"})
	if c.Actor.Kind != registry.DeployToken || c.Actor.GroupID != w.sub.ID || c.Level != registry.NoAccess || standings(c) != "top/sub/Web.App:0 top/one:0 top/sub/deep/two:0" {
		t.Errorf("%+v, level %d, %s", c.Actor, c.Level, standings(c))
	}
}

func TestCredentialsThatAreNoGoodAreNobodysInAGroupToo(t *testing.T) {
	t.Parallel()
	w := nested(t)
	revoked, token := w.token(t, w.user(t, "ann"), nil, "api")
	if err := w.accounts.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"revoked": revoked, "unknown": auth.NewToken(auth.PersonalPrefix), "malformed": "x"} {
		c, err := w.auth.ResolveGroup(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.GroupRef{Path: "top"})
		if registry.CodeOf(err) != registry.CodeUnauthenticated || c.Group != nil || c.Standings != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// What is known of a group is believed for a while, and not longer; one caller's
// answer is never another's.
func TestAGroupIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	w := nested(t)
	const while = 2 * time.Second
	var err error
	if w.auth, err = auth.Remembering(w.Pool, while); err != nil {
		t.Fatal(err)
	}
	ann, bob := w.user(t, "ann"), w.user(t, "bob")
	w.member(t, ann, "top", "", registry.Guest)
	annsToken, _ := w.token(t, ann, nil, "api")
	bobsToken, _ := w.token(t, bob, nil, "api")
	top, sub := auth.GroupRef{Path: "top"}, auth.GroupRef{Path: "top/sub"}

	asked := time.Now()
	if c := w.of(t, annsToken, top); c.Level != registry.Guest {
		t.Fatalf("level %d", c.Level)
	}
	w.member(t, ann, "top", "", registry.Owner)
	if c := w.of(t, annsToken, top); c.Level == registry.Owner && time.Since(asked) < while {
		t.Error("asked again at once")
	}
	if c := w.of(t, annsToken, sub); c.Level != registry.Owner || c.Group.ID != w.sub.ID {
		t.Errorf("another group: %+v, level %d", c.Group, c.Level)
	}
	if c := w.of(t, bobsToken, top); c.Level != registry.NoAccess || c.Actor.UserID != bob.ID {
		t.Errorf("another caller: %+v, level %d", c.Actor, c.Level)
	}
	if c := w.of(t, "", top); c.Actor.Kind != registry.Anonymous {
		t.Errorf("nobody: %+v", c.Actor)
	}
	for w.of(t, annsToken, top).Level != registry.Owner {
		if time.Since(asked) > 2*while { // twice the time, for a machine that is busy with other tests
			t.Fatalf("not asked again after %s", time.Since(asked))
		}
	}
}

func TestAGroupIsFoundOnceItIsMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var err error
	if w.auth, err = auth.Remembering(w.Pool, time.Hour); err != nil {
		t.Fatal(err)
	}
	ref := auth.GroupRef{Path: "late"}
	for _, made := range []bool{false, true} {
		if made {
			if _, err := w.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: ref.Path}); err != nil {
				t.Fatal(err)
			}
		}
		if c := w.of(t, "", ref); (c.Group != nil) != made {
			t.Errorf("made %t: %+v", made, c.Group)
		}
	}
}

func TestParseGroupRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]auth.GroupRef{
		"7":                   {ID: 7},
		"007":                 {ID: 7},
		"0":                   {Path: "0"},
		"+7":                  {Path: "+7"},
		"-7":                  {Path: "-7"},
		"9223372036854775808": {Path: "9223372036854775808"}, // more than an id can be
		"acme":                {Path: "acme"},                // unlike a project's, a path needs no slash
		"acme/apps":           {Path: "acme/apps"},
		"":                    {},
	} {
		if got := auth.ParseGroupRef(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// Settings of packages are the nearest group's that decides anything.
func TestAProjectComesWithWhatItsGroupsDecide(t *testing.T) {
	t.Parallel()
	w := setup(t)
	three, refused := 3, false
	for _, c := range []struct {
		group, format string
		change        accounts.SettingsChange
	}{
		{"top", "maven", accounts.SettingsChange{DuplicatesAllowed: &refused}},
		{"top", "generic", accounts.SettingsChange{KeepSnapshots: &three}},
		{"top/sub", "maven", accounts.SettingsChange{KeepSnapshots: &three}},
	} {
		if _, err := w.accounts.ChangePackageSettings(t.Context(), c.group, c.format, c.change); err != nil {
			t.Fatal(err)
		}
	}
	most := int64(1000)
	if _, err := w.accounts.ChangeSettings(t.Context(), accounts.Place{Project: &w.project}, "npm", accounts.SettingsChange{MaxFileSize: &most}); err != nil {
		t.Fatal(err)
	}
	c, err := w.auth.Resolve(t.Context(), auth.Credentials{}, false, auth.ProjectRef{ID: w.project.ID})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]registry.PackageSettings{
		"maven": {Decided: true, RefuseDuplicates: true, KeepSnapshots: 3}, "generic": {Decided: true, KeepSnapshots: 3}, "npm": {Decided: true, MaxFileSize: 1000},
	}
	if fmt.Sprint(c.Project.PackageSettings) != fmt.Sprint(want) {
		t.Errorf("settings %+v", c.Project.PackageSettings)
	}
}

// Whether a deleted version may be published again is inherited, too; by the way
// of a project and by that of a group above it.
func TestReuseIsTheNearestDecision(t *testing.T) {
	t.Parallel()
	w := setup(t)
	yes, no := true, false
	for _, step := range []struct {
		in      accounts.Place
		allowed *bool
		want    bool
	}{
		{accounts.Place{Group: &w.top}, &no, false},
		{accounts.Place{Group: &w.top}, &yes, true},
		{accounts.Place{Group: &w.sub}, &no, false},
		{accounts.Place{Project: &w.project}, &yes, true},
		{accounts.Place{Project: &w.project}, nil, false},
		{accounts.Place{Group: &w.sub}, nil, true},
	} {
		if _, err := w.accounts.AllowReuse(t.Context(), step.in, step.allowed); err != nil {
			t.Fatal(err)
		}
		of, err := w.auth.Resolve(t.Context(), auth.Credentials{}, false, auth.ProjectRef{ID: w.project.ID})
		if err != nil {
			t.Fatal(err)
		}
		above, err := w.auth.ResolveGroup(t.Context(), auth.Credentials{}, false, auth.GroupRef{ID: w.top.ID})
		if err != nil || len(above.Standings) != 1 {
			t.Fatal(above, err)
		}
		if got := of.Project.AllowReuseAfterDelete; got != step.want || above.Standings[0].Project.AllowReuseAfterDelete != got {
			t.Errorf("%+v: %t, want %t", step, got, step.want)
		}
	}
}

// A role counts until its day, in UTC, wherever it is held.
func TestARoleEndsOnItsDay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	secret, _ := w.token(t, u, nil, "api")
	for _, place := range []struct{ group, project int64 }{{w.top.ID, 0}, {0, w.project.ID}} {
		if err := w.accounts.AddMember(t.Context(), u.ID, place.group, place.project, registry.Developer); err != nil {
			t.Fatal(err)
		}
		for expires, want := range map[string]registry.AccessLevel{"null": 30, "(now() at time zone 'utc')::date + 1": 30, "(now() at time zone 'utc')::date": 0} {
			if _, err := w.Pool.Exec(t.Context(), "update memberships set expires_at = "+expires); err != nil {
				t.Fatal(err)
			}
			c, err := w.resolve(t, auth.Bearer, secret)
			if err != nil || c.Level != want {
				t.Errorf("project, %s: %d, %v", expires, c.Level, err)
			}
			c, err = w.auth.ResolveGroup(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.GroupRef{ID: w.top.ID})
			if err != nil || len(c.Standings) != 1 || c.Standings[0].Level != want || (place.group != 0 && c.Level != want) {
				t.Errorf("group, %s: %+v, %v", expires, c, err)
			}
		}
		if _, err := w.Pool.Exec(t.Context(), "delete from memberships"); err != nil {
			t.Fatal(err)
		}
	}
}
