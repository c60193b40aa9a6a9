package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testLevels reads and tags packages through their group and through the whole instance.
func testLevels(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("projects of a group are one registry", func(t *testing.T) { t.Parallel(); mergedVersions(t, reg) })
	t.Run("only what may be read is merged", func(t *testing.T) { t.Parallel(); readableOnly(t, reg) })
	t.Run("an answer is renewed by any project", func(t *testing.T) { t.Parallel(); renewed(t, reg) })
	t.Run("a version without its tarball is not served", func(t *testing.T) { t.Parallel(); withoutTarball(t, reg) })
	t.Run("access", func(t *testing.T) { t.Parallel(); groupAccess(t, reg) })
	t.Run("the scope is a root group", func(t *testing.T) { t.Parallel(); instanceNames(t, reg) })
}

func above(reg *registrytest.Registry, g registrytest.Group, token string) caller {
	return caller{base: groupURL(reg, g), token: token, client: http.DefaultClient}
}

func instance(reg *registrytest.Registry, token string) caller {
	return caller{base: reg.URL + "/api/v4/packages/npm", token: token, client: http.DefaultClient}
}

// versions returns the versions of a document, sorted, and its tags.
func (a answer) versions(tb testing.TB) ([]string, map[string]string) {
	tb.Helper()
	var doc struct {
		Tags     map[string]string `json:"dist-tags"`
		Versions map[string]struct {
			Dist struct{ Tarball string }
		}
	}
	if err := json.Unmarshal(a.body, &doc); err != nil || a.status != http.StatusOK {
		tb.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	var all []string
	for v := range doc.Versions {
		all = append(all, v)
	}
	slices.Sort(all)
	return all, doc.Tags
}

func (a answer) wantVersions(tb testing.TB, want ...string) {
	tb.Helper()
	if got, _ := a.versions(tb); !slices.Equal(got, want) {
		tb.Errorf("versions %v, not %v", got, want)
	}
}

func mergedVersions(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	one, two := reg.NewProjectIn(t, root, "one", "private"), reg.NewProjectIn(t, reg.NewGroup(t, "private", root), "two", "private")
	name := "@" + root.Path + "/web"
	newCaller(reg, one, reg.Token).publish(t, name, "1.0.0")
	newCaller(reg, two, reg.Token).publish(t, name, "2.0.0")
	tarball := newCaller(reg, two, reg.Token).publish(t, name, "1.0.0") // the same version, published last
	for _, c := range []caller{above(reg, root, reg.Token), instance(reg, reg.Token)} {
		doc := c.send(t, "GET", path(name), nil)
		doc.wantVersions(t, "1.0.0", "2.0.0")
		// Tags are those set last: 1.0.0 took "latest" in the second project.
		if _, tags := doc.versions(t); tags["latest"] != "1.0.0" {
			t.Errorf("tags %v", tags)
		}
		if a := c.send(t, "GET", tarballPath(name, "1.0.0"), nil); a.status != http.StatusOK || string(a.body) != string(tarball) {
			t.Errorf("tarball %d, %d bytes", a.status, len(a.body))
		}
		// GitLab names the projects' URLs. npm 12 fetches nothing from outside the registry that it asked.
		if !strings.Contains(string(doc.body), `"tarball":"`+c.base+tarballPath(name, "1.0.0")) {
			t.Errorf("tarballs are not below the registry that was asked: %s", doc.body)
		}
		if a := c.send(t, "PUT", path(name), newPublication(t, name, "3.0.0").encode()); a.status != http.StatusMethodNotAllowed {
			t.Errorf("publish above a project: %d %s", a.status, a.body)
		}
		for _, method := range []string{"PUT", "DELETE"} { // npm would take a 404 for success
			if a := c.send(t, method, path(name)+"/-rev/9-999999", []byte(`{}`)); a.status != http.StatusMethodNotAllowed {
				t.Errorf("unpublish above a project: %d %s", a.status, a.body)
			}
		}
	}
	// A group's path will do for its number.
	byPath := caller{base: reg.URL + "/api/v4/groups/" + url.PathEscape(root.Path) + "/-/packages/npm", token: reg.Token, client: http.DefaultClient}
	byPath.send(t, "GET", path(name), nil).wantVersions(t, "1.0.0", "2.0.0")
	tagsAbove(t, reg, root, name)
}

// tagsAbove sets and removes tags through the group: they are those of the project that has the version.
func tagsAbove(t *testing.T, reg *registrytest.Registry, root registrytest.Group, name string) {
	t.Helper()
	c := above(reg, root, reg.Token)
	tags := "/-/package" + path(name) + "/dist-tags"
	for _, step := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", tags + "/stable", `"2.0.0"`, http.StatusNoContent},
		{"PUT", tags + "/stable", `"9.0.0"`, http.StatusNotFound},
		{"DELETE", tags + "/absent", "", http.StatusNotFound},
	} {
		if a := c.send(t, step.method, step.path, []byte(step.body)); a.status != step.want {
			t.Errorf("%s %s: %d %s", step.method, step.path, a.status, a.body)
		}
	}
	if _, got := instance(reg, reg.Token).send(t, "GET", path(name), nil).versions(t); got["stable"] != "2.0.0" {
		t.Errorf("tags %v", got)
	}
	if a := c.send(t, "DELETE", tags+"/stable", nil); a.status != http.StatusNoContent {
		t.Errorf("remove: %d %s", a.status, a.body)
	}
	if _, got := c.send(t, "GET", path(name), nil).versions(t); got["stable"] != "" {
		t.Errorf("tags %v", got)
	}
}

func readableOnly(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "public")
	open, closed := reg.NewProjectIn(t, root, "open", "public"), reg.NewProjectIn(t, root, "closed", "private")
	name := "@" + root.Path + "/web"
	newCaller(reg, open, reg.Token).publish(t, name, "1.0.0")
	newCaller(reg, closed, reg.Token).publish(t, name, "2.0.0")
	newCaller(reg, closed, reg.Token).publish(t, "secret", "1.0.0")
	member := reg.NewUser(t, "guest", closed.Path).Token
	for who, c := range map[string]struct {
		token string
		want  []string
	}{
		"anonymous":                  {"", []string{"1.0.0"}},
		"stranger":                   {reg.NewUser(t, "", "").Token, []string{"1.0.0"}},
		"member of one project":      {member, []string{"1.0.0", "2.0.0"}},
		"deploy token of the closed": {reg.NewDeployToken(t, closed.Path, "read_package_registry"), []string{"1.0.0", "2.0.0"}},
		"deploy token of the open":   {reg.NewDeployToken(t, open.Path, "read_package_registry"), []string{"1.0.0"}},
	} {
		for _, c2 := range []caller{above(reg, root, c.token), instance(reg, c.token)} {
			// Twice: the second answer is a remembered one.
			c2.send(t, "GET", path(name), nil).wantVersions(t, c.want...)
			c2.send(t, "GET", path(name), nil).wantVersions(t, c.want...)
		}
		t.Log(who)
	}
	// Who might see more with credentials is asked for them; who has some is told the truth.
	for token, want := range map[string]int{"": http.StatusUnauthorized, reg.NewUser(t, "", "").Token: http.StatusNotFound, member: http.StatusOK} {
		if a := above(reg, root, token).send(t, "GET", "/secret", nil); a.status != want {
			t.Errorf("secret: %d, not %d: %s", a.status, want, a.body)
		}
	}
}

func renewed(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	one, two := reg.NewProjectIn(t, root, "one", "private"), reg.NewProjectIn(t, root, "two", "private")
	name := "@" + root.Path + "/web"
	newCaller(reg, one, reg.Token).publish(t, name, "1.0.0")
	c := above(reg, root, reg.Token)
	first := c.send(t, "GET", path(name), nil)
	first.wantVersions(t, "1.0.0")
	tag := first.header.Get("ETag")
	if a := c.send(t, "GET", path(name), nil, "If-None-Match", tag); a.status != http.StatusNotModified {
		t.Errorf("unchanged: %d", a.status)
	}
	newCaller(reg, two, reg.Token).publish(t, name, "2.0.0")
	c.send(t, "GET", path(name), nil, "If-None-Match", tag).wantVersions(t, "1.0.0", "2.0.0")
}

// groupAccess is GitLab's table at group level: who may not read any project of a
// group is told nothing of it.
func groupAccess(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	for _, row := range []struct {
		who, group, project                     string
		document, absent, setTag, audit, search int
	}{
		{"anonymous", "public", "public", 200, 404, 401, 401, 200},
		{"anonymous", "public", "private", 401, 401, 401, 401, 200},
		{"anonymous", "private", "private", 401, 401, 401, 401, 401},
		{"anonymous", "internal", "internal", 401, 401, 401, 401, 401},
		{"nonsense", "public", "public", 401, 401, 401, 401, 401},
		{"stranger", "private", "private", 404, 404, 404, 404, 404},
		{"stranger", "internal", "internal", 200, 404, 403, 200, 200},
		{"guest", "private", "private", 200, 404, 403, 200, 200},
		{"developer", "private", "private", 200, 404, 204, 200, 200},
		{"read-only token", "private", "private", 200, 404, 403, 200, 200},
		{"deploy token that reads", "private", "private", 200, 404, 403, 200, 200},
		{"deploy token that writes", "private", "private", 200, 404, 204, 200, 200},
	} {
		t.Run(row.who+" in "+row.group+" "+row.project, func(t *testing.T) {
			t.Parallel()
			g := reg.NewGroup(t, row.group)
			p := reg.NewProjectIn(t, g, "project", row.project)
			name := "@" + g.Path + "/web"
			newCaller(reg, p, reg.Token).publish(t, name, "1.0.0")
			c := above(reg, g, reg.TokenOf(t, p, row.who))
			tag := "/-/package" + path(name) + "/dist-tags/stable"
			for _, step := range []struct {
				what, method, path, body string
				want                     int
			}{
				{"document", "GET", path(name), "", row.document},
				{"absent", "GET", "/absent", "", row.absent},
				{"set a tag", "PUT", tag, `"1.0.0"`, row.setTag},
				{"audit", "POST", "/-/npm/v1/security/advisories/bulk", `{}`, row.audit},
				{"search", "GET", "/-/v1/search?text=web", "", row.search},
			} {
				if a := c.send(t, step.method, step.path, []byte(step.body)); a.status != step.want {
					t.Errorf("%s: %d, not %d: %s", step.what, a.status, step.want, a.body)
				}
			}
		})
	}
	t.Run("no such group", func(t *testing.T) {
		t.Parallel()
		nowhere := registrytest.Group{ID: 1 << 40}
		for token, want := range map[string]int{"": http.StatusUnauthorized, reg.Token: http.StatusNotFound} {
			if a := above(reg, nowhere, token).send(t, "GET", "/web", nil); a.status != want {
				t.Errorf("%d, not %d: %s", a.status, want, a.body)
			}
		}
	})
}

// instanceNames: npm.md, cases 14 to 17.
func instanceNames(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	other := reg.NewGroup(t, "private")
	// A subgroup that is called like another root group is not that group.
	inner := reg.NewGroupAt(t, root.Path+"/"+other.Path, "private")
	p, hidden := reg.NewProjectIn(t, root, "p", "private"), reg.NewProjectIn(t, inner, "p", "private")
	publish := newCaller(reg, p, reg.Token)
	publish.publish(t, "@"+root.Path+"/web", "1.0.0")
	publish.publish(t, "unscoped-"+root.Path, "1.0.0")
	newCaller(reg, hidden, reg.Token).publish(t, "@"+other.Path+"/web", "1.0.0")
	c := instance(reg, reg.Token)
	for name, want := range map[string]int{
		"@" + root.Path + "/web":                  http.StatusOK,
		"@" + strings.ToUpper(root.Path) + "/web": http.StatusNotFound, // groups have no case, packages do
		"@" + other.Path + "/web":                 http.StatusNotFound,
		"unscoped-" + root.Path:                   http.StatusNotFound,
		"@nobody/web":                             http.StatusNotFound,
	} {
		if a := c.send(t, "GET", path(name), nil); a.status != want {
			t.Errorf("%s: %d, not %d: %s", name, a.status, want, a.body)
		}
	}
	if a := c.send(t, "GET", "/-/whoami", nil); a.status != http.StatusOK {
		t.Errorf("whoami: %d %s", a.status, a.body)
	}
	if a := c.send(t, "POST", "/-/npm/v1/security/advisories/bulk", []byte("{}")); a.status != http.StatusOK {
		t.Errorf("audit: %d %s", a.status, a.body)
	}
}

// withoutTarball deletes a tarball by itself, which only the packages API does.
func withoutTarball(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	p, other := reg.NewProjectIn(t, root, "p", "private"), reg.NewProjectIn(t, root, "other", "private")
	name := "@" + root.Path + "/web"
	c := newCaller(reg, p, reg.Token)
	c.publish(t, name, "1.0.0")
	c.publish(t, name, "2.0.0") // is "latest" now
	callers := []caller{c, above(reg, root, reg.Token), instance(reg, reg.Token)}
	for _, c := range callers {
		c.send(t, "GET", path(name), nil).wantVersions(t, "1.0.0", "2.0.0")
	}

	api := caller{base: reg.URL + "/api/v4/projects/" + strconv.FormatInt(p.ID, 10) + "/packages", token: reg.Token, client: http.DefaultClient}
	pkg := api.first(t, "?package_version=2.0.0")
	files := "/" + pkg + "/package_files"
	if a := api.send(t, "DELETE", files+"/"+api.first(t, files), nil); a.status != http.StatusNoContent {
		t.Fatalf("delete the file: %d %s", a.status, a.body)
	}
	for _, c := range callers {
		doc := c.send(t, "GET", path(name), nil)
		doc.wantVersions(t, "1.0.0")
		if _, tags := doc.versions(t); tags["latest"] != "1.0.0" {
			t.Errorf("tags %v", tags)
		}
		for _, step := range []struct {
			method, path, body string
			want               int
		}{
			{"GET", path(name) + "/2.0.0", "", http.StatusNotFound},
			{"GET", tarballPath(name, "2.0.0"), "", http.StatusNotFound},
			{"GET", path(name) + "/latest", "", http.StatusOK},
			{"PUT", "/-/package" + path(name) + "/dist-tags/stable", `"2.0.0"`, http.StatusNotFound},
		} {
			if a := c.send(t, step.method, step.path, []byte(step.body)); a.status != step.want {
				t.Errorf("%s %s: %d, not %d: %s", step.method, step.path, a.status, step.want, a.body)
			}
		}
		if a := c.send(t, "GET", "/-/package"+path(name)+"/dist-tags", nil); strings.TrimSpace(string(a.body)) != `{"latest":"1.0.0"}` {
			t.Errorf("tags %d %s", a.status, a.body)
		}
	}
	for _, c := range callers[:2] {
		if a := c.send(t, "GET", "/-/v1/search?text=web", nil); !strings.Contains(string(a.body), `"version":"1.0.0"`) {
			t.Errorf("search: %s", a.body)
		}
	}
	// Its name stays taken, and another project's version of the same name is served in its place.
	if a := c.send(t, "PUT", path(name), newPublication(t, name, "2.0.0").encode()); a.status != http.StatusForbidden {
		t.Errorf("published again: %d %s", a.status, a.body)
	}
	newCaller(reg, other, reg.Token).publish(t, name, "2.0.0")
	callers[1].send(t, "GET", path(name), nil).wantVersions(t, "1.0.0", "2.0.0")
}

// first returns the id of the first item of a list.
func (c caller) first(tb testing.TB, path string) string {
	tb.Helper()
	a := c.send(tb, "GET", path, nil)
	var list []struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal(a.body, &list); err != nil || len(list) == 0 {
		tb.Fatalf("%s: %d %s: %v", path, a.status, a.body, err)
	}
	return strconv.FormatInt(list[0].ID, 10)
}
