package registrytest

import "testing"

// TokenOf makes somebody who is something to a project, and returns what they
// show: "anonymous" (nothing), "nonsense" (no token of anybody's), "stranger",
// "administrator", "read-only token" (a maintainer's, of scope read_api), "deploy
// token that reads", "deploy token that writes", or a role.
func (r *Registry) TokenOf(tb testing.TB, p Project, who string) string {
	tb.Helper()
	switch who {
	case "anonymous":
		return ""
	case "nonsense":
		return "glpat-nonsense"
	case "stranger":
		return r.NewUser(tb, "", "").Token
	case "administrator":
		return r.Token
	case "read-only token":
		return r.NewToken(tb, r.NewUser(tb, "maintainer", p.Path).Username, "read_api")
	case "deploy token that reads":
		return r.NewDeployToken(tb, p.Path, "read_package_registry")
	case "deploy token that writes":
		return r.NewDeployToken(tb, p.Path, "read_package_registry", "write_package_registry")
	}
	return r.NewUser(tb, who, p.Path).Token
}
