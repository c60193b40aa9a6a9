package e2e_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testCases holds the cases of GitLab's own tests for npm, by what they
// promise. Where this registry differs on purpose, the case says why.
func testCases(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	private, public := reg.NewProject(t, "private"), reg.NewProject(t, "public")
	maintainer := reg.NewUser(t, "maintainer", private.Path)
	c := newCaller(reg, private, maintainer.Token)
	c.publish(t, "@acme/hello", "1.0.0")
	for _, group := range [][]testCase{reading(reg, private, public, maintainer), tagging(), auditing(), publishing(t), deprecating()} {
		for _, tc := range group {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				from := c
				if tc.from != nil {
					from = *tc.from
				}
				for _, path := range tc.before {
					from.publish(t, path, "1.0.0")
				}
				a := from.send(t, tc.method, tc.path, tc.body, tc.headers...)
				if a.status != tc.want {
					t.Fatalf("%d, not %d: %s", a.status, tc.want, a.body)
				}
				if tc.contains != "" && !strings.Contains(string(a.body), tc.contains) {
					t.Errorf("the answer lacks %q: %s", tc.contains, a.body)
				}
				if tc.says != "" && a.sentence(t) != tc.says {
					t.Errorf("the sentence is %q, not %q", a.sentence(t), tc.says)
				}
			})
		}
	}
}

// testCase is one request to the project, as a maintainer unless from says
// otherwise, and its answer.
type testCase struct {
	name     string
	method   string
	path     string
	want     int
	says     string // the sentence of a refusal
	contains string
	body     []byte
	headers  []string
	from     *caller
	before   []string // packages that are published first
}

func reading(reg *registrytest.Registry, private, public registrytest.Project, maintainer registrytest.User) []testCase {
	at := func(reference, token string) *caller {
		return &caller{base: reg.URL + "/api/v4/projects/" + reference + "/packages/npm", token: token, client: http.DefaultClient}
	}
	group := caller{base: reg.URL + "/api/v4/groups/1/-/packages/npm", token: maintainer.Token, client: http.DefaultClient}
	nobody, basic := newCaller(reg, public, ""), newCaller(reg, private, "")
	byPath := at(url.PathEscape(private.Path), maintainer.Token)
	withBasic := func(name, secret string) []string {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(name, secret)
		return []string{"Authorization", req.Header.Get("Authorization")}
	}
	return []testCase{
		{name: "the slash of a scope is escaped", method: "GET", path: "/@acme%2fhello", want: 200, contains: `"name":"@acme/hello"`},
		{name: "the slash of a scope is escaped in capitals", method: "GET", path: "/@acme%2Fhello", want: 200},
		{name: "the slash of a scope is plain", method: "GET", path: "/@acme/hello", want: 200},
		{name: "all of a scope is escaped", method: "GET", path: "/%40acme%2fhello", want: 200},
		{name: "the project is named by its escaped path", method: "GET", path: "/@acme/hello", from: byPath, want: 200},
		{name: "a private token header", method: "GET", path: "/@acme/hello", from: &basic, headers: []string{"PRIVATE-TOKEN", maintainer.Token}, want: 200},
		{name: "a personal token over Basic, which GitLab ignores", method: "GET", path: "/@acme/hello", from: &basic, headers: withBasic(maintainer.Username, maintainer.Token), want: 200},
		{name: "absent package, anonymous, public", method: "GET", path: "/absent", from: &nobody, want: 404, says: "Package not found"},
		{name: "absent package, private", method: "GET", path: "/absent", want: 404, says: "Package not found"},
		{name: "absent project", method: "GET", path: "/hello", from: at("999999", maintainer.Token), want: 404, says: "Project Not Found"},
		{name: "a name that is a URL", method: "GET", path: "/%0d%0ahttp:%2f%2fexample.com", want: 400, says: "the request's path should be a valid file path"},
		{name: "one version", method: "GET", path: "/@acme%2fhello/1.0.0", want: 200, contains: `"dist":{`},
		{name: "one version by its tag", method: "GET", path: "/@acme%2fhello/latest", want: 200, contains: `"version":"1.0.0"`},
		{name: "a version that is not there", method: "GET", path: "/@acme%2fhello/2.0.0", want: 404, says: "Package not found"},
		{name: "a tarball that is not there", method: "GET", path: tarballPath("@acme/hello", "2.0.0"), want: 404, says: "Package file not found"},
		{name: "a tarball of another package", method: "GET", path: "/hello/-/@acme/hello-1.0.0.tgz", want: 404, says: "Package file not found"},
		{name: "a tarball's name without its scope, as some tools build it", method: "GET", path: "/@acme/hello/-/hello-1.0.0.tgz", want: 200},
		{name: "a publish to a group's URL", method: "PUT", path: "/hello", body: []byte("{}"), from: &group, want: 405, says: "Method Not Allowed"},
		{name: "a package's page is not to be posted to", method: "POST", path: "/@acme%2fhello", body: []byte("{}"), want: 405, says: "Method Not Allowed"},
	}
}

func tagging() []testCase {
	const tags = "/-/package/@acme%2fhello/dist-tags"
	return []testCase{
		{name: "tags of a package", method: "GET", path: tags, want: 200, contains: `"latest":"1.0.0"`},
		{name: "tags of an absent package", method: "GET", path: "/-/package/absent/dist-tags", want: 404, says: "Package not found"},
		{name: "a tag for an absent package", method: "PUT", path: "/-/package/absent/dist-tags/x", body: []byte(`"1.0.0"`), want: 404, says: "Package not found"},
		{name: "a tag for an absent version", method: "PUT", path: tags + "/x", body: []byte(`"9.0.0"`), want: 404, says: "Package not found"},
		{name: "a tag for no version", method: "PUT", path: tags + "/x", body: []byte(`""`), want: 400, says: `400 Bad request - "Version" not given`},
		{name: "a tag for null", method: "PUT", path: tags + "/x", body: []byte(`null`), want: 400, says: `400 Bad request - "Version" not given`},
		{name: "a tag that is not there is removed", method: "DELETE", path: tags + "/nothing", want: 404, says: "Package tag not found"},
		{name: "yarn 1 wants a document", method: "PUT", path: tags + "/yarn", body: []byte(`"1.0.0"`), headers: []string{"User-Agent", "yarn/1.22.22 npm/? node/v22"}, want: 200, contains: `"ok":true`},
	}
}

func auditing() []testCase {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(`{"hello":["1.0.0"]}`))
	_ = w.Close()
	return []testCase{
		{name: "audit in bulk, compressed as npm does", method: "POST", path: "/-/npm/v1/security/advisories/bulk", body: zipped.Bytes(), headers: []string{"Content-Encoding", "gzip"}, want: 200, contains: "{}"},
		// GitLab answers [], which pnpm 10 dies of.
		{name: "audit quickly", method: "POST", path: "/-/npm/v1/security/audits/quick", body: []byte(`{"dependencies":{"a":{"version":"1.0.0"}}}`), want: 200, contains: `"critical":0`},
		{name: "ping", method: "GET", path: "/-/ping", want: 200, contains: "{}"},
		{name: "ping that writes", method: "GET", path: "/-/ping?write=true", want: 200},
		{name: "a search for nothing", method: "GET", path: "/-/v1/search?text=nothing-like-it&size=5", want: 200, contains: `"objects":[]`},
		{name: "visibility, which npm asks before a provenance", method: "GET", path: "/-/package/@acme%2fhello/visibility", want: 200, contains: `"public":false`},
	}
}

func publishing(t *testing.T) []testCase {
	t.Helper()
	const rule = "Validation failed: Name should be a valid NPM package name: https://github.com/npm/validate-npm-package-name#naming-rules."
	named := func(name string) []byte { return newPublication(t, name, "1.0.0").encode() }
	versioned := func(version string) []byte { return newPublication(t, "versioned", version).encode() }
	lying := newPublication(t, "lying", "1.0.0")
	lying.manifest = map[string]any{"dependencies": map[string]string{"evil": "1.0.0"}}
	broken := newPublication(t, "broken", "1.0.0")
	broken.tarball = []byte("no tarball")
	empty := newPublication(t, "empty", "1.0.0")
	empty.tarball = nil
	wrongSum := bytes.Replace(newPublication(t, "wrong-sum", "1.0.0").encode(), []byte(`"shasum":"`), []byte(`"shasum":"0`), 1)
	return []testCase{
		{name: "a scope", method: "PUT", path: "/@other%2fpublished", body: named("@other/published"), want: 200},
		{name: "no scope", method: "PUT", path: "/published", body: named("published"), want: 200},
		{name: "the slash of the scope may be plain", method: "PUT", path: "/@plain/published", body: named("@plain/published"), want: 200},
		{name: "again", method: "PUT", path: "/twice", before: []string{"twice"}, body: named("twice"), want: 403, says: "Package already exists."},
		{name: "two scopes", method: "PUT", path: "/@g%2fmy_inv@@lid", body: named("@g/my_inv@@lid"), want: 400, says: rule},
		{name: "at sign in the scope", method: "PUT", path: "/@inv@lid_scope%2fpackage", body: named("@inv@lid_scope/package"), want: 400, says: rule},
		{name: "name and path differ", method: "PUT", path: "/one", body: named("two"), want: 400, says: `The name "two" in the document is not "one", the package that the URL names`},
		{name: "version 1", method: "PUT", path: "/versioned", body: versioned("1"), want: 400, says: "Validation failed: Version should follow SemVer: https://semver.org"},
		{name: "version 1.2", method: "PUT", path: "/versioned", body: versioned("1.2"), want: 400, says: "Validation failed: Version should follow SemVer: https://semver.org"},
		{name: "version ../1.2.3", method: "PUT", path: "/versioned", body: versioned("../../1.2.3"), want: 400, says: "Validation failed: Version should follow SemVer: https://semver.org"},
		{name: "no JSON", method: "PUT", path: "/hello", body: []byte("hello"), want: 400, contains: `"error":"Invalid json`},
		{name: "no versions", method: "PUT", path: "/hello", body: []byte(`{"name":"hello"}`), want: 400, says: "Versions key is missing from the JSON upload"},
		{name: "no version", method: "PUT", path: "/hello", body: []byte(`{"name":"hello","versions":{}}`), want: 400, says: "Version is empty."},
		{name: "no name", method: "PUT", path: "/hello", body: []byte(`{"name":"","versions":{}}`), want: 400, says: "Name is empty."},
		{name: "no tarball", method: "PUT", path: "/hello", body: []byte(`{"name":"hello","versions":{"1.0.0":{}}}`), want: 400, says: "Attachment data is empty."},
		{name: "an empty tarball", method: "PUT", path: "/empty", body: empty.encode(), want: 400, says: "Attachment data is empty."},
		{name: "no tarball but other bytes", method: "PUT", path: "/broken", body: broken.encode(), want: 400, says: "invalid package file: the archive is not gzip"},
		// GitLab copies what the client says.
		{name: "a wrong shasum", method: "PUT", path: "/wrong-sum", body: wrongSum, want: 400, contains: "dist.shasum is"},
		// GitLab finds out later, or not at all.
		{name: "dependencies that the tarball has not", method: "PUT", path: "/lying", body: lying.encode(), want: 400, says: `Package manifest is not coherent: "dependencies" in the document is not that of the package.json in the tarball`},
		{name: "long readmes are taken, and not repeated", method: "PUT", path: "/wordy", body: wordy(t, "readme"), want: 200},
		{name: "other long fields too, unlike GitLab's 20,000 characters", method: "PUT", path: "/wordy2", body: wordy(t, "other"), want: 200},
	}
}

// wordy is a package with 40,000 characters in one field.
func wordy(t *testing.T, field string) []byte {
	t.Helper()
	name := "wordy"
	if field != "readme" {
		name = "wordy2"
	}
	manifest := map[string]any{"name": name, "version": "1.0.0", field: strings.Repeat("x", 40_000)}
	return publication{name: name, version: "1.0.0", manifest: manifest, tarball: pack(t, manifest, nil)}.encode()
}

func deprecating() []testCase {
	document := func(name, versions string) []byte {
		return []byte(`{"name":"` + name + `","versions":` + versions + `}`)
	}
	command := []string{"npm-command", "deprecate"}
	return []testCase{
		{name: "deprecate one version", method: "PUT", path: "/old", before: []string{"old"}, body: document("old", `{"1.0.0":{"deprecated":"old"},"9.9.9":{"deprecated":"unknown"}}`), headers: command, want: 200},
		{name: "deprecate nothing", method: "PUT", path: "/older", before: []string{"older"}, body: document("older", `{"1.0.0":{}}`), headers: command, want: 400, says: `400 Bad request - "package versions to deprecate" not given`},
		{name: "deprecate an absent package", method: "PUT", path: "/absent", body: document("absent", `{"1.0.0":{"deprecated":"x"}}`), headers: command, want: 404, says: "Package not found"},
		{name: "deprecate without saying so", method: "PUT", path: "/oldest", before: []string{"oldest"}, body: document("oldest", `{"1.0.0":{"deprecated":"x"},"1.0.1":{}}`), want: 400, says: `Attachment data is empty. To deprecate versions, send the header "npm-command: deprecate", as npm and pnpm 12 do`},
		{name: "unpublish by a revision that is none", method: "DELETE", path: "/@acme%2fhello/-rev/undefined", want: 409, says: `The revision "undefined" is not one of this registry; read the package again`},
		// npm takes 404 for success: never say it of what is there.
		{name: "unpublish an absent package", method: "DELETE", path: "/absent/-rev/1-1", want: 404, says: "Package not found"},
	}
}
