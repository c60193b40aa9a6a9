package e2e_test

import (
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
		{"mvn38", "mvn"},
		{"mvn39", "mvn"},
		{"mvn4", "mvn"},
		{"gradle", "gradle"},
		{"sbt", "sbt"},
		{"ivy", "ivy"},
	}
}

// testClients runs every script with every client that it is for. Each has
// projects, a home and a local repository of its own. Scripts find these in their environment:
//
//	CLIENT        the client's name
//	HOST          the registry
//	PROJECT       the Maven repository of a private project; PROJECT_ID, FULL_PATH
//	PROJECT2      that of a second project of the same group
//	PUBLIC        that of a public project
//	GROUP         that of the group of PROJECT and PROJECT2
//	INSTANCE      that of the whole registry
//	TOKEN         of a maintainer; DEVELOPER and REPORTER of others, STRANGER of no member
//	USERNAME      the maintainer's
//	WARM          what builds need of Maven Central, as a local repository
//	SBT           sbt's folder, with what it needs of Maven Central
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
				Cmds:                commands(t, reg),
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
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "clients"))
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{filepath.Join("m2", ".warm"), filepath.Join("sbt", ".warm")}
	for _, c := range clients() {
		needed = append(needed, filepath.Join("bin", c.name))
	}
	for _, name := range needed {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("a client is missing; run make clients: %v", err)
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
	if err := os.Symlink(filepath.Join(programs, "bin", c.name), filepath.Join(bin, c.command)); err != nil {
		return err
	}
	project, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	second := reg.NewProjectIn(t, project.Group, "second", "private")
	maintainer := reg.NewUser(t, "maintainer", project.Path)
	for _, p := range []registrytest.Project{second, public} {
		reg.CLI(t, "member", "add", "--user", maintainer.Username, "--project", p.Path, "--role", "maintainer")
	}
	// As little of a virtual machine as these short runs need. Java takes the home from
	// the accounts of the machine, not from HOME.
	java := "-Duser.home=" + home + " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
	vars := map[string]string{
		"PATH":        strings.Join([]string{bin, filepath.Join(programs, "bin"), os.Getenv("PATH")}, string(os.PathListSeparator)),
		"HOME":        home,
		"CLIENT":      c.name,
		"MAVEN_OPTS":  java,
		"GRADLE_OPTS": java,
		"SBT_OPTS":    java + " -Dsbt.repository.config=" + filepath.Join(home, "repositories"),
		"IVY_OPTS":    java,
		"HOST":        reg.URL,
		"PROJECT":     projectURL(reg, project),
		"PROJECT_ID":  fmt.Sprint(project.ID),
		"FULL_PATH":   project.Path,
		"PROJECT2":    projectURL(reg, second),
		"PUBLIC":      projectURL(reg, public),
		"GROUP":       fmt.Sprintf("%s/api/v4/groups/%d/-/packages/maven", reg.URL, project.Group.ID),
		"INSTANCE":    reg.URL + "/api/v4/packages/maven",
		"TOKEN":       maintainer.Token,
		"DEVELOPER":   reg.NewUser(t, "developer", project.Path).Token,
		"REPORTER":    reg.NewUser(t, "reporter", project.Path).Token,
		"STRANGER":    reg.NewUser(t, "", "").Token,
		"USERNAME":    maintainer.Username,
		"WARM":        filepath.Join(programs, "m2"),
		"SBT":         filepath.Join(programs, "sbt"),
	}
	for name, value := range vars {
		env.Setenv(name, value)
	}
	return warm(filepath.Join(programs, "m2"), filepath.Join(home, ".m2", "repository"))
}

// projectURL is the URL of a project's Maven repository, without a slash at its end.
func projectURL(reg *registrytest.Registry, p registrytest.Project) string {
	return fmt.Sprintf("%s/api/v4/projects/%d/packages/maven", reg.URL, p.ID)
}
