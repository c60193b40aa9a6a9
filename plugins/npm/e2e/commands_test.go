package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts can do beside running programs.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"answer":     answerPrompts,
		"document":   document,
		"expand":     expand,
		"provenance": provenance,
		"stdall":     stdall,
		"weblogin":   weblogin,
	}
}

// expand replaces $NAMES in files: "expand file...".
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand file...")
	}
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
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

// document prints what installers read of a package, for stdout and cmp:
// "document name version". What differs from run to run is replaced: digests
// must be there, and the tarball's URL must be the registry's.
func document(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: document name version")
	}
	registry := ts.Getenv("REGISTRY")
	req, err := http.NewRequest(http.MethodGet, registry+"/"+strings.Replace(args[0], "/", "%2f", 1), nil) //nolint:noctx // a script has no context
	ts.Check(err)
	req.Header.Set("Accept", abbreviated)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
	resp, body := do(ts, req)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != abbreviated {
		ts.Fatalf("%s, %s: %s", resp.Status, resp.Header.Get("Content-Type"), body)
	}
	var doc struct {
		Versions map[string]map[string]any `json:"versions"`
		Time     map[string]string         `json:"time"`
	}
	ts.Check(json.Unmarshal(body, &doc))
	version, ok := doc.Versions[args[1]]
	if !ok || doc.Time[args[1]] == "" {
		ts.Fatalf("no version %s, or no time of it: %s", args[1], body)
	}
	dist, _ := version["dist"].(map[string]any)
	if want := registry + "/" + args[0] + "/-/" + args[0] + "-" + args[1] + ".tgz"; dist["tarball"] != want {
		ts.Fatalf("dist.tarball is %v, not %s", dist["tarball"], want)
	}
	integrity, _ := dist["integrity"].(string)
	if sum, _ := dist["shasum"].(string); len(sum) != 40 || !strings.HasPrefix(integrity, "sha512-") {
		ts.Fatalf("dist is %v", dist)
	}
	delete(version, "dist")
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	ts.Check(encoder.Encode(version))
	_, err = ts.Stdout().Write(out.Bytes())
	ts.Check(err)
}

// do sends a request and reads the whole answer.
func do(ts *testscript.TestScript, req *http.Request) (*http.Response, []byte) {
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp, body
}

// provenance publishes a tarball as CI does with "npm publish --provenance",
// with a bundle that is not checked: "provenance name version tarball bundle".
func provenance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: provenance name version tarball bundle")
	}
	doc := publication{name: args[0], version: args[1], tarball: []byte(ts.ReadFile(args[2])), bundle: ts.ReadFile(args[3])}
	req, err := http.NewRequest(http.MethodPut, ts.Getenv("REGISTRY")+"/"+strings.Replace(args[0], "/", "%2f", 1), bytes.NewReader(doc.encode())) //nolint:noctx // a script has no context
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+ts.Getenv("TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	resp, body := do(ts, req)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", resp.Status, body)
	}
}

// answerPrompts runs a program and types a file's lines, each when the program has
// asked for it: "answer file program args...".
func answerPrompts(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: answer file program args...")
	}
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	err := dialogue(ts, args[1:], func(said string, in io.Writer) {
		if strings.HasSuffix(said, ": ") && len(lines) > 0 {
			_, err := fmt.Fprintln(in, lines[0])
			ts.Check(err)
			lines = lines[1:]
		}
	})
	expect(ts, neg, err)
	if len(lines) > 0 {
		ts.Fatalf("the program has not asked for %q", lines)
	}
}

// weblogin runs a program and signs $USERNAME in at the page that it shows, as
// a browser would: "weblogin program args...".
func weblogin(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: weblogin program args...")
	}
	signedIn := false
	page := regexp.MustCompile(`http://\S+/login/\S+\n`)
	err := dialogue(ts, args, func(said string, _ io.Writer) {
		address := strings.TrimSpace(page.FindString(said))
		if address == "" || signedIn {
			return
		}
		form := url.Values{"username": {ts.Getenv("USERNAME")}, "password": {ts.Getenv("PASSWORD")}}
		resp, err := http.PostForm(address, form) //nolint:noctx,gosec // a script has no context; the page is the registry's
		ts.Check(err)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			ts.Fatalf("sign in at %s: %s", address, resp.Status)
		}
		signedIn = true
	})
	expect(ts, neg, err)
	if !signedIn {
		ts.Fatalf("the program has shown no page to sign in")
	}
}

// expect fails the script unless a program has ended as it should.
func expect(ts *testscript.TestScript, neg bool, err error) {
	if neg && err == nil {
		ts.Fatalf("the program has succeeded")
	}
	if !neg {
		ts.Check(err)
	}
}

// patience is how long a dialogue may take. A program that asks what nobody answers would wait for ever.
const patience = time.Minute

// dialogue runs a program and calls heard, whenever it has
// said something, with all it has said so far.
func dialogue(ts *testscript.TestScript, args []string, heard func(said string, in io.Writer)) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(ts, args[0]), args[1:]...) //nolint:gosec // the script's program
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, write, err := os.Pipe()
	ts.Check(err)
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = write, write
	ts.Check(cmd.Start())
	_ = write.Close()
	var said strings.Builder
	for buffer := make([]byte, 4096); err == nil; {
		var n int
		n, err = out.Read(buffer)
		said.Write(buffer[:n])
		heard(said.String(), in)
	}
	_ = in.Close()
	err = cmd.Wait()
	ts.Logf("%s", said.String())
	return err
}

// program finds a command on the script's path.
func program(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	ts.Fatalf("%s is not on the path", name)
	return ""
}

// environ is what programs need of the script's environment.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "CI"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}
