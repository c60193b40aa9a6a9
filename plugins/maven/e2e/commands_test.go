package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
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
		"capture":  capture,
		"get":      get,
		"gnupg":    gnupg,
		"pakhus":   func(ts *testscript.TestScript, neg bool, args []string) { pakhus(t, reg, ts, neg, args) },
		"project":  project,
		"put":      put,
		"settings": settings,
		"stdall":   stdall,
		"warm":     emptyRepository,
	}
}

// capture keeps what a pattern's group found in what the last program or
// command wrote: "capture NAME pattern".
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME pattern")
	}
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("nothing fits %q", args[1])
	}
	ts.Setenv(args[0], found[1])
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

// get reads a URL and prints the answer's body: "get status token url"; token is - for nobody's.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get status token url")
	}
	send(ts, http.MethodGet, args[0], args[1], args[2], nil)
}

// put sends a file: "put status token file url".
func put(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: put status token file url")
	}
	send(ts, http.MethodPut, args[0], args[1], args[3], []byte(ts.ReadFile(args[2])))
}

func send(ts *testscript.TestScript, method, status, token, url string, content []byte) {
	req, err := http.NewRequest(method, url, bytes.NewReader(content)) //nolint:noctx // a script has no context
	ts.Check(err)
	if token != "-" {
		req.Header.Set("Private-Token", token)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if want, err := strconv.Atoi(status); err != nil || resp.StatusCode != want {
		ts.Fatalf("%s %s: %s, not %s: %s", method, url, resp.Status, status, body)
	}
}

// pakhus runs a command on the registry, as its operator: "pakhus argument...".
func pakhus(t *testing.T, reg *registrytest.Registry, ts *testscript.TestScript, neg bool, args []string) {
	t.Helper()
	if neg {
		ts.Fatalf("usage: pakhus argument...")
	}
	_, err := ts.Stdout().Write(reg.CLI(t, args...))
	ts.Check(err)
}

// project copies a project, or another file, from testdata/projects:
// "project name folder [NAME=value...]". It replaces @NAME@ by these values, or
// those of the environment.
func project(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: project name folder [NAME=value...]")
	}
	copyProject(ts, args[0], args[1], args[2:])
}

func copyProject(ts *testscript.TestScript, name, folder string, values []string) {
	given := map[string]string{}
	for _, arg := range values {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	placeholder := regexp.MustCompile(`@[A-Z0-9_]+@`)
	source, target := filepath.Join("testdata", "projects", name), ts.MkAbs(folder)
	ts.Check(filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
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
		text = placeholder.ReplaceAllFunc(text, func(found []byte) []byte {
			name := strings.Trim(string(found), "@")
			value, ok := given[name]
			if !ok {
				value = ts.Getenv(name)
			}
			return []byte(value)
		})
		return os.WriteFile(to, text, 0o600)
	}))
}

// settings writes Maven's settings, to resolve from a repository and to deploy:
// "settings url basic user token", "settings url header name token" or "settings url anonymous".
func settings(ts *testscript.TestScript, neg bool, args []string) {
	var credentials string
	switch {
	case neg:
	case len(args) == 2 && args[1] == "anonymous":
		credentials = "<!-- none -->"
	case len(args) == 4 && args[1] == "basic":
		credentials = fmt.Sprintf("<username>%s</username><password>%s</password>", args[2], args[3])
	case len(args) == 4 && args[1] == "header":
		credentials = fmt.Sprintf("<configuration><httpHeaders><property><name>%s</name><value>%s</value></property></httpHeaders></configuration>", args[2], args[3])
	}
	if credentials == "" {
		ts.Fatalf("usage: settings url basic user token|header name token|anonymous")
	}
	copyProject(ts, "settings.xml", filepath.Join(ts.Getenv("HOME"), ".m2", "settings.xml"), []string{"FROM=" + args[0], "CREDENTIALS=" + credentials})
}

// emptyRepository forgets all that Maven has fetched from the registry: "warm".
func emptyRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: warm")
	}
	repository := filepath.Join(ts.Getenv("HOME"), ".m2", "repository")
	ts.Check(os.RemoveAll(repository))
	ts.Check(warm(ts.Getenv("WARM"), repository))
}

// warm makes a local repository that holds what builds need of Maven Central.
// Maven replaces files and never writes into them, so links will do.
func warm(source, target string) error {
	return filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(target, strings.TrimPrefix(path, source))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o750)
		}
		if os.Link(path, to) == nil {
			return nil
		}
		data, err := os.ReadFile(path) //nolint:gosec // another file system than the cache's
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	})
}

// gnupg makes GNUPGHOME, a folder for keys, in a place with a short path: its
// agent's socket must fit. "gnupg".
func gnupg(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: gnupg")
	}
	dir, err := os.MkdirTemp("", "gnupg")
	ts.Check(err)
	ts.Setenv("GNUPGHOME", dir)
	ts.Defer(func() {
		_ = ts.Exec("gpgconf", "--kill", "all")
		_ = os.RemoveAll(dir)
	})
}
