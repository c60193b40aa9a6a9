package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// result is what a person, or a script, sees of a command.
type result struct {
	exit int
	out  string
	err  error
}

func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var out bytes.Buffer
	root := (&cli{}).root()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	err := root.ExecuteContext(t.Context())
	r := result{out: out.String(), err: err}
	if err != nil {
		r.exit = exitCode(err)
	}
	return r
}

// What is asked wrongly is said before anything is looked for: no server runs here.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for command, says := range map[string]string{
		"frobnicate":                                    `unknown command "frobnicate"`,
		"user frobnicate":                               "unknown command",
		"user create":                                   "accepts 1 arg(s), received 0",
		"user create ann bob":                           "accepts 1 arg(s), received 2",
		"user create ann --passwort x":                  "unknown flag: --passwort",
		"user create ann --password-stdin":              "no password on standard input",
		"user create ann --password-stdin --password x": "not both",
		"serve now":                                     "unknown command",
		"token revoke all":                              "is not a number",
		"token create":                                  "--user",
		"member add":                                    "--user is missing",
		"member add --user ann --role king --group acme":           "--role",
		"member add --user ann":                                    "--group or --project",
		"member add --user ann --group a --project a/b":            "--group or --project",
		"group settings":                                           "accepts 1 arg(s), received 0",
		"group settings acme":                                      "--format is missing",
		"group settings acme --format maven --duplicates no":       "choose allowed or refused",
		"group settings acme --format maven --keep-snapshots many": "invalid argument",
		"feature set npm":                                          "accepts 2 arg(s), received 1",
		"feature set npm maybe":                                    "choose on or off",
		"feature set npm off --group a --project a/b":              "--group or --project",
		"project publisher add":                                    "accepts 1 arg(s), received 0",
		"project publisher add acme/web --role king":               "choose developer or maintainer",
		"project publisher add acme/web --claim ref":               "must be formatted as key=value",
		"project publisher remove acme/web":                        "accepts 2 arg(s), received 1",
		"token create --user ann --project acme/web":               "give one of",
		"token create --user ann --username bot":                   "--username",
		"token create --user ann --expires tomorrow":               "--expires",
		"token create --user ann --expires 2001-01-01":             "over already",
	} {
		r := run(t, "", append(strings.Fields(command), "--data="+data)...)
		if r.exit != 2 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("pakhus %s: exit %d, %v; want 2 and %q", command, r.exit, r.err, says)
		}
	}
}

func TestWithoutAServerItSaysWhatToDo(t *testing.T) {
	t.Parallel()
	r := run(t, "", "user", "create", "ann", "--data", t.TempDir())
	if r.exit != 1 || !strings.Contains(r.err.Error(), "pakhus serve") || !strings.Contains(r.err.Error(), "--database-url") {
		t.Errorf("exit %d, %v", r.exit, r.err)
	}
}

func TestAccountsByCommand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	// ask runs a command and returns what it prints for scripts.
	ask := func(stdin string, args ...string) map[string]any {
		t.Helper()
		r := run(t, stdin, append(args, "--json", "--database-url", db.URL)...)
		if r.err != nil {
			t.Fatalf("pakhus %s: %v", strings.Join(args, " "), r.err)
		}
		var answer map[string]any
		if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
			t.Fatalf("pakhus %s: %v\n%s", strings.Join(args, " "), err, r.out)
		}
		return answer
	}
	ask("correct horse\n", "user", "create", "ann", "--password-stdin")
	ask("", "group", "create", "acme")
	project := ask("", "project", "create", "acme/web", "--package-access", "private")
	ask("", "member", "add", "--user", "ann", "--group", "acme", "--role", "Maintainer")
	personal := ask("", "token", "create", "--user", "ann", "--scopes", "read_api")
	deploy := ask("", "token", "create", "--group", "acme", "--scopes", "read_package_registry,write_package_registry", "--expires", "2999-12-31")

	if project["full_path"] != "acme/web" || deploy["expires_at"] != "3000-01-01T00:00:00Z" {
		t.Errorf("project %v, token %v", project, deploy)
	}
	authenticator := auth.New(db.Pool)
	if _, err := authenticator.Login(t.Context(), "ann", "correct horse"); err != nil {
		t.Errorf("ann's password: %v", err)
	}
	resolve := func(answer map[string]any) (auth.Caller, error) {
		secret, _ := answer["token"].(string)
		return authenticator.Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.ProjectRef{Path: "acme/web"})
	}
	if c, err := resolve(personal); err != nil || c.Level != registry.Maintainer || !c.Actor.Has(registry.ScopeReadAPI) || c.Project.PackageAccess != registry.PackagesPrivate {
		t.Errorf("ann's token: %+v, %v", c, err)
	}
	if c, err := resolve(deploy); err != nil || c.Actor.Kind != registry.DeployToken || len(c.Actor.Scopes) != 2 {
		t.Errorf("the group's token: %+v, %v", c, err)
	}

	id, _ := json.Marshal(deploy["id"])
	ask("", "token", "revoke", string(id))
	ask("", "user", "block", "ann")
	if _, err := resolve(deploy); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("revoked: %v", err)
	}
	if _, err := resolve(personal); registry.CodeOf(err) != registry.CodeForbidden {
		t.Errorf("blocked: %v", err)
	}
	ask("", "user", "unblock", "ann")
	if _, err := resolve(personal); err != nil {
		t.Errorf("unblocked: %v", err)
	}
	if r := run(t, "", "token", "revoke", string(id), "--database-url", db.URL); r.exit != 1 || !strings.Contains(r.err.Error(), "there is no token") {
		t.Errorf("revoked twice: exit %d, %v", r.exit, r.err)
	}
}

// Each command that has changed anything is in the audit once; no password and no token is.
func TestCommandsAreAudited(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	secrets := []string{"correct horse"}
	do := func(args ...string) {
		t.Helper()
		r := run(t, "", append(args, "--database-url", db.URL)...)
		if r.err != nil {
			t.Fatalf("pakhus %s: %v", strings.Join(args, " "), r.err)
		}
		if args[0] == "token" && args[1] == "create" {
			secrets = append(secrets, strings.TrimSpace(r.out))
		}
	}
	do("user", "create", "ann", "--password", "correct horse")
	do("group", "create", "acme")
	do("project", "create", "acme/web")
	do("member", "add", "--user", "ann", "--project", "acme/web")
	do("token", "create", "--user", "ann", "--name", "laptop")
	do("token", "create", "--project", "acme/web", "--scopes", "read_package_registry")
	do("token", "revoke", "1")
	do("feature", "set", "npm", "off", "--group", "acme")
	do("feature", "list")
	do("group", "settings", "acme", "--format", "maven") // only shows
	run(t, "", "token", "revoke", "99", "--database-url", db.URL)
	all, _, err := audit.List(t.Context(), db.Pool, audit.Query{Page: packages.Page{Number: 1, Size: 100}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range slices.Backward(all) {
		got = append(got, strings.TrimSpace(strings.TrimPrefix(e.Action, "pakhus ")+" "+e.Entity.Path))
		if e.Actor.Kind != audit.Operator || e.Actor.Username == "" {
			t.Errorf("%s by %+v", e.Action, e.Actor)
		}
	}
	want := "user create, group create acme, project create acme/web, member add acme/web, token create, token create acme/web, token revoke, feature set acme"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if all[1].Fields["arguments"] != "1" || all[3].Fields["name"] != "laptop" {
		t.Errorf("fields %v, %v", all[1].Fields, all[3].Fields)
	}
	var text string
	if err := db.Pool.QueryRow(t.Context(), "select string_agg(e::text, '') from audit_events e").Scan(&text); err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if secret == "" || strings.Contains(text, secret) {
			t.Error("a secret is in the audit")
		}
	}
}

func TestPackageSettingsByCommand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	settings := func(args ...string) result {
		return run(t, "", append([]string{"group", "settings"}, append(args, "--database-url", db.URL)...)...)
	}
	for _, group := range []string{"acme", "acme/apps"} {
		if r := run(t, "", "group", "create", group, "--database-url", db.URL); r.err != nil {
			t.Fatal(r.err)
		}
	}
	for _, step := range []struct{ args, want string }{
		{"acme/apps --format maven", "maven packages in acme/apps: duplicates are allowed; all snapshots are kept (nobody has decided anything)\n"},
		{"acme --format maven --duplicates refused --duplicate-exception .*-SNAPSHOT", "maven packages in acme: duplicates are refused except for \".*-SNAPSHOT\"; all snapshots are kept (decided by acme)\n"},
		{"acme/apps --format maven --keep-snapshots 5", "maven packages in acme/apps: duplicates are refused except for \".*-SNAPSHOT\"; 5 builds of a snapshot are kept (decided by acme/apps)\n"},
		{"acme --format maven --json", `{"decided_by":"acme","full_path":"acme","maven_duplicate_exception_regex":".*-SNAPSHOT","maven_duplicates_allowed":false,"maven_keep_snapshots":0}` + "\n"},
		{"ACME --format maven --duplicates allowed --duplicate-exception= --json", `{"decided_by":"acme","full_path":"acme","maven_duplicate_exception_regex":"","maven_duplicates_allowed":true,"maven_keep_snapshots":0}` + "\n"},
	} {
		if r := settings(strings.Fields(step.args)...); r.err != nil || r.out != step.want {
			t.Errorf("%s: %v\n%swant\n%s", step.args, r.err, r.out, step.want)
		}
	}
	for args, says := range map[string]string{
		"nobody --format maven":                           `there is no group "nobody"`,
		"acme --format Maven":                             `format "Maven" is none`,
		"acme --format maven --duplicate-exception ( ":    "is not RE2",
		"acme --format maven --keep-snapshots=-1":         "keep snapshots -1",
		"acme --format maven --keep-snapshots=2147483648": "keep snapshots 2147483648",
	} {
		if r := settings(strings.Fields(args)...); r.exit != 1 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("%s: exit %d, %v; want 1 and %q", args, r.exit, r.err, says)
		}
	}
}

func TestFeaturesByCommand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	do := func(args string) result { return run(t, "", append(strings.Fields(args), "--database-url", db.URL)...) }
	for _, args := range []string{"group create acme", "project create acme/web"} {
		if r := do(args); r.err != nil {
			t.Fatal(r.err)
		}
	}
	for _, step := range []struct{ args, want string }{
		{"feature list", "nothing is set: every route is as the configuration says\n"},
		{"feature set npm/publish off", "npm/publish is off in the whole instance\n"},
		{"feature set npm/publish on --group acme", "npm/publish is on in acme\n"},
		{"feature set npm/publish off --project ACME/web", "npm/publish is off in acme/web\n"},
		{"feature list", "FEATURE      WHERE     STATE\nnpm/publish  -         off\nnpm/publish  acme/web  off\nnpm/publish  acme      on\n"},
		{"feature unset npm/publish --project acme/web", "removed 1\n"},
		{"feature unset npm/publish --all --json", `{"removed":2}` + "\n"},
		{"feature list --json", "[]\n"},
	} {
		if r := do(step.args); r.err != nil || r.out != step.want {
			t.Errorf("%s: %v\n%swant\n%s", step.args, r.err, r.out, step.want)
		}
	}
	for args, says := range map[string]string{
		"feature set NPM off":                    `"NPM"`,
		"feature set npm off --project acme/api": `there is no project "acme/api"`,
	} {
		if r := do(args); r.exit != 1 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("%s: exit %d, %v; want 1 and %q", args, r.exit, r.err, says)
		}
	}
}

// A day is valid to its end.
func TestParseExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 31, 18, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2027-01-31":                "2027-02-01T00:00:00Z",
		"2027-01-31T20:00:00+01:00": "2027-01-31T19:00:00Z",
		"2027-01-30":                "",
		"2027-01-31T18:00:00Z":      "",
		"31.1.2027":                 "",
	} {
		got, err := parseExpiry(text, now)
		if (err == nil) != (want != "") || (err == nil && got.UTC().Format(time.RFC3339) != want) {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	if got, err := parseExpiry("", now); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if r := run(t, "", "version", "--json"); r.err != nil || !strings.Contains(r.out, `{"version":"`) {
		t.Errorf("%q, %v", r.out, r.err)
	}
}
