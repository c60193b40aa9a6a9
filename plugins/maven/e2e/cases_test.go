package e2e_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// testCases are the cases of maven.md §12 that are about requests and answers,
// under their numbers. Those about who may do what are in testAccess, about groups
// and the instance in testLevels, about duplicates in testSettings, about
// deletions in testDeletions; what the plugin decides by itself has its tables in
// package maven.
func testCases(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"9, 10, 53, 112: checksums of all kinds", allChecksums},
		{"13, 14, 40, 115: what a file's answer says", fileAnswer},
		{"16, 17, 61 to 63, 65, 66: paths", paths},
		{"58, 60, 62: files", filesStored},
		{"64: the largest file", tooLarge},
		{"79 to 81, 109, 110: what clients say of versions", clientDocuments},
		{"85 to 90, 111: checksums are compared", comparedChecksums},
		{"113, 114: the document of an artifact", artifactDocument},
		{"119: names do not run together", separateNames},
		{"20: a path that is a group's and an artifact's", bothLevels},
		{"snapshots of builds", builds},
		{"snapshots without builds", plainSnapshots},
		{"the path of a project may stand for its number", byPath},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.test(t, reg) })
	}
}

func private(t *testing.T, reg *registrytest.Registry) caller {
	t.Helper()
	return inProject(reg, reg.NewProject(t, "private"), reg.Token)
}

var app = artifact{"com/example", "app", "1.0"}

func allChecksums(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.deploy(t, app)
	m, s1, s256, s512 := md5.Sum(content), sha1.Sum(content), sha256.Sum256(content), sha512.Sum512(content)
	for algorithm, want := range map[string][]byte{"md5": m[:], "sha1": s1[:], "sha256": s256[:], "sha512": s512[:]} {
		a := c.get(t, app.file("jar."+algorithm)).wantStatus(t, algorithm, http.StatusOK)
		if string(a.body) != hex.EncodeToString(want) || a.header.Get("Content-Type") != "text/plain" {
			t.Errorf("%s: %q as %s", algorithm, a.body, a.header.Get("Content-Type"))
		}
		c.get(t, app.file("war."+algorithm)).wantStatus(t, algorithm+" of nothing", http.StatusNotFound)
		c.get(t, "com/example/app/maven-metadata.xml."+algorithm).wantStatus(t, algorithm+" of the document", http.StatusOK)
	}
}

func fileAnswer(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.deploy(t, app)
	sum := sha1.Sum(content)
	for _, method := range []string{"GET", "HEAD"} {
		a := c.send(t, method, app.file("jar"), nil).wantStatus(t, method, http.StatusOK)
		if (method == "GET") != (string(a.body) == string(content)) {
			t.Errorf("%s: %d bytes", method, len(a.body))
		}
		for name, want := range map[string]string{
			"Content-Type": "application/octet-stream", "Content-Disposition": "attachment; filename=app-1.0.jar", "X-Checksum-Sha1": hex.EncodeToString(sum[:]),
			"Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, not %q", method, name, got, want)
			}
		}
		if _, err := http.ParseTime(a.header.Get("Last-Modified")); err != nil || a.header.Get("X-Checksum-Md5") == "" {
			t.Errorf("%s: %v", method, a.header)
		}
	}
	// A download that broke off goes on, if the file is still the same (resolver before 1.9).
	modified := c.get(t, app.file("jar")).header.Get("Last-Modified")
	part := c.send(t, "GET", app.file("jar"), nil, "Range", "bytes=10-", "If-Unmodified-Since", modified, "Accept-Encoding", "identity")
	if part.status != http.StatusPartialContent || !bytes.Equal(part.body, content[10:]) {
		t.Errorf("range: %d, %d bytes", part.status, len(part.body))
	}
	before := "Mon, 02 Jan 2006 15:04:05 GMT"
	c.send(t, "GET", app.file("jar"), nil, "Range", "bytes=10-", "If-Unmodified-Since", before).wantStatus(t, "changed since", http.StatusPreconditionFailed)
	c.send(t, "GET", app.file("jar"), nil, "If-Modified-Since", modified).wantStatus(t, "not changed since", http.StatusNotModified)
}

func paths(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	for path, want := range map[string]int{
		"com/example/%2e%2e/app/1.0/app-1.0.jar":                    400,
		"com/example/app/1.0/%2e%2e%2fapp-1.0.jar":                  400,
		"com/example/app/1.0/app-1.0%0d%0a.jar":                     400,
		"com/example/app/1.0/a%20b.jar":                             400,
		"com/example/app/1.0/" + strings.Repeat("x", 1025) + ".jar": 400,
		"com/example/app/1%2e%2e0/app.jar":                          400,
		"a":                                                         404, // no route: no file of any version
		"a/b":                                                       404,
	} {
		for _, method := range []string{"PUT", "GET"} {
			c.send(t, method, path, jar(t, "a", "b")).wantStatus(t, method+" "+path, want)
		}
	}
	// A plus is a plus, escaped or not, and no space.
	plus := artifact{"com/example", "app", "1.0+build.1"}
	c.put(t, plus.file("jar"), jar(t, "a", "b"))
	c.put(t, strings.ReplaceAll(plus.file("pom"), "+", "%2B"), plus.pom(""))
	c.get(t, strings.ReplaceAll(plus.file("jar"), "+", "%2B")).wantStatus(t, "escaped", 200)
	c.get(t, plus.file("pom")).wantStatus(t, "not escaped", 200)
	if doc := c.metadata(t, plus.name()); !slices.Equal(doc.Versioning.Versions, []string{"1.0+build.1"}) {
		t.Errorf("%v", doc.Versioning.Versions)
	}
}

func filesStored(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.deploy(t, app)
	for rest, body := range map[string][]byte{
		"-sources.jar": jar(t, "s", "s"), "jar.asc": []byte("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n"),
		"module": []byte(`{"formatVersion":"1.1"}`), "-bin.tar.gz": []byte("\x1f\x8b"), "-big.txt": bytes.Repeat([]byte("x"), 200<<10),
	} {
		c.put(t, app.file(rest), body)
		if a := c.get(t, app.file(rest)); !bytes.Equal(a.body, body) {
			t.Errorf("%s: %d, %d bytes of %d", rest, a.status, len(a.body), len(body))
		}
	}
	if a := c.get(t, app.file("jar")); !bytes.Equal(a.body, content) {
		t.Errorf("jar: %d", a.status)
	}
	// A jar of more than what comes with the request.
	large := artifact{"com/example", "large", "1.0"}
	big := jar(t, "META-INF/maven/plugin.xml", "<plugin><groupId>com.example</groupId><artifactId>large</artifactId><version>1.0</version><goalPrefix>big</goalPrefix></plugin>",
		"padding", strings.Repeat(hex.EncodeToString(sha512.New().Sum(content)), 4000))
	c.put(t, large.file("jar"), append([]byte("#!/bin/sh\nexit\n"), big...)) // and with a launcher: served, not looked into
	c.put(t, large.file("jar"), big)
	c.put(t, large.file("pom"), large.pom("<packaging>maven-plugin</packaging>"))
	if doc := c.metadata(t, "com/example"); len(doc.Plugins) != 1 || doc.Plugins[0].Prefix != "big" {
		t.Errorf("%+v", doc.Plugins)
	}
	c.send(t, "PUT", app.file("-x.jar"), append(bytes.Repeat([]byte("x"), 300<<10), big[:len(big)-1]...)).wantStatus(t, "a large file that is no zip", 400)
	c.send(t, "POST", app.file("jar"), content).wantStatus(t, "POST", 405)
	c.send(t, "DELETE", app.file("jar"), nil).wantStatus(t, "DELETE", 405)
	if a := c.send(t, "PUT", app.file("-e.txt"), []byte("x"), "Expect", "100-continue"); a.status != 200 {
		t.Errorf("expecting 100: %d", a.status)
	}
}

func tooLarge(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	// Longer than it may be by its own word: refused before a byte is read.
	req, err := http.NewRequestWithContext(t.Context(), "PUT", c.base+"/"+app.file("jar"), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Private-Token", c.token)
	req.Body, req.ContentLength = endless{}, 3<<30+1
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusBadRequest { // GitLab's, for 413
		t.Errorf("%d", resp.StatusCode)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func clientDocuments(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	// Gradle sends a snapshot's document before anything else, Maven an artifact's last.
	c.put(t, "com/example/app/1.0-SNAPSHOT/maven-metadata.xml", []byte(`<metadata modelVersion="1.1.0"><groupId>com.example</groupId></metadata>`))
	c.get(t, "com/example/app/1.0-SNAPSHOT/maven-metadata.xml").wantStatus(t, "nothing is stored yet", 404)
	c.put(t, "com/example/app/maven-metadata.xml", []byte("<metadata><versioning><versions><version>9.9</version></versions></versioning></metadata>"))
	c.get(t, "com/example/app/maven-metadata.xml").wantStatus(t, "a version that is not there", 404)
	for _, algorithm := range []string{"md5", "sha1", "sha256", "sha512"} {
		length := map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}[algorithm]
		c.put(t, "com/example/app/maven-metadata.xml."+algorithm, []byte(strings.Repeat("a", length)))
	}
	c.deploy(t, app)
	if doc := c.metadata(t, app.name()); !slices.Equal(doc.Versioning.Versions, []string{"1.0"}) {
		t.Errorf("%v", doc.Versioning.Versions)
	}
	c.send(t, "PUT", "com/example/app/maven-metadata.xml", []byte("<html>")).wantStatus(t, "a proxy's page", 400)
	c.send(t, "PUT", "com/example/app/maven-metadata.xml", []byte(`<!DOCTYPE m [<!ENTITY a "b">]><metadata/>`)).wantStatus(t, "a bomb", 400)
	c.send(t, "PUT", "com/example/app/maven-metadata.xml", bytes.Repeat([]byte(" "), 9<<20)).wantStatus(t, "a long document", 413)
}

func comparedChecksums(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	content := c.deploy(t, app)
	m, s1, s256, s512 := md5.Sum(content), sha1.Sum(content), sha256.Sum256(content), sha512.Sum512(content)
	for algorithm, row := range map[string]struct {
		sum  []byte
		want int
	}{"md5": {m[:], 200}, "sha1": {s1[:], 204}, "sha256": {s256[:], 200}, "sha512": {s512[:], 200}} {
		right := hex.EncodeToString(row.sum)
		for _, body := range []string{right, strings.ToUpper(right), right + "\n", right + "  app-1.0.jar\n", " " + right + " *app-1.0.jar"} {
			c.send(t, "PUT", app.file("jar."+algorithm), []byte(body)).wantStatus(t, algorithm+" "+body, row.want)
		}
		wrong := strings.Repeat("0", len(right))
		a := c.send(t, "PUT", app.file("jar."+algorithm), []byte(wrong)).wantStatus(t, "wrong "+algorithm, http.StatusConflict)
		if !strings.Contains(string(a.body), right) || !strings.Contains(string(a.body), wrong) {
			t.Errorf("%s does not say what is stored and what was sent", a.body)
		}
		c.send(t, "PUT", app.file("war."+algorithm), []byte(right)).wantStatus(t, algorithm+" of nothing", http.StatusNotFound)
		c.send(t, "PUT", app.file("jar."+algorithm), bytes.Repeat([]byte("a"), 8<<10)).wantStatus(t, "a long "+algorithm, 413)
		// What was sent is not stored: the file's own is served.
		if a := c.get(t, app.file("jar."+algorithm)); string(a.body) != right {
			t.Errorf("%s: %s", algorithm, a.body)
		}
	}
	// Of a file whose version is not complete, too: Maven sends them file by file.
	half := artifact{"com/example", "half", "1.0"}
	c.put(t, half.file("jar"), content)
	c.send(t, "PUT", half.file("jar.sha1"), []byte(hex.EncodeToString(s1[:]))).wantStatus(t, "of an incomplete version", 204)
}

func artifactDocument(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	for _, version := range []string{"1.0", "1.10", "1.9", "2.0-SNAPSHOT", "2.0-alpha-1"} {
		c.deploy(t, artifact{"com/example", "app", version})
	}
	doc := c.metadata(t, "com/example/app")
	want := []string{"1.0", "1.9", "1.10", "2.0-alpha-1", "2.0-SNAPSHOT"}
	if !slices.Equal(doc.Versioning.Versions, want) || doc.Versioning.Latest != "2.0-SNAPSHOT" || doc.Versioning.Release != "2.0-alpha-1" ||
		doc.GroupID != "com.example" || doc.ArtifactID != "app" {
		t.Errorf("%+v", doc)
	}
	if at, err := time.Parse("20060102150405", doc.Versioning.LastUpdated); err != nil || time.Since(at) > time.Hour {
		t.Errorf("lastUpdated %q", doc.Versioning.LastUpdated)
	}
	a := c.send(t, "HEAD", "com/example/app/maven-metadata.xml", nil).wantStatus(t, "HEAD", 200)
	if a.header.Get("Content-Length") == "" || a.header.Get("Last-Modified") == "" || a.header.Get("Content-Type") != "application/xml" {
		t.Errorf("%v", a.header)
	}
	c.get(t, "com/example/absent/maven-metadata.xml").wantStatus(t, "absent", 404)
}

// separateNames: joined with a hyphen, two names would be one.
func separateNames(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	one, two := artifact{"foo", "bar-jdbc", "1"}, artifact{"foo-bar", "jdbc", "2"}
	c.deploy(t, one)
	c.deploy(t, two)
	for _, a := range []artifact{one, two} {
		if doc := c.metadata(t, a.name()); !slices.Equal(doc.Versioning.Versions, []string{a.version}) {
			t.Errorf("%s: %v", a.name(), doc.Versioning.Versions)
		}
	}
}

// bothLevels: org.foo:bar lies where the plugins of the group org.foo.bar are listed.
func bothLevels(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	c.deploy(t, artifact{"org/foo", "bar", "1.0"})
	p := artifact{"org/foo/bar", "baz-maven-plugin", "1.0"}
	c.put(t, p.file("jar"), jar(t, "META-INF/maven/plugin.xml", "<plugin><groupId>org.foo.bar</groupId><artifactId>baz-maven-plugin</artifactId><version>1.0</version></plugin>"))
	c.put(t, p.file("pom"), p.pom("<packaging>maven-plugin</packaging>"))
	doc := c.metadata(t, "org/foo/bar")
	if !slices.Equal(doc.Versioning.Versions, []string{"1.0"}) || len(doc.Plugins) != 1 || doc.Plugins[0].Prefix != "baz" {
		t.Errorf("%+v", doc)
	}
}

func builds(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	s := artifact{"com/example", "app", "1.0-SNAPSHOT"}
	file := func(build, rest string) string { return s.dir() + "/app-1.0-" + build + rest }
	const first, second = "20260101.000000-1", "20260102.000000-2"
	c.put(t, file(first, ".jar"), jar(t, "a", "1"))
	c.get(t, s.dir()+"/maven-metadata.xml").wantStatus(t, "half a build", 404)
	c.put(t, file(first, ".pom"), s.pom(""))
	c.put(t, file(first, "-sources.jar"), jar(t, "s", "1"))
	c.put(t, file(first, ".jar.asc"), []byte("-----BEGIN PGP SIGNATURE-----\n"))
	newest := jar(t, "a", "2")
	c.put(t, file(second, ".jar"), newest)
	// The second build is not complete: nobody is sent to it.
	doc := c.metadata(t, s.dir())
	if doc.Versioning.Snapshot.BuildNumber != 1 || len(doc.Versioning.SnapshotVersions) != 4 {
		t.Errorf("%+v", doc.Versioning)
	}
	c.put(t, file(second, ".pom"), s.pom(""))
	doc = c.metadata(t, s.dir())
	if doc.Versioning.Snapshot.BuildNumber != 2 || doc.Versioning.Snapshot.Timestamp != "20260102.000000" {
		t.Errorf("%+v", doc.Versioning)
	}
	values := map[string]string{}
	for _, v := range doc.Versioning.SnapshotVersions {
		values[v.Classifier+"."+v.Extension] = v.Value
	}
	if values[".jar"] != "1.0-"+second || values["sources.jar"] != "1.0-"+first {
		t.Errorf("%v", values)
	}
	c.get(t, file(first, ".jar")).wantStatus(t, "the older build", 200)
	if a := c.get(t, s.dir()+"/app-1.0-SNAPSHOT.jar"); !bytes.Equal(a.body, newest) {
		t.Errorf("the newest, for who does not read documents: %d", a.status)
	}
	c.get(t, s.dir()+"/app-1.0-SNAPSHOT.war").wantStatus(t, "of no build", 404)
	if doc := c.metadata(t, s.name()); !slices.Equal(doc.Versioning.Versions, []string{"1.0-SNAPSHOT"}) || doc.Versioning.Release != "" {
		t.Errorf("%+v", doc.Versioning)
	}
}

// plainSnapshots: sbt and Ivy do not number builds. Without a document, Maven asks for the same names.
func plainSnapshots(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	c := private(t, reg)
	s := artifact{"com/example", "app", "1.0-SNAPSHOT"}
	c.deploy(t, s)
	again := c.deploy(t, s)
	if a := c.get(t, s.file("jar")); !bytes.Equal(a.body, again) {
		t.Errorf("%d", a.status)
	}
	c.get(t, s.dir()+"/maven-metadata.xml").wantStatus(t, "no builds", 404)
}

func byPath(t *testing.T, reg *registrytest.Registry) {
	t.Helper()
	p := reg.NewProject(t, "private")
	inProject(reg, p, reg.Token).deploy(t, app)
	c := caller{base: reg.URL + "/api/v4/projects/" + url.PathEscape(p.Path) + "/packages/maven", token: reg.Token}
	c.get(t, app.file("jar")).wantStatus(t, "by path", 200)
}
