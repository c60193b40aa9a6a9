package metadata_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/plugins/maven/internal/metadata"
)

// noon is in a zone of its own, to see that UTC is written.
func noon() time.Time {
	return time.Date(2025, 3, 11, 10, 34, 9, 999, time.FixedZone("", 2*60*60))
}

func artifact() *metadata.Artifact {
	return &metadata.Artifact{
		GroupID: "com.example", ArtifactID: "app", LastUpdated: noon(),
		Versions: []string{"1.10", "1.11-SNAPSHOT", "0.9", "1.9", "1.10-rc1", "1.0", "1.9", "1"},
	}
}

func group() *metadata.Group {
	return &metadata.Group{Plugins: []metadata.GroupPlugin{
		{Name: "Second", Prefix: "zoo", ArtifactID: "zoo-maven-plugin"},
		{Name: `Example & <Plugin "é"`, Prefix: "example", ArtifactID: "example-maven-plugin"},
		{Prefix: "example", ArtifactID: "another-maven-plugin"},
	}}
}

func snapshot() metadata.Snapshot {
	const value = "1.1-20250311.083409-2"
	return metadata.Snapshot{
		GroupID: "com.example", ArtifactID: "app", Version: "1.1-SNAPSHOT", Timestamp: "20250311.083409", Build: 2, LastUpdated: noon(),
		Files: []metadata.SnapshotFile{
			{Classifier: "sources", Extension: "jar", Value: value, Updated: noon()},
			{Extension: "pom", Value: value, Updated: noon()},
			{Classifier: "docs", Extension: "jar", Value: "1.1-20250310.000000-1", Updated: noon().Add(-time.Hour)},
			{Extension: "jar", Value: value, Updated: noon()},
		},
	}
}

// golden compares with a file that Maven's own writer made of the same (see
// testdata/Golden.java).
func golden(t *testing.T, name string, got []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

func TestWrittenAsMavenWrites(t *testing.T) {
	t.Parallel()
	got, err := metadata.RenderArtifactGroup(artifact(), nil)
	golden(t, "artifact.xml", got, err)
	got, err = metadata.RenderArtifactGroup(nil, group())
	golden(t, "group.xml", got, err)
	got, err = metadata.RenderArtifactGroup(artifact(), group())
	golden(t, "both.xml", got, err)
	got, err = metadata.RenderSnapshot(snapshot())
	golden(t, "snapshot.xml", got, err)
}

func TestTheOrderOfWhatIsGivenDoesNotMatter(t *testing.T) {
	t.Parallel()
	a, g, s := artifact(), group(), snapshot()
	versions := slices.Clone(a.Versions)
	both, _ := metadata.RenderArtifactGroup(a, g)
	one, _ := metadata.RenderSnapshot(s)
	if !slices.Equal(a.Versions, versions) {
		t.Error("the caller's versions are sorted")
	}
	slices.Reverse(a.Versions)
	slices.Reverse(g.Plugins)
	slices.Reverse(s.Files)
	if again, err := metadata.RenderArtifactGroup(a, g); err != nil || !bytes.Equal(again, both) {
		t.Errorf("%s\nis not\n%s", again, both)
	}
	if again, err := metadata.RenderSnapshot(s); err != nil || !bytes.Equal(again, one) {
		t.Errorf("%s\nis not\n%s", again, one)
	}
}

func TestOnlySnapshotsMakeNoRelease(t *testing.T) {
	t.Parallel()
	got, err := metadata.RenderArtifactGroup(&metadata.Artifact{GroupID: "g", ArtifactID: "a", Versions: []string{"1-SNAPSHOT", "1-20250311.083409-1"}}, nil)
	if err != nil || bytes.Contains(got, []byte("<release>")) || !bytes.Contains(got, []byte("<latest>1-20250311.083409-1</latest>")) {
		t.Errorf("%s, %v", got, err)
	}
}

func TestNothingIsWrittenOfWhatXMLForbids(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\x00", "a\x1b", "\xff", "\uffff"} {
		if _, err := metadata.RenderArtifactGroup(nil, &metadata.Group{Plugins: []metadata.GroupPlugin{{Name: name}}}); err == nil {
			t.Errorf("%q is written", name)
		}
	}
	if _, err := metadata.RenderArtifactGroup(nil, nil); err == nil {
		t.Error("metadata of nothing is written")
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	second := noon().UTC().Truncate(time.Second)
	document, err := metadata.RenderArtifactGroup(artifact(), group())
	if err != nil {
		t.Fatal(err)
	}
	got, err := metadata.Parse(document)
	want := metadata.Metadata{
		GroupID: "com.example", ArtifactID: "app", Latest: "1.11-SNAPSHOT", Release: "1.10", LastUpdated: second,
		Versions: []string{"0.9", "1", "1.0", "1.9", "1.10-rc1", "1.10", "1.11-SNAPSHOT"},
		Plugins:  []metadata.GroupPlugin{group().Plugins[2], group().Plugins[1], group().Plugins[0]},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if document, err = metadata.RenderSnapshot(snapshot()); err != nil {
		t.Fatal(err)
	}
	got, err = metadata.Parse(document)
	if err != nil || got.Version != "1.1-SNAPSHOT" || got.Timestamp != "20250311.083409" || got.BuildNumber != 2 || len(got.SnapshotVersions) != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := (metadata.SnapshotFile{Extension: "pom", Value: "1.1-20250311.083409-2", Updated: second}); got.SnapshotVersions[1] != want {
		t.Errorf("%+v, want %+v", got.SnapshotVersions[1], want)
	}
}

func TestParseTakesWhatOtherClientsWrite(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"an empty one":      `<metadata/>`,
		"a namespace":       `<metadata xmlns="http://maven.apache.org/METADATA/1.1.0"><groupId>g</groupId></metadata>`,
		"nothing in it":     `<metadata><versioning><versions/><snapshot/><snapshotVersions></snapshotVersions></versioning><plugins/></metadata>`,
		"a version above":   `<metadata><version>1.0</version><versioning/></metadata>`,
		"a local copy":      `<metadata><versioning><snapshot><localCopy>true</localCopy></snapshot></versioning></metadata>`,
		"time in letters":   `<metadata><versioning><lastUpdated>yesterday</lastUpdated></versioning></metadata>`,
		"unknown elements":  `<metadata><more><versioning/></more><versioning/></metadata>`,
		"an unknown plugin": `<metadata><plugins><other/><plugin/></plugins></metadata>`,
	} {
		if _, err := metadata.Parse([]byte(document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, document, reason string }{
		{"nothing", "", "no document"},
		{"a page", "<html/>", "the root element is <html>, not <metadata>"},
		{"cut off", "<metadata>\n<groupId>", "the document ends too early at line 2"},
		{"two blocks", "<metadata><versioning/><versioning/></metadata>", "the element <versioning> occurs twice"},
		{"two releases", "<metadata><versioning><release/><release/></versioning></metadata>", "the element <release> occurs twice"},
		{"no build number", "<metadata><versioning><snapshot><buildNumber>x</buildNumber></snapshot></versioning></metadata>", "its buildNumber is no number"},
		{"less than none", "<metadata><versioning><snapshot><buildNumber>-1</buildNumber></snapshot></versioning></metadata>", "its buildNumber is no number"},
		{"too long", "<metadata>" + strings.Repeat(" ", 8<<20) + "</metadata>", "more than 8388608 bytes"},
	} {
		if _, err := metadata.Parse([]byte(c.document)); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
}

// What is read can be written, and says the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"artifact.xml", "group.xml", "both.xml", "snapshot.xml"} {
		document, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Add([]byte(`<metadata><plugins><plugin><name>&#13;&amp;&gt;]]&gt;</name></plugin></plugins></metadata>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := metadata.Parse(data)
		if err != nil {
			return
		}
		document, err := metadata.RenderArtifactGroup(
			&metadata.Artifact{GroupID: m.GroupID, ArtifactID: m.ArtifactID, Versions: m.Versions, LastUpdated: m.LastUpdated},
			&metadata.Group{Plugins: m.Plugins})
		if err != nil {
			t.Fatal(err)
		}
		again, err := metadata.Parse(document)
		if err != nil || again.GroupID != m.GroupID || again.ArtifactID != m.ArtifactID || len(again.Plugins) != len(m.Plugins) || !again.LastUpdated.Equal(m.LastUpdated) {
			t.Fatalf("%+v, %v, want %+v", again, err, m)
		}
	})
}

func BenchmarkRenderArtifactGroup(b *testing.B) {
	a := artifact()
	for i := range 1000 {
		a.Versions = append(a.Versions, "1."+strings.Repeat("1", i%5)+".3-SNAPSHOT")
	}
	for b.Loop() {
		if _, err := metadata.RenderArtifactGroup(a, nil); err != nil {
			b.Fatal(err)
		}
	}
}
