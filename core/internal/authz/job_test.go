package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// jobCallers are job tokens; the letters of the table below are in this order.
// A bot has its role even where the job is not let in: it is of no use there.
func jobCallers() []caller {
	job := func(project int64, within ...int64) registry.Actor {
		return registry.Actor{Kind: registry.User, UserID: 1, Bot: true, Job: &registry.Job{ProjectID: project, Within: within}}
	}
	return []caller{
		{"job of the project, as developer", job(home), registry.Developer},
		{"job of the project, as maintainer", job(home), registry.Maintainer},
		{"job that is let in, its bot without a role", job(home+1, home), registry.NoAccess},
		{"job that is let in, its bot a reporter", job(home+1, home), registry.Reporter},
		{"job that is let in, its bot a maintainer", job(home+1, home), registry.Maintainer},
		{"job that is not let in", job(home + 1), registry.NoAccess},
		{"job that is not let in, its bot a maintainer", job(home+1, home+2), registry.Maintainer},
	}
}

// The expectations are GitLab's: its job tokens' scope first, then the roles.
func TestDecideOfJobs(t *testing.T) {
	t.Parallel()
	letters := map[authz.Verdict]byte{authz.Allowed: '+', authz.Unauthenticated: '1', authz.Forbidden: '3', authz.Hidden: '4'}
	type situation struct {
		visibility registry.Visibility
		access     registry.PackageAccess
	}
	// read, create, destroy; each: at home, let in, not let in
	for s, want := range map[situation]string{
		{registry.Private, registry.PackagesEnabled}:   "++ 3++ 33   ++ 33+ 33   3+ 33+ 33",
		{registry.Internal, registry.PackagesEnabled}:  "++ +++ ++   ++ 33+ 33   3+ 33+ 33",
		{registry.Public, registry.PackagesEnabled}:    "++ +++ ++   ++ 33+ 33   3+ 33+ 33",
		{registry.Private, registry.PackagesPublic}:    "++ +++ ++   ++ 33+ 33   3+ 33+ 33",
		{registry.Internal, registry.PackagesPublic}:   "++ +++ ++   ++ 33+ 33   3+ 33+ 33",
		{registry.Public, registry.PackagesPublic}:     "++ +++ ++   ++ 33+ 33   3+ 33+ 33",
		{registry.Private, registry.PackagesPrivate}:   "++ 3++ 33   ++ 33+ 33   3+ 33+ 33",
		{registry.Internal, registry.PackagesPrivate}:  "++ 3++ 33   ++ 33+ 33   3+ 33+ 33",
		{registry.Public, registry.PackagesPrivate}:    "++ 3++ 33   ++ 33+ 33   3+ 33+ 33",
		{registry.Private, registry.PackagesDisabled}:  "33 333 33   33 333 33   33 333 33",
		{registry.Internal, registry.PackagesDisabled}: "33 333 33   33 333 33   33 333 33",
		{registry.Public, registry.PackagesDisabled}:   "33 333 33   33 333 33   33 333 33",
	} {
		t.Run(fmt.Sprintf("%s/%s", s.visibility, s.access), func(t *testing.T) {
			t.Parallel()
			p := &registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group}, Visibility: s.visibility, PackageAccess: s.access}
			var got []byte
			for _, action := range []spec.Action{spec.ActionReadPackage, spec.ActionCreatePackage, spec.ActionDestroyPackage} {
				for _, c := range jobCallers() {
					got = append(got, letters[authz.Decide(c.actor, p, c.level, action)])
				}
			}
			if want := strings.ReplaceAll(want, " ", ""); string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Who is shut out is told so; whoever else is refused is not told of lists.
func TestShutOut(t *testing.T) {
	t.Parallel()
	for visibility, want := range map[registry.Visibility]string{registry.Private: ".....++", registry.Internal: ".......", registry.Public: "......."} {
		p := &registry.Project{ID: home, Visibility: visibility, PackageAccess: registry.PackagesEnabled}
		for i, c := range jobCallers() {
			if got := authz.ShutOut(c.actor, p, c.level); got != (want[i] == '+') {
				t.Errorf("%s, %s: %t", c.name, visibility, got)
			}
		}
		for _, c := range callers() {
			if authz.ShutOut(c.actor, p, c.level) {
				t.Errorf("%s, %s", c.name, visibility)
			}
		}
	}
}

// A job is told of a private project that it may not enter. That does not show it the group.
func TestAProjectThatShutsAJobOutHidesItsGroup(t *testing.T) {
	t.Parallel()
	g := &registry.Group{ID: group, Visibility: registry.Private, AncestorIDs: []int64{top, group}}
	p := registry.Project{ID: home, GroupID: group, GroupAncestorIDs: g.AncestorIDs, Visibility: registry.Private, PackageAccess: registry.PackagesEnabled}
	for i, c := range jobCallers() {
		want := authz.Allowed
		if i == 2 || i > 4 {
			want = authz.Hidden
		}
		got, readable := authz.DecideGroup(c.actor, g, registry.NoAccess, []registry.Standing{{Project: p, Level: c.level}})
		if got != want || (len(readable.Projects) == 1) != (want == authz.Allowed) {
			t.Errorf("%s: %d, %d projects", c.name, got, len(readable.Projects))
		}
	}
}

// GitLab's case 55: a rule binds a job by the role of its bot.
func TestProtectionRulesBindJobs(t *testing.T) {
	t.Parallel()
	job := jobCallers()[1]
	for least, want := range map[registry.AccessLevel]bool{registry.NoAccess: false, registry.Maintainer: false, registry.Owner: true} {
		if got := authz.Protected(job.actor, job.level, least); got != want {
			t.Errorf("%d: %t", least, got)
		}
	}
}
