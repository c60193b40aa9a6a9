package authz_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestManage(t *testing.T) {
	t.Parallel()
	var (
		nobody = registry.Actor{Kind: registry.Anonymous}
		person = registry.Actor{Kind: registry.User}
		admin  = registry.Actor{Kind: registry.User, Admin: true}
		deploy = registry.Actor{Kind: registry.DeployToken}
		look   = authz.Management{}
		list   = authz.Management{Least: registry.Guest}
		change = authz.Management{Least: registry.Maintainer, Writes: true}
		settle = authz.Management{Admin: true, Writes: true}
		mine   = authz.Management{SignedIn: true}
	)
	for _, c := range []struct {
		what  string
		actor registry.Actor
		seen  bool
		level registry.AccessLevel
		takes authz.Management
		want  authz.Verdict
	}{
		{"nobody looks at what is public", nobody, true, 0, look, authz.Allowed},
		{"nobody looks at what is not", nobody, false, 0, look, authz.Unauthenticated},
		{"nobody changes", nobody, true, 0, change, authz.Unauthenticated},
		{"nobody lists what members list", nobody, true, 0, list, authz.Unauthenticated},
		{"nobody has anything", nobody, true, 0, mine, authz.Unauthenticated},
		{"a deploy token is nobody", deploy, true, 0, change, authz.Unauthenticated},
		{"a stranger sees nothing", person, false, 0, look, authz.Hidden},
		{"a stranger changes nothing", person, true, 0, change, authz.Forbidden},
		{"a developer changes nothing", person, true, registry.Developer, change, authz.Forbidden},
		{"a maintainer changes", person, true, registry.Maintainer, change, authz.Allowed},
		{"an owner does too", person, true, registry.Owner, change, authz.Allowed},
		{"a guest lists", person, true, registry.Guest, list, authz.Allowed},
		{"an owner is no administrator", person, true, registry.Owner, settle, authz.Forbidden},
		{"an administrator is", admin, true, 0, settle, authz.Allowed},
		{"an administrator sees what there is", admin, true, 0, change, authz.Allowed},
		{"and not what there is not", admin, false, 0, change, authz.Hidden},
		{"anybody who is somebody has their own", person, true, 0, mine, authz.Allowed},
	} {
		if got := authz.Manage(c.actor, c.seen, c.level, c.takes); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

func TestWhatTokensCoverOfManagement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope         registry.Scope
		reads, writes bool
	}{{registry.ScopeAPI, true, true}, {registry.ScopeReadAPI, true, false}, {registry.ScopeReadPackageRegistry, false, false}} {
		a := registry.Actor{Kind: registry.User, Scopes: []registry.Scope{c.scope}}
		if reads, writes := authz.CoversManagement(a, false), authz.CoversManagement(a, true); reads != c.reads || writes != c.writes {
			t.Errorf("%s: reads %t, writes %t", c.scope, reads, writes)
		}
	}
}
