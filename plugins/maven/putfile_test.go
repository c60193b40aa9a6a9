package maven

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

func wantStatus(t *testing.T, reg *plugintest.Registry, req plugintest.Request, want int) plugintest.Result {
	t.Helper()
	result := reg.Send(req)
	if result.Response.Status != want {
		t.Errorf("%s %s: %d, not %d: %s", req.Method, req.Path, result.Response.Status, want, result.Response.Body)
	}
	return result
}

// served are the versions that readers see.
func served(reg *plugintest.Registry) []string {
	var versions []string
	for _, p := range reg.Packages(spec.Finder{}) {
		versions = append(versions, p.Package.Version)
	}
	return versions
}

// TestAVersionIsServedWhenItIsComplete sends files in different orders, and says
// after which of them the version is served.
func TestAVersionIsServedWhenItIsComplete(t *testing.T) {
	t.Parallel()
	pom := func(more string) []byte { return pomOfApp("1.0", more) }
	document := []byte(`<metadata><groupId>com.example</groupId><artifactId>app</artifactId><versioning><release>1.0</release></versioning></metadata>`)
	type file struct {
		path string
		body []byte
	}
	theJar, sources := file{releaseApp + ".jar", jar(t, "A", "a")}, file{releaseApp + "-sources.jar", jar(t, "S", "s")}
	thePOM := file{releaseApp + ".pom", pom("")}
	done := file{"com/example/app/maven-metadata.xml", document}
	for name, c := range map[string]struct {
		files []file
		after int // how many files; 0: never
	}{
		"jar first":                     {[]file{theJar, sources, thePOM}, 3},
		"POM first":                     {[]file{thePOM, sources, theJar}, 3},
		"no POM":                        {[]file{theJar, sources}, 0},
		"no jar":                        {[]file{thePOM, sources}, 0},
		"no POM, and it is over":        {[]file{theJar, done}, 2},
		"no jar, and it is over":        {[]file{thePOM, done}, 2},
		"a POM alone":                   {[]file{{releaseApp + ".pom", pom("<packaging>pom</packaging>")}}, 1},
		"an unknown packaging":          {[]file{{releaseApp + ".pom", pom("<packaging>nbm-application</packaging>")}}, 1},
		"relocated":                     {[]file{{releaseApp + ".pom", pom("<distributionManagement><relocation><artifactId>new</artifactId></relocation></distributionManagement>")}}, 1},
		"a bundle's jar":                {[]file{theJar, {releaseApp + ".pom", pom("<packaging>bundle</packaging>")}}, 2},
		"a war":                         {[]file{{releaseApp + ".pom", pom("<packaging>war</packaging>")}, theJar, {releaseApp + ".war", jar(t, "W", "w")}}, 3},
		"only what is over":             {[]file{done}, 0},
		"the document of a group":       {[]file{theJar, {"com/example/maven-metadata.xml", []byte("<metadata><plugins/></metadata>")}}, 0},
		"only signatures and checksums": {[]file{{releaseApp + ".jar.asc", []byte("-----BEGIN PGP SIGNATURE-----\n")}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, spec.PackageSettings{})
			for i, f := range c.files {
				wantStatus(t, reg, put(f.path, f.body), http.StatusOK)
				if want := c.after != 0 && i+1 >= c.after; (len(served(reg)) == 1) != want {
					t.Errorf("after %d files: served %v", i+1, served(reg))
				}
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	refuse := func(exception string) spec.PackageSettings {
		return spec.PackageSettings{RefuseDuplicates: true, DuplicateException: exception}
	}
	for name, c := range map[string]struct {
		settings spec.PackageSettings
		want     int
	}{
		"allowed":                            {spec.PackageSettings{}, 200},
		"allowed, but not for this name":     {spec.PackageSettings{DuplicateException: "com/example/.*"}, 400},
		"allowed, but not for this version":  {spec.PackageSettings{DuplicateException: `1\..*`}, 400},
		"allowed, but not for another":       {spec.PackageSettings{DuplicateException: "example"}, 200},
		"refused":                            {refuse(""), 400},
		"refused, but not for this version":  {refuse("1.0"), 200},
		"refused, and the exception matches": {refuse("com/example/app|x"), 200},
		"refused, and it fits a part only":   {refuse("com/example"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, c.settings)
			wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "a")), 200)
			wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "b")), 200) // not complete yet: a deploy that is repeated
			wantStatus(t, reg, put(releaseApp+".pom", pomOfApp("1.0", "")), 200)
			wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "b")), 200) // the same bytes: an answer that was lost
			result := wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "c")), c.want)
			if c.want == 400 && !strings.Contains(string(result.Response.Body), "Duplicate package is not allowed") {
				t.Errorf("says %s", result.Response.Body)
			}
			wantStatus(t, reg, put(releaseApp+"-sources.jar", jar(t, "S", "s")), 200) // another file of the version
			wantStatus(t, reg, put("com/example/app/2.0-SNAPSHOT/app-2.0-SNAPSHOT.jar", jar(t, "A", "a")), 200)
			wantStatus(t, reg, put("com/example/app/2.0-SNAPSHOT/app-2.0-SNAPSHOT.pom", pomOfApp("2.0-SNAPSHOT", "")), 200)
			wantStatus(t, reg, put("com/example/app/2.0-SNAPSHOT/app-2.0-SNAPSHOT.jar", jar(t, "A", "z")), 200)
		})
	}
}

// TestRefused: what is wrong is named, and nothing is stored.
func TestRefused(t *testing.T) {
	t.Parallel()
	zip := jar(t, "A", "a")
	for name, c := range map[string]struct {
		path string
		body []byte
		want int
		says string
	}{
		"no group":                    {"app/1.0/app-1.0.jar", zip, 400, "has no group"},
		"a name of spaces":            {"com/ex%20ample/app/1.0/app-1.0.jar", zip, 400, "com/ex ample"},
		"a plus in the name":          {"com/example/a+b/1.0/a+b-1.0.jar", zip, 400, "a+b"},
		"a version of spaces":         {"com/example/app/1%200/app-1%200.jar", zip, 400, "version is not valid"},
		"two dots in the version":     {"com/example/app/1..0/app-1..0.jar", zip, 400, "two dots"},
		"a long name":                 {"com/" + strings.Repeat("x", 255) + "/1.0/a.jar", zip, 400, "255"},
		"a build as a version":        {"com/example/app/2.0-20260101.010101-1/app-2.0-20260101.010101-1.jar", zip, 400, "-SNAPSHOT"},
		"a build of no date":          {"com/example/app/2.0-SNAPSHOT/app-2.0-20261301.010101-1.jar", zip, 400, "timestamp"},
		"a jar that is none":          {releaseApp + ".jar", []byte("<html>"), 400, "no zip"},
		"an empty jar":                {releaseApp + ".jar", nil, 400, "no zip"},
		"half a jar":                  {releaseApp + ".jar", zip[:len(zip)-3], 400, "cut short"},
		"a war that is none":          {releaseApp + ".war", []byte("x"), 400, "no zip"},
		"a POM that is none":          {releaseApp + ".pom", []byte("<html/>"), 400, "no POM"},
		"a POM that is cut":           {releaseApp + ".pom", pomOfApp("1.0", "")[:80], 400, "no POM"},
		"a POM with a bomb":           {releaseApp + ".pom", []byte(`<!DOCTYPE project [<!ENTITY a "b">]><project/>`), 400, "no POM"},
		"a POM of another version":    {releaseApp + ".pom", pomOfApp("1.1", ""), 400, `version is "1.1"`},
		"a POM of another artifact":   {"com/example/other/1.0/other-1.0.pom", pomOfApp("1.0", ""), 400, `artifactId is "app"`},
		"a POM of another group":      {"com/other/app/1.0/app-1.0.pom", pomOfApp("1.0", ""), 400, `groupId is "com.example"`},
		"a descriptor that is none":   {releaseApp + ".jar", jar(t, "META-INF/maven/plugin.xml", "<plugin>"), 400, "META-INF/maven/plugin.xml"},
		"a module that is none":       {releaseApp + ".module", []byte(`{"a":1}`), 400, "formatVersion"},
		"a module that is no JSON":    {releaseApp + ".module", []byte(`<a/>`), 400, "Gradle Module Metadata"},
		"a signature that is none":    {releaseApp + ".jar.asc", []byte("nonsense"), 400, "OpenPGP"},
		"a checksum that is none":     {releaseApp + ".jar.sha1", []byte("nonsense"), 400, "sha1"},
		"a checksum of another kind":  {releaseApp + ".jar.sha1", []byte(strings.Repeat("a", 64)), 400, "sha1"},
		"a checksum of nothing":       {releaseApp + ".jar.sha1", []byte(strings.Repeat("a", 40)), 404, "app-1.0.jar is not stored"},
		"a document that is none":     {"com/example/app/maven-metadata.xml", []byte("<html>"), 400, "maven-metadata.xml"},
		"a document's odd checksum":   {"com/example/app/maven-metadata.xml.sha1", []byte("x"), 400, "sha1"},
		"a document of a bad name":    {"com/ex%20ample/maven-metadata.xml", []byte("<metadata/>"), 400, "ex ample"},
		"a document of a bad version": {"com/example/app/1..0-SNAPSHOT/maven-metadata.xml", []byte("<metadata/>"), 400, "two dots"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, spec.PackageSettings{})
			result := wantStatus(t, reg, put(c.path, c.body), c.want)
			if !strings.Contains(string(result.Response.Body), strings.ReplaceAll(c.says, `"`, `\"`)) {
				t.Errorf("says %s, not %s", result.Response.Body, c.says)
			}
			if n := len(reg.Packages(spec.Finder{Statuses: anyStatus()})); n != 0 {
				t.Errorf("%d packages are stored", n)
			}
		})
	}
}

// TestTaken: what looks odd and is right.
func TestTaken(t *testing.T) {
	t.Parallel()
	script := append([]byte("#!/bin/sh\nexec java -jar \"$0\"\n"), jar(t, "A", "a")...)
	for name, c := range map[string]struct {
		path string
		body []byte
	}{
		"a plus in the version":       {"com/example/app/1.0+b.1/app-1.0+b.1.jar", jar(t, "A", "a")},
		"a plus that is escaped":      {"com/example/app/1.0%2Bb.1/app-1.0%2Bb.1.jar", jar(t, "A", "a")},
		"an executable jar":           {releaseApp + ".jar", script},
		"an archive of tar":           {releaseApp + "-bin.tar.gz", []byte("x")},
		"an ivy file":                 {"com/example/app/1.0/ivy-1.0.xml", []byte("<ivy-module/>")},
		"a file of no known kind":     {releaseApp + "-linux-x86_64.exe", []byte("MZ")},
		"an empty file of no kind":    {releaseApp + ".txt", nil},
		"a POM with an expression":    {releaseApp + ".pom", []byte(`<project><modelVersion>4.0.0</modelVersion><parent><groupId>com.example</groupId><artifactId>p</artifactId><version>${revision}</version></parent><artifactId>app</artifactId></project>`)},
		"a name of dots and dashes":   {"org/x.y/a_b-c.d/1/a_b-c.d-1.txt", []byte("x")},
		"a group of one part":         {"junit/junit/4.13/junit-4.13.txt", []byte("x")},
		"an artifact with a jar.asc":  {releaseApp + "-sources.jar.asc", []byte("-----BEGIN PGP SIGNATURE-----\n")},
		"Gradle's metadata":           {releaseApp + ".module", []byte(`{"formatVersion":"1.1","component":{"group":"com.example"}}`)},
		"a document of a snapshot":    {"com/example/app/1.0-SNAPSHOT/maven-metadata.xml", []byte(`<metadata modelVersion="1.1.0"/>`)},
		"a document of a short group": {"junit/maven-metadata.xml", []byte(`<metadata/>`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantStatus(t, newRegistry(t, spec.PackageSettings{}), put(c.path, c.body), http.StatusOK)
		})
	}
}

// TestTwoHalvesDoNotMiss: the jar and the POM arrive at once, and neither handler
// sees the other's file.
func TestTwoHalvesDoNotMiss(t *testing.T) {
	t.Parallel()
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		reg := newRegistry(t, spec.PackageSettings{})
		reqs := []plugintest.Request{put(releaseApp+".jar", jar(t, "A", "a")), put(releaseApp+".pom", pomOfApp("1.0", ""))}
		early := []plugintest.Result{reg.Do(reqs[0]), reg.Do(reqs[1])}
		reg.Apply(early[order[0]])
		// The core refuses the plan that was made too early, and asks again.
		checks := early[order[1]].Plan.Preconditions
		if !slices.ContainsFunc(checks, func(p spec.Precondition) bool { _, ok := p.Check.(spec.FileAbsent); return ok && p.OnFailure == nil }) {
			t.Fatalf("the plan does not depend on the other file: %+v", checks)
		}
		wantStatus(t, reg, reqs[order[1]], 200)
		if len(served(reg)) != 1 {
			t.Errorf("order %v: not served", order)
		}
	}
}

func TestAReplacedJarIsNoPluginAnyMore(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, spec.PackageSettings{})
	wantStatus(t, reg, put(releaseApp+".jar", jar(t, "META-INF/maven/plugin.xml", "<plugin><groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version></plugin>")), 200)
	if rows := reg.Rows("plugins"); len(rows) != 1 || rows[0]["prefix"] != "app" {
		t.Fatalf("rows %v", rows)
	}
	wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "a")), 200)
	if rows := reg.Rows("plugins"); len(rows) != 0 {
		t.Errorf("rows %v", rows)
	}
}

func TestHalfUploadsExpire(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, spec.PackageSettings{})
	wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "a")), 200)
	jobs := reg.Jobs()
	if len(jobs) != 1 || jobs[0].Delay != halfUploads {
		t.Fatalf("jobs %+v", jobs)
	}
	// The first run only looks, the second finds that nothing has come, and there is no third.
	if n := reg.RunJobs(); n != 2 {
		t.Errorf("%d runs", n)
	}
	if n := len(reg.Packages(spec.Finder{Statuses: anyStatus()})); n != 0 {
		t.Errorf("%d packages are left", n)
	}
	// Nobody has seen the version: it is free.
	wantStatus(t, reg, put(releaseApp+".jar", jar(t, "A", "a")), 200)
	wantStatus(t, reg, put(releaseApp+".pom", pomOfApp("1.0", "")), 200)
	reg.RunJobs()
	if len(served(reg)) != 1 {
		t.Error("a complete version was removed")
	}
}
