package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testDeletions: what was deleted through the packages API is gone from the
// documents at once (maven.md, cases 95 to 103: there by a job).
func testDeletions(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	c := inProject(reg, p, reg.Token)
	v := func(version string) artifact { return artifact{"com/example", "app", version} }
	for _, version := range []string{"1.0", "2.0", "3.0-SNAPSHOT"} {
		c.deploy(t, v(version))
	}
	plugin := artifact{"com/example", "hello-maven-plugin", "1"}
	c.put(t, plugin.file("jar"), jar(t, "META-INF/maven/plugin.xml", "<plugin><groupId>com.example</groupId><artifactId>hello-maven-plugin</artifactId><version>1</version></plugin>"))
	c.put(t, plugin.file("pom"), plugin.pom("<packaging>maven-plugin</packaging>"))
	if doc := c.metadata(t, "com/example"); len(doc.Plugins) != 1 || doc.Plugins[0].Prefix != "hello" {
		t.Errorf("plugins %+v", doc.Plugins)
	}
	c.get(t, v("2.0").file("jar")) // so that it is remembered

	api := caller{base: fmt.Sprintf("%s/api/v4/projects/%d/packages", reg.URL, p.ID), token: reg.Token}
	remove := func(a artifact) {
		t.Helper()
		var found []struct{ ID int64 }
		list := caller{base: api.base[:len(api.base)-len("/packages")], token: api.token}.get(t, "packages?package_name="+a.name()+"&package_version="+a.version)
		if err := json.Unmarshal(list.body, &found); err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %s", a.name(), err, list.body)
		}
		api.send(t, "DELETE", fmt.Sprint(found[0].ID), nil).wantStatus(t, "delete", http.StatusNoContent)
	}
	remove(v("2.0"))
	doc := c.metadata(t, "com/example/app")
	if !slices.Equal(doc.Versioning.Versions, []string{"1.0", "3.0-SNAPSHOT"}) || doc.Versioning.Release != "1.0" || doc.Versioning.Latest != "3.0-SNAPSHOT" {
		t.Errorf("%+v", doc.Versioning)
	}
	c.get(t, v("2.0").file("jar")).wantStatus(t, "a file of a deleted version", http.StatusNotFound)
	remove(v("1.0"))
	if doc := c.metadata(t, "com/example/app"); doc.Versioning.Release != "" {
		t.Errorf("only a snapshot is left, and yet a release: %+v", doc.Versioning)
	}
	remove(v("3.0-SNAPSHOT"))
	c.get(t, "com/example/app/maven-metadata.xml").wantStatus(t, "nothing is left", http.StatusNotFound)
	remove(plugin)
	c.get(t, "com/example/maven-metadata.xml").wantStatus(t, "no plugin is left", http.StatusNotFound)

	c.deploy(t, v("3.0-SNAPSHOT")) // a snapshot may come back,
	c.deploy(t, v("1.0"))          // and a release where duplicates are allowed
	if doc := c.metadata(t, "com/example/app"); len(doc.Versioning.Versions) != 2 {
		t.Errorf("%+v", doc.Versioning)
	}
}
