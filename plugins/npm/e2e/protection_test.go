package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testProtection runs testdata/protected with both of npm's clients. Beside the
// environment of other scripts there are OWNER and DEPLOY, tokens of an owner and
// of the project itself, and the command "protect".
func testProtection(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	programs := clientPrograms(t)
	for _, c := range clients() {
		if c.command != "npm" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := commands()
			all["protect"] = protect
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", "protected"),
				RequireExplicitExec: true,
				Cmds:                all,
				Setup: func(env *testscript.Env) error {
					if err := setup(t, reg, programs, c, env); err != nil {
						return err
					}
					project := env.Getenv("SCOPE") + "/project"
					env.Setenv("OWNER", reg.NewUser(t, "owner", project).Token)
					env.Setenv("DEPLOY", reg.NewDeployToken(t, project, "read_package_registry", "write_package_registry"))
					return nil
				},
			})
		})
	}
}

// protect makes a protection rule: "protect pattern push delete".
func protect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: protect pattern push delete")
	}
	rule, err := json.Marshal(map[string]string{
		"package_type": "npm", "package_name_pattern": args[0],
		"minimum_access_level_for_push": args[1], "minimum_access_level_for_delete": args[2],
	})
	ts.Check(err)
	url := strings.TrimSuffix(ts.Getenv("REGISTRY"), "npm") + "protection/rules"
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(rule)) //nolint:noctx // a script has no context
	ts.Check(err)
	req.Header.Set("PRIVATE-TOKEN", ts.Getenv("TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	if resp, body := do(ts, req); resp.StatusCode != http.StatusCreated {
		ts.Fatalf("%s: %s", resp.Status, body)
	}
}
