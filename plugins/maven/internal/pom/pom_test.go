package pom_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
	"github.com/pakhus/pakhus/plugins/maven/internal/pom"
)

const full = `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>com.example</groupId>
    <artifactId>parent</artifactId>
    <version>7</version>
    <relativePath>../pom.xml</relativePath>
  </parent>
  <artifactId> app </artifactId>
  <version>1.0-SNAPSHOT</version>
  <packaging>war</packaging>
  <name>Caf&eacute; &amp; more</name>
  <description>
    Two
    lines.
  </description>
  <url>https://example.com/app</url>
  <licenses>
    <license><name>Apache-2.0</name><url>https://www.apache.org/licenses/LICENSE-2.0.txt</url><distribution>repo</distribution></license>
    <license><name>Own</name><url>LICENSE</url></license>
  </licenses>
  <scm><connection>scm:git:https://example.com/app.git</connection><url>https://example.com/scm</url></scm>
  <properties><version>9</version></properties>
  <dependencyManagement>
    <dependencies>
      <dependency><groupId>g</groupId><artifactId>bom</artifactId><version>2</version><type>pom</type><scope>import</scope></dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>g</groupId><artifactId>a</artifactId><version>[1,2)</version><scope>test</scope><optional>TRUE</optional>
      <classifier>linux</classifier>
      <exclusions><exclusion><groupId>x</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>g</groupId><artifactId>b</artifactId></dependency>
  </dependencies>
  <build><plugins><plugin><artifactId>p</artifactId>
    <configuration><ac:if><name>x</name></ac:if></configuration>
    <dependencies><dependency><groupId>of</groupId><artifactId>plugin</artifactId></dependency></dependencies>
  </plugin></plugins></build>
  <profiles><profile><dependencies><dependency><groupId>of</groupId><artifactId>profile</artifactId></dependency></dependencies></profile></profiles>
  <distributionManagement>
    <relocation><groupId>org.example</groupId><message>moved</message></relocation>
  </distributionManagement>
</project>
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := pom.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := pom.Project{
		ModelVersion: "4.0.0",
		Parent:       &layout.Coordinates{GroupID: "com.example", ArtifactID: "parent", Version: "7"},
		GroupID:      "com.example", ArtifactID: "app", Version: "1.0-SNAPSHOT",
		Packaging: "war", Name: "Café & more", Description: "Two\n    lines.",
		URL: "https://example.com/app", SCMURL: "https://example.com/scm",
		Licenses: []pom.License{{Name: "Apache-2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0.txt"}, {Name: "Own"}},
		Dependencies: []pom.Dependency{
			{GroupID: "g", ArtifactID: "a", Version: "[1,2)", Scope: "test", Optional: true, Classifier: "linux"},
			{GroupID: "g", ArtifactID: "b"},
		},
		DependencyManagement: []pom.Dependency{{GroupID: "g", ArtifactID: "bom", Version: "2", Scope: "import", Type: "pom"}},
		Relocation:           &layout.Coordinates{GroupID: "org.example"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

func TestGroupAndVersionAreInherited(t *testing.T) {
	t.Parallel()
	got, err := pom.Parse([]byte(`<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>a</artifactId></project>`))
	if err != nil || got.GroupID != "g" || got.ArtifactID != "a" || got.Version != "1" || got.Packaging != "jar" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestADeclaredEncodingIsRead(t *testing.T) {
	t.Parallel()
	got, err := pom.Parse([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?>` + minimal("<name>Caf\xe9</name>")))
	if err != nil || got.Name != "Café" {
		t.Errorf("%q, %v", got.Name, err)
	}
}

// minimal is a POM with no more than it must have, and more.
func minimal(more string) string {
	return "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version>" + more + "</project>"
}

func TestRefused(t *testing.T) {
	t.Parallel()
	dependency := "<dependency><groupId>g</groupId><artifactId>a</artifactId></dependency>"
	for _, c := range []struct{ name, document, reason string }{
		{"nothing", "", "the POM is not valid: no document"},
		{"a page", "<html></html>", "the root element is <html>, not <project>, at line 1"},
		{"cut off", "<project>\n<groupId>g", "the document ends too early at line 2"},
		{"a document type", `<!DOCTYPE project [<!ENTITY a "b">]>` + minimal("<name>&a;</name>"), "a document type declaration"},
		{"no group", "<project><artifactId>a</artifactId><version>1</version></project>", "the POM has no groupId, nor has its parent"},
		{"no artifact", "<project><groupId>g</groupId><version>1</version></project>", "the POM has no artifactId"},
		{"only the parent's artifact", "<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent></project>", "the POM has no artifactId"},
		{"no version", "<project><groupId>g</groupId><artifactId> a</artifactId><version> </version></project>", "the POM has no version, nor has its parent"},
		{"an artifact in another vocabulary", `<project xmlns:x="u"><groupId>g</groupId><x:artifactId>a</x:artifactId><version>1</version></project>`, "the POM has no artifactId"},
		{"two artifacts", minimal("<artifactId>b</artifactId>"), "the element <artifactId> occurs twice"},
		{"two lists", minimal("<dependencies/><dependencies/>"), "the element <dependencies> occurs twice"},
		{"two parents", minimal("<parent/><parent/>"), "the element <parent> occurs twice"},
		{"an element in a name", minimal("<name>a<b/></name>"), "the element <b> in <name>"},
		{"a long version", minimal("<parent><version>" + strings.Repeat("1", 256) + "</version></parent>"), "the POM's parent's version has more than 255 bytes"},
		{"a long scope", minimal("<dependencies><dependency><scope>" + strings.Repeat("x", 256) + "</scope></dependency></dependencies>"), "the POM's dependency's scope has more than 255 bytes"},
		{"many dependencies", minimal("<dependencies>" + strings.Repeat(dependency, 5001) + "</dependencies><dependencyManagement><dependencies>" + strings.Repeat(dependency, 5000) + "</dependencies></dependencyManagement>"), "the POM has more than 10000 dependencies"},
		{"many licenses", minimal("<licenses>" + strings.Repeat("<license/>", 101) + "</licenses>"), "the POM has more than 100 licenses"},
		{"too long", minimal(strings.Repeat(" ", 1<<20)), "the document has more than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := pom.Parse([]byte(c.document)); err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("%v, want %q", err, c.reason)
			}
		})
	}
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	got, err := pom.Parse([]byte(minimal("<name>x" + strings.Repeat("é", 200) + "</name><description>" + strings.Repeat("€", 2000) + "</description><licenses><license><name>" + strings.Repeat("é", 200) + "</name></license></licenses>")))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Name) != 255 || len(got.Description) != 4095 || len(got.Licenses[0].Name) != 254 || !utf8.ValidString(got.Name+got.Description+got.Licenses[0].Name) {
		t.Errorf("%d, %d and %d bytes are kept", len(got.Name), len(got.Description), len(got.Licenses[0].Name))
	}
}

func TestOnlyAddressesOfTheWebAreKept(t *testing.T) {
	t.Parallel()
	for text, kept := range map[string]bool{
		"https://example.com": true, "http://example.com/a?b#c": true, "HTTPS://example.com": true,
		"https://example.com/" + strings.Repeat("a", 2028): true, "https://example.com/" + strings.Repeat("a", 2029): false,
		"javascript:alert(1)": false, "data:text/html,x": false, "ftp://example.com": false, "example.com": false, "//example.com": false,
		"https:///a": false, "https://": false, "${project.url}": false, "scm:git:https://example.com": false, "https://exa mple.com": false, "": false,
	} {
		got, err := pom.Parse([]byte(minimal("<url>" + text + "</url><scm><url>" + text + "</url></scm>")))
		if err != nil || (got.URL != "") != kept || got.SCMURL != got.URL || kept && got.URL != text {
			t.Errorf("%s: %q and %q, %v", text, got.URL, got.SCMURL, err)
		}
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		project pom.Project
		want    string
	}{
		{pom.Project{GroupID: "g", ArtifactID: "a", Version: "1-SNAPSHOT"}, ""},
		{pom.Project{GroupID: "g", ArtifactID: "a", Version: "${revision}${changelist}"}, ""},
		{pom.Project{GroupID: "${g}", ArtifactID: "a-${b}", Version: "1-SNAPSHOT"}, ""},
		{pom.Project{GroupID: "h", ArtifactID: "a", Version: "1-SNAPSHOT"}, `the POM's groupId is "h", the path says "g"`},
		{pom.Project{GroupID: "g", ArtifactID: "A", Version: "1-SNAPSHOT"}, `the POM's artifactId is "A", the path says "a"`},
		{pom.Project{GroupID: "g", ArtifactID: "a", Version: "1"}, `the POM's version is "1", the path says "1-SNAPSHOT"`},
		{pom.Project{GroupID: "g", ArtifactID: "a", Version: "1-20250311.083409-1"}, `the POM's version is "1-20250311.083409-1", the path says "1-SNAPSHOT"`},
		{pom.Project{GroupID: "g", ArtifactID: "a", Version: "${revision"}, `the POM's version is "${revision", the path says "1-SNAPSHOT"`},
	} {
		err := c.project.Agrees("g", "a", "1-SNAPSHOT")
		if (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%+v: %v, want %q", c.project, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(minimal("<name>&copy;</name>")))
	f.Add([]byte(minimal("<dependencies><dependency/></dependencies><parent/><distributionManagement><relocation/></distributionManagement>")))
	f.Add([]byte("<project"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := pom.Parse(data)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if p.GroupID == "" || p.ArtifactID == "" || p.Version == "" || p.Packaging == "" {
			t.Fatalf("%+v is not whole", p)
		}
		for _, s := range []string{p.Name, p.Description, p.GroupID, p.ArtifactID, p.Version, p.URL} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Fatalf("%q cannot be stored", s)
			}
		}
		if err := p.Agrees(p.GroupID, p.ArtifactID, p.Version); err != nil {
			t.Fatal(err)
		}
	})
}

// A POM of 20 KiB, with some eighty dependencies.
func BenchmarkParse(b *testing.B) {
	var list strings.Builder
	for i := 0; list.Len() < 20<<10-len(full); i++ {
		fmt.Fprintf(&list, "\n    <dependency>\n      <groupId>org.example.group</groupId>\n      <artifactId>artifact-%d</artifactId>\n      <version>1.2.%d</version>\n      <scope>runtime</scope>\n    </dependency>", i, i)
	}
	document := []byte(strings.Replace(full, "  <dependencies>\n    <dependency>\n", "  <dependencies>"+list.String()+"\n    <dependency>\n", 1))
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		if _, err := pom.Parse(document); err != nil {
			b.Fatal(err)
		}
	}
}
