package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testLevels: maven.md, cases 1 to 39, as far as they are not about access to one project.
func testLevels(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("a group merges what its projects have", func(t *testing.T) { t.Parallel(); groupMerges(t, reg) })
	t.Run("a group shows what may be read", func(t *testing.T) { t.Parallel(); groupShowsReadable(t, reg) })
	t.Run("the instance finds a project by the artifact's path", func(t *testing.T) { t.Parallel(); instanceConvention(t, reg) })
}

func groupMerges(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	one, two := reg.NewProjectIn(t, root, "one", "private"), reg.NewProjectIn(t, reg.NewGroup(t, "private", root), "two", "private")
	first, second := inProject(reg, one, reg.Token), inProject(reg, two, reg.Token)
	v := func(version string) artifact { return artifact{"com/example", "lib", version} }
	first.deploy(t, v("1.10"))
	old := first.deploy(t, v("1.9"))
	second.deploy(t, v("2.0-rc1"))
	newest := second.deploy(t, v("1.9")) // the same version, made last
	c := inGroup(reg, root, reg.Token)
	doc := c.metadata(t, "com/example/lib")
	if want := []string{"1.9", "1.10", "2.0-rc1"}; !slices.Equal(doc.Versioning.Versions, want) || doc.Versioning.Release != "2.0-rc1" {
		t.Errorf("%+v", doc.Versioning)
	}
	if a := c.get(t, v("1.9").file("jar")); string(a.body) != string(newest) {
		t.Errorf("not the package that was made last: %d", a.status)
	}
	if a := first.get(t, v("1.9").file("jar")); string(a.body) != string(old) {
		t.Errorf("a project shows another's: %d", a.status)
	}
	// A snapshot of two projects: the one with the newest build.
	s := artifact{"com/example", "lib", "3.0-SNAPSHOT"}
	for build, project := range map[string]caller{"20260101.000000-1": second, "20260102.000000-2": first} {
		project.put(t, s.dir()+"/lib-3.0-"+build+".jar", jar(t, "a", build))
		project.put(t, s.dir()+"/lib-3.0-"+build+".pom", s.pom(""))
	}
	if doc := c.metadata(t, s.dir()); doc.Versioning.Snapshot.BuildNumber != 2 {
		t.Errorf("%+v", doc.Versioning.Snapshot)
	}
	if a := c.get(t, s.dir()+"/lib-3.0-20260101.000000-1.jar"); a.status != http.StatusOK {
		t.Errorf("the older build: %d", a.status)
	}
	// Plugins of both.
	for i, project := range []caller{first, second} {
		p := artifact{"com/example", []string{"a-maven-plugin", "b-maven-plugin"}[i], "1"}
		project.put(t, p.file("jar"), jar(t, "META-INF/maven/plugin.xml",
			"<plugin><groupId>com.example</groupId><artifactId>"+p.id+"</artifactId><version>1</version><goalPrefix>"+p.id[:1]+"</goalPrefix></plugin>"))
		project.put(t, p.file("pom"), p.pom("<packaging>maven-plugin</packaging>"))
	}
	if doc := c.metadata(t, "com/example"); len(doc.Plugins) != 2 || doc.Plugins[0].Prefix != "a" || doc.Plugins[1].Prefix != "b" {
		t.Errorf("plugins %+v", doc.Plugins)
	}
	if doc := first.metadata(t, "com/example"); len(doc.Plugins) != 1 {
		t.Errorf("plugins of one project %+v", doc.Plugins)
	}
	for _, what := range []caller{c, inInstance(reg, reg.Token)} {
		a := what.send(t, "PUT", v("9").file("pom"), v("9").pom(""))
		a.wantStatus(t, "put above a project", http.StatusMethodNotAllowed)
		if !strings.Contains(a.header.Get("Allow"), "GET") {
			t.Errorf("allowed: %q", a.header.Get("Allow"))
		}
	}
}

func groupShowsReadable(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "public")
	open, closed := reg.NewProjectIn(t, root, "open", "public"), reg.NewProjectIn(t, root, "closed", "private")
	a, b := artifact{"com/example", "lib", "1"}, artifact{"com/example", "lib", "2"}
	inProject(reg, open, reg.Token).deploy(t, a)
	inProject(reg, closed, reg.Token).deploy(t, b)
	member := reg.NewUser(t, "guest", closed.Path).Token
	stranger := reg.NewUser(t, "", "").Token
	for who, row := range map[string]struct {
		token    string
		versions int
		closed   int // the status of what the closed project has
	}{
		"anonymous": {"", 1, 401}, // there may be more for those who sign in
		"stranger":  {stranger, 1, 404},
		"member":    {member, 2, 200},
	} {
		c := inGroup(reg, root, row.token)
		if doc := c.metadata(t, a.name()); len(doc.Versioning.Versions) != row.versions {
			t.Errorf("%s: versions %v", who, doc.Versioning.Versions)
		}
		c.get(t, a.file("jar")).wantStatus(t, who+", open", 200)
		c.get(t, b.file("jar")).wantStatus(t, who+", closed", row.closed)
		c.get(t, b.file("jar.sha1")).wantStatus(t, who+", closed, checksum", row.closed)
	}
	// Nothing is hidden here: Gradle takes 404 alone for "not there", and looks on.
	plain := reg.NewGroup(t, "public")
	inProject(reg, reg.NewProjectIn(t, plain, "p", "public"), reg.Token).deploy(t, a)
	inGroup(reg, plain, "").get(t, b.file("jar")).wantStatus(t, "absent from a group that is all public", 404)
	for token, want := range map[string]int{"": 401, stranger: 404} {
		inGroup(reg, reg.NewGroup(t, "private"), token).get(t, a.file("jar")).wantStatus(t, "a private group", want)
		inGroup(reg, registrytest.Group{ID: 1 << 40}, token).get(t, a.file("jar")).wantStatus(t, "no group", want)
	}
	// A private project whose packages anybody may pull.
	shared := reg.NewGroup(t, "private")
	reg.CLI(t, "project", "create", shared.Path+"/open", "--visibility", "private", "--package-access", "public")
	p := caller{base: reg.URL + "/api/v4/projects/" + strings.ReplaceAll(shared.Path+"/open", "/", "%2F") + "/packages/maven", token: reg.Token}
	p.deploy(t, a)
	inGroup(reg, shared, "").get(t, a.file("jar")).wantStatus(t, "packages for anybody", 200)
}

// instanceConvention: the artifact com/example/app is in the project com/example/app.
func instanceConvention(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	root := reg.NewGroup(t, "private")
	inner := reg.NewGroupAt(t, root.Path+"/inner", "private")
	p := reg.NewProjectIn(t, inner, "app", "private")
	a := artifact{root.Path + "/inner", "app", "1.0"}
	s := artifact{root.Path + "/inner", "app", "2.0-SNAPSHOT"}
	elsewhere := artifact{root.Path + "/inner", "other", "1.0"}
	own := inProject(reg, p, reg.Token)
	own.deploy(t, a)
	own.deploy(t, elsewhere)
	own.put(t, s.dir()+"/app-2.0-20260101.000000-1.jar", jar(t, "a", "b"))
	own.put(t, s.dir()+"/app-2.0-20260101.000000-1.pom", s.pom(""))
	c := inInstance(reg, reg.NewUser(t, "guest", p.Path).Token)
	c.get(t, a.file("jar")).wantStatus(t, "file", 200)
	c.get(t, a.file("jar.md5")).wantStatus(t, "checksum", 200)
	if doc := c.metadata(t, a.name()); len(doc.Versioning.Versions) != 2 {
		t.Errorf("versions %v", doc.Versioning.Versions)
	}
	if doc := c.metadata(t, s.dir()); doc.Versioning.Snapshot.BuildNumber != 1 {
		t.Errorf("snapshot %+v", doc.Versioning.Snapshot)
	}
	// GitLab says 403 for a path that no package has; Gradle would not look on.
	c.get(t, elsewhere.file("jar")).wantStatus(t, "another artifact of the project", 404)
	c.get(t, "com/nobody/x/1/x-1.jar").wantStatus(t, "no project", 404)
	for who, row := range map[string]struct {
		token string
		want  int
	}{"anonymous": {"", 401}, "stranger": {reg.NewUser(t, "", "").Token, 404}} {
		other := inInstance(reg, row.token)
		other.get(t, a.file("jar")).wantStatus(t, who, row.want)
		other.get(t, "com/nobody/x/1/x-1.jar").wantStatus(t, who+", no project", row.want) // looks the same
	}
}
