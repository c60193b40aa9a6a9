package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// clients are the programs in .cache/clients/bin; the scripts in testdata/<name> are for each.
func clients() []string { return []string{"dotnet", "nuget"} }

// testClients runs every script. Each has projects, a home and caches of its
// own. Scripts find these in their environment:
//
//	HOST          the registry
//	PROJECT       the NuGet registry of a private project; its source is $PROJECT/index.json
//	PROJECT2      that of a second project of the same group
//	PUBLIC        that of a public project
//	GROUP         that of the group of PROJECT and PROJECT2
//	TOKEN         of a maintainer; DEVELOPER and REPORTER of others, STRANGER of no member
//	USERNAME      the maintainer's
//	PACKAGES      Acme.Greeting 1.0.0, 1.1.0 and 2.0.0-beta.1, and Acme.Polite 1.0.0, which needs it
func testClients(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	programs := clientPrograms(t)
	packages := makePackages(t, programs)
	for _, name := range clients() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", name),
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup:               func(env *testscript.Env) error { return setup(t, reg, programs, packages, env) },
				Cmds:                commands(),
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
	for _, name := range clients() {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("a client is missing; run make clients: %v", err)
		}
	}
	return dir
}

// makePackages packs what more than one script needs.
func makePackages(t *testing.T, programs string) string {
	t.Helper()
	work := t.TempDir()
	out := filepath.Join(work, "packages")
	vars := map[string]string{"PUNCTUATION": "!", "NEEDS": "1.0.0"}
	if err := copyFiles("nuget.config", filepath.Join(work, "nuget.config"), map[string]string{"SOURCE": out, "CREDENTIALS": ""}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(out, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, p := range []struct{ project, version string }{
		{"greeting", "1.0.0"}, {"greeting", "1.1.0"}, {"greeting", "2.0.0-beta.1"}, {"polite", "1.0.0"},
	} {
		folder := filepath.Join(work, p.project+p.version)
		vars["WORDS"] = "hello of " + p.version
		if err := copyFiles(p.project, folder, vars); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "dotnet"), "pack", folder, //nolint:gosec // a test's client
			"--output", out, "--verbosity", "quiet", "-p:Version="+p.version)
		cmd.Env = append(os.Environ(), "HOME="+filepath.Join(work, "home"), "TMPDIR="+work)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("dotnet pack %s: %v\n%s", folder, err, said)
		}
	}
	return out
}

// setup makes a script's projects and users, and puts the clients on its path.
func setup(t *testing.T, reg *registrytest.Registry, programs, packages string, env *testscript.Env) error {
	t.Helper()
	bin := filepath.Join(env.WorkDir, ".bin")
	home := filepath.Join(env.WorkDir, ".home")
	for _, dir := range []string{bin, home} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	for _, name := range clients() {
		if err := os.Symlink(filepath.Join(programs, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	project, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	second := reg.NewProjectIn(t, project.Group, "second", "private")
	maintainer := reg.NewUser(t, "maintainer", project.Path)
	for _, p := range []registrytest.Project{second, public} {
		reg.CLI(t, "member", "add", "--user", maintainer.Username, "--project", p.Path, "--role", "maintainer")
	}
	vars := map[string]string{
		"PATH":      bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME":      home,
		"HOST":      reg.URL,
		"PROJECT":   projectURL(reg, project),
		"PROJECT2":  projectURL(reg, second),
		"PUBLIC":    projectURL(reg, public),
		"GROUP":     fmt.Sprintf("%s/api/v4/groups/%d/-/packages/nuget", reg.URL, project.Group.ID),
		"TOKEN":     maintainer.Token,
		"DEVELOPER": reg.NewUser(t, "developer", project.Path).Token,
		"REPORTER":  reg.NewUser(t, "reporter", project.Path).Token,
		"STRANGER":  reg.NewUser(t, "", "").Token,
		"USERNAME":  maintainer.Username,
		"PACKAGES":  packages,
	}
	for name, value := range vars {
		env.Setenv(name, value)
	}
	return nil
}

// projectURL is the URL of a project's NuGet registry, without a slash at its end.
func projectURL(reg *registrytest.Registry, p registrytest.Project) string {
	return fmt.Sprintf("%s/api/v4/projects/%d/packages/nuget", reg.URL, p.ID)
}
