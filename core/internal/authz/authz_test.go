package authz_test

import (
	"fmt"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	home  = 7  // the project
	group = 70 // its group
)

// callers are all kinds of them; the letters of expectations are in this order.
func callers() []struct {
	name  string
	actor registry.Actor
	level registry.AccessLevel
} {
	user := func(scopes ...registry.Scope) registry.Actor {
		return registry.Actor{Kind: registry.User, UserID: 1, Scopes: scopes}
	}
	deploy := func(project, group int64, scopes ...registry.Scope) registry.Actor {
		return registry.Actor{Kind: registry.DeployToken, ProjectID: project, GroupID: group, Scopes: scopes}
	}
	api := registry.ScopeAPI
	adminUser := user(api)
	adminUser.Admin = true
	return []struct {
		name  string
		actor registry.Actor
		level registry.AccessLevel
	}{
		{"anonymous", registry.Actor{Kind: registry.Anonymous}, 0},
		{"stranger", user(api), 0},
		{"guest", user(api), registry.Guest},
		{"reporter", user(api), registry.Reporter},
		{"developer", user(api), registry.Developer},
		{"maintainer", user(api), registry.Maintainer},
		{"owner", user(api), registry.Owner},
		{"administrator", adminUser, 0},
		{"maintainer with read_api", user(registry.ScopeReadAPI), registry.Maintainer},
		{"read deploy token", deploy(home, 0, registry.ScopeReadPackageRegistry), 0},
		{"write deploy token of the group", deploy(0, group, registry.ScopeWritePackageRegistry), 0},
		{"write deploy token of another project", deploy(home+1, 0, registry.ScopeWritePackageRegistry), 0},
		{"write deploy token of another group", deploy(0, group+1, registry.ScopeWritePackageRegistry), 0},
	}
}

// The expectations are written out from GitLab's tables (roles; status codes of
// the npm and generic families), one line for a project's visibility and package
// access, and an action; one letter for each caller: + allowed, 1 is 401, 3 is
// 403, 4 is 404.
func TestDecide(t *testing.T) {
	t.Parallel()
	letters := map[authz.Verdict]byte{authz.Allowed: '+', authz.Unauthenticated: '1', authz.Forbidden: '3', authz.Hidden: '4'}
	for _, c := range []struct {
		visibility registry.Visibility
		access     registry.PackageAccess
		action     spec.Action
		want       string
	}{
		//                                                                      anonymous
		//                                                                      |stranger
		//                                                                      ||guest
		//                                                                      |||reporter
		//                                                                      ||||developer
		//                                                                      |||||maintainer
		//                                                                      ||||||owner
		//                                                                      |||||||administrator
		//                                                                      ||||||||maintainer with read_api
		//                                                                      |||||||||read token
		//                                                                      ||||||||||write token
		//                                                                      |||||||||||tokens from elsewhere
		{registry.Private, registry.PackagesEnabled, spec.ActionReadPackage, "14+++++++++44"},
		{registry.Private, registry.PackagesEnabled, spec.ActionCreatePackage, "1433++++33+44"},
		{registry.Private, registry.PackagesEnabled, spec.ActionDestroyPackage, "14333+++33+44"},
		{registry.Internal, registry.PackagesEnabled, spec.ActionReadPackage, "1++++++++++++"},
		{registry.Internal, registry.PackagesEnabled, spec.ActionCreatePackage, "1333++++33+33"},
		{registry.Internal, registry.PackagesEnabled, spec.ActionDestroyPackage, "13333+++33+33"},
		{registry.Public, registry.PackagesEnabled, spec.ActionReadPackage, "+++++++++++++"},
		{registry.Public, registry.PackagesEnabled, spec.ActionCreatePackage, "1333++++33+33"},
		{registry.Public, registry.PackagesEnabled, spec.ActionDestroyPackage, "13333+++33+33"},
		// "Anyone can pull", whatever the visibility.
		{registry.Private, registry.PackagesPublic, spec.ActionReadPackage, "+++++++++++++"},
		{registry.Private, registry.PackagesPublic, spec.ActionCreatePackage, "1333++++33+33"},
		// Members only, even on a public project.
		{registry.Public, registry.PackagesPrivate, spec.ActionReadPackage, "13+++++++++33"},
		{registry.Public, registry.PackagesPrivate, spec.ActionCreatePackage, "1333++++33+33"},
		// Switched off: 403 for those who see the project.
		{registry.Public, registry.PackagesDisabled, spec.ActionReadPackage, "1333333333333"},
		{registry.Private, registry.PackagesDisabled, spec.ActionReadPackage, "1433333333344"},
		{registry.Private, registry.PackagesDisabled, spec.ActionDestroyPackage, "1433333333344"},
	} {
		project := &registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{1, group}, Visibility: c.visibility, PackageAccess: c.access}
		if len(c.want) != len(callers()) {
			t.Fatalf("%d letters for %d callers", len(c.want), len(callers()))
		}
		for i, caller := range callers() {
			t.Run(fmt.Sprintf("%s/%s/%d/%s", c.visibility, c.access, c.action, caller.name), func(t *testing.T) {
				t.Parallel()
				if got := letters[authz.Decide(caller.actor, project, caller.level, c.action)]; got != c.want[i] {
					t.Errorf("got %c, want %c", got, c.want[i])
				}
			})
		}
	}
}

func TestAProjectThatDoesNotExistLooksLikeOneThatIsHidden(t *testing.T) {
	t.Parallel()
	for _, caller := range callers() {
		want := authz.Hidden
		if caller.actor.Kind == registry.Anonymous {
			want = authz.Unauthenticated
		}
		if got := authz.Decide(caller.actor, nil, 0, spec.ActionReadPackage); got != want {
			t.Errorf("%s: got %d, want %d", caller.name, got, want)
		}
	}
}

func TestNothingIsAskedForWhereNothingIsTouched(t *testing.T) {
	t.Parallel()
	for _, caller := range callers() {
		if got := authz.Decide(caller.actor, nil, 0, spec.ActionNone); got != authz.Allowed {
			t.Errorf("%s: got %d", caller.name, got)
		}
	}
}

func TestTheZeroActorMayDoNothing(t *testing.T) {
	t.Parallel()
	project := &registry.Project{ID: home, Visibility: registry.Private, PackageAccess: registry.PackagesEnabled}
	for _, action := range []spec.Action{spec.ActionReadPackage, spec.ActionCreatePackage, spec.ActionDestroyPackage, 0, 99} {
		if got := authz.Decide(registry.Actor{}, project, registry.Owner, action); got == authz.Allowed {
			t.Errorf("action %d is allowed", action)
		}
	}
}
