package npm

import (
	"encoding/base64"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// step is one request of a story, and the golden file of what comes of it.
type step struct {
	golden string
	req    plugintest.Request
}

// story is every endpoint once, on one registry, in an order in which a project
// could see it. Refusals that need no story are in the tables.
func story(t *testing.T) []step {
	t.Helper()
	web := newPublication(t, "@acme/web", "1.0.0", rich())
	web.document["readme"] = "# Web"
	signed := newPublication(t, "@acme/web", "1.1.0-rc.1", nil)
	signed.document["dist-tags"] = map[string]any{"next": "1.1.0-rc.1"}
	signed.sign(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{"payload":"` +
		base64.StdEncoding.EncodeToString([]byte(`{"predicateType":"https://slsa.dev/provenance/v1"}`)) + `"}}`)
	last := newPublication(t, "@acme/web", "2.0.0", nil)
	get := func(path string, header ...string) plugintest.Request {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return plugintest.Request{Path: path, Header: h}
	}
	send := func(method, path, body string, header ...string) plugintest.Request {
		r := get(path, header...)
		r.Method, r.Body = method, []byte(body)
		return r
	}
	return []step{
		{"publish", web.request(t)},
		{"publish_again", web.request(t)},
		{"publish_signed", signed.request(t)},
		{"publish_last", last.request(t)},
		{"deprecate", send("PUT", "@acme%2fweb", `{"name":"@acme/web","versions":{"1.0.0":{"deprecated":"use 2"},"2.0.0":{}}}`, "Npm-Command", "deprecate")},
		{"deprecate_nothing", send("PUT", "@acme%2fweb", `{"name":"@acme/web","versions":{"1.0.0":{}}}`, "Npm-Command", "deprecate")},
		{"packument", get("@acme%2fweb")},
		{"packument_abbreviated", get("@acme%2fweb", "Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*")},
		{"packument_absent", get("absent")},
		{"version", get("@acme%2fweb/next")},
		{"version_absent", get("@acme/web/9.9.9")},
		{"tarball", get("@acme/web/-/@acme/web-1.1.0-rc.1.tgz")},
		{"tarball_absent", get("@acme/web/-/web-9.9.9.tgz")},
		{"tags", get("-/package/@acme%2fweb/dist-tags")},
		{"tags_absent", get("-/package/absent/dist-tags")},
		{"set_tag", send("PUT", "-/package/@acme%2fweb/dist-tags/stable", `"1.0.0"`)},
		{"set_tag_no_version", send("PUT", "-/package/@acme%2fweb/dist-tags/stable", `""`)},
		{"remove_tag", send("DELETE", "-/package/@acme%2fweb/dist-tags/stable", "")},
		{"remove_tag_absent", send("DELETE", "-/package/@acme%2fweb/dist-tags/stable", "")},
		{"visibility", get("-/package/@acme%2fweb/visibility")},
		{"attestations", get("-/npm/v1/attestations/@acme%2fweb@1.1.0-rc.1")},
		{"attestations_absent", get("-/npm/v1/attestations/@acme%2fweb@1.0.0")},
		{"search", get("-/v1/search?text=web+scope:acme&size=1")},
		{"search_bad_size", get("-/v1/search?size=many")},
		{"ping", get("-/ping")},
		{"whoami", get("-/whoami")},
		{"login_user", send("PUT", "-/user/org.couchdb.user:tester", `{"name":"tester"}`)},
		{"login_web", send("POST", "-/v1/login", `{"hostname":"laptop"}`)},
		{"login_done", get("-/v1/done/" + plugintest.LoginID)},
		{"login_over", get("-/v1/done/another")},
		{"audit_bulk", send("POST", "-/npm/v1/security/advisories/bulk", `{"@acme/web":["1.0.0"]}`)},
		{"audit_quick", send("POST", "-/npm/v1/security/audits/quick", `{"name":"x","requires":{"a":"1"},"dependencies":{"a":{"version":"1.0.0"},"b":{"version":"1.0.0","dev":true}}}`)},
		{"unpublish_versions", send("PUT", "@acme%2fweb/-rev/3-6", `{"name":"@acme/web","versions":{"1.1.0-rc.1":{},"2.0.0":{}}}`)},
		{"unpublish_tarball", send("DELETE", "@acme/web/-/@acme/web-1.0.0.tgz/-rev/2-6", "")},
		{"unpublish_tarball_npm", send("DELETE", "api/v4/projects/1/packages/npm/@acme/web/-/@acme/web-1.1.0-rc.1.tgz/-rev/2-6", "")},
		{"unpublish_stale", send("DELETE", "@acme%2fweb/-rev/undefined", "")},
		{"unpublish", send("DELETE", "@acme%2fweb/-rev/1-6", "")},
		{"publish_reserved", web.request(t)},
	}
}

func TestStory(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, Plugin(), plugintest.State{
		Unique:  map[string][][]string{"metadata": {{"package_id"}}},
		Queries: map[string]plugintest.QueryFunc{"search": searchRow},
	})
	told := map[string]bool{}
	for _, s := range story(t) {
		result := reg.Send(s.req)
		told[result.Route] = true
		plugintest.Golden(t, s.golden, result)
	}
	m, err := Plugin().Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Routes {
		if slices.Contains(r.Levels, spec.LevelProject) && !told[r.ID] {
			t.Errorf("the story has nothing about the route %s", r.ID)
		}
	}
}

// searchRow stands for the SQL: one package, whatever is asked.
func searchRow(_ *plugintest.Registry, args []any) ([]spec.Row, error) {
	if !slices.Equal(args[3].([]string), []string{"web"}) || args[0] != "@acme" { //nolint:errcheck,forcetypeassert // a test's own
		return nil, nil
	}
	return []spec.Row{{
		"name": "@acme/web", "version": "2.0.0", "description": "a demo", "author": "Ann", "keywords": []string{"one"},
		"created_at": time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC), "total": int64(1), "homepage": "https://example.com",
		"repository": `{"type":"git","url":"git+https://example.com/web.git"}`, "bugs": "", "license": "MIT",
	}}, nil
}

// sign adds a provenance bundle.
func (p *publication) sign(bundle string) {
	attachments := p.attachments()
	attachments[bundleName(p.name, p.version)] = map[string]any{
		"content_type": "application/vnd.dev.sigstore.bundle.v0.3+json", "data": bundle, "length": len(bundle),
	}
	p.document["_attachments"] = attachments
}
