package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestWrongUsageOfTokens(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for command, says := range map[string]string{
		"token create --user ann --role guest":                                "--role is for access tokens",
		"token create --user ann --kind deploy":                               "it is personal",
		"token create --project a/b --kind group_access":                      "it is deploy or project_access",
		"token create --group a --role guest --kind deploy":                   "it is group_access",
		"token create --group a --kind api":                                   "it is deploy or group_access",
		"token create --group a --role guest":                                 "--name is missing",
		"token create --group a --role king --name x":                         "--role",
		"token create --group a --name x --role guest --username y":           "--username",
		"token create --group a --description x":                              "--description",
		"token create --user ann --scopes api --permissions read_package":     "either --scopes or --permissions",
		"token create --user ann --in-group a":                                "go with --permissions",
		"token create --user ann --package-names a":                           "go with --permissions",
		"token list --user ann --group a":                                     "give one of",
		"token list --kind api":                                               "--kind",
		"token list --state old":                                              "--state",
		"token rotate all":                                                    "is not a number",
		"token rotate 1 --expires 2001-01-01":                                 "over already",
		"token rotate":                                                        "accepts 1 arg(s), received 0",
		"project protection list":                                             "accepts 1 arg(s), received 0",
		"project protection add a/b --type npm --push owner":                  "--type and --names",
		"project protection add a/b --type npm --names x":                     "--push, --delete or both",
		"project protection add a/b --type npm --names x --push developer":    "--push",
		"project protection add a/b --type npm --names x --delete maintainer": "--delete",
		"project protection remove a/b":                                       "accepts 2 arg(s), received 1",
		"project protection remove a/b x":                                     "is not a number",
	} {
		r := run(t, "", append(strings.Fields(command), "--data="+data)...)
		if r.exit != 2 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("pakhus %s: exit %d, %v; want 2 and %q", command, r.exit, r.err, says)
		}
	}
}

// Tokens of every kind are made, listed, rotated and revoked; a secret is alone on
// its line.
func TestTokensByCommand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	do := func(args ...string) result { return run(t, "", append(args, "--database-url", db.URL)...) }
	ok := func(line string) string {
		t.Helper()
		r := do(strings.Fields(line)...)
		if r.err != nil {
			t.Fatalf("pakhus %s: %v", line, r.err)
		}
		return r.out
	}
	for _, line := range []string{"user create ann", "group create acme", "project create acme/web", "member add --user ann --group acme --role developer"} {
		ok(line)
	}
	resolver := auth.New(db.Pool)
	resolve := func(secret string) (auth.Caller, error) {
		return resolver.Resolve(t.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.ProjectRef{Path: "acme/web"})
	}
	secrets := map[string]string{}
	for kind, line := range map[string]string{
		"personal":       "token create --user ann --name laptop",
		"project_access": "token create --project acme/web --role reporter --name robot --scopes read_api --description why",
		"group_access":   "token create --group acme --kind group_access --name boss --scopes api",
		"deploy":         "token create --project acme/web --scopes read_package_registry --username cd",
		"granular":       "token create --user ann --permissions read_package,upload_npm_package --in-project acme/web --in-group acme --package-names @acme/* --package-names x",
		"memberships":    "token create --group acme --permissions delete_package",
	} {
		out := ok(line)
		secret := strings.TrimSuffix(out, "\n")
		if strings.ContainsAny(secret, " \n\t") || !auth.WellFormed(secret) {
			t.Errorf("%s: printed %q", line, out)
		}
		secrets[kind] = secret
	}
	for kind, want := range map[string]string{
		"personal": "user ann 30 [api] []", "project_access": "user bot 20 [read_api] []", "group_access": "user bot 40 [api] []",
		"deploy":      "deploy_token cd 0 [read_package_registry] []",
		"granular":    "user ann 30 [granular] [{selected_memberships [1] [1] [read_package upload_npm_package] [@acme/* x]}]",
		"memberships": "deploy_token gitlab+deploy-token-6 0 [granular] [{all_memberships [] [] [delete_package] []}]",
	} {
		c, err := resolve(secrets[kind])
		name := c.Actor.Username
		if c.Actor.Bot {
			name = "bot"
		}
		if strings.HasPrefix(name, "gitlab+deploy-token-") {
			name = "gitlab+deploy-token-6" // they are made in any order
		}
		if got := fmt.Sprint(c.Actor.Kind, " ", name, " ", c.Level, " ", c.Actor.Scopes, " ", c.Actor.Granular); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", kind, got, err, want)
		}
	}
	type token struct {
		ID     int64
		Kind   string
		Name   string
		Scopes []string
		Token  string
		Expiry *time.Time `json:"expires_at"`
	}
	list := func(flags string) (all []token) {
		t.Helper()
		if err := json.Unmarshal([]byte(ok("token list --json "+flags)), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for flags, want := range map[string]int{
		"": 6, "--user ann": 2, "--project acme/web": 2, "--group acme": 2, "--kind deploy": 2, "--project acme/web --kind project_access": 1,
		"--search LAP": 1, "--state inactive": 0, "--state all": 6,
	} {
		if got := list(flags); len(got) != want {
			t.Errorf("list %s: %d tokens, want %d: %+v", flags, len(got), want, got)
		}
	}
	if out := ok("token list --search laptop"); !strings.HasPrefix(out, "ID") || !strings.Contains(out, "personal") || !strings.Contains(out, "never") || strings.Contains(out, "glpat") {
		t.Error(out)
	}
	if out := ok("token list --search nothing"); out != "there is no such token\n" {
		t.Error(out)
	}
	laptop := list("--search laptop")[0]
	var rotated token
	if err := json.Unmarshal([]byte(ok(fmt.Sprintf("token rotate %d --json", laptop.ID))), &rotated); err != nil || rotated.Expiry != nil || rotated.Name != "laptop" {
		t.Errorf("%+v, %v", rotated, err)
	}
	if _, err := resolve(secrets["personal"]); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("the old one: %v", err)
	}
	if c, err := resolve(rotated.Token); err != nil || c.Actor.Username != "ann" {
		t.Errorf("the new one: %+v, %v", c, err)
	}
	again := strings.TrimSpace(ok(fmt.Sprintf("token rotate %d --expires 2999-01-01", rotated.ID)))
	if c, err := resolve(again); err != nil || c.Actor.ExpiresAt.Year() != 2999 {
		t.Errorf("with an end: %+v, %v", c, err)
	}
	// What had an end gets another one.
	laptop = list("--search laptop")[0]
	last := strings.TrimSpace(ok(fmt.Sprintf("token rotate %d", laptop.ID)))
	if c, err := resolve(last); err != nil || time.Until(c.Actor.ExpiresAt) > 7*24*time.Hour || time.Until(c.Actor.ExpiresAt) < 5*24*time.Hour {
		t.Errorf("a week: %+v, %v", c, err)
	}
	ok(fmt.Sprintf("token revoke %d", list("--search laptop")[0].ID))
	if n := len(list("--search laptop --state all")); n != 4 || len(list("--search laptop")) != 0 {
		t.Errorf("%d tokens by that name", n)
	}
	for line, says := range map[string]string{
		"token create --user ann --permissions fly":                                  `no permission "fly"`,
		"token create --project acme/web --permissions read_package --in-group acme": "out of the token's reach",
		"token create --user ann --permissions read_package --in-project acme/api":   "there is no project",
		"token create --group acme --role guest --name x":                            "scopes are missing",
		"token rotate 999":                        "there is no token",
		fmt.Sprintf("token rotate %d", laptop.ID): "revoked or expired",
		"token list --user eve":                   "there is no user",
	} {
		if r := do(strings.Fields(line)...); r.exit != 1 || !strings.Contains(r.err.Error(), says) || r.out != "" {
			t.Errorf("%s: exit %d, %v, %q; want 1 and %q", line, r.exit, r.err, r.out, says)
		}
	}
	// The audit has what was asked, and no secret.
	var text string
	if err := db.Pool.QueryRow(t.Context(), "select string_agg(e::text, '') from audit_events e").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "upload_npm_package") || !strings.Contains(text, "pakhus token rotate") {
		t.Error(text)
	}
	for kind, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("the secret of %s is in the audit", kind)
		}
	}
}

func TestProtectionByCommand(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	do := func(args string) result { return run(t, "", append(strings.Fields(args), "--database-url", db.URL)...) }
	for _, step := range []struct{ args, want string }{
		{"group create acme", "group acme has id 1\n"},
		{"project create acme/web", "project acme/web has id 1\n"},
		{"project protection list acme/web", "no package of acme/web is protected\n"},
		{"project protection add ACME/web --type npm --names @acme/* --push Maintainer", "rule 1 protects npm packages @acme/* of acme/web\n"},
		{
			"project protection add acme/web --type maven --names com/acme/* --push owner --delete admin --json",
			`{"id":2,"package_type":"maven","package_name_pattern":"com/acme/*","minimum_access_level_for_push":"owner","minimum_access_level_for_delete":"admin"}` + "\n",
		},
		{"project protection list acme/web", "ID  TYPE   NAMES       PUSH        DELETE\n1   npm    @acme/*     maintainer  -\n2   maven  com/acme/*  owner       admin\n"},
		{"project protection remove acme/web 1", "removed\n"},
		{
			"project protection list acme/web --json",
			`[{"id":2,"package_type":"maven","package_name_pattern":"com/acme/*","minimum_access_level_for_push":"owner","minimum_access_level_for_delete":"admin"}]` + "\n",
		},
	} {
		if r := do(step.args); r.err != nil || r.out != step.want {
			t.Errorf("%s: %v\n%swant\n%s", step.args, r.err, r.out, step.want)
		}
	}
	for args, says := range map[string]string{
		"project protection list acme/api":                                             `there is no project "acme/api"`,
		"project protection remove acme/web 1":                                         "acme/web has no rule 1",
		"project protection add acme/web --type npm --names @*/x --push owner":         "valid NPM package name",
		"project protection add acme/web --type maven --names com/acme/* --push owner": "already been taken",
	} {
		if r := do(args); r.exit != 1 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("%s: exit %d, %v; want 1 and %q", args, r.exit, r.err, says)
		}
	}
	var n int
	err := db.Pool.QueryRow(t.Context(), "select count(*) from audit_events where action like 'pakhus project protection %' and entity_path = 'acme/web'").Scan(&n)
	if err != nil || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
}
