package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

type revisionList struct {
	Reference        string
	PackageReference string
	Revisions        []struct{ Revision, Time string }
}

func (l revisionList) names() []string {
	names := []string{}
	for _, r := range l.Revisions {
		names = append(names, r.Revision)
	}
	return names
}

func (c caller) revisions(tb testing.TB, path string) []string {
	tb.Helper()
	var l revisionList
	c.get(tb, path+"/revisions").json(tb, &l)
	return l.names()
}

func (c caller) latest(tb testing.TB, path string) string {
	tb.Helper()
	var l struct{ Revision, Time string }
	c.get(tb, path+"/latest").json(tb, &l)
	if at, err := time.Parse(time.RFC3339Nano, l.Time); err != nil || time.Since(at) > time.Hour {
		tb.Errorf("time %q: %v", l.Time, err)
	}
	return l.Revision
}

func (c caller) files(tb testing.TB, path string) []string {
	tb.Helper()
	var l struct{ Files map[string]struct{} }
	c.get(tb, path+"/files").json(tb, &l)
	names := []string{}
	for name := range l.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// testRevisions is the order of revisions, and what a revision is made of.
func testRevisions(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	t.Run("in order", func(t *testing.T) { // 89 to 92, 97 to 100
		t.Parallel()
		at := recipe("order/1.0@user/stable")
		c.get(t, at+"/revisions").wantStatus(t, "of none", http.StatusNotFound)
		c.get(t, at+"/latest").wantStatus(t, "of none", http.StatusNotFound)
		for i := range 3 {
			c.uploadRecipe(t, "order/1.0@user/stable", revision(i))
		}
		var l revisionList
		c.get(t, at+"/revisions").json(t, &l)
		want := []string{revision(2), revision(1), revision(0)}
		if l.Reference != "order/1.0@user/stable" || !slices.Equal(l.names(), want) {
			t.Errorf("%+v", l)
		}
		for i := 1; i < len(l.Revisions); i++ {
			if l.Revisions[i-1].Time <= l.Revisions[i].Time {
				t.Errorf("%+v: as clients sort them, by time", l.Revisions)
			}
		}
		// Sent again, and with a new package: it stays where it is.
		c.uploadRecipe(t, "order/1.0@user/stable", revision(0), packageID(1))
		c.put(t, at+"/revisions/"+revision(0)+"/files/conan_export.tgz", gzipped("another compression")).wantStatus(t, "by force", http.StatusOK)
		if got := c.revisions(t, at); !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if got := c.latest(t, at); got != revision(2) {
			t.Errorf("latest %s", got)
		}
		// Removed and uploaded, it is the latest.
		c.send(t, "DELETE", at+"/revisions/"+revision(0), nil).wantStatus(t, "remove", http.StatusOK)
		c.uploadRecipe(t, "order/1.0@user/stable", revision(0))
		if got := c.latest(t, at); got != revision(0) {
			t.Errorf("latest %s", got)
		}
		for i := range 3 {
			c.send(t, "DELETE", at+"/revisions/"+revision(i), nil).wantStatus(t, "remove", http.StatusOK)
		}
		c.get(t, at+"/latest").wantStatus(t, "when all are gone", http.StatusNotFound)
		c.get(t, at+"/revisions").wantStatus(t, "when all are gone", http.StatusNotFound)
		c.uploadRecipe(t, "order/1.0@user/stable", revision(1)) // and from the beginning again
	})
	t.Run("of packages", func(t *testing.T) { // 94 to 96, 105, 108, 109, 114
		t.Parallel()
		at := recipe("built/1.0") + "/revisions/" + revision(1)
		pkg := at + "/packages/" + packageID(1)
		c.put(t, pkg+"/revisions/"+revision(1)+"/files/conaninfo.txt", "[settings]\n").wantStatus(t, "of no recipe", http.StatusNotFound)
		c.uploadRecipe(t, "built/1.0", revision(1), packageID(1), packageID(2))
		c.upload(t, pkg+"/revisions/"+revision(2), packageFiles("second"))
		if got := c.latest(t, pkg); got != revision(2) {
			t.Errorf("latest %s", got)
		}
		var l revisionList
		c.get(t, pkg+"/revisions").json(t, &l)
		if l.PackageReference != "built/1.0#"+revision(1)+":"+packageID(1) || !slices.Equal(l.names(), []string{revision(2), revision(1)}) {
			t.Errorf("%+v", l)
		}
		c.get(t, recipe("built/1.0")+"/revisions/"+revision(9)+"/packages/"+packageID(1)+"/latest").wantStatus(t, "of no revision", http.StatusNotFound)
		if got := c.revisions(t, at+"/packages/"+packageID(9)); len(got) != 0 {
			t.Errorf("of no package: %v", got)
		}
		c.get(t, recipe("none/1.0")+"/revisions/"+revision(1)+"/packages/"+packageID(1)+"/revisions").wantStatus(t, "of no recipe", http.StatusNotFound)
		if got := c.files(t, pkg+"/revisions/"+revision(2)); !slices.Equal(got, []string{"conan_package.tgz", "conaninfo.txt", "conanmanifest.txt"}) {
			t.Errorf("%v", got)
		}
		if got := c.files(t, at); !slices.Equal(got, []string{"conan_export.tgz", "conan_sources.tgz", "conanfile.py", "conanmanifest.txt"}) {
			t.Errorf("%v", got)
		}
		// The same package id below another revision is another package.
		c.uploadRecipe(t, "built/1.0", revision(2))
		c.get(t, recipe("built/1.0")+"/revisions/"+revision(2)+"/packages/"+packageID(1)+"/latest").wantStatus(t, "below another", http.StatusNotFound)
	})
	t.Run("complete", func(t *testing.T) { // 91, 111, 161, 163
		t.Parallel()
		recipeAt := recipe("whole/1.0") + "/revisions/" + revision(1)
		orders := [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 3, 0, 1}}
		for n, order := range orders {
			at := recipe(fmt.Sprintf("whole%d/1.0", n))
			seen := false
			for step, i := range order {
				f := recipeFiles("whole")[i]
				c.upload(t, at+"/revisions/"+revision(1), [][2]string{f})
				has := map[string]bool{}
				for _, j := range order[:step+1] {
					has[recipeFiles("")[j][0]] = true
				}
				want := has["conanfile.py"] && has["conanmanifest.txt"]
				if got := c.get(t, at+"/latest").status == http.StatusOK; got != want {
					t.Errorf("order %v, step %d: served %t", order, step, got)
				}
				if got := c.get(t, at+"/revisions/"+revision(1)+"/files").status == http.StatusOK; got != want {
					t.Errorf("order %v, step %d: files listed %t", order, step, got)
				}
				seen = seen || want
			}
			if !seen {
				t.Errorf("order %v: never served", order)
			}
		}
		c.upload(t, recipeAt, recipeFiles("whole"))
		for n, missing := range packageFiles("") {
			pid := packageID(n)
			at := recipeAt + "/packages/" + pid
			for _, f := range packageFiles("p") {
				if f[0] != missing[0] {
					c.upload(t, at+"/revisions/"+revision(1), [][2]string{f})
				}
			}
			c.get(t, at+"/latest").wantStatus(t, "without "+missing[0], http.StatusNotFound)
			if got := string(c.get(t, recipeAt+"/search").body); strings.Contains(got, pid) {
				t.Errorf("without %s: found %s", missing[0], got)
			}
			c.upload(t, at+"/revisions/"+revision(1), [][2]string{missing})
			c.get(t, at+"/latest").wantStatus(t, "with it", http.StatusOK)
		}
	})
	t.Run("metadata", func(t *testing.T) { // 112, 113, 82
		t.Parallel()
		at := recipe("logged/1.0") + "/revisions/" + revision(1)
		c.uploadRecipe(t, "logged/1.0", revision(1), packageID(1))
		c.uploadRecipe(t, "logged/1.0", revision(2))
		for path, content := range map[string]string{
			"/files/metadata/logs/build.log": "first", "/files/metadata/empty": "", "/files/metadata%2Fsign%2Fpkgsign.json": "{}",
			"/packages/" + packageID(1) + "/revisions/" + revision(1) + "/files/metadata/test.xml": "<t/>",
		} {
			c.put(t, at+path, content).wantStatus(t, path, http.StatusOK)
			if a := c.get(t, at+path).wantStatus(t, path, http.StatusOK); string(a.body) != content {
				t.Errorf("%s: %q", path, a.body)
			}
		}
		c.put(t, at+"/files/metadata/logs/build.log", "second").wantStatus(t, "again", http.StatusOK)
		if a := c.get(t, at+"/files/metadata/logs/build.log"); string(a.body) != "second" {
			t.Errorf("%q", a.body)
		}
		if got := c.files(t, at); !slices.Contains(got, "metadata/logs/build.log") || !slices.Contains(got, "metadata/sign/pkgsign.json") || !slices.Contains(got, "metadata/empty") {
			t.Errorf("%v", got)
		}
		if got := c.latest(t, recipe("logged/1.0")); got != revision(2) {
			t.Errorf("metadata moved the latest to %s", got)
		}
	})
	t.Run("archives", func(t *testing.T) { // 116
		t.Parallel()
		at := recipe("packed/1.0") + "/revisions/" + revision(1)
		c.uploadRecipe(t, "packed/1.0", revision(1))
		for name, content := range map[string]string{"conan_sources.txz": "\xfd7zXZ\x00rest", "conan_export.tzst": "\x28\xb5\x2f\xfdrest"} {
			c.put(t, at+"/files/"+name, content).wantStatus(t, name, http.StatusOK)
		}
		// Of each the last counts: clients take two for a broken server.
		if got := c.files(t, at); !slices.Equal(got, []string{"conan_export.tzst", "conan_sources.txz", "conanfile.py", "conanmanifest.txt"}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("guards", func(t *testing.T) { // 64, 65, 66, 110, 115
		t.Parallel()
		at := recipe("guarded/1.0") + "/revisions/" + revision(1) + "/files/"
		for path, content := range map[string]string{
			"conanfile.py": "", "conan_export.tgz": "no gzip", "conan_sources.txz": "no xz", "conan_sources.tzst": "no zstd",
			"conanmanifest.txt": "yesterday\n",
		} {
			// GitLab answers 200 to an empty file and keeps nothing; here what is acknowledged is kept.
			c.put(t, at+path, content).wantStatus(t, path, http.StatusBadRequest)
			c.get(t, at+path).wantStatus(t, path, http.StatusNotFound)
		}
		c.send(t, "PUT", at+"conanfile.py", []byte("#"), "X-Checksum-Sha1", strings.Repeat("0", 40)).wantStatus(t, "another digest", http.StatusBadRequest)
		c.send(t, "PUT", at+"conanfile.py", nil, "X-Checksum-Deploy", "true", "X-Checksum-Sha1", strings.Repeat("0", 40)).wantStatus(t, "by digest", http.StatusNotFound)
		c.get(t, at+"conanfile.py").wantStatus(t, "after that", http.StatusNotFound)
		c.send(t, "PUT", at+"conanfile.py", []byte("#"), "X-Checksum-Deploy", "false").wantStatus(t, "another value", http.StatusOK)
		for range 2 {
			c.put(t, at+"conanfile.py", "#").wantStatus(t, "the same again", http.StatusOK)
		}
	})
	t.Run("ranges", func(t *testing.T) { // 75, 80, 81
		t.Parallel()
		c.uploadRecipe(t, "ranged/1.0", revision(1))
		path := recipe("ranged/1.0") + "/revisions/" + revision(1) + "/files/conanfile.py"
		whole := c.get(t, path)
		if whole.header.Get("Content-Type") != "application/octet-stream" || whole.header.Get("Accept-Ranges") != "bytes" || whole.header.Get("Content-Encoding") != "" {
			t.Errorf("%v", whole.header)
		}
		if a := c.send(t, "GET", path, nil, "Range", "bytes=2-").wantStatus(t, "a range", http.StatusPartialContent); string(a.body) != string(whole.body[2:]) {
			t.Errorf("%q of %q", a.body, whole.body)
		}
		if a := c.send(t, "HEAD", path, nil).wantStatus(t, "head", http.StatusOK); len(a.body) != 0 || a.header.Get("Content-Length") != fmt.Sprint(len(whole.body)) {
			t.Errorf("%v", a.header)
		}
	})
}

// testRemovals: each level goes by itself, with what is in it, and answers 200.
func testRemovals(t *testing.T, reg *registrytest.Registry) { // 118 to 128
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	at := recipe("gone/1.0")
	one := at + "/revisions/" + revision(1)
	pkg := one + "/packages/" + packageID(1)
	fill := func(t *testing.T) {
		t.Helper()
		c.uploadRecipe(t, "gone/1.0", revision(1), packageID(1), packageID(2))
		c.uploadRecipe(t, "gone/1.0", revision(2), packageID(1))
		c.upload(t, pkg+"/revisions/"+revision(2), packageFiles("second"))
	}
	remove := func(t *testing.T, path string, status int) {
		t.Helper()
		c.send(t, "DELETE", path, nil).wantStatus(t, "DELETE "+path, status)
	}
	fill(t)
	remove(t, pkg+"/revisions/"+revision(9), 404)
	remove(t, pkg+"/revisions/"+revision(2), 200)
	if got := c.revisions(t, pkg); !slices.Equal(got, []string{revision(1)}) {
		t.Errorf("a package's: %v", got)
	}
	c.get(t, pkg+"/revisions/"+revision(2)+"/files/conaninfo.txt").wantStatus(t, "its file", 404)
	remove(t, pkg+"/revisions/"+revision(1), 200)
	c.get(t, pkg+"/latest").wantStatus(t, "the last of a package", 404)
	c.get(t, one+"/packages/"+packageID(2)+"/latest").wantStatus(t, "the other package", 200)
	remove(t, pkg, 404)
	remove(t, one+"/packages/"+packageID(2), 200)
	remove(t, one+"/packages", 404) // there is none any more
	fill(t)
	remove(t, one+"/packages", 200)
	c.get(t, one+"/files").wantStatus(t, "the recipe", 200)
	if got := string(c.get(t, one+"/search").body); got != "{}" {
		t.Errorf("packages: %s", got)
	}
	if got := string(c.get(t, at+"/revisions/"+revision(2)+"/search").body); !strings.Contains(got, packageID(1)) {
		t.Errorf("of the other revision: %s", got)
	}
	remove(t, at+"/revisions/"+revision(9), 404)
	remove(t, one, 200)
	if got := c.revisions(t, at); !slices.Equal(got, []string{revision(2)}) {
		t.Errorf("a recipe's: %v", got)
	}
	c.get(t, one+"/files/conanfile.py").wantStatus(t, "its file", 404)
	fill(t)
	remove(t, at, 200)
	remove(t, at, 404)
	c.get(t, at+"/revisions").wantStatus(t, "all of it", 404)
	fill(t) // what was removed may come again
	// The last revision goes while another is on its way: what has come of that stays.
	remove(t, one, 200)
	c.upload(t, at+"/revisions/"+revision(3), recipeFiles("third")[:3])
	remove(t, at+"/revisions/"+revision(2), 200)
	c.get(t, at+"/latest").wantStatus(t, "with a half one", 404)
	c.upload(t, at+"/revisions/"+revision(3), recipeFiles("third")[3:])
	if got := c.files(t, at+"/revisions/"+revision(3)); len(got) != 4 {
		t.Errorf("%v", got)
	}
}
