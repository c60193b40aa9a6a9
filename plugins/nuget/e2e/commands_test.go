package e2e_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// commands are what scripts can do beside running programs.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"config":  config,
		"forget":  forget,
		"get":     get,
		"project": project,
		"stdall":  stdall,
	}
}

// config writes nuget.config, with one source named acme: "config url" or "config url user token".
func config(ts *testscript.TestScript, neg bool, args []string) {
	values := map[string]string{"CREDENTIALS": ""}
	switch {
	case !neg && len(args) == 1:
	case !neg && len(args) == 3:
		values["CREDENTIALS"] = fmt.Sprintf("<acme><add key=%q value=%q /><add key=%q value=%q /></acme>",
			"Username", args[1], "ClearTextPassword", args[2])
	default:
		ts.Fatalf("usage: config url [user token]")
	}
	values["SOURCE"] = args[0]
	ts.Check(copyFiles("nuget.config", filepath.Join(ts.Getenv("WORK"), "nuget.config"), values))
}

// forget empties what the clients have fetched from any source: "forget".
func forget(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: forget")
	}
	home := ts.Getenv("HOME")
	for _, dir := range []string{filepath.Join(".nuget", "packages"), filepath.Join(".local", "share", "NuGet")} {
		ts.Check(os.RemoveAll(filepath.Join(home, dir)))
	}
}

// get reads a URL and prints the answer's body: "get status token url"; token is - for nobody's.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get status token url")
	}
	req, err := http.NewRequest(http.MethodGet, args[2], nil) //nolint:noctx // a script has no context
	ts.Check(err)
	if args[1] != "-" {
		req.SetBasicAuth(registrytest.DeployUsername, args[1])
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if want, err := strconv.Atoi(args[0]); err != nil || resp.StatusCode != want {
		ts.Fatalf("get %s: %s, not %s: %s", args[2], resp.Status, args[0], body)
	}
}

// project copies a project from testdata/projects: "project name folder
// [NAME=value...]". It replaces @NAME@ by these values.
func project(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: project name folder [NAME=value...]")
	}
	values := map[string]string{}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		values[name] = value
	}
	ts.Check(copyFiles(args[0], ts.MkAbs(args[1]), values))
}

// copyFiles copies a file or folder from testdata/projects, and puts values in.
func copyFiles(name, target string, values map[string]string) error {
	placeholder := regexp.MustCompile(`@[A-Z0-9_]+@`)
	source := filepath.Join("testdata", "projects", name)
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(target, strings.TrimPrefix(path, source))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o750)
		}
		text, err := os.ReadFile(path) //nolint:gosec // a test's file
		if err != nil {
			return err
		}
		var unknown error
		text = placeholder.ReplaceAllFunc(text, func(found []byte) []byte {
			name := strings.Trim(string(found), "@")
			value, ok := values[name]
			if !ok {
				unknown = fmt.Errorf("%s wants %s", path, name)
			}
			return []byte(value)
		})
		if unknown != nil {
			return unknown
		}
		return os.WriteFile(to, text, 0o600)
	})
}

// stdall asks for a pattern in what the last program said, wherever it said it: "stdall pattern".
func stdall(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: stdall pattern")
	}
	said := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if regexp.MustCompile("(?m)"+args[0]).MatchString(said) == neg {
		ts.Fatalf("what the program said does not fit %q", args[0])
	}
}
