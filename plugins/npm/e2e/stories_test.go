package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testStories holds what takes more than one request to tell.
func testStories(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	private := reg.NewProject(t, "private")
	c := newCaller(reg, private, reg.Token)

	t.Run("what has not changed is not sent again", func(t *testing.T) {
		t.Parallel()
		const name = "remembered"
		tarball := c.publish(t, name, "1.0.0")
		for _, path := range []string{path(name), tarballPath(name, "1.0.0")} {
			first := c.send(t, "GET", path, nil)
			etag := first.header.Get("Etag")
			if etag == "" {
				t.Fatalf("GET %s: no ETag: %v", path, first.header)
			}
			again := c.send(t, "GET", path, nil, "If-None-Match", etag)
			if again.status != http.StatusNotModified || len(again.body) != 0 {
				t.Errorf("GET %s: %d with %d bytes", path, again.status, len(again.body))
			}
			head := c.send(t, "HEAD", path, nil)
			if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Etag") != etag {
				t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
			}
		}
		part := c.send(t, "GET", tarballPath(name, "1.0.0"), nil, "Range", "bytes=10-19")
		if part.status != http.StatusPartialContent || string(part.body) != string(tarball[10:20]) {
			t.Errorf("a range of the tarball: %d %q", part.status, part.body)
		}
		etag := c.send(t, "GET", path(name), nil).header.Get("Etag")
		c.publish(t, name, "1.1.0")
		if a := c.send(t, "GET", path(name), nil, "If-None-Match", etag); a.status != http.StatusOK {
			t.Errorf("after a publish: %d", a.status)
		}
	})

	t.Run("latest is the highest version if nobody has set it", func(t *testing.T) {
		t.Parallel()
		for _, version := range []string{"1.9.0", "1.10.0", "1.2.0"} {
			p := newPublication(t, "untagged", version)
			p.tag = "v" + version[:3] + "-line"
			if a := c.send(t, "PUT", path("untagged"), p.encode()); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
		if got := c.tags(t, "untagged")["latest"]; got != "1.10.0" {
			t.Errorf("latest is %q", got)
		}
	})

	t.Run("a tag moves", func(t *testing.T) {
		t.Parallel()
		c.publish(t, "moved", "1.0.0")
		c.publish(t, "moved", "1.1.0")
		for _, version := range []string{"1.0.0", "1.1.0"} {
			if a := c.send(t, "PUT", "/-/package/moved/dist-tags/stable", []byte(`"`+version+`"`)); a.status != http.StatusNoContent || len(a.body) != 0 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if got := c.tags(t, "moved"); got["stable"] != version || len(got) != 2 {
				t.Errorf("tags are %v", got)
			}
		}
	})

	t.Run("each version has its own deprecation, and an empty one lifts it", func(t *testing.T) {
		t.Parallel()
		c.publish(t, "deprecated", "1.0.0")
		c.publish(t, "deprecated", "1.1.0")
		c.deprecate(t, "deprecated", `{"1.0.0":{"deprecated":"one"},"1.1.0":{"deprecated":"two"}}`)
		if one, two := c.deprecation(t, "deprecated", "1.0.0"), c.deprecation(t, "deprecated", "1.1.0"); one != "one" || two != "two" {
			t.Errorf("deprecated: %q and %q", one, two)
		}
		c.deprecate(t, "deprecated", `{"1.0.0":{"deprecated":""},"1.1.0":{}}`)
		if one, two := c.deprecation(t, "deprecated", "1.0.0"), c.deprecation(t, "deprecated", "1.1.0"); one != "" || two != "two" {
			t.Errorf("after lifting: %q and %q", one, two)
		}
	})

	// GitLab lets it be published again.
	t.Run("a version that was removed stays taken", func(t *testing.T) {
		t.Parallel()
		c.publish(t, "removed", "1.0.0")
		c.publish(t, "removed", "1.1.0")
		var doc struct {
			Rev string `json:"_rev"`
		}
		if err := json.Unmarshal(c.send(t, "GET", path("removed")+"?write=true", nil).body, &doc); err != nil {
			t.Fatal(err)
		}
		c.publish(t, "removed", "1.2.0") // somebody else's, meanwhile
		if a := c.send(t, "PUT", "/removed/-rev/"+doc.Rev, []byte(`{"name":"removed","versions":{"1.1.0":{}}}`)); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := c.send(t, "PUT", path("removed"), newPublication(t, "removed", "1.0.0").encode()); a.status != http.StatusForbidden {
			t.Errorf("publish again: %d %s", a.status, a.body)
		}
		for version, want := range map[string]int{"1.0.0": 404, "1.1.0": 200, "1.2.0": 200} {
			if a := c.send(t, "GET", tarballPath("removed", version), nil); a.status != want {
				t.Errorf("tarball of %s: %d, not %d", version, a.status, want)
			}
		}
	})

	t.Run("a private project may let everyone pull", func(t *testing.T) {
		t.Parallel()
		var p registrytest.Project
		if err := json.Unmarshal(reg.CLI(t, "project", "create", "demo/everyone.pulls", "--package-access", "public"), &p); err != nil {
			t.Fatal(err)
		}
		newCaller(reg, p, reg.Token).publish(t, "shared", "1.0.0")
		anonymous := newCaller(reg, p, "")
		if a := anonymous.send(t, "GET", path("shared"), nil); a.status != http.StatusOK {
			t.Errorf("document: %d %s", a.status, a.body)
		}
		// The project's path has a dot, and is not cut there.
		anonymous.base = reg.URL + "/api/v4/projects/demo%2Feveryone.pulls/packages/npm"
		if a := anonymous.send(t, "GET", tarballPath("shared", "1.0.0"), nil); a.status != http.StatusOK {
			t.Errorf("tarball: %d %s", a.status, a.body)
		}
		if a := anonymous.send(t, "PUT", path("more"), newPublication(t, "more", "1.0.0").encode()); a.status != http.StatusUnauthorized {
			t.Errorf("publish: %d %s", a.status, a.body)
		}
	})
}

func (c caller) tags(tb testing.TB, name string) map[string]string {
	tb.Helper()
	tags := map[string]string{}
	if err := json.Unmarshal(c.send(tb, "GET", "/-/package"+path(name)+"/dist-tags", nil).body, &tags); err != nil {
		tb.Fatal(err)
	}
	return tags
}

func (c caller) deprecate(tb testing.TB, name, versions string) {
	tb.Helper()
	if a := c.send(tb, "PUT", path(name), []byte(`{"name":"`+name+`","versions":`+versions+`}`), "npm-command", "deprecate"); a.status != http.StatusOK {
		tb.Fatalf("deprecate: %d %s", a.status, a.body)
	}
}

func (c caller) deprecation(tb testing.TB, name, version string) string {
	tb.Helper()
	var doc struct{ Deprecated string }
	if err := json.Unmarshal(c.send(tb, "GET", path(name)+"/"+version, nil).body, &doc); err != nil {
		tb.Fatal(err)
	}
	return doc.Deprecated
}
