package e2e_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// client is a package client and how scripts call it: those in
// testdata/<command> run with each client of that command.
type client struct {
	name    string // of its program in .cache/clients/bin; scripts may ask [name]
	command string
}

func clients() []client {
	return []client{
		{"npm", "npm"},
		{"npm12", "npm"},
		{"pnpm10", "pnpm"},
		{"pnpm11", "pnpm"},
		{"pnpm12", "pnpm"},
		{"yarn1", "yarn1"},
		{"yarn4", "yarn4"},
	}
}

// testClients runs every script with every client that it is for. Each has a
// private project, a home and a cache of its own. Scripts find these in their environment:
//
//	REGISTRY    the project's npm registry, without a slash at its end
//	HOSTPATH    the same as .npmrc keys want it: //host/path/
//	PARENTPATH  the folder above HOSTPATH, which is where npm looks up a REGISTRY without a slash
//	TOKEN       of a maintainer; DEVELOPER and REPORTER of others, STRANGER of no member
//	USERNAME    the maintainer's, with PASSWORD
//	GROUP, INSTANCE  the registries of the project's group and of everything; GROUP_HOSTPATH, INSTANCE_HOSTPATH
//	SCOPE       the npm scope that tells the instance where the project is: its root group's path
//	PUBLIC      the registry of a public project, where TOKEN is a maintainer's too; PUBLIC_HOSTPATH
func testClients(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	programs := clientPrograms(t)
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", c.command),
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup:               func(env *testscript.Env) error { return setup(t, reg, programs, c, env) },
				Cmds:                commands(),
				Condition: func(cond string) (bool, error) {
					for _, other := range clients() {
						if other.name == cond {
							return c.name == cond, nil
						}
					}
					return false, fmt.Errorf("there is no client %q", cond)
				},
			})
		})
	}
}

// clientPrograms returns the folder that scripts/clients.sh has filled.
func clientPrograms(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "clients", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range clients() {
		if _, err := os.Stat(filepath.Join(dir, c.name)); err != nil {
			t.Fatalf("the client %s is missing; run make clients: %v", c.name, err)
		}
	}
	return dir
}

// setup makes a script's projects and users, and puts the client on its path.
func setup(t *testing.T, reg *registrytest.Registry, programs string, c client, env *testscript.Env) error {
	t.Helper()
	bin := filepath.Join(env.WorkDir, ".bin")
	home := filepath.Join(env.WorkDir, ".home")
	for _, dir := range []string{bin, home} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	// pnpm leaves some of its commands to npm.
	for command, program := range map[string]string{"npm": "npm", c.command: c.name} {
		if err := os.Symlink(filepath.Join(programs, program), filepath.Join(bin, command)); err != nil {
			return err
		}
	}
	maintainer := newMaintainer(t, reg)
	private, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	for _, p := range []registrytest.Project{private, public} {
		reg.CLI(t, "member", "add", "--user", maintainer.Username, "--project", p.Path, "--role", "maintainer")
	}
	vars := map[string]string{
		"PATH":              bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME":              home,
		"CI":                "true", // no client asks questions, or looks for a newer self
		"REGISTRY":          npmURL(reg, private),
		"HOSTPATH":          strings.TrimPrefix(npmURL(reg, private), "http:") + "/",
		"PARENTPATH":        strings.TrimPrefix(strings.TrimSuffix(npmURL(reg, private), "npm"), "http:"),
		"GROUP":             groupURL(reg, private.Group),
		"GROUP_HOSTPATH":    strings.TrimPrefix(groupURL(reg, private.Group), "http:") + "/",
		"INSTANCE":          reg.URL + "/api/v4/packages/npm",
		"INSTANCE_HOSTPATH": strings.TrimPrefix(reg.URL, "http:") + "/api/v4/packages/npm/",
		"SCOPE":             private.Group.Path,
		"PUBLIC":            npmURL(reg, public),
		"PUBLIC_HOSTPATH":   strings.TrimPrefix(npmURL(reg, public), "http:") + "/",
		"TOKEN":             maintainer.Token,
		"DEVELOPER":         reg.NewUser(t, "developer", private.Path).Token,
		"REPORTER":          reg.NewUser(t, "reporter", private.Path).Token,
		"STRANGER":          reg.NewUser(t, "", "").Token,
		"USERNAME":          maintainer.Username,
		"PASSWORD":          maintainerPassword,
	}
	for name, value := range vars {
		env.Setenv(name, value)
	}
	return nil
}

const maintainerPassword = "correct-horse-battery-9"

// newMaintainer makes a user who can sign in with a password.
func newMaintainer(t *testing.T, reg *registrytest.Registry) registrytest.User {
	t.Helper()
	u := registrytest.User{Username: "person-" + strings.ToLower(rand.Text()[:12])}
	reg.CLI(t, "user", "create", u.Username, "--password", maintainerPassword)
	u.Token = reg.NewToken(t, u.Username, "api")
	return u
}

// groupURL is the URL of a group's npm registry, without a slash at its end.
func groupURL(reg *registrytest.Registry, g registrytest.Group) string {
	return fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm", reg.URL, g.ID)
}

// npmURL is the URL of a project's npm registry, without a slash at its end.
func npmURL(reg *registrytest.Registry, p registrytest.Project) string {
	return fmt.Sprintf("%s/api/v4/projects/%d/packages/npm", reg.URL, p.ID)
}
