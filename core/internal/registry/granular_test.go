package registry_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestPermissionsHaveNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"read_package": "read ", "download_package": "download ", "upload_package": "upload ", "delete_package": "delete ",
		"read_npm_package": "read npm", "delete_terraform_module_package": "delete terraform_module",
		"": "", "read": "", "read_": "", "read_package_": "", "read__package": "", "write_package": "", "READ_package": "", "read_npm": "",
		"read_Npm_package": "", "read_npm_package ": "", "create_package": "", "package": "", "read_npm;_package": "",
	} {
		v, format, ok := registry.ParsePermission(name)
		if got := string(v) + " " + format; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t", name, got, ok)
		}
		if ok && registry.Permission(v, format) != name {
			t.Errorf("%q is written %q", name, registry.Permission(v, format))
		}
	}
}

func TestGranularScopesAreChecked(t *testing.T) {
	t.Parallel()
	good := registry.GranularScope{Access: registry.AccessSelected, ProjectIDs: []int64{1}, Permissions: []string{"read_package"}}
	with := func(change func(*registry.GranularScope)) registry.GranularScope { s := good; change(&s); return s }
	long := strings.Repeat("ä", 255)
	for name, c := range map[string]struct {
		scope registry.GranularScope
		says  string // nothing: it is good
	}{
		"good":               {good, ""},
		"of a group":         {with(func(s *registry.GranularScope) { s.ProjectIDs, s.GroupIDs = nil, []int64{7} }), ""},
		"of all memberships": {with(func(s *registry.GranularScope) { s.Access, s.ProjectIDs = registry.AccessMemberships, nil }), ""},
		"patterns":           {with(func(s *registry.GranularScope) { s.NamePatterns = []string{"*", long} }), ""},

		"no access":           {with(func(s *registry.GranularScope) { s.Access = "" }), "choose from"},
		"another access":      {with(func(s *registry.GranularScope) { s.Access = "instance" }), "choose from"},
		"nowhere":             {with(func(s *registry.GranularScope) { s.ProjectIDs = nil }), "takes project_ids or group_ids"},
		"all and one":         {with(func(s *registry.GranularScope) { s.Access = registry.AccessMemberships }), "takes no project_ids"},
		"no id":               {with(func(s *registry.GranularScope) { s.GroupIDs = []int64{0} }), "from 1"},
		"too many places":     {with(func(s *registry.GranularScope) { s.GroupIDs = make([]int64, 100) }), "more than 100"},
		"no permission":       {with(func(s *registry.GranularScope) { s.Permissions = nil }), "permissions are missing"},
		"unknown permission":  {with(func(s *registry.GranularScope) { s.Permissions = []string{"read_package", "api"} }), `no permission "api"`},
		"empty pattern":       {with(func(s *registry.GranularScope) { s.NamePatterns = []string{""} }), "1 to 255"},
		"long pattern":        {with(func(s *registry.GranularScope) { s.NamePatterns = []string{long + "x"} }), "1 to 255"},
		"pattern with a zero": {with(func(s *registry.GranularScope) { s.NamePatterns = []string{"a\x00"} }), "1 to 255"},
		"too many patterns":   {with(func(s *registry.GranularScope) { s.NamePatterns = make([]string, 51) }), "more than 50"},
	} {
		err := registry.CheckGranularScopes([]registry.GranularScope{good, c.scope})
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || registry.CodeOf(err) != registry.CodeInvalid):
			t.Errorf("%s: %v", name, err)
		}
	}
	if registry.CheckGranularScopes(nil) == nil || registry.CheckGranularScopes(make([]registry.GranularScope, 21)) == nil {
		t.Error("none, or too many")
	}
}

func TestNamesLimit(t *testing.T) {
	t.Parallel()
	if n := (registry.Names{}); n.Limited() || !n.Include("anything") {
		t.Error("no limit limits")
	}
	if n := registry.OnlyNames(nil); !n.Limited() || n.Include("anything") || n.Include("") {
		t.Error("a limit to nothing lets something through")
	}
	n := registry.OnlyNames([]string{"@acme/*", "left-pad"})
	for name, want := range map[string]bool{"@acme/web": true, "@ACME/web": true, "left-pad": true, "left-pad2": false, "@acme2/web": false, "": false} {
		if n.Include(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}
