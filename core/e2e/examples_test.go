package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// runExamples runs the lines of a page of docs/api that begin with curl, in their
// order, and compares with the status that each names. least is how many there
// are at least, or the expression that finds them is wrong.
func runExamples(t *testing.T, page string, least int, env ...string) {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("a client is missing: curl")
	}
	text, err := os.ReadFile("../../docs/api/" + page)
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^curl (.*?) +# (\d{3})`).FindAllStringSubmatch(string(text), -1)
	if len(examples) < least {
		t.Fatalf("%d examples; the expression that finds them is wrong", len(examples))
	}
	for _, e := range examples {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", curl+` -sS -w '\n%{http_code}' `+e[1])
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", e[0], err)
		}
		if lines := strings.Split(string(out), "\n"); lines[len(lines)-1] != e[2] {
			t.Errorf("%s: %s", e[0], out)
		}
	}
}
