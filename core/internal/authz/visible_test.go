package authz_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Whoever is not anonymous is told 404 of exactly what is not visible; to the
// anonymous a project shows itself if it does to a deploy token from elsewhere.
func TestVisibleIsWhatDecideGoesBy(t *testing.T) {
	t.Parallel()
	elsewhere := registry.Actor{Kind: registry.DeployToken, ProjectID: home + 1}
	for _, visibility := range []registry.Visibility{registry.Private, registry.Internal, registry.Public} {
		for _, access := range []registry.PackageAccess{registry.PackagesDisabled, registry.PackagesPrivate, registry.PackagesEnabled, registry.PackagesPublic} {
			project := &registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group}, Visibility: visibility, PackageAccess: access}
			for _, c := range callers() {
				as, level := c.actor, c.level
				if as.Kind == registry.Anonymous {
					as = elsewhere
				}
				hidden := authz.Decide(as, project, level, spec.ActionReadPackage) == authz.Hidden
				if authz.Visible(c.actor, project, c.level) == hidden {
					t.Errorf("%s, %s/%s: hidden is %v", c.name, visibility, access, hidden)
				}
			}
		}
	}
	if authz.Visible(registry.Actor{Kind: registry.User, Admin: true}, nil, registry.Owner) {
		t.Error("a project that is not there is visible")
	}
}

func TestScopesOfPeople(t *testing.T) {
	t.Parallel()
	person := func(scopes ...registry.Scope) registry.Actor {
		return registry.Actor{Kind: registry.User, Admin: true, Scopes: scopes}
	}
	for _, c := range []struct {
		actor         registry.Actor
		read, destroy bool
	}{
		{person(registry.ScopeAPI), true, true},
		{person(registry.ScopeReadAPI), true, false},
		{person(), false, false},
		{registry.Actor{Kind: registry.Anonymous}, true, true}, // has no token that could be too narrow
	} {
		if authz.Covers(c.actor, spec.ActionReadPackage) != c.read || authz.Covers(c.actor, spec.ActionDestroyPackage) != c.destroy {
			t.Errorf("%+v", c.actor)
		}
	}
}
