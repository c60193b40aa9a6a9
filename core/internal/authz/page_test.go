package authz_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

var update = flag.Bool("update", false, "write docs/permissions.md instead of comparing with it") //nolint:gochecknoglobals // a flag of the test binary

// TestThePageSaysWhatIsDecided: docs/permissions.md is made from the decisions.
// "go test ./core/internal/authz -update" writes it.
func TestThePageSaysWhatIsDecided(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/permissions.md"
	want := page()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what is decided (%v): run this test with -update", path, err)
	}
}

func page() string {
	var b strings.Builder
	b.WriteString(`# Permissions

Who may do what with packages, by a project's visibility and its package registry access level. This page is made from the decisions themselves
(` + "`core/internal/authz`" + `); GitLab's table of roles, as its current code has it, is where they come from.

What a running registry answers is held against GitLab's table, written down a second time (` + "`core/e2e/matrixtable_test.go`" + `): every route that it serves, of
every format and of the APIs, is asked for by everybody below and more (bots, tokens that are expired, revoked, unknown or no tokens, blocked users) about
projects of every visibility and access level, archived or not, and groups of them. Routes are read from the registry (` + "`GET /-/routes`" + `), their
parameters made up from their validators: a route that is added is asked for, too. A kind of token is added in ` + "`core/e2e/matrixworld_test.go`" + `, a path of
an API with the role that it takes in ` + "`core/e2e/matrixapi_test.go`" + `. ` + "`MATRIX=all go test ./core/e2e -run TestAccessMatrix -timeout 1h`" + ` leaves no combination
out; without it every route is asked for by every identity about some of the projects.

` + "`read`" + ` is to find and download, ` + "`create`" + ` to publish and to set tags, ` + "`destroy`" + ` to delete, deprecate and remove tags. Numbers are what is answered instead:
401 where credentials might help, 403 where the project may be seen and this not be done, 404 where it must look as if there were none.
Routes of a format may say 404 for 401 to the anonymous. [Protection rules](api/protection.md) take more than is said here for packages of some names, and
[feature flags](api/features.md) switch routes off for everybody.

A role is the highest that somebody has on the project or any group above it. Deploy tokens are at home in their project, or in all projects below their
group. Administrators may do everything that their token's scope covers. [Job tokens](api/trusted-publishing.md) have their rule's role in their own project;
another project lets a job in if its job token scope has the job's project, and then the role counts that the rule's bot was given there. A private project
that does not is 403, and not 404, to a job. In an archived project everybody reads as here, and nobody creates or destroys.
`)
	for _, access := range []struct {
		level registry.PackageAccess
		says  string
	}{
		{registry.PackagesEnabled, "as visible as the project"},
		{registry.PackagesPrivate, "for members only"},
		{registry.PackagesPublic, "anyone may pull, whatever the project's visibility"},
		{registry.PackagesDisabled, "for nobody"},
	} {
		fmt.Fprintf(&b, "\n## Access level `%s`: %s\n\n", access.level, access.says)
		b.WriteString("| | private: read | create | destroy | internal: read | create | destroy | public: read | create | destroy |\n|---|---|---|---|---|---|---|---|---|---|\n")
		for _, c := range slices.Concat(callers(), jobCallers()) {
			cells := []string{c.name}
			for _, visibility := range []registry.Visibility{registry.Private, registry.Internal, registry.Public} {
				p := &registry.Project{ID: home, GroupID: group, GroupAncestorIDs: []int64{top, group}, Visibility: visibility, PackageAccess: access.level}
				for _, action := range []spec.Action{spec.ActionReadPackage, spec.ActionCreatePackage, spec.ActionDestroyPackage} {
					cells = append(cells, map[authz.Verdict]string{
						authz.Allowed: "yes", authz.Unauthenticated: "401", authz.Forbidden: "403", authz.Hidden: "404",
					}[authz.Decide(c.actor, p, c.level, action)])
				}
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	granularPage(&b)
	return b.String()
}

// granularPage is what the page says of granular tokens.
func granularPage(b *strings.Builder) {
	b.WriteString(`
## Granular tokens

A [granular token](api/tokens.md#granular-tokens) may do what one of its scopes permits in that project, if its owner may too: here an Owner, where anything
is as visible as the project. Outside of its scopes' projects and groups it sees what anybody on the internet sees, and may not even read that. What its
scopes do not permit is 403 ` + "`insufficient_granular_scope`" + `. Packages whose names fit none of a scope's patterns are not there for it.

| | private: read | create | destroy | internal: read | create | destroy | public: read | create | destroy |
|---|---|---|---|---|---|---|---|---|---|
`)
	for _, c := range []struct {
		name  string
		actor registry.Actor
	}{
		{"`read_package`", granted(inProject(home, "read_package"))},
		{"`download_package`", granted(inProject(home, "download_package"))},
		{"`upload_package`", granted(inGroup(group, "upload_package"))},
		{"`delete_package`", granted(inGroup(top, "delete_package"))},
		{"all of them", granted(inProject(home, all()...))},
		{"all of them, elsewhere", granted(inProject(home+1, all()...))},
	} {
		cells := []string{c.name}
		for _, visibility := range []registry.Visibility{registry.Private, registry.Internal, registry.Public} {
			for _, letter := range verdicts(c.actor, visibility, registry.Owner) {
				cells = append(cells, map[rune]string{'+': "yes", '1': "401", '3': "403", '4': "404"}[letter])
			}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
}
