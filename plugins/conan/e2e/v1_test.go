package e2e_test

import (
	"crypto/md5" //nolint:gosec // what snapshots tell
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// first is a reference as it stands in paths of the first protocol.
func first(ref string) string { return strings.Replace(recipe(ref), "/v2/", "/v1/", 1) }

// uploadFirst uploads files as Conan 1 does: it asks where they go.
func (c caller) uploadFirst(tb testing.TB, at string, files [][2]string) {
	tb.Helper()
	sizes := map[string]int{}
	for _, f := range files {
		sizes[f[0]] = len(f[1])
	}
	body, err := json.Marshal(sizes)
	if err != nil {
		tb.Fatal(err)
	}
	var urls map[string]string
	c.send(tb, "POST", at+"/upload_urls", body, "Content-Type", "application/json").json(tb, &urls)
	for _, f := range files {
		if a := c.put(tb, strings.TrimPrefix(urls[f[0]], c.base), f[1]); a.status != http.StatusOK {
			tb.Fatalf("put %s: %d %s", urls[f[0]], a.status, a.body)
		}
	}
}

func (c caller) object(tb testing.TB, path string) map[string]string {
	tb.Helper()
	var m map[string]string
	c.get(tb, path).json(tb, &m)
	return m
}

func sum(content string) string {
	s := md5.Sum([]byte(content)) //nolint:gosec // likewise
	return hex.EncodeToString(s[:])
}

// testV1 is the protocol without revisions.
func testV1(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	project := reg.NewProject(t, "private")
	c := inProject(reg, project, reg.Token)
	at := first("old/1.0@user/stable")
	t.Run("of nothing", func(t *testing.T) { // 37, 41, 44, 50
		none := first("none/1.0")
		if got := c.object(t, none); len(got) != 0 { // as GitLab; conan_server answers 404, and clients take both
			t.Errorf("%v", got)
		}
		if got := c.object(t, none+"/packages/"+packageID(1)); len(got) != 0 {
			t.Errorf("%v", got)
		}
		for _, path := range []string{"/digest", "/download_urls", "/search", "/packages/" + packageID(1) + "/digest", "/packages/" + packageID(1) + "/download_urls"} {
			c.get(t, none+path).wantStatus(t, path, http.StatusNotFound)
		}
	})
	t.Run("announced", func(t *testing.T) { // 51 to 56
		var urls map[string]string
		c.send(t, "POST", at+"/upload_urls", []byte(`{"conanfile.py":24,"conanmanifest.txt":123,"conan_sources.tgz":1,"conan_export.tgz":1,"setup.py":1,"conaninfo.txt":1}`)).json(t, &urls)
		if len(urls) != 4 || urls["conanfile.py"] != c.base+"/v1/files/old/1.0/user/stable/0/export/conanfile.py" {
			t.Errorf("%v", urls)
		}
		urls = nil
		c.send(t, "POST", at+"/packages/"+packageID(1)+"/upload_urls", []byte(`{"conaninfo.txt":1,"conanmanifest.txt":1,"conan_package.tgz":1}`)).json(t, &urls)
		if len(urls) != 3 || urls["conaninfo.txt"] != c.base+"/v1/files/old/1.0/user/stable/0/package/"+packageID(1)+"/0/conaninfo.txt" {
			t.Errorf("%v", urls)
		}
		for _, body := range []string{`["conanfile.py"]`, `{"conanfile.py":`, `{"conanfile.py":"24"}`, ``} {
			c.send(t, "POST", at+"/upload_urls", []byte(body)).wantStatus(t, body, http.StatusBadRequest)
		}
		inProject(reg, reg.NewProject(t, "public"), "").send(t, "POST", at+"/upload_urls", []byte(`{}`)).wantStatus(t, "by nobody", http.StatusUnauthorized)
	})
	t.Run("uploaded", func(t *testing.T) { // 36, 38, 39, 40, 42, 43, 45, 57 to 60, 67, 68, 75, 76
		c.uploadFirst(t, at, recipeFiles("old"))
		for n := range 2 {
			c.uploadFirst(t, at+"/packages/"+packageID(n), packageFiles(packageID(n)))
		}
		snapshot := c.object(t, at)
		if len(snapshot) != 4 || snapshot["conanfile.py"] != sum("# old") {
			t.Errorf("%v", snapshot)
		}
		if got := c.object(t, at+"/packages/"+packageID(1)); len(got) != 3 || got["conan_package.tgz"] != sum(packageFiles(packageID(1))[0][1]) {
			t.Errorf("%v", got)
		}
		if got := c.object(t, at+"/digest"); len(got) != 1 || !strings.HasSuffix(got["conanmanifest.txt"], "/0/export/conanmanifest.txt") {
			t.Errorf("%v", got)
		}
		urls := c.object(t, at+"/download_urls")
		if len(urls) != 4 {
			t.Errorf("%v", urls)
		}
		if a := c.get(t, strings.TrimPrefix(urls["conanfile.py"], c.base)).wantStatus(t, "a file", http.StatusOK); string(a.body) != "# old" {
			t.Errorf("%q", a.body)
		}
		urls = c.object(t, at+"/packages/"+packageID(1)+"/download_urls")
		c.get(t, strings.TrimPrefix(urls["conaninfo.txt"], c.base)).wantStatus(t, "a package's", http.StatusOK)
		c.get(t, "/v1/files/old/1.0/user/stable/0/export/conan_export.txz").wantStatus(t, "one that there is not", http.StatusNotFound)
		// Other bytes under the same name: the last count.
		c.put(t, "/v1/files/old/1.0/user/stable/0/export/conanfile.py", "# newer").wantStatus(t, "again", http.StatusOK)
		if got := c.object(t, at)["conanfile.py"]; got != sum("# newer") {
			t.Errorf("%s", got)
		}
		// 59: another user or channel is another recipe.
		c.uploadFirst(t, first("old/1.0@user/testing"), recipeFiles("testing"))
		if got := c.object(t, at)["conanfile.py"]; got != sum("# newer") {
			t.Errorf("%s", got)
		}
		c.put(t, "/v1/files/old/1.0/user/stable/"+revision(1)+"/export/conanfile.py", "#").wantStatus(t, "to a revision", http.StatusBadRequest)
		c.put(t, "/v1/files/old/1.0/user/stable/0/export/setup.py", "#").wantStatus(t, "no file of a recipe", http.StatusBadRequest)
	})
	t.Run("both protocols", func(t *testing.T) { // 93
		if got := c.latest(t, recipe("old/1.0@user/stable")); got != "0" {
			t.Errorf("latest %s", got)
		}
		if got := c.files(t, recipe("old/1.0@user/stable")+"/revisions/0"); len(got) != 4 {
			t.Errorf("%v", got)
		}
		c.uploadRecipe(t, "new/1.0", revision(1), packageID(1))
		c.put(t, recipe("new/1.0")+"/revisions/"+revision(1)+"/files/metadata/log", "x").wantStatus(t, "metadata", http.StatusOK)
		urls := c.object(t, first("new/1.0")+"/download_urls")
		if len(urls) != 4 || !strings.Contains(urls["conanfile.py"], revision(1)+"/export/") {
			t.Errorf("%v", urls)
		}
		c.get(t, strings.TrimPrefix(urls["conanfile.py"], c.base)).wantStatus(t, "a file", http.StatusOK)
		urls = c.object(t, first("new/1.0")+"/packages/"+packageID(1)+"/download_urls")
		c.get(t, strings.TrimPrefix(urls["conaninfo.txt"], c.base)).wantStatus(t, "a package's", http.StatusOK)
		// A package of what it was shown goes to that revision: its recipe is not sent again.
		c.uploadFirst(t, first("new/1.0")+"/packages/"+packageID(2), packageFiles("old of new"))
		if got := c.latest(t, recipe("new/1.0")+"/revisions/"+revision(1)+"/packages/"+packageID(2)); got != "0" {
			t.Errorf("latest %s", got)
		}
		if got := c.object(t, first("new/1.0")+"/packages/"+packageID(2)); len(got) != 3 {
			t.Errorf("%v", got)
		}
	})
	t.Run("removed", func(t *testing.T) { // 83, 84, 86 to 88
		remove := func(what string, want int, body string) {
			t.Helper()
			c.send(t, "POST", at+"/"+what, []byte(body)).wantStatus(t, what+body, want)
		}
		remove("remove_files", 200, `{"files":["conan_export.txz"]}`) // what it was shown may have been a revision
		remove("remove_files", 400, `{"files":["conanmanifest.txt"]}`)
		remove("remove_files", 400, `["conan_export.tgz"]`)
		remove("remove_files", 200, `{"files":["conan_export.tgz"]}`)
		if got := c.object(t, at); len(got) != 3 {
			t.Errorf("%v", got)
		}
		remove("packages/delete", 404, `{"package_ids":["`+packageID(9)+`"]}`)
		remove("packages/delete", 400, `{"package_ids":["a-b"]}`)
		remove("packages/delete", 200, `{"package_ids":["`+packageID(0)+`"]}`)
		if got := c.object(t, at+"/packages/"+packageID(0)); len(got) != 0 {
			t.Errorf("%v", got)
		}
		c.uploadFirst(t, at+"/packages/"+packageID(2), packageFiles("x"))
		remove("packages/delete", 200, `{"package_ids":[]}`)
		for _, n := range []int{1, 2} {
			if got := c.object(t, at+"/packages/"+packageID(n)); len(got) != 0 {
				t.Errorf("%v", got)
			}
		}
		remove("packages/delete", 404, `{"package_ids":[]}`)
		developer := reg.NewUser(t, "developer", project.Path)
		inProject(reg, project, developer.Token).send(t, "DELETE", at, nil).wantStatus(t, "by a developer", http.StatusForbidden)
		inProject(reg, project, "").send(t, "DELETE", at, nil).wantStatus(t, "by nobody", http.StatusUnauthorized)
		c.send(t, "DELETE", at, nil).wantStatus(t, "the recipe", http.StatusOK)
		c.send(t, "DELETE", at, nil).wantStatus(t, "again", http.StatusNotFound)
		if got := c.object(t, at); len(got) != 0 {
			t.Errorf("%v", got)
		}
		c.get(t, first("old/1.0@user/testing")+"/digest").wantStatus(t, "the other channel", http.StatusOK)
	})
}
