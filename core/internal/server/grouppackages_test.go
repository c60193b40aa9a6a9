package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// groupSite has the public group "mixed" with the projects "open" (public), "closed"
// (private) and "off" (public, without a registry), and below it the private group
// "sub" with the private project "inner". Each but "off" has a package of its name.
type groupSite struct {
	*site
	mixed, sub registry.Group
}

func newGroupSite(t *testing.T) *groupSite {
	t.Helper()
	g := &groupSite{site: newSite(t)}
	var err error
	if g.mixed, err = g.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "mixed", Visibility: registry.Public}); err != nil {
		t.Fatal(err)
	}
	if g.sub, err = g.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "mixed/sub", Visibility: registry.Private}); err != nil {
		t.Fatal(err)
	}
	for path, visibility := range map[string]registry.Visibility{
		"mixed/open": registry.Public, "mixed/closed": registry.Private, "mixed/off": registry.Public, "mixed/sub/inner": registry.Private,
	} {
		p, err := g.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: path, Visibility: visibility})
		if err != nil {
			t.Fatal(err)
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		g.projects[name] = p
		g.publish(t, name, "npm", name, "1.0.0", name)
	}
	g.exec(t, "update projects set package_access_level = 'disabled' where full_path = 'mixed/off'")
	return g
}

// member gives somebody a new role, on a group or on a project.
func (g *groupSite) member(t *testing.T, who string, group, project int64, level registry.AccessLevel) {
	t.Helper()
	if err := g.accounts.AddMember(t.Context(), g.userID(t, who), group, project, level); err != nil {
		t.Fatal(err)
	}
}

// The packages of a group (GitLab's cases 28 to 36).
func TestPackagesOfAGroupAreListed(t *testing.T) {
	t.Parallel()
	g := newGroupSite(t)
	g.member(t, "guest", g.mixed.ID, 0, registry.Guest)
	g.member(t, "maintainer", g.mixed.ID, 0, registry.Maintainer)
	g.member(t, "reporter", 0, g.projects["inner"].ID, registry.Reporter)
	g.publish(t, "private", "npm", "@acme/web", "1.0.0", "web")
	g.publish(t, "private", "npm", "other", "1.0.0", "other")
	read := []string{"read_package"}
	g.tokens["granular stranger"], g.tokens["granular"] = g.granular(t, "stranger", read), g.granular(t, "maintainer", read, "@acme/*")
	g.tokens["granular, to upload"] = g.granular(t, "maintainer", []string{"upload_package"})
	private := "/api/v4/groups/private-group/packages"
	mixed, sub := fmt.Sprintf("/api/v4/groups/%d/packages", g.mixed.ID), "/api/v4/groups/mixed%2Fsub/packages"
	type document struct {
		Name        string
		ProjectID   int64  `json:"project_id"`
		ProjectPath string `json:"project_path"`
		Links       struct {
			Delete string `json:"delete_api_path"`
		} `json:"_links"`
	}
	for _, c := range []struct {
		name, who, path string
		status          int
		want            string
	}{
		{"28: anonymous, a private group", "", sub, 404, ""},
		{"29: a guest, a private group", "guest", sub, 200, "inner"},
		{"29: a maintainer", "maintainer", sub, 200, "inner"},
		{"30: anonymous, a public group", "", mixed, 200, "open"},
		{"31: with the groups below it", "guest", mixed + "?order_by=name", 200, "closed inner open"},
		{"31: without them", "guest", mixed + "?order_by=name&exclude_subgroups=true", 200, "closed open"},
		{"32: by the project's path", "guest", mixed + "?order_by=project_path", 200, "closed open inner"},
		{"32: by the project's path, descending", "guest", mixed + "?order_by=project_path&sort=desc", 200, "inner open closed"},
		{"33: a registry that is off", "maintainer", mixed + "?package_name=off", 200, ""},
		{"34: a role on one project below", "reporter", sub, 200, "inner"},
		{"34: likewise, seen from above", "reporter", mixed + "?order_by=name", 200, "inner open"},
		{"36: a stranger", "stranger", sub, 404, ""},
		{"37: a granular token of a stranger", "granular stranger", private, 404, ""},
		{"a granular token, by name", "granular", private, 200, "@acme/web"},
		{"a granular token for something else", "granular, to upload", private, 403, ""},
		{"a granular token, where no name fits", "granular", sub, 200, ""},
		{"no group", "guest", "/api/v4/groups/999999/packages", 404, ""},
		{"a name that nothing has", "guest", mixed + "?package_name=none", 200, ""},
		{"an order there is none of", "guest", mixed + "?order_by=size", 400, ""},
		{"a second page", "guest", mixed + "?order_by=name&per_page=2&page=2", 200, "open"},
	} {
		a := g.ask(t, c.who, "GET", c.path)
		if a.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.status, a.body, c.status)
		}
		if a.status != http.StatusOK {
			continue
		}
		var list []document
		a.into(t, &list)
		names := []string{}
		for _, d := range list {
			names = append(names, d.Name)
			p, ok := g.projects[d.Name]
			if !ok {
				p = g.projects["private"]
			}
			if d.ProjectID != p.ID || d.ProjectPath != p.FullPath || (d.Links.Delete != "") != (c.who == "maintainer") {
				t.Errorf("%s: %+v", c.name, d)
			}
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if a := g.ask(t, "guest", "GET", mixed+"?per_page=2"); a.header.Get("X-Total") != "3" || a.header.Get("X-Next-Page") != "2" {
		t.Errorf("paging: %v", a.header)
	}
	if a := g.ask(t, "guest", "DELETE", mixed); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
}
