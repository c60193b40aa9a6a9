package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// TestThePluginMayDieAtAnyMoment kills the plugin again and again while requests
// run: no client sees an error, for the core asks its successor.
func TestThePluginMayDieAtAnyMoment(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	c.uploadRecipe(t, "seed/1.0", revision(1), packageID(1))
	seed := recipe("seed/1.0")
	reg.KillPlugin(t, "conan", 200, 8, func(i int64) {
		var a answer
		what := ""
		switch i % 5 {
		case 0:
			what = fmt.Sprintf("%s/revisions/%s/files/conanfile.py", recipe(fmt.Sprintf("mixed%d/1.0", i)), revision(1))
			a = c.put(t, what, "#")
		case 1:
			what, a = "latest", c.get(t, seed+"/latest")
		case 2:
			what, a = "search", c.get(t, "/v2/conans/search?q=seed*")
		case 3:
			what, a = "packages", c.get(t, seed+"/revisions/"+revision(1)+"/search")
		default:
			what, a = "a file", c.get(t, seed+"/revisions/"+revision(1)+"/files/conanfile.py")
		}
		if a.status >= http.StatusBadRequest {
			t.Errorf("request %d, %s: %d %s", i, what, a.status, a.body)
		}
	})
}

// sending is a revision on its way, of a recipe or of a package.
type sending struct {
	path         string // of the revision
	latest       string // of what it is a revision of
	files        [][2]string
	acknowledged int // files that the client was told are stored
}

// TestWhatWasAcknowledgedIsThere kills the whole registry in the middle of
// uploads. What a client was told is there is there and whole; of the rest, no
// revision is served that is not whole, and the same upload again completes it.
func TestWhatWasAcknowledgedIsThere(t *testing.T) {
	t.Parallel()
	reg := registrytest.Start(t)
	c := inProject(reg, reg.NewProject(t, "private"), reg.Token)
	for round := range 3 {
		tried := uploadUntilKilled(t, reg, c, fmt.Sprintf("round%d", round))
		reg.Restart(t)
		for _, s := range tried {
			checkSent(t, c, s)
			if _, pkg, ok := strings.Cut(s.path, "/packages/"); ok && c.get(t, strings.TrimSuffix(s.path, "/packages/"+pkg)+"/files").status != http.StatusOK {
				continue // its recipe did not come through
			}
			c.upload(t, s.path, s.files)
			c.get(t, s.latest+"/latest").wantStatus(t, s.latest+" after it was sent again", http.StatusOK)
		}
	}
}

func uploadUntilKilled(t *testing.T, reg *registrytest.Registry, c caller, prefix string) []*sending {
	t.Helper()
	var mu sync.Mutex
	var tried []*sending
	reg.KillWhile(t, 6, 20, func(worker, i int) bool {
		ref := fmt.Sprintf("%s-%d-%d/1.0", prefix, worker, i)
		at := recipe(ref) + "/revisions/" + revision(1)
		pkg := at + "/packages/" + packageID(1)
		for _, s := range []*sending{
			{path: at, latest: recipe(ref), files: recipeFiles(ref)},
			{path: pkg + "/revisions/" + revision(1), latest: pkg, files: packageFiles(ref)},
		} {
			mu.Lock()
			tried = append(tried, s)
			mu.Unlock()
			for _, f := range s.files {
				a, err := c.try(t, "PUT", s.path+"/files/"+f[0], []byte(f[1]))
				if err != nil || a.status != http.StatusOK {
					return false
				}
				s.acknowledged++
			}
		}
		return true
	})
	return tried
}

func checkSent(t *testing.T, c caller, s *sending) {
	t.Helper()
	served := c.get(t, s.latest+"/latest").status == http.StatusOK
	if s.acknowledged == len(s.files) && !served {
		t.Errorf("%s was acknowledged, and is not served", s.path)
	}
	for i, f := range s.files {
		a := c.get(t, s.path+"/files/"+f[0])
		if whole := a.status == http.StatusOK && string(a.body) == f[1]; !whole && (served || a.status != http.StatusNotFound) {
			t.Errorf("%s of %s, which is served: %t: %d with %d bytes", f[0], s.path, served, a.status, len(a.body))
		}
		// Of a recipe that is not served as a whole, nothing is to be seen; it is there nevertheless.
		if i < s.acknowledged && served && a.status != http.StatusOK {
			t.Errorf("%s of %s was acknowledged: %d", f[0], s.path, a.status)
		}
	}
}

// TestABrokenUploadIsRepeated kills the registry while a real client uploads:
// the same command again uploads the rest, and what is there installs elsewhere.
func TestABrokenUploadIsRepeated(t *testing.T) {
	t.Parallel()
	programs := clientPrograms(t)
	for _, client := range []struct {
		program                string
		login, create          []string
		upload, install, again []string
	}{
		{
			"conan2",
			[]string{"remote", "login", "acme", "root", "-p"},
			[]string{"create", "."},
			[]string{"upload", "big/1.0", "-r", "acme", "-c"},
			[]string{"install", "--requires=big/1.0", "-r", "acme"},
			[]string{"list", "big/1.0:*", "-r", "acme"},
		},
		{
			"conan1",
			[]string{"user", "root", "-r", "acme", "-p"},
			[]string{"create", ".", "acme/stable"},
			[]string{"upload", "big/1.0@acme/stable", "-r", "acme", "--all"},
			[]string{"install", "big/1.0@acme/stable", "-r", "acme"},
			[]string{"search", "big/1.0@acme/stable", "-r", "acme"},
		},
	} {
		t.Run(client.program, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.Start(t)
			project := reg.NewProject(t, "private")
			work := t.TempDir()
			run := func(home string, args ...string) ([]byte, error) {
				cmd := exec.CommandContext(t.Context(), filepath.Join(programs, client.program), args...) //nolint:gosec // a test's client
				cmd.Dir = work
				cmd.Env = append(os.Environ(), "HOME="+work, "CONAN_HOME="+home, "CONAN_USER_HOME="+home, "CONAN_NON_INTERACTIVE=1", "CONAN_RETRY=0", "CONAN_RETRY_WAIT=0")
				return cmd.CombinedOutput()
			}
			must := func(home string, args ...string) {
				t.Helper()
				if said, err := run(home, args...); err != nil {
					t.Fatalf("%v: %v\n%s", args, err, said)
				}
			}
			here, there := filepath.Join(work, "here"), filepath.Join(work, "there")
			makeBig(t, work)
			for _, home := range []string{here, there} {
				if err := writeCache(home, "acme="+inProject(reg, project, "").base); err != nil {
					t.Fatal(err)
				}
				must(home, append(client.login, reg.Token)...)
			}
			must(here, client.create...)
			ended := make(chan error, 1)
			go func() {
				_, err := run(here, client.upload...)
				ended <- err
			}()
			awaitUpload(t, reg)
			reg.Kill(t)
			if err := <-ended; err == nil {
				t.Fatal("the upload succeeded, though there was nobody to take it")
			}
			reg.Restart(t)
			if said, err := run(there, client.install...); err == nil {
				t.Errorf("half an upload was installed:\n%s", said)
			}
			must(here, client.upload...)
			must(there, client.install...)
			must(there, client.again...)
		})
	}
}

// awaitUpload waits until some megabytes of a file have come.
func awaitUpload(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(time.Millisecond) {
		entries, _ := os.ReadDir(filepath.Join(reg.Dir, "blobs", "staging"))
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Size() > 4<<20 {
				return
			}
		}
	}
	t.Fatal("no upload within a minute")
}

// makeBig writes a recipe whose package takes a while to upload.
func makeBig(t *testing.T, dir string) {
	t.Helper()
	const text = `import os, shutil
from conan import ConanFile


class Recipe(ConanFile):
    name = "big"
    version = "1.0"
    exports_sources = "data"

    def package(self):
        shutil.copy(os.path.join(self.source_folder, "data"), os.path.join(self.package_folder, "data"))
`
	data := make([]byte, 24<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	for name, content := range map[string][]byte{"conanfile.py": []byte(text), "data": data} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Clone(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
