package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func (c caller) search(tb testing.TB, q, more string) []string {
	tb.Helper()
	var found struct{ Results []string }
	c.get(tb, "/v2/conans/search?q="+url.QueryEscape(q)+more).json(tb, &found)
	return found.Results
}

// testSearch finds recipes by a text, and packages of one.
func testSearch(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	project := reg.NewProject(t, "private")
	c := inProject(reg, project, reg.Token)
	for _, ref := range []string{"alpha/1.2.0@user/stable", "alpha/1.3.0@user/channel", "beta/1.2.0", "Gamma/2.0@dummy/final", "assimp/5.0", "assimpFake/5.0"} {
		c.uploadRecipe(t, ref, revision(1))
	}
	c.uploadRecipe(t, "beta/1.2.0", revision(2))
	c.upload(t, recipe("half/1.0")+"/revisions/"+revision(1), recipeFiles("half")[:2])
	const everything = "Gamma/2.0@dummy/final alpha/1.2.0@user/stable alpha/1.3.0@user/channel assimp/5.0 assimpFake/5.0 beta/1.2.0"
	for _, row := range []struct{ q, more, want string }{ // 129 to 142
		{"alpha", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"alph", "", ""},
		{"alph*", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"a*p*a/*@user/stable", "", "alpha/1.2.0@user/stable"},
		{"b*/1.2.0", "", "beta/1.2.0"}, // 140: once, however many revisions
		{"alpha/1.2.*", "", "alpha/1.2.0@user/stable"},
		{"alpha/1.2.?", "", "alpha/1.2.0@user/stable"},
		{"alpha/1.[23].0", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"alpha/1.[!2].0", "", "alpha/1.3.0@user/channel"},
		{"ALPHA", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"ALPHA", "&ignorecase=False", ""},
		{"gamma", "&ignorecase=True", "Gamma/2.0@dummy/final"},
		{"alpha/*hannel", "", ""}, // a wildcard stays in its part
		{"*", "", everything},     // GitLab finds nothing; clients list and remove by it
		{"*/*", "", everything},
		{"", "", everything},
		{"a%a", "", ""}, // no wildcard of SQL's
		{"a_pha", "", ""},
		{"alpha/", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"*/*@dummy", "", "Gamma/2.0@dummy/final"},
		{"*/*@du*/", "", "Gamma/2.0@dummy/final"},
		{"*/*@*/final", "", "Gamma/2.0@dummy/final"},
		{"*/*@*/*", "", "Gamma/2.0@dummy/final alpha/1.2.0@user/stable alpha/1.3.0@user/channel"},
		{"*/*@_/_", "", "assimp/5.0 assimpFake/5.0 beta/1.2.0"},
		{"Assimp*", "&ignorecase=False", ""},
		{"assimp", "&ignorecase=False", "assimp/5.0"},
		{"alpha/9*", "", ""},
		{"half", "", ""}, // 138: not complete
		{"[", "", ""},
		{"a(b", "", ""},
		{"[z-a]*", "", ""},
		{"[a-b-c]*", "", ""},
		{"[a-b]*", "", "alpha/1.2.0@user/stable alpha/1.3.0@user/channel assimp/5.0 assimpFake/5.0 beta/1.2.0"},
	} {
		if got := c.search(t, row.q, row.more); strings.Join(got, " ") != row.want {
			t.Errorf("%s%s: %q, want %q", row.q, row.more, got, row.want)
		}
	}
	for what, q := range map[string]string{"136: six wildcards": "*a*b*c*d*e*", "136: 201 characters": strings.Repeat("a", 201), "no text": "%00"} {
		c.get(t, "/v2/conans/search?q="+q).wantStatus(t, what, http.StatusBadRequest)
	}
	if a := c.get(t, "/v1/conans/search?q=beta").wantStatus(t, "the first protocol", http.StatusOK); string(a.body) != `{"results":["beta/1.2.0"]}` {
		t.Errorf("%s", a.body)
	}
	t.Run("above the project", func(t *testing.T) { // 137
		owner := strings.ReplaceAll(project.Path, "/", "+")
		c.uploadRecipe(t, "wide/1.0@"+owner+"/stable", revision(1))
		all, stranger := inInstance(reg, reg.Token), inInstance(reg, reg.NewUser(t, "", "").Token)
		for q, want := range map[string][]string{
			"wide/*@" + owner + "/stable": {"wide/1.0@" + owner + "/stable"},
			"*@" + owner:                  {"wide/1.0@" + owner + "/stable"},
			"wide":                        {},
			"*":                           {},
			"wide/*@*/stable":             {},
			"wide/*@no+such/stable":       {},
		} {
			if got := all.search(t, q, ""); !slices.Equal(got, want) {
				t.Errorf("%s: %v", q, got)
			}
			if got := stranger.search(t, q, ""); len(got) != 0 {
				t.Errorf("a stranger, %s: %v", q, got)
			}
			// Nobody is asked who they are if the text names a project, whether there is one or not.
			want := http.StatusOK
			if strings.Contains(q, "@"+owner) || strings.Contains(q, "@no+such") {
				want = http.StatusUnauthorized
			}
			a := inInstance(reg, "").get(t, "/v2/conans/search?q="+url.QueryEscape(q)).wantStatus(t, "nobody, "+q, want)
			if want == http.StatusOK && string(a.body) != `{"results":[]}` {
				t.Errorf("nobody, %s: %s", q, a.body)
			}
		}
		if got := inGroup(reg, project.Group, reg.Token).search(t, "alph*", ""); len(got) != 2 {
			t.Errorf("a group: %v", got)
		}
	})
	t.Run("packages", func(t *testing.T) { // 143 to 153
		at := recipe("libs/1.0")
		c.uploadRecipe(t, "libs/1.0", revision(1), packageID(1))
		put := func(n int, info string) {
			files := packageFiles(fmt.Sprint(n))
			files[1][1] = info
			c.upload(t, at+"/revisions/"+revision(1)+"/packages/"+packageID(n)+"/revisions/"+revision(1), files)
		}
		put(2, "[settings]\n    os=Linux\n    compiler=gcc [12] \"x\" ü\n\n[requires]\n    zlib/1.2.Z\n\n[options]\n    shared=True\n\n[full_settings]\n    arch=armv8\n\n[recipe_hash]\n    "+strings.Repeat("a", 32)+"\n\n[env]\n")
		put(3, "settings\n\xff\xfe")
		put(4, "[settings]\nno value\n=nothing\n[]\n[odd header\nos=\n")
		put(6, "") // Conan 2's, of a package without settings, options and requirements
		type pkg struct {
			Settings, Options map[string]string
			Requires          []string
			RecipeHash        string `json:"recipe_hash"`
			Content           string
		}
		var found map[string]pkg
		c.get(t, at+"/revisions/"+revision(1)+"/search?list_only=False&odd=1").json(t, &found)
		one, two, odd := found[packageID(1)], found[packageID(2)], found[packageID(4)]
		if len(found) != 5 || one.Settings["arch"] != "x86_64" || one.Options["shared"] != "False" || !slices.Equal(one.Requires, []string{"zlib/1.2.Z"}) || one.RecipeHash != "" {
			t.Errorf("%+v", found)
		}
		if two.Settings["compiler"] != `gcc [12] "x" ü` || two.Settings["arch"] != "" || two.RecipeHash != strings.Repeat("a", 32) || !strings.Contains(two.Content, "full_settings") {
			t.Errorf("%+v", two)
		}
		if len(found[packageID(3)].Settings) != 0 || found[packageID(3)].Content != "" {
			t.Errorf("no text: %+v", found[packageID(3)])
		}
		if len(odd.Settings) != 1 || odd.Settings["os"] != "" {
			t.Errorf("no description: %+v", odd)
		}
		if got := string(c.get(t, at+"/revisions/"+revision(1)+"/search?list_only=True").body); !strings.Contains(got, `"`+packageID(1)+`":{}`) {
			t.Errorf("%s", got)
		}
		c.uploadRecipe(t, "libs/1.0", revision(2), packageID(5))
		found = nil
		c.get(t, at+"/search").json(t, &found)
		if _, ok := found[packageID(5)]; !ok || len(found) != 1 {
			t.Errorf("of the latest: %v", found)
		}
		found = nil
		c.get(t, first("libs/1.0")+"/search").json(t, &found)
		if len(found) != 6 {
			t.Errorf("of all: %d", len(found))
		}
		c.get(t, recipe("none/1.0")+"/search").wantStatus(t, "of no recipe", http.StatusNotFound)
		c.get(t, at+"/revisions/"+revision(9)+"/search").wantStatus(t, "of no revision", http.StatusNotFound)
		if got := string(c.get(t, recipe("beta/1.2.0")+"/search").wantStatus(t, "of none", http.StatusOK).body); got != "{}" {
			t.Errorf("%s", got)
		}
	})
}
