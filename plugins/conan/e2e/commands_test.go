package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// commands are what scripts can do beside running programs.
func commands(t *testing.T, reg *registrytest.Registry) map[string]func(*testscript.TestScript, bool, []string) {
	t.Helper()
	return map[string]func(*testscript.TestScript, bool, []string){
		"cache":  cache,
		"graph":  graph,
		"recipe": recipeFolder,
		"revoke": func(_ *testscript.TestScript, _ bool, args []string) {
			reg.CLI(t, append([]string{"token", "revoke"}, args...)...)
		},
		"stdall": stdall,
		"token":  func(ts *testscript.TestScript, neg bool, args []string) { token(t, ts, reg, neg, args) },
		"value":  value,
	}
}

// cache changes to a cache of that name: "cache name". With remotes it makes it:
// "cache name remote=url...". It has these, in this order, and no other.
func cache(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: cache name [remote=url...]")
	}
	home := filepath.Join(ts.Getenv("WORK"), "."+args[0])
	ts.Setenv("CONAN_HOME", home)      // of Conan 2
	ts.Setenv("CONAN_USER_HOME", home) // of Conan 1, which has a folder in it
	if len(args) == 1 {
		return
	}
	ts.Check(writeCache(home, args[1:]...))
}

// writeCache makes a cache of both majors of Conan, with remotes "name=url" and
// two profiles.
func writeCache(home string, remotes ...string) error {
	type remote struct {
		Name      string `json:"name"`
		URL       string `json:"url"`
		VerifySSL bool   `json:"verify_ssl"`
	}
	list := struct {
		Remotes []remote `json:"remotes"`
	}{[]remote{}}
	for _, r := range remotes {
		name, url, _ := strings.Cut(r, "=")
		list.Remotes = append(list.Remotes, remote{name, url, true})
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	const profile = "[settings]\nos=Linux\narch=x86_64\nbuild_type=Release\n"
	files := map[string]string{"global.conf": "core:non_interactive=True\ncore.upload:retry_wait=0\ncore.download:retry_wait=0\n"}
	for _, dir := range []string{"", ".conan"} {
		files[filepath.Join(dir, "remotes.json")] = string(data)
		files[filepath.Join(dir, "profiles", "default")] = profile
		files[filepath.Join(dir, "profiles", "debug")] = strings.ReplaceAll(profile, "Release", "Debug")
	}
	for name, content := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// recipeFolder writes a recipe that needs no compiler: "recipe folder name/version
// [requirement...]". Its package is one header, which says what it was built for.
func recipeFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: recipe folder name/version [requirement...]")
	}
	name, version, _ := strings.Cut(args[1], "/")
	var requires strings.Builder
	for _, r := range args[2:] {
		fmt.Fprintf(&requires, "        self.requires(%q)\n", r)
	}
	text := fmt.Sprintf(`import os
from conan import ConanFile


class Recipe(ConanFile):
    name = %q
    version = %q
    license = "MIT"
    settings = "os", "arch", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}
    exports = "LICENSE"
    exports_sources = "include/*"

    def requirements(self):
        pass
%s
    def package(self):
        folder = os.path.join(self.package_folder, "include")
        os.makedirs(folder)
        with open(os.path.join(folder, self.name + ".h"), "w") as header:
            header.write("// %%s %%s\n" %% (self.settings.build_type, self.options.shared))
`, name, version, requires.String())
	dir := ts.MkAbs(args[0])
	for file, content := range map[string]string{"conanfile.py": text, "LICENSE": "MIT\n", "include/extra.h": "// extra of " + args[1] + "\n"} {
		path := filepath.Join(dir, file)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o750))
		ts.Check(os.WriteFile(path, []byte(content), 0o600))
	}
}

// graph exports recipes node00, node01 and so on, each of which needs the two
// before it: "graph count".
func graph(ts *testscript.TestScript, neg bool, args []string) {
	count, err := strconv.Atoi(args[0])
	if neg || len(args) != 1 || err != nil {
		ts.Fatalf("usage: graph count")
	}
	for i := range count {
		recipe := []string{fmt.Sprintf("node%02d", i), fmt.Sprintf("node%02d/1.0", i)}
		for before := max(0, i-2); before < i; before++ {
			recipe = append(recipe, fmt.Sprintf("node%02d/1.0", before))
		}
		recipeFolder(ts, false, recipe)
		ts.Check(ts.Exec("conan", "export", recipe[0]))
	}
}

// token makes a personal token of the maintainer, and puts it and its number into
// the environment: "token NAME" sets NAME and NAME_ID.
func token(t *testing.T, ts *testscript.TestScript, reg *registrytest.Registry, neg bool, args []string) {
	t.Helper()
	if neg || len(args) != 1 {
		ts.Fatalf("usage: token NAME")
	}
	var made struct {
		ID    int64
		Token string
	}
	ts.Check(json.Unmarshal(reg.CLI(t, "token", "create", "--user", ts.Getenv("USER"), "--scopes", "api", "--json"), &made))
	ts.Setenv(args[0], made.Token)
	ts.Setenv(args[0]+"_ID", strconv.FormatInt(made.ID, 10))
}

// stdall matches a pattern against all that the last command printed, wherever:
// majors of Conan differ in what goes where.
func stdall(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] stdall pattern")
	}
	said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if regexp.MustCompile(`(?m)`+args[0]).MatchString(said) == neg {
		ts.Fatalf("what the program said does not fit %q", args[0])
	}
}

// value puts what a pattern's group finds in what the last command printed into
// the environment: "value NAME pattern".
func value(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: value NAME pattern")
	}
	found := regexp.MustCompile(`(?m)` + args[1]).FindStringSubmatch(ts.ReadFile("stdout") + ts.ReadFile("stderr"))
	if len(found) != 2 {
		ts.Fatalf("no match of %q", args[1])
	}
	ts.Setenv(args[0], found[1])
}
