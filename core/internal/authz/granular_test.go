package authz_test

import (
	"fmt"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// granted is a user's granular token.
func granted(scopes ...registry.GranularScope) registry.Actor {
	return registry.Actor{Kind: registry.User, UserID: 1, Scopes: []registry.Scope{registry.ScopeGranular}, Granular: scopes}
}

func inProject(id int64, permissions ...string) registry.GranularScope {
	return registry.GranularScope{Access: registry.AccessSelected, ProjectIDs: []int64{id}, Permissions: permissions}
}

func inGroup(id int64, permissions ...string) registry.GranularScope {
	return registry.GranularScope{Access: registry.AccessSelected, GroupIDs: []int64{id}, Permissions: permissions}
}

func everywhere(permissions ...string) registry.GranularScope {
	return registry.GranularScope{Access: registry.AccessMemberships, Permissions: permissions}
}

func all() []string {
	return []string{"read_package", "download_package", "upload_package", "delete_package"}
}

// verdicts are those of read, create and destroy in a project, as letters.
func verdicts(a registry.Actor, v registry.Visibility, level registry.AccessLevel) string {
	p := projectOf(v, registry.PackagesEnabled)
	letters := map[authz.Verdict]string{authz.Allowed: "+", authz.Unauthenticated: "1", authz.Forbidden: "3", authz.Hidden: "4"}
	s := ""
	for _, action := range []spec.Action{spec.ActionReadPackage, spec.ActionCreatePackage, spec.ActionDestroyPackage} {
		s += letters[authz.Decide(a, &p, level, action)]
	}
	return s
}

func TestAGranularTokenMayWhatItSaysAndItsOwnerMay(t *testing.T) {
	t.Parallel()
	admin := func(a registry.Actor) registry.Actor { a.Admin = true; return a }
	deploy := func(project, group int64, scopes ...registry.GranularScope) registry.Actor {
		a := granted(scopes...)
		a.Kind, a.UserID, a.ProjectID, a.GroupID = registry.DeployToken, 0, project, group
		return a
	}
	for _, c := range []struct {
		what                      string
		actor                     registry.Actor
		level                     registry.AccessLevel
		private, internal, public string
	}{
		{"everything, an owner's", granted(inProject(home, all()...)), registry.Owner, "+++", "+++", "+++"},
		{"everything, a developer's", granted(inProject(home, all()...)), registry.Developer, "++3", "++3", "++3"},
		{"everything, a guest's", granted(inProject(home, all()...)), registry.Guest, "+33", "+33", "+33"},
		{"everything, a stranger's", granted(inProject(home, all()...)), registry.NoAccess, "444", "+33", "+33"},
		{"everything, an administrator's", admin(granted(inProject(home, all()...))), registry.NoAccess, "+++", "+++", "+++"},
		{"read", granted(inProject(home, "read_package")), registry.Owner, "+33", "+33", "+33"},
		{"download", granted(inProject(home, "download_package")), registry.Owner, "+33", "+33", "+33"},
		{"upload", granted(inProject(home, "upload_package")), registry.Owner, "3+3", "3+3", "3+3"},
		{"delete", granted(inProject(home, "delete_package")), registry.Owner, "33+", "33+", "33+"},
		{"of two scopes", granted(inProject(home, "read_package"), inGroup(top, "delete_package")), registry.Owner, "+3+", "+3+", "+3+"},
		{"of another format, which was not narrowed to", granted(inProject(home, "read_npm_package")), registry.Owner, "333", "333", "333"},
		{"nothing", granted(), registry.Owner, "444", "444", "333"},
		{"in its group", granted(inGroup(group, all()...)), registry.Owner, "+++", "+++", "+++"},
		{"in the group above", granted(inGroup(top, all()...)), registry.Owner, "+++", "+++", "+++"},
		// Elsewhere its owner is nobody in particular, an administrator too.
		{"in another project", granted(inProject(home+1, all()...)), registry.Owner, "444", "444", "333"},
		{"in another group", granted(inGroup(group+1, all()...)), registry.Owner, "444", "444", "333"},
		{"in another project, an administrator's", admin(granted(inProject(home+1, all()...))), registry.Owner, "444", "444", "333"},
		{"read elsewhere, delete here", granted(inProject(home+1, "read_package"), inProject(home, "delete_package")), registry.Owner, "33+", "33+", "33+"},
		{"all memberships, a member's", granted(everywhere(all()...)), registry.Maintainer, "+++", "+++", "+++"},
		{"all memberships, a stranger's", granted(everywhere(all()...)), registry.NoAccess, "444", "444", "333"},
		{"all memberships, an administrator's", admin(granted(everywhere(all()...))), registry.NoAccess, "444", "444", "333"},
		// Of a deploy token's home.
		{"deploy token", deploy(home, 0, everywhere("read_package")), 0, "+33", "+33", "+33"},
		{"deploy token of the group", deploy(0, top, everywhere(all()...)), 0, "+++", "+++", "+++"},
		{"deploy token of the group, for the project", deploy(0, top, inProject(home, "upload_package")), 0, "3+3", "3+3", "3+3"},
		{"deploy token of the group, for another project", deploy(0, top, inProject(home+1, all()...)), 0, "444", "444", "333"},
		{"deploy token from elsewhere", deploy(home+1, 0, everywhere(all()...)), 0, "444", "444", "333"},
		{"deploy token from elsewhere that names the project", deploy(home+1, 0, inProject(home, all()...)), 0, "444", "444", "+33"},
	} {
		for v, want := range map[registry.Visibility]string{registry.Private: c.private, registry.Internal: c.internal, registry.Public: c.public} {
			if got := verdicts(c.actor, v, c.level); got != want {
				t.Errorf("%s, %s: %s, want %s", c.what, v, got, want)
			}
		}
	}
}

// A scope without what limits it is no scope.
func TestTheWordAloneAllowsNothing(t *testing.T) {
	t.Parallel()
	a := registry.Actor{Kind: registry.User, UserID: 1, Admin: true, Scopes: []registry.Scope{registry.ScopeGranular}}
	if got := verdicts(a, registry.Public, registry.Owner); got != "333" {
		t.Error(got)
	}
	if authz.CoversManagement(granted(everywhere(all()...)), false) {
		t.Error("it reaches the management API")
	}
}

func TestAFormatsPermissionsAreItsOwn(t *testing.T) {
	t.Parallel()
	a := granted(inProject(home, "read_npm_package", "upload_maven_package"), inGroup(top, "delete_package"))
	for format, want := range map[string]string{"npm": "+3+", "maven": "3++", "conan": "33+", "": "33+"} {
		if got := verdicts(authz.For(a, format), registry.Private, registry.Owner); got != want {
			t.Errorf("%s: %s, want %s", format, got, want)
		}
	}
	if a.Granular[0].Permissions[0] != "read_npm_package" {
		t.Error("the actor itself was changed, which others share")
	}
	classic := registry.Actor{Kind: registry.User, Scopes: []registry.Scope{registry.ScopeAPI}}
	if got := verdicts(authz.For(classic, "npm"), registry.Private, registry.Owner); got != "+++" {
		t.Errorf("a classic token: %s", got)
	}
}

func TestNamesAreThoseOfWhatGrantsTheVerb(t *testing.T) {
	t.Parallel()
	named := func(s registry.GranularScope, patterns ...string) registry.GranularScope {
		s.NamePatterns = patterns
		return s
	}
	p := projectOf(registry.Private, registry.PackagesEnabled)
	a := granted(named(inProject(home, "read_package", "upload_package"), "a*", "b*"), named(inGroup(top, "upload_package"), "c*"), inProject(home+1, "upload_package"))
	for verb, want := range map[registry.Verb]string{
		registry.VerbRead: "true [a* b*]", registry.VerbUpload: "true [a* b* c*]", registry.VerbDelete: "true []",
	} {
		if n := authz.Names(a, &p, registry.Owner, verb); fmt.Sprint(n.Limited(), n.Patterns()) != want {
			t.Errorf("%s: %t %v, want %s", verb, n.Limited(), n.Patterns(), want)
		}
	}
	// One scope without patterns lets everything through.
	a.Granular = append(a.Granular, inGroup(group, "upload_package"))
	if n := authz.Names(a, &p, registry.Owner, registry.VerbUpload); n.Limited() {
		t.Errorf("%v", n.Patterns())
	}
	if n := authz.Names(registry.Actor{Kind: registry.User, Scopes: []registry.Scope{registry.ScopeAPI}}, &p, registry.Guest, registry.VerbDelete); n.Limited() {
		t.Error("a classic token is limited")
	}
}

func TestAGranularTokenInAGroup(t *testing.T) {
	t.Parallel()
	standings := func(level registry.AccessLevel) []registry.Standing {
		own, other := projectOf(registry.Private, registry.PackagesEnabled), projectOf(registry.Private, registry.PackagesEnabled)
		other.ID = home + 1
		return []registry.Standing{{Project: own, Level: level}, {Project: other, Level: level}}
	}
	for _, c := range []struct {
		what       string
		actor      registry.Actor
		level      registry.AccessLevel
		visibility registry.Visibility
		want       string
	}{
		{"of the group", granted(inGroup(top, "read_package")), registry.Guest, registry.Private, "allowed [7 8]"},
		{"of one project", granted(inProject(home, "download_package")), registry.Guest, registry.Private, "allowed [7]"},
		{"of a project elsewhere", granted(inProject(99, "read_package")), registry.Owner, registry.Private, "hidden []"},
		{"of a project elsewhere, a public group", granted(inProject(99, "read_package")), registry.Owner, registry.Public, "forbidden []"},
		{"of the group, without a permission", granted(inGroup(top, "upload_package")), registry.Owner, registry.Private, "forbidden []"},
		// GitLab: bound to a group, held by somebody who is no member of it.
		{"of the group, a stranger's", granted(inGroup(top, "read_package")), registry.NoAccess, registry.Private, "hidden []"},
		{"of all memberships", granted(everywhere("read_package")), registry.Guest, registry.Private, "allowed [7 8]"},
		{"of all memberships, a stranger's", granted(everywhere("read_package")), registry.NoAccess, registry.Private, "hidden []"},
	} {
		verdict, r := authz.DecideGroup(c.actor, groupOf(c.visibility), c.level, standings(c.level))
		ids := []int64{}
		for _, p := range r.Projects {
			ids = append(ids, p.ID)
		}
		says := map[authz.Verdict]string{authz.Allowed: "allowed", authz.Forbidden: "forbidden", authz.Hidden: "hidden", authz.Unauthenticated: "unauthenticated"}
		if got := fmt.Sprint(says[verdict], " ", ids); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	empty := granted(inGroup(top, "read_package"))
	if verdict, _ := authz.DecideGroup(empty, groupOf(registry.Private), registry.Guest, nil); verdict != authz.Allowed {
		t.Errorf("a group without projects: %d", verdict)
	}
}
