package sdk_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What an author's code pulls in with package sdk. The list only grows with a
// reason: gRPC, protobuf and go-plugin are for package serve.
func TestDependencies(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/fatih/color",
		"github.com/go-json-experiment/json",
		"github.com/hashicorp/go-hclog",
		"github.com/mattn/go-colorable",
		"github.com/mattn/go-isatty",
		"github.com/pakhus/pakhus/sdk",
		"github.com/pakhus/pakhus/sdk/manifest",
		"github.com/pakhus/pakhus/sdk/pattern",
		"github.com/pakhus/pakhus/sdk/spec",
		"github.com/pakhus/pakhus/sdk/strictjson",
		"golang.org/x/sys/unix",
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		inside := strings.HasPrefix(pkg, "github.com/go-json-experiment/json/")
		if !inside && !slices.Contains(allowed, pkg) {
			t.Errorf("package sdk pulls in %s", pkg)
		}
	}
}
