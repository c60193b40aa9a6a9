package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testGranular: what a granular token's names hide is on no document, list or
// search, in a project and above it; and is not written.
func testGranular(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	full := inProject(reg, p, reg.Token)
	full.push(t, "Acme.Web", "1.0.0")
	full.push(t, "Secret.Lib", "1.0.0")
	var made struct{ Token string }
	if err := json.Unmarshal(reg.CLI(t, "token", "create", "--group", p.Group.Path, "--role", "maintainer", "--name", "t", "--in-project", p.Path,
		"--permissions", "read_nuget_package,download_nuget_package,upload_nuget_package,delete_nuget_package", "--package-names", "acme.*"), &made); err != nil {
		t.Fatal(err)
	}
	for where, c := range map[string]caller{"project": inProject(reg, p, made.Token), "group": inGroup(reg, p.Group, made.Token)} {
		all := caller{base: c.base, token: reg.Token}
		for _, path := range []string{
			"/metadata/%/index.json", "/metadata/%/1.0.0.json", "/metadata-semver1/%/index.json", "/download/%/index.json",
			"/download/%/1.0.0/%.1.0.0.nupkg", "/download/%/1.0.0/%.nuspec",
		} {
			at := func(id string) string { return strings.ReplaceAll(path, "%", id) }
			if a := all.get(t, at("secret.lib")); a.status != http.StatusOK {
				continue // there is no such address at this level
			}
			c.get(t, at("acme.web")).wantStatus(t, where+at("acme.web"), http.StatusOK)
			c.get(t, at("secret.lib")).wantStatus(t, where+at("secret.lib"), http.StatusNotFound)
		}
		for _, path := range []string{
			"/query?q=", "/query?q=secret", "/autocomplete?q=", "/autocomplete?id=Secret.Lib", "/v2/Packages()", "/v2/FindPackagesById()?id='Secret.Lib'",
			"/v2/Search()?searchTerm=''", "/v2/Packages(Id='Secret.Lib',Version='1.0.0')",
		} {
			got, known := c.get(t, path), all.get(t, path)
			if known.status == http.StatusOK && !strings.Contains(strings.ToLower(string(known.body)), "1.0.0") && !strings.Contains(string(known.body), "Secret") {
				t.Errorf("%s%s says nothing to anybody: %s", where, path, known.body)
			}
			// An address may repeat what it was asked for, and not that there is anything.
			if text := string(got.body); strings.Contains(text, "Secret.Lib</") || strings.Contains(text, `"Secret.Lib"`) || strings.Contains(text, "secret.lib/1.0.0") ||
				strings.Contains(path, "Secret") && strings.Contains(text, "1.0.0") && got.status == http.StatusOK && !strings.Contains(text, "Version='1.0.0'") {
				t.Errorf("%s%s: %d %s", where, path, got.status, text)
			}
		}
	}
	c := inProject(reg, p, made.Token)
	c.pushTo(t, "/", nupkg(t, "Acme.Api", "1.0.0")).wantStatus(t, "push", http.StatusCreated)
	c.pushTo(t, "/", nupkg(t, "Other", "1.0.0")).wantStatus(t, "push of another name", http.StatusForbidden)
	c.pushTo(t, "/", nupkg(t, "Secret.Lib", "1.0.0")).wantStatus(t, "push of what is hidden", http.StatusForbidden)
	if a := c.send(t, "DELETE", "/Secret.Lib/1.0.0", nil); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
		t.Errorf("delete what is hidden: %d %s", a.status, a.body)
	}
	full.get(t, "/metadata/secret.lib/1.0.0.json").wantStatus(t, "it is still there", http.StatusOK)
}
