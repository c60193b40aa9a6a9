package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/pgtest"
)

func TestPublisherCommands(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	config := filepath.Join(t.TempDir(), "pakhus.yaml")
	text := "external_url: https://packages.example.com\ntrusted_publishing: {issuers: {github: {url: 'https://token.actions.githubusercontent.com', kind: github}}}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(args ...string) result {
		return run(t, "", append(args, "--database-url", db.URL, "--config", config)...)
	}
	ok := func(args ...string) string {
		t.Helper()
		r := do(args...)
		if r.exit != 0 {
			t.Fatalf("pakhus %s: exit %d, %v", strings.Join(args, " "), r.exit, r.err)
		}
		return r.out
	}
	ok("group", "create", "acme")
	ok("project", "create", "acme/web")
	add := []string{"project", "publisher", "add", "acme/web", "--name", "release", "--issuer", "github", "--subject", "repo:acme/web:*"}
	var made struct {
		ID          int64
		Issuer      string
		AccessLevel int `json:"access_level"`
		Claims      map[string]string
	}
	out := ok(append(add, "--claim", "ref=refs/heads/main", "--claim", "event_name=push", "--environment", "production", "--role", "maintainer", "--json")...)
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Issuer != "https://token.actions.githubusercontent.com" || made.AccessLevel != 40 || len(made.Claims) != 2 {
		t.Fatalf("%s, %v", out, err)
	}
	out = ok("project", "publisher", "list", "acme/web")
	for _, says := range []string{"release", "40", "repo:acme/web:*", "event_name=push ref=refs/heads/main environment=production"} {
		if !strings.Contains(out, says) {
			t.Errorf("the list does not say %q:\n%s", says, out)
		}
	}
	for says, args := range map[string][]string{
		"is not trusted: choose from github": {"project", "publisher", "add", "acme/web", "--name", "x", "--issuer", "evil", "--subject", "repo:acme/web:*"},
		"must begin with an owner":           {"project", "publisher", "add", "acme/web", "--name", "x", "--issuer", "github", "--subject", "*"},
		"access_level must be":               append(add, "--role", "owner"),
		"no project":                         {"project", "publisher", "list", "acme/absent"},
		"Trusted Publisher Not Found":        {"project", "publisher", "remove", "acme/web", "999"},
	} {
		if r := do(args...); r.exit != 1 || !strings.Contains(r.err.Error(), says) {
			t.Errorf("pakhus %s: exit %d, %v; want %q", strings.Join(args, " "), r.exit, r.err, says)
		}
	}
	ok("project", "publisher", "remove", "acme/web", strconv.FormatInt(made.ID, 10))
	if out := ok("project", "publisher", "list", "acme/web", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("removed: %s", out)
	}
	var audited, roles int
	err := db.Pool.QueryRow(t.Context(), `
		select (select count(*) from audit_events where action like 'pakhus project publisher %' and entity_path = 'acme/web'), (select count(*) from memberships)`).Scan(&audited, &roles)
	if err != nil || audited != 2 || roles != 0 {
		t.Errorf("%d commands audited, %d roles left, %v", audited, roles, err)
	}
}
