package authz_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// One letter for each of nothing, maintainer, owner and admin, which a rule that
// fits demands: + passes, - is kept out.
func TestProtected(t *testing.T) {
	t.Parallel()
	demands := []registry.AccessLevel{registry.NoAccess, registry.Maintainer, registry.Owner, registry.AdminLevel}
	user := registry.Actor{Kind: registry.User, UserID: 1}
	for _, c := range []struct {
		name  string
		actor registry.Actor
		level registry.AccessLevel
		want  string
	}{
		{"stranger", user, registry.NoAccess, "+---"},
		{"guest", user, registry.Guest, "+---"},
		{"reporter", user, registry.Reporter, "+---"},
		{"developer", user, registry.Developer, "+---"},
		{"maintainer", user, registry.Maintainer, "++--"},
		{"owner", user, registry.Owner, "+++-"},
		{"administrator", registry.Actor{Kind: registry.User, Admin: true}, registry.NoAccess, "++++"},
		{"deploy token of the project", registry.Actor{Kind: registry.DeployToken, ProjectID: home, Scopes: []registry.Scope{registry.ScopeWritePackageRegistry}}, registry.NoAccess, "----"},
		{"deploy token of a group", registry.Actor{Kind: registry.DeployToken, GroupID: group}, registry.Owner, "----"},
		{"the registry itself", registry.Actor{Kind: registry.System}, registry.NoAccess, "++++"},
		{"anonymous", registry.Actor{Kind: registry.Anonymous}, registry.NoAccess, "----"},
		{"nobody", registry.Actor{}, registry.Owner, "----"},
		// Only people are administrators.
		{"a token that says it is one", registry.Actor{Kind: registry.DeployToken, Admin: true}, registry.NoAccess, "----"},
	} {
		for i, least := range demands {
			if got := !authz.Protected(c.actor, c.level, least); got != (c.want[i] == '+') {
				t.Errorf("%s, %d: passes is %t", c.name, least, got)
			}
		}
	}
}
