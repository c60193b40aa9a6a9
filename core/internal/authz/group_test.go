package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// groupOf is the project's group, of some visibility.
func groupOf(v registry.Visibility) *registry.Group {
	return &registry.Group{ID: group, ParentID: top, AncestorIDs: []int64{top, group}, Visibility: v}
}

func projectOf(v registry.Visibility, access registry.PackageAccess) registry.Project {
	return registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group}, Visibility: v, PackageAccess: access}
}

// letter says what became of a request about a group with one project: + it is
// about that project, - it is about none, ? likewise, and credentials might open
// one; 1 is 401, 3 is 403, 4 is 404.
func letter(verdict authz.Verdict, r authz.Readable) byte {
	switch verdict {
	case authz.Allowed:
		switch {
		case len(r.Projects) == 1:
			return '+'
		case r.Hidden:
			return '?'
		}
		return '-'
	case authz.Unauthenticated:
		return '1'
	case authz.Forbidden:
		return '3'
	case authz.Hidden:
	}
	return '4'
}

// One line for each visibility of the group and of its project and each package
// access, one letter for each of callers(). Their role is on the group.
func TestDecideGroup(t *testing.T) {
	t.Parallel()
	const (
		private, internal, public = registry.Private, registry.Internal, registry.Public

		enabled, members = registry.PackagesEnabled, registry.PackagesPrivate
		disabled, anyone = registry.PackagesDisabled, registry.PackagesPublic
	)
	type situation struct {
		group, project registry.Visibility
		access         registry.PackageAccess
	}
	table := map[situation]string{
		//                            anonymous, stranger
		//                           |  guest … administrator
		//                           |  |       narrow personal tokens
		//                           |  |       |   deploy tokens at home
		//                           |  |       |   |    deploy tokens from elsewhere, or of no use
		//                           |  |       |   |    |
		{private, private, enabled}:  "14 +++++++ ++3 ++++ 444",
		{private, private, anyone}:   "++ +++++++ ++3 ++++ +++",
		{private, private, members}:  "14 +++++++ ++3 ++++ 444",
		{private, private, disabled}: "14 ------- --3 ---- 444",
		// Who sees a project sees that its group is there.
		{private, internal, enabled}:  "1+ +++++++ ++3 ++++ 444",
		{private, internal, anyone}:   "++ +++++++ ++3 ++++ +++",
		{private, internal, members}:  "1- +++++++ ++3 ++++ 444",
		{private, internal, disabled}: "1- ------- --3 ---- 444",
		{private, public, enabled}:    "++ +++++++ ++3 ++++ +++",
		{private, public, anyone}:     "++ +++++++ ++3 ++++ +++",
		{private, public, members}:    "1- +++++++ ++3 ++++ ---",
		{private, public, disabled}:   "1- ------- --3 ---- ---",
		// An internal group is there for people, not for tokens from elsewhere.
		{internal, private, enabled}:   "1- +++++++ ++3 ++++ 444",
		{internal, private, anyone}:    "++ +++++++ ++3 ++++ +++",
		{internal, private, members}:   "1- +++++++ ++3 ++++ 444",
		{internal, private, disabled}:  "1- ------- --3 ---- 444",
		{internal, internal, enabled}:  "1+ +++++++ ++3 ++++ 444",
		{internal, internal, anyone}:   "++ +++++++ ++3 ++++ +++",
		{internal, internal, members}:  "1- +++++++ ++3 ++++ 444",
		{internal, internal, disabled}: "1- ------- --3 ---- 444",
		{internal, public, enabled}:    "++ +++++++ ++3 ++++ +++",
		{internal, public, anyone}:     "++ +++++++ ++3 ++++ +++",
		{internal, public, members}:    "1- +++++++ ++3 ++++ ---",
		{internal, public, disabled}:   "1- ------- --3 ---- ---",
		// A public group is there for everybody, and may have more for those with credentials;
		// not where packages are switched off.
		{public, private, enabled}:   "?- +++++++ ++3 ++++ ---",
		{public, private, anyone}:    "++ +++++++ ++3 ++++ +++",
		{public, private, members}:   "?- +++++++ ++3 ++++ ---",
		{public, private, disabled}:  "-- ------- --3 ---- ---",
		{public, internal, enabled}:  "?+ +++++++ ++3 ++++ ---",
		{public, internal, anyone}:   "++ +++++++ ++3 ++++ +++",
		{public, internal, members}:  "?- +++++++ ++3 ++++ ---",
		{public, internal, disabled}: "-- ------- --3 ---- ---",
		{public, public, enabled}:    "++ +++++++ ++3 ++++ +++",
		{public, public, anyone}:     "++ +++++++ ++3 ++++ +++",
		{public, public, members}:    "?- +++++++ ++3 ++++ ---",
		{public, public, disabled}:   "-- ------- --3 ---- ---",
	}
	if want := 3 * 3 * 4; len(table) != want { // map keys are distinct: these are all combinations
		t.Fatalf("the table has %d situations, want %d", len(table), want)
	}
	for s, want := range table {
		t.Run(fmt.Sprintf("%s/%s/%s", s.group, s.project, s.access), func(t *testing.T) {
			t.Parallel()
			want := strings.ReplaceAll(want, " ", "")
			if len(want) != len(callers()) {
				t.Fatalf("%d letters for %d callers", len(want), len(callers()))
			}
			for i, caller := range callers() {
				standing := registry.Standing{Project: projectOf(s.project, s.access), Level: caller.level}
				if got := letter(authz.DecideGroup(caller.actor, groupOf(s.group), caller.level, []registry.Standing{standing})); got != want[i] {
					t.Errorf("%s: got %c, want %c", caller.name, got, want[i])
				}
			}
		})
	}
}

func TestAGroupThatDoesNotExistLooksLikeOneThatIsHidden(t *testing.T) {
	t.Parallel()
	for _, caller := range callers() {
		want := authz.Hidden
		if caller.actor.Kind == registry.Anonymous {
			want = authz.Unauthenticated
		}
		if got, r := authz.DecideGroup(caller.actor, nil, 0, nil); got != want || len(r.Projects) != 0 || r.Hidden {
			t.Errorf("%s: got %d, want %d", caller.name, got, want)
		}
	}
}

func TestAGroupWithoutProjects(t *testing.T) {
	t.Parallel()
	for v, want := range map[registry.Visibility]string{
		registry.Private:  "14 ------- --3 4-4- 444", // a project's token is nothing to a group without that project
		registry.Internal: "1- ------- --3 4-4- 444",
		registry.Public:   "-- ------- --3 ---- ---",
	} {
		for i, caller := range callers() {
			if got := letter(authz.DecideGroup(caller.actor, groupOf(v), caller.level, nil)); got != strings.ReplaceAll(want, " ", "")[i] {
				t.Errorf("%s group, %s: got %c", v, caller.name, got)
			}
		}
	}
}

// Of several projects a request is about those that the caller may read, in order.
func TestOnlyReadableProjectsAreAskedAbout(t *testing.T) {
	t.Parallel()
	project := func(id int64, v registry.Visibility, access registry.PackageAccess, level registry.AccessLevel) registry.Standing {
		p := projectOf(v, access)
		p.ID = id
		return registry.Standing{Project: p, Level: level}
	}
	// The role is one on the second project alone.
	standings := []registry.Standing{
		project(1, registry.Public, registry.PackagesEnabled, registry.NoAccess),
		project(2, registry.Private, registry.PackagesEnabled, registry.Guest),
		project(3, registry.Private, registry.PackagesEnabled, registry.NoAccess),
		project(4, registry.Internal, registry.PackagesEnabled, registry.NoAccess),
		project(5, registry.Private, registry.PackagesPublic, registry.NoAccess),
		project(6, registry.Public, registry.PackagesPrivate, registry.NoAccess),
		project(7, registry.Public, registry.PackagesDisabled, registry.Owner),
	}
	user := registry.Actor{Kind: registry.User, UserID: 1, Scopes: []registry.Scope{registry.ScopeReadAPI}}
	token := registry.Actor{Kind: registry.DeployToken, ProjectID: 3, Scopes: []registry.Scope{registry.ScopeReadPackageRegistry}}
	administrator := user
	administrator.Admin = true
	for name, c := range map[string]struct {
		actor  registry.Actor
		want   string
		hidden bool
	}{
		"anonymous":                     {registry.Actor{Kind: registry.Anonymous}, "[1 5]", true},
		"a member of one project":       {user, "[1 2 4 5]", false},
		"a deploy token of one project": {token, "[1 3 5]", false},
		"an administrator":              {administrator, "[1 2 3 4 5 6]", false},
		"the system":                    {registry.Actor{Kind: registry.System}, "[1 2 3 4 5 6]", false},
		"a deploy token from elsewhere": {registry.Actor{Kind: registry.DeployToken, GroupID: 99}, "[1 5]", false},
	} {
		verdict, r := authz.DecideGroup(c.actor, groupOf(registry.Private), registry.NoAccess, standings)
		ids := []int64{}
		for _, p := range r.Projects {
			ids = append(ids, p.ID)
		}
		if verdict != authz.Allowed || fmt.Sprint(ids) != c.want || r.Hidden != c.hidden {
			t.Errorf("%s: verdict %d about %v, hidden %t", name, verdict, ids, r.Hidden)
		}
	}
}

// A token too narrow to read is told so wherever its owner could look.
func TestATokenWithoutAScopeIsTooNarrowNotBlind(t *testing.T) {
	t.Parallel()
	narrow := registry.Actor{Kind: registry.User, UserID: 1}
	for level, want := range map[registry.AccessLevel]authz.Verdict{registry.NoAccess: authz.Hidden, registry.Guest: authz.Forbidden} {
		standing := registry.Standing{Project: projectOf(registry.Private, registry.PackagesEnabled), Level: level}
		if got, _ := authz.DecideGroup(narrow, groupOf(registry.Private), registry.NoAccess, []registry.Standing{standing}); got != want {
			t.Errorf("role %d on a project in the group: %d, want %d", level, got, want)
		}
	}
}
