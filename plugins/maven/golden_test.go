package maven

import (
	"crypto/sha1"
	"encoding/hex"
	"testing"

	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

const releaseApp = "com/example/app/1.0/app-1.0"

// story is every endpoint, on one registry, in an order in which a project could
// see it. Refusals that need no story are in the tables.
func story(t *testing.T) []struct {
	golden string
	req    plugintest.Request
} {
	t.Helper()
	pom := pomOfApp("1.0", `<name>App</name><description>a demo</description><url>https://example.com</url>`+
		`<parent><groupId>com.example</groupId><artifactId>parent</artifactId><version>3</version></parent>`+
		`<licenses><license><name>Apache-2.0</name></license></licenses>`+
		`<dependencies><dependency><groupId>org.x</groupId><artifactId>y</artifactId><version>[1,2)</version><scope>test</scope><optional>true</optional></dependency></dependencies>`+
		`<dependencyManagement><dependencies><dependency><groupId>org.x</groupId><artifactId>bom</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>`)
	sum := sha1.Sum(pom)
	plugin := jar(t, "META-INF/maven/plugin.xml", `<plugin><name>Hello</name><groupId>com.example</groupId><artifactId>hello-maven-plugin</artifactId><version>1.0</version><goalPrefix>hi</goalPrefix></plugin>`)
	pluginPOM := []byte(`<project><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId><artifactId>hello-maven-plugin</artifactId><version>1.0</version><packaging>maven-plugin</packaging></project>`)
	snapshot := "com/example/app/2.0-SNAPSHOT/app-2.0-"
	return []struct {
		golden string
		req    plugintest.Request
	}{
		{"put_jar", put(releaseApp+".jar", jar(t, "A", "a"))},
		{"file_incomplete", get(releaseApp + ".jar")},
		{"put_pom", put(releaseApp+".pom", pom)},
		{"put_pom_again", put(releaseApp+".pom", pom)},
		{"put_checksum", put(releaseApp+".pom.sha1", []byte(hex.EncodeToString(sum[:])))},
		{"put_checksum_wrong", put(releaseApp+".pom.sha1", []byte("0123456789012345678901234567890123456789"))},
		{"put_checksum_of_nothing", put(releaseApp+".zip.sha1", []byte("0123456789012345678901234567890123456789"))},
		{"put_metadata", put("com/example/app/maven-metadata.xml", []byte(`<metadata><groupId>com.example</groupId><artifactId>app</artifactId><versioning><versions><version>1.0</version></versions></versioning></metadata>`))},
		{"put_metadata_checksum", put("com/example/app/maven-metadata.xml.sha256", []byte("0123456789012345678901234567890123456789012345678901234567890123"))},
		{"file", get(releaseApp + ".pom")},
		{"checksum", get(releaseApp + ".pom.sha1")},
		{"checksum_sha512", get(releaseApp + ".pom.sha512")},
		{"file_absent", get(releaseApp + ".war")},
		{"put_plugin", put("com/example/hello-maven-plugin/1.0/hello-maven-plugin-1.0.jar", plugin)},
		{"put_plugin_pom", put("com/example/hello-maven-plugin/1.0/hello-maven-plugin-1.0.pom", pluginPOM)},
		{"metadata_of_group", get("com/example/maven-metadata.xml")},
		{"metadata", get("com/example/app/maven-metadata.xml")},
		{"metadata_checksum", get("com/example/app/maven-metadata.xml.sha1")},
		{"metadata_absent", get("com/example/absent/maven-metadata.xml")},
		{"put_snapshot_jar", put(snapshot+"20260101.010101-1.jar", jar(t, "B", "b"))},
		{"put_snapshot_pom", put(snapshot+"20260101.010101-1.pom", pomOfApp("2.0-SNAPSHOT", ""))},
		{"put_snapshot_half", put(snapshot+"20260102.010101-2.jar", jar(t, "C", "c"))},
		{"metadata_of_snapshot", get("com/example/app/2.0-SNAPSHOT/maven-metadata.xml")},
		{"file_of_snapshot", get(snapshot + "SNAPSHOT.jar")},
	}
}

func TestStory(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, spec.PackageSettings{})
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
		if !told[r.ID] {
			t.Errorf("the story has nothing about the route %s", r.ID)
		}
	}
}
