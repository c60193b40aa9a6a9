package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func TestGranularTokens(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"npm by name", testGranularNames},
		{"npm by permission", testGranularPermissions},
		{"maven", testGranularMaven},
		{"a group", testGranularGroup},
	} {
		t.Run(part.name, func(t *testing.T) { t.Parallel(); part.test(t, r) })
	}
}

// granular makes an access token of a project, whose bot is a Maintainer.
func granular(t *testing.T, r *registrytest.Registry, p registrytest.Project, patterns string, permissions ...string) string {
	t.Helper()
	return granularAt(t, r, fmt.Sprintf("projects/%d", p.ID), fmt.Sprintf(`[{"access":"selected_memberships","project_ids":[%d],"permissions":["%s"],"package_name_patterns":[%s]}]`,
		p.ID, strings.Join(permissions, `","`), patterns))
}

func granularAt(t *testing.T, r *registrytest.Registry, place, scopes string) string {
	t.Helper()
	a := send(t, "POST", r.URL+"/api/v4/"+place+"/access_tokens", r.Token, `{"name":"t","access_level":40,"granular_scopes":`+scopes+`}`)
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r.Remember(made.Token)
	return made.Token
}

const lacks = `"error":"insufficient_granular_scope"`

// testGranularNames: what the patterns hide is not there on any of npm's routes,
// also where an answer is kept that others were given.
func testGranularNames(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	full := r.TokenOf(t, p, "maintainer")
	for _, name := range []string{"acme-web", "secret"} {
		publish(t, r, p, full, name, "1.0.0")
	}
	token := granular(t, r, p, `"ACME-*"`, "read_npm_package", "download_npm_package", "upload_npm_package", "delete_npm_package")
	npm := packagesURL(r, p) + "/npm/"
	hidden := []string{"secret", "secret/-/secret-1.0.0.tgz", "-/package/secret/dist-tags"}
	for _, path := range hidden { // so that each is kept
		for range 2 {
			if a := ask(t, "GET", npm+path, full); a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
	tag := ask(t, "GET", npm+"secret", full).header.Get("ETag")
	for _, path := range hidden {
		got, absent := ask(t, "GET", npm+path, token, "If-None-Match", tag), ask(t, "GET", npm+strings.ReplaceAll(path, "secret", "absent"), token)
		strip := func(a answer) string {
			return strings.ReplaceAll(strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), ""), "secret", "absent")
		}
		if got.status != absent.status || got.status == http.StatusOK || strip(got) != strip(absent) {
			t.Errorf("%s: %d %s; of none: %d %s", path, got.status, got.body, absent.status, absent.body)
		}
	}
	for _, path := range []string{"acme-web", "acme-web/-/acme-web-1.0.0.tgz", "-/package/acme-web/dist-tags"} {
		for range 2 {
			if a := ask(t, "GET", npm+path, token); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
	if a := ask(t, "GET", npm+"-/v1/search?text=e", token); a.status != http.StatusOK || strings.Contains(a.body, "secret") || !strings.Contains(a.body, "acme-web") {
		t.Errorf("search: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", npm+"-/v1/search?text=e", full); !strings.Contains(a.body, "secret") {
		t.Errorf("everybody's search: %d %s", a.status, a.body)
	}
	// Written, too.
	for name, want := range map[string]int{"acme-api": http.StatusOK, "acm": http.StatusForbidden, "secret": http.StatusForbidden} {
		document, _ := publication(t, name, "2.0.0")
		if a := send(t, "PUT", npm+name, token, document); a.status != want || want != http.StatusOK && !strings.Contains(a.body, lacks) {
			t.Errorf("publish %s: %d %s", name, a.status, a.body)
		}
	}
	if a := send(t, "PUT", npm+"-/package/secret/dist-tags/next", token, `"1.0.0"`); a.status < 400 {
		t.Errorf("a tag of what is hidden: %d %s", a.status, a.body)
	}
	if a := ask(t, "GET", npm+"secret", full); a.status != http.StatusOK || strings.Contains(a.body, "2.0.0") || strings.Contains(a.body, "next") {
		t.Errorf("it was changed: %s", a.body)
	}
}

// testGranularPermissions: each route takes the permission that it is about.
func testGranularPermissions(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p, elsewhere := r.NewProject(t, "private"), r.NewProject(t, "public")
	full := r.TokenOf(t, p, "maintainer")
	publish(t, r, p, full, "web", "1.0.0")
	publish(t, r, elsewhere, r.Token, "web", "1.0.0")
	npm := packagesURL(r, p) + "/npm/"
	ask(t, "GET", npm+"web/-/web-1.0.0.tgz", full)   // so that it is kept
	for permission, want := range map[string][4]int{ // document, file, publish, a tag's end
		"read_npm_package":     {200, 403, 403, 403},
		"download_npm_package": {200, 200, 403, 403},
		"upload_npm_package":   {403, 403, 200, 403},
		"delete_npm_package":   {403, 403, 403, 204},
		"read_package":         {200, 403, 403, 403},
		"upload_package":       {403, 403, 200, 403},
		"read_maven_package":   {403, 403, 403, 403},
	} {
		token := granular(t, r, p, "", permission)
		version := "2.0." + fmt.Sprint(time.Now().UnixNano())
		document, _ := publication(t, "web", version)
		if a := send(t, "PUT", npm+"-/package/web/dist-tags/"+strings.ReplaceAll(permission, "_", "-"), full, `"1.0.0"`); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for i, a := range []answer{
			ask(t, "GET", npm+"web", token), ask(t, "GET", npm+"web/-/web-1.0.0.tgz", token), send(t, "PUT", npm+"web", token, document),
			ask(t, "DELETE", npm+"-/package/web/dist-tags/"+strings.ReplaceAll(permission, "_", "-"), token),
		} {
			if a.status != want[i] || a.status == 403 && !strings.Contains(a.body, lacks) {
				t.Errorf("%s, request %d: %d %s, want %d", permission, i, a.status, a.body, want[i])
			}
		}
		// Elsewhere it may not even what anybody may.
		if a := ask(t, "GET", packagesURL(r, elsewhere)+"/npm/web", token); a.status != http.StatusForbidden || !strings.Contains(a.body, lacks) {
			t.Errorf("%s elsewhere: %d %s", permission, a.status, a.body)
		}
	}
	if a := ask(t, "GET", packagesURL(r, elsewhere)+"/npm/web", ""); a.status != http.StatusOK {
		t.Errorf("anybody elsewhere: %d", a.status)
	}
}

func testGranularMaven(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	full := r.TokenOf(t, p, "maintainer")
	maven := packagesURL(r, p) + "/maven/"
	token := granular(t, r, p, `"com/acme/*"`, "download_maven_package", "upload_maven_package")
	for path, want := range map[string]int{"com/acme/app/1.0/app-1.0.pom": http.StatusOK, "com/other/app/1.0/app-1.0.pom": http.StatusForbidden} {
		group := strings.Join(strings.Split(path, "/")[:2], ".")
		content := "<project><modelVersion>4.0.0</modelVersion><groupId>" + group + "</groupId><artifactId>app</artifactId><version>1.0</version><packaging>pom</packaging></project>"
		if a := send(t, "PUT", maven+path, token, content, "Content-Type", "text/xml"); a.status != want {
			t.Errorf("put %s: %d %s", path, a.status, a.body)
		}
		if want != http.StatusOK {
			if a := send(t, "PUT", maven+path, full, content, "Content-Type", "text/xml"); a.status != http.StatusOK {
				t.Fatalf("put %s: %d %s", path, a.status, a.body)
			}
		}
	}
	for path, want := range map[string]int{
		"com/acme/app/1.0/app-1.0.pom": 200, "com/acme/app/1.0/app-1.0.pom.sha1": 200,
		"com/other/app/1.0/app-1.0.pom": 404, "com/other/app/1.0/app-1.0.pom.sha1": 404, "com/other/app/maven-metadata.xml": 404,
	} {
		for _, who := range []string{full, token} {
			a := ask(t, "GET", maven+path, who)
			if who == token && a.status != want || who == full && a.status != 200 && !strings.HasSuffix(path, ".xml") {
				t.Errorf("get %s: %d %s", path, a.status, a.body)
			}
		}
	}
}

// testGranularGroup: of a group only the projects take part in which the token
// has a permission, each with its own names.
func testGranularGroup(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	top := r.NewGroup(t, "private")
	one, two, three := r.NewProjectIn(t, top, "one", "private"), r.NewProjectIn(t, top, "two", "private"), r.NewProjectIn(t, top, "three", "private")
	for i, p := range []registrytest.Project{one, two, three} {
		publish(t, r, p, r.Token, fmt.Sprint("lib-", i), "1.0.0")
		publish(t, r, p, r.Token, fmt.Sprint("app-", i), "1.0.0")
	}
	token := granularAt(t, r, fmt.Sprintf("groups/%d", top.ID), fmt.Sprintf(`[
		{"access":"selected_memberships","project_ids":[%d],"permissions":["download_npm_package"]},
		{"access":"selected_memberships","project_ids":[%d],"permissions":["read_package","download_package"],"package_name_patterns":["lib-*"]}]`, one.ID, two.ID))
	for _, level := range []string{fmt.Sprintf("groups/%d/-/packages/npm/", top.ID)} {
		for name, want := range map[string]int{"lib-0": 200, "app-0": 200, "lib-1": 200, "app-1": 404, "lib-2": 404, "app-2": 404} {
			for _, who := range []string{r.Token, token, r.Token, token} {
				a := ask(t, "GET", r.URL+"/api/v4/"+level+name, who)
				if who == token && a.status != want || who == r.Token && a.status != 200 {
					t.Errorf("%s%s: %d %s", level, name, a.status, a.body)
				}
			}
			file := fmt.Sprintf("%s/-/%s-1.0.0.tgz", name, name)
			if a := ask(t, "GET", fmt.Sprintf("%s/npm/%s", packagesURL(r, []registrytest.Project{one, two, three}[name[4]-'0']), file), token); (a.status == 200) != (want == 200) {
				t.Errorf("%s: %d %s", file, a.status, a.body)
			}
		}
	}
	whole := granularAt(t, r, fmt.Sprintf("groups/%d", top.ID), fmt.Sprintf(`[{"access":"selected_memberships","group_ids":[%d],"permissions":["read_npm_package"]}]`, top.ID))
	if a := ask(t, "GET", fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm/app-2", r.URL, top.ID), whole); a.status != http.StatusOK {
		t.Errorf("the whole group: %d %s", a.status, a.body)
	}
	// Its bot is no member anywhere else.
	other := r.NewGroup(t, "private")
	if a := ask(t, "GET", fmt.Sprintf("%s/api/v4/groups/%d/-/packages/npm/app-2", r.URL, other.ID), whole); a.status != http.StatusNotFound {
		t.Errorf("another group: %d %s", a.status, a.body)
	}
}
