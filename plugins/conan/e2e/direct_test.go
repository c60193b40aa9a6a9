package e2e_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestReadsThatDoNotNeedThePlugin stops its process, as if it hung: the reads that
// an install is made of, each for the first time, are answered all the same.
func TestReadsThatDoNotNeedThePlugin(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.uploadRecipe(t, "seed/1.0", revision(1), packageID(1))
	pid := reg.PluginPID(t, "conan")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	recipe := recipe("seed/1.0")
	revisioned := recipe + "/revisions/" + revision(1)
	pkg := revisioned + "/packages/" + packageID(1)
	for path, want := range map[string]string{
		recipe + "/latest":                                         revision(1),
		revisioned + "/files":                                      "conanmanifest.txt",
		revisioned + "/files/conanfile.py":                         "",
		pkg + "/latest":                                            revision(1),
		pkg + "/revisions/" + revision(1) + "/files":               "conaninfo.txt",
		pkg + "/revisions/" + revision(1) + "/files/conaninfo.txt": "",
	} {
		a := c.get(t, path)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, want)
		}
	}
	if now := reg.PluginPID(t, "conan"); now != pid {
		t.Errorf("process %d answered, not the core", now) // the one that hung was replaced meanwhile
	}
}
