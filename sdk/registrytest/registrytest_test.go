package registrytest_test

import (
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func TestARegistryIsThereAgainAfterItWasKilled(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	p := r.NewProject(t, "private")
	u := r.NewUser(t, "developer", p.Path)
	if p.ID == 0 || u.Token == "" || r.Token == "" || r.PluginPID(t, "npm") == 0 {
		t.Fatalf("project %+v, user %+v", p, u)
	}
	before := r.URL
	r.Kill(t)
	r.Restart(t)
	if r.URL != before {
		t.Fatalf("the address was %s and is %s", before, r.URL)
	}
	if again := r.NewProject(t, "public"); again.ID <= p.ID {
		t.Fatalf("project %d after %d: the data is not the same", again.ID, p.ID)
	}
}
