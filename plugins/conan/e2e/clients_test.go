package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// scripts are the folders of testdata, and by which client and with which
// environment the scripts in each are run. "conan" is that client there.
func scripts() map[string][]string {
	return map[string][]string{
		"conan1":    {"conan1", "CONAN_REVISIONS_ENABLED=0"},
		"conan1rev": {"conan1", "CONAN_REVISIONS_ENABLED=1"},
		"conan2":    {"conan2"},
		"conan29":   {"conan29"},
	}
}

// testClients runs every script. Each has projects and caches of its own. Scripts
// find these in their environment:
//
//	PROJECT       the Conan remote of a private project; PROJECT2 of a second one of its group
//	PUBLIC        that of a public project
//	GROUP         that of the group of PROJECT and PROJECT2
//	INSTANCE      that of the whole registry; OWNER is what recipes of PROJECT have for their user there
//	USER, TOKEN   of a maintainer; DEVELOPER_USER, DEVELOPER and so on of others, STRANGER of no member
//	DEPLOY        a deploy token of PROJECT that writes, DEPLOY_USER its user name
func testClients(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	programs := clientPrograms(t)
	for folder, how := range scripts() {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", folder),
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup:               func(env *testscript.Env) error { return setup(t, reg, programs, how, env) },
				Cmds:                commands(t, reg),
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
	for _, how := range scripts() {
		if _, err := os.Stat(filepath.Join(dir, how[0])); err != nil {
			t.Fatalf("a client is missing; run make clients: %v", err)
		}
	}
	return dir
}

// setup makes a script's projects and users, and puts its client on its path.
func setup(t *testing.T, reg *registrytest.Registry, programs string, how []string, env *testscript.Env) error {
	t.Helper()
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return err
	}
	for name, program := range map[string]string{"conan": how[0], "conan1": "conan1", "conan2": "conan2"} {
		if err := os.Symlink(filepath.Join(programs, program), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	project, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	second := reg.NewProjectIn(t, project.Group, "second", "private")
	people := map[string]registrytest.User{}
	for _, role := range []string{"maintainer", "developer", "reporter", ""} {
		people[role] = reg.NewUser(t, role, project.Path)
	}
	for _, p := range []registrytest.Project{second, public} {
		reg.CLI(t, "member", "add", "--user", people["maintainer"].Username, "--project", p.Path, "--role", "maintainer")
	}
	vars := map[string]string{
		"PATH":                  bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME":                  filepath.Join(env.WorkDir, ".home"),
		"PROJECT":               inProject(reg, project, "").base,
		"PROJECT2":              inProject(reg, second, "").base,
		"PUBLIC":                inProject(reg, public, "").base,
		"GROUP":                 inGroup(reg, project.Group, "").base,
		"INSTANCE":              inInstance(reg, "").base,
		"OWNER":                 strings.ReplaceAll(project.Path, "/", "+"),
		"USER":                  people["maintainer"].Username,
		"TOKEN":                 people["maintainer"].Token,
		"CONAN_NON_INTERACTIVE": "1",
		"CONAN_RETRY_WAIT":      "0",
	}
	var deploy struct{ Token, Username string }
	if err := json.Unmarshal(reg.CLI(t, "token", "create", "--project", project.Path, "--scopes", "read_package_registry,write_package_registry", "--json"), &deploy); err != nil {
		return err
	}
	vars["DEPLOY"], vars["DEPLOY_USER"] = deploy.Token, deploy.Username
	for role, name := range map[string]string{"developer": "DEVELOPER", "reporter": "REPORTER", "": "STRANGER"} {
		vars[name], vars[name+"_USER"] = people[role].Token, people[role].Username
	}
	for _, pair := range how[1:] {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	for name, value := range vars {
		env.Setenv(name, value)
	}
	return nil
}
