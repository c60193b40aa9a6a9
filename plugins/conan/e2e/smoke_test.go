package e2e_test

import (
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func testSmoke(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.uploadRecipe(t, "hello/1.0", revision(1), packageID(1))
	var latest struct{ Revision, Time string }
	c.get(t, recipe("hello/1.0")+"/latest").json(t, &latest)
	if latest.Revision != revision(1) {
		t.Errorf("%+v", latest)
	}
	c.get(t, recipe("hello/2.0")+"/latest").wantStatus(t, "what is not there", http.StatusNotFound)
	if a := c.get(t, "/v1/ping"); a.header.Get("X-Conan-Server-Capabilities") != "revisions" {
		t.Errorf("%v", a.header)
	}
}
