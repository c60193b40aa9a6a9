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

// testProtection runs testdata/protected with the Maven that prints the sentences
// of refusals. Beside the environment of other scripts there is DEPLOY, the
// project's own token, and the command "protect".
func testProtection(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	programs := clientPrograms(t)
	all := commands(t, reg)
	all["protect"] = protect
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "protected"),
		RequireExplicitExec: true,
		Cmds:                all,
		Setup: func(env *testscript.Env) error {
			if err := setup(t, reg, programs, client{"mvn39", "mvn"}, env); err != nil {
				return err
			}
			env.Setenv("DEPLOY", reg.NewDeployToken(t, env.Getenv("FULL_PATH"), "read_package_registry", "write_package_registry"))
			return nil
		},
	})
}

// protect makes a protection rule: "protect pattern push".
func protect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: protect pattern push")
	}
	rule, err := json.Marshal(map[string]string{
		"package_type": "maven", "package_name_pattern": args[0], "minimum_access_level_for_push": args[1],
	})
	ts.Check(err)
	url := strings.TrimSuffix(ts.Getenv("PROJECT"), "maven") + "protection/rules"
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(rule)) //nolint:noctx // a script has no context
	ts.Check(err)
	req.Header.Set("PRIVATE-TOKEN", ts.Getenv("TOKEN"))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	ts.Check(resp.Body.Close())
	if resp.StatusCode != http.StatusCreated {
		ts.Fatalf("%s", resp.Status)
	}
}
