package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	home  = 7  // the project
	group = 70 // its group
	top   = 1  // the group above
)

// caller is an actor, and its role on the project.
type caller struct {
	name  string
	actor registry.Actor
	level registry.AccessLevel
}

// callers are all kinds of them but jobs; the letters of expectations are in this order.
func callers() []caller {
	user := func(scopes ...registry.Scope) registry.Actor {
		return registry.Actor{Kind: registry.User, UserID: 1, Scopes: scopes}
	}
	deploy := func(project, group int64, scopes ...registry.Scope) registry.Actor {
		return registry.Actor{Kind: registry.DeployToken, ProjectID: project, GroupID: group, Scopes: scopes}
	}
	const (
		api     = registry.ScopeAPI
		readAPI = registry.ScopeReadAPI
		read    = registry.ScopeReadPackageRegistry
		write   = registry.ScopeWritePackageRegistry
	)
	admin := func(a registry.Actor) registry.Actor { a.Admin = true; return a }
	return []caller{
		{"anonymous", registry.Actor{Kind: registry.Anonymous}, 0},
		{"stranger", user(api), 0},

		{"guest", user(api), registry.Guest},
		{"planner", user(api), registry.Planner},
		{"reporter", user(api), registry.Reporter},
		{"developer", user(api), registry.Developer},
		{"maintainer", user(api), registry.Maintainer},
		{"owner", user(api), registry.Owner},
		{"administrator", admin(user(api)), 0},

		{"owner with read_api", user(readAPI), registry.Owner},
		{"administrator with read_api", admin(user(readAPI)), 0},
		{"owner without a scope", user(), registry.Owner},

		{"read token of the project", deploy(home, 0, read), 0},
		{"read token of the top group", deploy(0, top, read), 0},
		{"write token of the project", deploy(home, 0, write), 0},
		{"write token of the group", deploy(0, group, write), 0},

		{"write token of another project", deploy(home+1, 0, write), 0},
		{"write token of another group", deploy(0, group+1, write), 0},
		{"token of the project without a scope", deploy(home, 0), 0},
	}
}

// The expectations are written out from GitLab's tables (roles; status codes of
// the npm and generic families): one line for each visibility, package access
// and action, one letter for each caller in the order above: + is allowed, 1 is
// 401, 3 is 403, 4 is 404.
func TestDecide(t *testing.T) {
	t.Parallel()
	const (
		read    = spec.ActionReadPackage
		create  = spec.ActionCreatePackage
		destroy = spec.ActionDestroyPackage
	)
	letters := map[authz.Verdict]byte{authz.Allowed: '+', authz.Unauthenticated: '1', authz.Forbidden: '3', authz.Hidden: '4'}
	type situation struct {
		visibility registry.Visibility
		access     registry.PackageAccess
		action     spec.Action
	}
	table := map[situation]string{
		// As visible as the project.                         anonymous, stranger
		//                                                    |  guest … administrator
		//                                                    |  |       narrow personal tokens
		//                                                    |  |       |   deploy tokens at home
		//                                                    |  |       |   |    deploy tokens from elsewhere, or of no use
		{registry.Private, registry.PackagesEnabled, read}:     "14 +++++++ ++3 ++++ 444",
		{registry.Private, registry.PackagesEnabled, create}:   "14 333++++ 333 33++ 444",
		{registry.Private, registry.PackagesEnabled, destroy}:  "14 3333+++ 333 33++ 444",
		{registry.Internal, registry.PackagesEnabled, read}:    "1+ +++++++ ++3 ++++ 444",
		{registry.Internal, registry.PackagesEnabled, create}:  "13 333++++ 333 33++ 444",
		{registry.Internal, registry.PackagesEnabled, destroy}: "13 3333+++ 333 33++ 444",
		{registry.Public, registry.PackagesEnabled, read}:      "++ +++++++ ++3 ++++ +++",
		{registry.Public, registry.PackagesEnabled, create}:    "13 333++++ 333 33++ 333",
		{registry.Public, registry.PackagesEnabled, destroy}:   "13 3333+++ 333 33++ 333",
		// Anyone may pull, whatever the visibility.
		{registry.Private, registry.PackagesPublic, read}:     "++ +++++++ ++3 ++++ +++",
		{registry.Private, registry.PackagesPublic, create}:   "13 333++++ 333 33++ 333",
		{registry.Private, registry.PackagesPublic, destroy}:  "13 3333+++ 333 33++ 333",
		{registry.Internal, registry.PackagesPublic, read}:    "++ +++++++ ++3 ++++ +++",
		{registry.Internal, registry.PackagesPublic, create}:  "13 333++++ 333 33++ 333",
		{registry.Internal, registry.PackagesPublic, destroy}: "13 3333+++ 333 33++ 333",
		{registry.Public, registry.PackagesPublic, read}:      "++ +++++++ ++3 ++++ +++",
		{registry.Public, registry.PackagesPublic, create}:    "13 333++++ 333 33++ 333",
		{registry.Public, registry.PackagesPublic, destroy}:   "13 3333+++ 333 33++ 333",
		// Members only, even of a public project.
		{registry.Private, registry.PackagesPrivate, read}:     "14 +++++++ ++3 ++++ 444",
		{registry.Private, registry.PackagesPrivate, create}:   "14 333++++ 333 33++ 444",
		{registry.Private, registry.PackagesPrivate, destroy}:  "14 3333+++ 333 33++ 444",
		{registry.Internal, registry.PackagesPrivate, read}:    "13 +++++++ ++3 ++++ 444",
		{registry.Internal, registry.PackagesPrivate, create}:  "13 333++++ 333 33++ 444",
		{registry.Internal, registry.PackagesPrivate, destroy}: "13 3333+++ 333 33++ 444",
		{registry.Public, registry.PackagesPrivate, read}:      "13 +++++++ ++3 ++++ 333",
		{registry.Public, registry.PackagesPrivate, create}:    "13 333++++ 333 33++ 333",
		{registry.Public, registry.PackagesPrivate, destroy}:   "13 3333+++ 333 33++ 333",
		// Switched off: 403 for those who see the project.
		{registry.Private, registry.PackagesDisabled, read}:     "14 3333333 333 3333 444",
		{registry.Private, registry.PackagesDisabled, create}:   "14 3333333 333 3333 444",
		{registry.Private, registry.PackagesDisabled, destroy}:  "14 3333333 333 3333 444",
		{registry.Internal, registry.PackagesDisabled, read}:    "13 3333333 333 3333 444",
		{registry.Internal, registry.PackagesDisabled, create}:  "13 3333333 333 3333 444",
		{registry.Internal, registry.PackagesDisabled, destroy}: "13 3333333 333 3333 444",
		{registry.Public, registry.PackagesDisabled, read}:      "13 3333333 333 3333 333",
		{registry.Public, registry.PackagesDisabled, create}:    "13 3333333 333 3333 333",
		{registry.Public, registry.PackagesDisabled, destroy}:   "13 3333333 333 3333 333",
	}
	if want := 3 * 4 * 3; len(table) != want { // map keys are distinct: these are all combinations
		t.Fatalf("the table has %d situations, want %d", len(table), want)
	}
	for s, want := range table {
		t.Run(fmt.Sprintf("%s/%s/%d", s.visibility, s.access, s.action), func(t *testing.T) {
			t.Parallel()
			project := &registry.Project{
				ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group},
				Visibility: s.visibility, PackageAccess: s.access,
			}
			want := strings.ReplaceAll(want, " ", "")
			if len(want) != len(callers()) {
				t.Fatalf("%d letters for %d callers", len(want), len(callers()))
			}
			for i, caller := range callers() {
				if got := letters[authz.Decide(caller.actor, project, caller.level, s.action)]; got != want[i] {
					t.Errorf("%s: got %c, want %c", caller.name, got, want[i])
				}
			}
		})
	}
}

// The row of archived projects takes from every other row what would change them.
func TestAnArchivedProjectIsReadAndNotChanged(t *testing.T) {
	t.Parallel()
	for _, visibility := range []registry.Visibility{registry.Private, registry.Internal, registry.Public} {
		for _, caller := range callers() {
			project := registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group}, Visibility: visibility, PackageAccess: registry.PackagesEnabled}
			before := authz.Decide(caller.actor, &project, caller.level, spec.ActionReadPackage)
			project.Archived = true
			if got := authz.Decide(caller.actor, &project, caller.level, spec.ActionReadPackage); got != before {
				t.Errorf("%s reads: %d, and %d before", caller.name, got, before)
			}
			for _, action := range []spec.Action{spec.ActionCreatePackage, spec.ActionDestroyPackage} {
				if got := authz.Decide(caller.actor, &project, caller.level, action); got == authz.Allowed {
					t.Errorf("%s may %d", caller.name, action)
				}
			}
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
