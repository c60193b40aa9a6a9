package accounts_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// places are groups and projects: acme/web, acme/sub/api and other/x.
type places struct {
	a                *accounts.Accounts
	acme, sub, other int64
	web, api, x      int64
	ann, admin       accounts.User
	granular         func(projects, groups []int64, patterns ...string) []registry.GranularScope
	everywhere       []registry.GranularScope
}

func newPlaces(t *testing.T, a *accounts.Accounts) places {
	t.Helper()
	p := places{a: a}
	for path, id := range map[string]*int64{"acme": &p.acme, "other": &p.other} {
		g, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path})
		fatal(t, err)
		*id = g.ID
	}
	g, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme/sub"})
	fatal(t, err)
	p.sub = g.ID
	for path, id := range map[string]*int64{"acme/web": &p.web, "acme/sub/api": &p.api, "other/x": &p.x} {
		made, err := a.CreateProject(t.Context(), accounts.NewProject{FullPath: path})
		fatal(t, err)
		*id = made.ID
	}
	p.ann, err = a.CreateUser(t.Context(), accounts.NewUser{Username: "ann"})
	fatal(t, err)
	p.admin, err = a.CreateUser(t.Context(), accounts.NewUser{Username: "boss", Admin: true})
	fatal(t, err)
	fatal(t, a.AddMember(t.Context(), p.ann.ID, p.acme, 0, registry.Developer))
	p.granular = func(projects, groups []int64, patterns ...string) []registry.GranularScope {
		return []registry.GranularScope{{
			Access: registry.AccessSelected, ProjectIDs: projects, GroupIDs: groups, Permissions: []string{"read_package", "upload_npm_package"}, NamePatterns: patterns,
		}}
	}
	p.everywhere = []registry.GranularScope{{Access: registry.AccessMemberships, Permissions: []string{"read_package"}}}
	return p
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestGranularTokensReachNoFartherThanTheirOwner(t *testing.T) {
	t.Parallel()
	p := newPlaces(t, accounts.New(pgtest.New(t).Pool))
	personal := func(u accounts.User, s []registry.GranularScope) error {
		_, _, err := p.a.CreatePersonalToken(t.Context(), u, accounts.NewPersonalToken{Name: "t", Granular: s})
		return err
	}
	access := func(project, group int64, s []registry.GranularScope) error {
		_, _, err := p.a.CreateAccessToken(t.Context(), accounts.NewAccessToken{
			NewPersonalToken: accounts.NewPersonalToken{Name: "t", Granular: s}, ProjectID: project, GroupID: group, AccessLevel: registry.Developer,
		})
		return err
	}
	deploy := func(project, group int64, s []registry.GranularScope) error {
		_, _, err := p.a.CreateDeployToken(t.Context(), accounts.NewDeployToken{Name: "t", ProjectID: project, GroupID: group, Granular: s})
		return err
	}
	one := func(id int64) []registry.GranularScope { return p.granular([]int64{id}, nil) }
	all := func(id int64) []registry.GranularScope { return p.granular(nil, []int64{id}) }
	const absent = 999_999
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"a member's":                       {personal(p.ann, one(p.web)), ""},
		"below the group":                  {personal(p.ann, one(p.api)), ""},
		"the group and one below":          {personal(p.ann, p.granular(nil, []int64{p.acme, p.sub})), ""},
		"everywhere":                       {personal(p.ann, p.everywhere), ""},
		"a stranger's":                     {personal(p.ann, one(p.x)), fmt.Sprintf("project %d", p.x)},
		"of a group":                       {personal(p.ann, all(p.other)), fmt.Sprintf("group %d", p.other)},
		"of nothing":                       {personal(p.ann, one(absent)), "project 999999"},
		"an administrator's":               {personal(p.admin, one(p.x)), ""},
		"an administrator's of nothing":    {personal(p.admin, all(absent)), "group 999999"},
		"one of several":                   {personal(p.ann, p.granular([]int64{p.web, p.x}, nil)), fmt.Sprintf("project %d", p.x)},
		"a project's":                      {access(p.web, 0, one(p.web)), ""},
		"a project's everywhere":           {access(p.web, 0, p.everywhere), ""},
		"a project's of another":           {access(p.web, 0, one(p.api)), "out of the token's reach"},
		"a project's of its group":         {access(p.web, 0, all(p.acme)), "out of the token's reach"},
		"a group's":                        {access(0, p.acme, p.granular([]int64{p.web, p.api}, []int64{p.acme, p.sub})), ""},
		"a group's of the one above":       {access(0, p.sub, all(p.acme)), "out of the token's reach"},
		"a group's of another":             {access(0, p.acme, one(p.x)), "out of the token's reach"},
		"a deploy token's":                 {deploy(p.web, 0, one(p.web)), ""},
		"a deploy token's of another":      {deploy(p.web, 0, one(p.api)), "out of the token's reach"},
		"a group's deploy token's":         {deploy(0, p.acme, one(p.api)), ""},
		"a group's deploy token's, beside": {deploy(0, p.sub, one(p.web)), "out of the token's reach"},
	} {
		if c.says == "" && c.err != nil || c.says != "" && (registry.CodeOf(c.err) != registry.CodeInvalid || !strings.Contains(c.err.Error(), c.says)) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	_, _, err := p.a.CreatePersonalToken(t.Context(), p.ann, accounts.NewPersonalToken{Scopes: []string{"api"}, Granular: p.everywhere})
	if registry.CodeOf(err) != registry.CodeInvalid {
		t.Errorf("both kinds of scopes: %v", err)
	}
	if _, _, err := p.a.CreatePersonalToken(t.Context(), p.ann, accounts.NewPersonalToken{Scopes: []string{"granular"}}); registry.CodeOf(err) != registry.CodeInvalid {
		t.Errorf("the word alone: %v", err)
	}
}

// What was made is what is shown, rotated, resolved, and inherited by what a client
// has made for itself.
func TestGranularScopesAreKept(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	p := newPlaces(t, accounts.New(db.Pool))
	want := p.granular([]int64{p.web}, []int64{p.sub}, "@acme/*", "x")
	secret, made, err := p.a.CreatePersonalToken(t.Context(), p.ann, accounts.NewPersonalToken{Name: "t", Granular: want})
	fatal(t, err)
	shown, err := p.a.Token(t.Context(), accounts.TokenFilter{ID: made.ID})
	fatal(t, err)
	for what, got := range map[string]accounts.Token{"made": made, "shown": shown} {
		if !reflect.DeepEqual(got.Granular, want) || fmt.Sprint(got.Scopes) != "[granular]" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	resolver := auth.New(db.Pool)
	resolve := func(secret string) registry.Actor {
		c, err := resolver.Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.ProjectRef{ID: p.web})
		fatal(t, err)
		return c.Actor
	}
	child, err := resolver.Issue(t.Context(), resolve(secret), "a client's")
	fatal(t, err)
	if actor := resolve(child); !reflect.DeepEqual(actor.Granular, want) || actor.Has(registry.ScopeAPI) || !actor.Has(registry.ScopeGranular) {
		t.Errorf("a client's own token: %+v", actor)
	}
	rotated, again, err := p.a.RotateToken(t.Context(), made.ID, nil)
	fatal(t, err)
	if actor := resolve(rotated); !reflect.DeepEqual(actor.Granular, want) || !reflect.DeepEqual(again.Granular, want) {
		t.Errorf("rotated: %+v, %+v", actor, again)
	}
	_, classic, err := p.a.CreatePersonalToken(t.Context(), p.ann, accounts.NewPersonalToken{Name: "t", Scopes: []string{"api"}})
	fatal(t, err)
	if classic.Granular != nil {
		t.Errorf("%+v", classic)
	}
	deploy, made, err := p.a.CreateDeployToken(t.Context(), accounts.NewDeployToken{Name: "t", ProjectID: p.web, Granular: p.everywhere})
	fatal(t, err)
	if actor := resolve(deploy); !reflect.DeepEqual(actor.Granular, p.everywhere) || actor.Kind != registry.DeployToken || made.Username == "" {
		t.Errorf("deploy token: %+v", actor)
	}
	// The database itself keeps the two kinds apart.
	for _, sql := range []string{
		"update tokens set granular_scopes = null where id = $1", "update tokens set scopes = '{granular,api}' where id = $1",
		"update tokens set scopes = '{api}' where id = $1", `update tokens set granular_scopes = '{}' where id = $1`,
	} {
		if _, err := db.Pool.Exec(t.Context(), sql, made.ID); err == nil {
			t.Errorf("%s: done", sql)
		}
	}
}
