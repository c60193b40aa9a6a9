package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testSettings is what GitLab's API says of a project and its packages, as Conan's
// routes then answer.
func testSettings(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	t.Run("the largest file", func(t *testing.T) { // 70
		t.Parallel()
		c, manage := managed(t, reg)
		manage.send(t, "PUT", "/package_settings/conan", []byte(`{"max_file_size":1000}`), "Content-Type", "application/json").wantStatus(t, "limit", http.StatusOK)
		at := recipe("large/1.0") + "/revisions/" + revision(1) + "/files/conanfile.py"
		until(t, "over the limit", func() bool {
			a := c.put(t, at, strings.Repeat("#", 1001))
			return a.status == http.StatusBadRequest && strings.Contains(string(a.body), "too large")
		})
		c.get(t, at).wantStatus(t, "what was too large", http.StatusNotFound)
		c.put(t, at, strings.Repeat("#", 1000)).wantStatus(t, "as large as may be", http.StatusOK)
	})
	t.Run("anyone can pull", func(t *testing.T) { // 79
		t.Parallel()
		c, manage := managed(t, reg)
		c.uploadRecipe(t, "pulled/1.0", revision(1))
		anyone := caller{base: c.base}
		anyone.get(t, recipe("pulled/1.0")+"/latest").wantStatus(t, "before", http.StatusUnauthorized)
		manage.send(t, "PUT", "", []byte(`{"package_registry_access_level":"public"}`), "Content-Type", "application/json").wantStatus(t, "public", http.StatusOK)
		until(t, "read by anybody", func() bool { return anyone.get(t, recipe("pulled/1.0")+"/latest").status == http.StatusOK })
		anyone.put(t, recipe("pulled/1.0")+"/revisions/"+revision(2)+"/files/conanfile.py", "#").wantStatus(t, "written by anybody", http.StatusUnauthorized)
	})
	t.Run("a file that is deleted by itself", func(t *testing.T) { // 117
		t.Parallel()
		c, manage := managed(t, reg)
		at := recipe("lacking/1.0") + "/revisions/" + revision(1)
		c.uploadRecipe(t, "lacking/1.0", revision(1))
		var packages []struct{ ID int64 }
		manage.get(t, "/packages").json(t, &packages)
		files := fmt.Sprintf("/packages/%d/package_files", packages[0].ID)
		var all []struct {
			ID       int64
			FileName string `json:"file_name"`
		}
		if err := json.Unmarshal(manage.get(t, files).body, &all); err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.FileName == "conan_sources.tgz" {
				manage.send(t, "DELETE", fmt.Sprintf("%s/%d", files, f.ID), nil).wantStatus(t, "delete", http.StatusNoContent)
			}
		}
		if got := c.files(t, at); !slices.Equal(got, []string{"conan_export.tgz", "conanfile.py", "conanmanifest.txt"}) {
			t.Errorf("%v", got)
		}
		c.get(t, at+"/files/conan_sources.tgz").wantStatus(t, "the file", http.StatusNotFound)
	})
}

// managed is a new private project, as a Conan remote and as GitLab's API has it.
func managed(t *testing.T, reg *registrytest.Registry) (remote, api caller) {
	t.Helper()
	p := reg.NewProject(t, "private")
	return inProject(reg, p, reg.Token), caller{base: fmt.Sprintf("%s/api/v4/projects/%d", reg.URL, p.ID), token: reg.Token, bearer: true}
}

// until waits for what takes effect within a second.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}
