package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/sdk/registrytest"
)

// anotherNode runs a second registry on the database of the first, and returns its URL.
func anotherNode(t *testing.T, r *registrytest.Registry) string {
	t.Helper()
	database, err := embedded.RunningURL(filepath.Join(r.Dir, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	node := exec.CommandContext(t.Context(), r.Bin, "serve", "--database-url", database, "--data", t.TempDir(), "--listen", address) //nolint:gosec // the test's own
	node.Cancel = func() error { return node.Process.Signal(syscall.SIGTERM) }
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Process.Signal(syscall.SIGTERM); _ = node.Wait() })
	within(t, "the second node serves", func() bool {
		resp, err := http.Get("http://" + address + "/-/readiness") //nolint:noctx // of a test
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + address
}

// What ends on one node ends on every other within a second, also where it was
// just used and so is remembered.
func TestWhatIsRevokedEndsOnEveryNode(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	p := r.NewProject(t, "private")
	other := anotherNode(t, r)
	project := fmt.Sprintf("/api/v4/projects/%d", p.ID)
	type made struct {
		ID    int64
		Token string
	}
	create := func(path, body string) (m made) {
		t.Helper()
		a := send(t, "POST", r.URL+path, r.Token, body)
		if err := json.Unmarshal([]byte(a.body), &m); err != nil || a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		r.Remember(m.Token)
		return m
	}
	ends := func(what, token, method, path string, want int) {
		t.Helper()
		list := other + project + "/packages/npm/-/v1/search?text=x"
		if a := ask(t, "GET", list, token); a.status != http.StatusOK {
			t.Fatalf("%s, before: %d %s", what, a.status, a.body)
		}
		if a := send(t, method, r.URL+path, r.Token, ""); a.status >= 300 {
			t.Fatalf("%s: %d %s", what, a.status, a.body)
		}
		time.Sleep(1100 * time.Millisecond)
		if a := ask(t, "GET", list, token); a.status != want {
			t.Errorf("%s, a second later on another node: %d %s, want %d", what, a.status, a.body, want)
		}
	}
	bot := create(project+"/access_tokens", `{"name":"bot","access_level":30,"scopes":["api"]}`)
	deploy := create(project+"/deploy_tokens", `{"name":"d","scopes":["read_package_registry"]}`)
	ends("an access token", bot.Token, "DELETE", fmt.Sprintf("%s/access_tokens/%d", project, bot.ID), http.StatusUnauthorized)
	ends("a deploy token", deploy.Token, "DELETE", fmt.Sprintf("%s/deploy_tokens/%d", project, deploy.ID), http.StatusUnauthorized)
	person := r.NewUser(t, "developer", p.Path)
	var found []struct{ ID int64 }
	if err := json.Unmarshal([]byte(ask(t, "GET", r.URL+"/api/v4/users?username="+person.Username, r.Token).body), &found); err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	mine := create(fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", found[0].ID), `{"name":"t","scopes":["api"]}`)
	ends("a personal token", mine.Token, "DELETE", fmt.Sprintf("/api/v4/personal_access_tokens/%d", mine.ID), http.StatusUnauthorized)
	ends("a role", person.Token, "DELETE", fmt.Sprintf("%s/members/%d", project, found[0].ID), http.StatusNotFound)
	again := r.NewUser(t, "developer", p.Path)
	if err := json.Unmarshal([]byte(ask(t, "GET", r.URL+"/api/v4/users?username="+again.Username, r.Token).body), &found); err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	ends("a user", again.Token, "POST", fmt.Sprintf("/api/v4/users/%d/block", found[0].ID), http.StatusForbidden)
}
