package registrytest_test

import (
	"strings"
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
	r.SetPackageSettings(t, p.Group, "maven", "--duplicates", "refused", "--keep-snapshots", "3")
	before := r.URL
	r.Kill(t)
	r.Restart(t)
	if r.URL != before {
		t.Fatalf("the address was %s and is %s", before, r.URL)
	}
	if got := string(r.CLI(t, "group", "settings", p.Group.Path, "--format", "maven")); !strings.Contains(got, `"maven_duplicates_allowed":false`) || !strings.Contains(got, `"maven_keep_snapshots":3`) {
		t.Errorf("settings %s", got)
	}
	if again := r.NewProject(t, "public"); again.ID <= p.ID {
		t.Fatalf("project %d after %d: the data is not the same", again.ID, p.ID)
	}
}
