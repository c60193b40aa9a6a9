package layout_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/maven/internal/layout"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"com/example/app":               {"com.example", "app"},
		"junit/junit":                   {"junit", "junit"},
		"a/b/c/d-e_f.g":                 {"a.b.c", "d-e_f.g"},
		"com.example/app":               {"com.example", "app"},
		"com/9/-":                       {"com.9", "-"},
		"a/" + strings.Repeat("b", 253): {"a", strings.Repeat("b", 253)},
	} {
		group, artifact, err := layout.ParseName(name)
		if err != nil || group != want[0] || artifact != want[1] {
			t.Errorf("%s: %q, %q, %v, want %q", name, group, artifact, err, want)
		}
	}
	for _, c := range []struct{ name, reason string }{
		{"", "has no group"},
		{"app", `the path "app" has no group`},
		{"/app", "a part of it is empty"},
		{"com/", "a part of it is empty"},
		{"com//app", "a part of it is empty"},
		{"com/../app", `".." is no name`},
		{"com/./app", `"." is no name`},
		{"com/example/a pp", `"a pp" has the character ' ' in it`},
		{"com/exa+mple/app", `"exa+mple" has the character '+' in it`},
		{"com/ex%2fample/app", `'%'`},
		{"com/exämple/app", `'ä'`},
		{"com/a\x00/app", `'\x00'`},
		{"com/a\\b/app", `'\\'`},
		{"a/" + strings.Repeat("b", 254), "more than 255 bytes"},
	} {
		if _, _, err := layout.ParseName(c.name); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: %v, want %q", c.name, err, c.reason)
		}
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"1", "1.0-SNAPSHOT", "18-ea+1", "1.", ".1", "-", "1_0", strings.Repeat("1", 255)} {
		if err := layout.CheckVersion(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	for _, v := range []string{"", ".", "..", "1..0", "1 0", "1/0", "${revision}", "1\n", "1%", "ü", strings.Repeat("1", 256)} {
		if err := layout.CheckVersion(v); err == nil {
			t.Errorf("%q is taken", v)
		}
	}
}

func TestCheckFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"app-1.0.jar", "maven-metadata.xml", "app-1.0+2.tar.gz", "...", "-", strings.Repeat("a", 1024)} {
		if err := layout.CheckFileName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a b", "a\\b", "a\x00", "é", "a%2fb", "${a}", strings.Repeat("a", 1025)} {
		if err := layout.CheckFileName(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func TestSplitChecksum(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][2]string{
		"app-1.0.jar.sha1": {"app-1.0.jar", "sha1"}, "a.md5": {"a", "md5"}, "a.asc.sha256": {"a.asc", "sha256"},
		"maven-metadata.xml.sha512": {"maven-metadata.xml", "sha512"}, "a.sha1.md5": {"a.sha1", "md5"},
	} {
		base, algorithm, ok := layout.SplitChecksum(file)
		if !ok || base != want[0] || algorithm != want[1] {
			t.Errorf("%s: %q, %q, %v", file, base, algorithm, ok)
		}
	}
	for _, file := range []string{"", "sha1", ".sha1", "a.jar", "a.SHA1", "a.sha384", "a.sha1.asc", "asha1"} {
		if base, _, ok := layout.SplitChecksum(file); ok {
			t.Errorf("%s is the checksum of %q", file, base)
		}
	}
}

func TestParseChecksum(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0a", 20)
	for _, body := range []string{sum, strings.ToUpper(sum), sum + "\n", " " + sum + "\r\n", sum + "  app-1.0.jar\n", sum + " *app-1.0.jar", sum + "\t-"} {
		if got, err := layout.ParseChecksum([]byte(body), "sha1"); err != nil || got != sum {
			t.Errorf("%q: %q, %v", body, got, err)
		}
	}
	for algorithm, digits := range map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128} {
		for _, n := range []int{32, 40, 64, 128, digits - 2, digits + 1} {
			if _, err := layout.ParseChecksum([]byte(strings.Repeat("a", n)), algorithm); (err == nil) != (n == digits) {
				t.Errorf("%d digits for %s: %v", n, algorithm, err)
			}
		}
	}
	for _, body := range []string{"", "\n", "no sum", sum + "\n" + sum, sum + " a b", "app.jar " + sum, strings.Repeat("g", 40), "SHA1(a)= " + sum, sum + strings.Repeat(" ", 2048)} {
		if got, err := layout.ParseChecksum([]byte(body), "sha1"); err == nil {
			t.Errorf("%q is taken for %q", body, got)
		}
	}
	if _, err := layout.ParseChecksum([]byte(sum), "crc32"); err == nil {
		t.Error("an unknown algorithm is taken")
	}
}

func TestParseFile(t *testing.T) {
	t.Parallel()
	const stamp = "20250311.083409"
	for _, c := range []struct {
		version, file string
		want          layout.File
	}{
		{"1.0", "my-app-1.0.jar", layout.File{Extension: "jar"}},
		{"1.0", "my-app-1.0", layout.File{}},
		{"1.0", "my-app-1.0.tar.gz", layout.File{Extension: "tar.gz"}},
		{"1.0", "my-app-1.0.pom.asc", layout.File{Extension: "pom.asc"}},
		{"1.0", "my-app-1.0-sources.jar", layout.File{Classifier: "sources", Extension: "jar"}},
		{"1.0", "my-app-1.0-sources.jar.asc", layout.File{Classifier: "sources", Extension: "jar.asc"}},
		{"1.0", "my-app-1.0-sources.jar.sigstore.json", layout.File{Classifier: "sources", Extension: "jar.sigstore.json"}},
		{"1.0", "my-app-1.0-sources.jar.sigstore.json.asc", layout.File{Classifier: "sources", Extension: "jar.sigstore.json.asc"}},
		{"1.0", "my-app-1.0-bin.tar.bz2.asc", layout.File{Classifier: "bin", Extension: "tar.bz2.asc"}},
		{"1.0", "my-app-1.0-linux-1.2.jar", layout.File{Classifier: "linux-1.2", Extension: "jar"}},
		{"1.0", "my-app-1.0-linux-1.2.tar.zst", layout.File{Classifier: "linux-1.2", Extension: "tar.zst"}},
		{"1.0", "my-app-1.0-bin.asc", layout.File{Classifier: "bin", Extension: "asc"}},
		{"1.0", "my-app-1.0-bin", layout.File{Classifier: "bin"}},
		{"1.0", "my-app-1.0-tar.gz", layout.File{Classifier: "tar", Extension: "gz"}},
		{"1.0", "my-app-1.0-" + stamp + "-1.jar", layout.File{Classifier: stamp + "-1", Extension: "jar"}},
		{"1.0+b1", "my-app-1.0+b1.jar", layout.File{Extension: "jar"}},
		{"1.0-SNAPSHOT", "my-app-1.0-SNAPSHOT.jar", layout.File{Extension: "jar"}},
		{"1.0-SNAPSHOT", "my-app-1.0-SNAPSHOT-tests.jar", layout.File{Classifier: "tests", Extension: "jar"}},
		{"1.0-SNAPSHOT", "my-app-1.0-" + stamp + "-10-sources.jar", layout.File{Timestamp: stamp, Build: 10, Classifier: "sources", Extension: "jar"}},
		{"1.0-SNAPSHOT", "my-app-1.0-" + stamp + "-12.jar.asc", layout.File{Timestamp: stamp, Build: 12, Extension: "jar.asc"}},
		{"1.0-SNAPSHOT", "my-app-1.0-" + stamp + "-1", layout.File{Timestamp: stamp, Build: 1}},
		{"SNAPSHOT", "my-app-" + stamp + "-1.pom", layout.File{Timestamp: stamp, Build: 1, Extension: "pom"}},
		{"1.0-" + stamp + "-1", "my-app-1.0-" + stamp + "-1.pom", layout.File{Extension: "pom"}},
	} {
		if got, err := layout.ParseFile("my-app", c.version, c.file); err != nil || got != c.want {
			t.Errorf("%s in %s: %+v, %v, want %+v", c.file, c.version, got, err, c.want)
		}
	}
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"1.0", ""},
		{"1.0", "ivy-1.0.xml"},
		{"1.0", "my-app.jar"},
		{"1.0", "My-App-1.0.jar"},
		{"1.0", "my-app-1.1.jar"},
		{"1.0", "my-app-1.0beta.jar"},
		{"1.0", "my-app-1.0."},
		{"1.0", "my-app-1.0-"},
		{"1.0", "my-app-1.0-.jar"},
		{"1.0", "my-app-1.0-sources."},
		{"1.0-SNAPSHOT", "my-app-1.0.jar"},
		{"1.0-SNAPSHOT", "my-app-1.0-sources.jar"},
		{"1.0-SNAPSHOT", "my-app-1.0-20250311.083409.jar"},
		{"1.0-SNAPSHOT", "my-app-1.1-20250311.083409-1.jar"},
		{"1.0-SNAPSHOT", "my-app-1.0-20250311.083409-1x.jar"},
	} {
		if got, err := layout.ParseFile("my-app", c[0], c[1]); !errors.Is(err, layout.ErrForeign) {
			t.Errorf("%s in %s: %+v, %v, want ErrForeign", c[1], c[0], got, err)
		}
	}
}

func TestABuildThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, build := range []string{"20251311.083409-1", "20250230.083409-1", "20250311.250000-1", "20250311.083409-1234567890123456789"} {
		_, err := layout.ParseFile("a", "1-SNAPSHOT", "a-1-"+build+".jar")
		if err == nil || errors.Is(err, layout.ErrForeign) || !strings.Contains(err.Error(), "no date and time") {
			t.Errorf("%s: %v", build, err)
		}
	}
}

// What a name says is all that is in it.
func FuzzParseFile(f *testing.F) {
	for _, c := range [][2]string{
		{"1.0", "a-1.0.jar"},
		{"1.0", "a-1.0-sources.tar.gz.asc"},
		{"1.0-SNAPSHOT", "a-1.0-20250311.083409-12-x.1.jar"},
		{"1.0-SNAPSHOT", "a-1.0-SNAPSHOT.pom"},
		{"SNAPSHOT", "a-20250311.083409-1.pom"},
		{"1.0", "a-1.0-.asc.asc.sigstore.json"},
	} {
		f.Add("a", c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, artifact, version, name string) {
		file, err := layout.ParseFile(artifact, version, name)
		if err != nil {
			return
		}
		end := ""
		if file.Classifier != "" {
			end += "-" + file.Classifier
		}
		if file.Extension != "" {
			end += "." + file.Extension
		}
		if !strings.HasPrefix(name, artifact+"-") || !strings.HasSuffix(name, end) || !strings.Contains(name, file.Timestamp) {
			t.Fatalf("%+v is not %q", file, name)
		}
	})
}

// What is taken for a name makes the same name again.
func FuzzParseName(f *testing.F) {
	for _, name := range []string{"com/example/app", "a/b", "a//b", "../a", "a/.."} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		group, artifact, err := layout.ParseName(name)
		if err == nil && strings.ReplaceAll(name, "/", ".") != group+"."+artifact {
			t.Fatalf("%q is %q and %q", name, group, artifact)
		}
	})
}
