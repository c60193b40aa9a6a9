package accounts_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestGroupsNest(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	path := ""
	for depth := 1; ; depth++ {
		path = strings.TrimPrefix(path+"/g", "/")
		g, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path})
		if err != nil {
			if depth != 21 || registry.CodeOf(err) != registry.CodeInvalid {
				t.Fatalf("depth %d: %v", depth, err)
			}
			return
		}
		if len(g.AncestorIDs) != depth || g.AncestorIDs[depth-1] != g.ID {
			t.Fatalf("depth %d: ancestors %v of %d", depth, g.AncestorIDs, g.ID)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	ctx := t.Context()
	if _, err := a.CreateGroup(ctx, accounts.NewGroup{FullPath: "acme"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateProject(ctx, accounts.NewProject{FullPath: "acme/web"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.CreateUser(ctx, accounts.NewUser{Username: "ann"}); err != nil {
		t.Fatal(err)
	}
	group := func(path string) error {
		_, err := a.CreateGroup(ctx, accounts.NewGroup{FullPath: path})
		return err
	}
	project := func(n accounts.NewProject) error { _, err := a.CreateProject(ctx, n); return err }
	user := func(n accounts.NewUser) error { _, err := a.CreateUser(ctx, n); return err }
	for name, c := range map[string]struct {
		err  error
		code registry.Code
		says string
	}{
		"taken":                    {group("ACME"), registry.CodeConflict, "already been taken"},
		"taken by a project":       {group("acme/web"), registry.CodeConflict, "already been taken"},
		"taken by a group":         {project(accounts.NewProject{FullPath: "acme/WEB"}), registry.CodeConflict, "already been taken"},
		"no parent":                {group("nowhere/x"), registry.CodeNotFound, `group "nowhere"`},
		"reserved":                 {group("api"), registry.CodeInvalid, "reserved"},
		"reserved in any case":     {group("Users"), registry.CodeInvalid, "reserved"},
		"reserved below":           {project(accounts.NewProject{FullPath: "acme/blob"}), registry.CodeInvalid, "reserved"},
		"reserved for users":       {user(accounts.NewUser{Username: "admin"}), registry.CodeInvalid, "reserved"},
		"too long":                 {group(strings.Repeat("x", 256)), registry.CodeInvalid, "longer than 255"},
		"git in capitals":          {group("x.GIT"), registry.CodeInvalid, "path"},
		"member of nothing":        {a.AddMember(ctx, 1, 999, 0, registry.Guest), registry.CodeNotFound, "no such"},
		"dash":                     {group("-x"), registry.CodeInvalid, "path"},
		"dots":                     {group("acme/.."), registry.CodeInvalid, "path"},
		"git":                      {project(accounts.NewProject{FullPath: "acme/x.git"}), registry.CodeInvalid, "path"},
		"empty":                    {group(""), registry.CodeInvalid, "path is empty"},
		"project without a group":  {project(accounts.NewProject{FullPath: "x"}), registry.CodeInvalid, "names no group"},
		"visibility":               {project(accounts.NewProject{FullPath: "acme/y", Visibility: "secret"}), registry.CodeInvalid, "visibility"},
		"package access":           {project(accounts.NewProject{FullPath: "acme/y", PackageAccess: "some"}), registry.CodeInvalid, "package_registry_access_level"},
		"user taken":               {user(accounts.NewUser{Username: "Ann"}), registry.CodeConflict, "username"},
		"user with a slash":        {user(accounts.NewUser{Username: "a/b"}), registry.CodeInvalid, "username"},
		"short password":           {user(accounts.NewUser{Username: "bob", Password: "short"}), registry.CodeInvalid, "password"},
		"role":                     {a.AddMember(ctx, 1, 1, 0, 35), registry.CodeInvalid, "access level"},
		"member of both":           {a.AddMember(ctx, 1, 1, 1, registry.Guest), registry.CodeInvalid, "either"},
		"unknown user is no fault": {a.BlockUser(ctx, "eve", true), registry.CodeNotFound, `user "eve"`},
	} {
		if registry.CodeOf(c.err) != c.code || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func TestScopesAreOfTheirKindOfToken(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	ctx := t.Context()
	u, err := a.CreateUser(ctx, accounts.NewUser{Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.CreateGroup(ctx, accounts.NewGroup{FullPath: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	for _, scopes := range [][]string{nil, {"write_package_registry"}, {"api", "nonsense"}} {
		if _, _, err := a.CreatePersonalToken(ctx, u, accounts.NewPersonalToken{Scopes: scopes}); registry.CodeOf(err) != registry.CodeInvalid {
			t.Errorf("personal %v: %v", scopes, err)
		}
	}
	for _, n := range []accounts.NewDeployToken{
		{GroupID: g.ID, Scopes: []string{"api"}},
		{Scopes: []string{"read_package_registry"}},
		{GroupID: g.ID, Username: "a b", Scopes: []string{"read_package_registry"}},
	} {
		if _, _, err := a.CreateDeployToken(ctx, n); registry.CodeOf(err) != registry.CodeInvalid {
			t.Errorf("deploy %+v: %v", n, err)
		}
	}
}

// A path that two people want at once goes to one of them.
func TestOneOfManyGetsThePath(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	if _, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme"}); err != nil {
		t.Fatal(err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		made int
	)
	for i := range 8 {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme/web"})
			} else {
				_, err = a.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/web"})
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if registry.CodeOf(err) != registry.CodeConflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("%d got it", made)
	}
}

// What is an address at the root is a good name below it, and the other way round.
func TestNamesAreReservedOnlyWhereTheyWouldClash(t *testing.T) {
	t.Parallel()
	a := accounts.New(pgtest.New(t).Pool)
	for _, path := range []string{"update", "acme", "Acme/api", "acme/API/users", "acme/.config", "7"} {
		if _, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: path}); err != nil {
			t.Errorf("group %s: %v", path, err)
		}
	}
	p, err := a.CreateProject(t.Context(), accounts.NewProject{FullPath: "ACME/api/search"})
	if err != nil {
		t.Fatal(err)
	}
	// The parents write themselves as they were made.
	if p.FullPath != "acme/api/search" || len(p.GroupAncestorIDs) != 2 {
		t.Errorf("got %+v", p)
	}
	found, err := a.FindProject(t.Context(), "Acme/API/Search")
	if err != nil || found.ID != p.ID || found.Visibility != registry.Private || found.PackageAccess != registry.PackagesEnabled {
		t.Errorf("found %+v, %v", found, err)
	}
}
