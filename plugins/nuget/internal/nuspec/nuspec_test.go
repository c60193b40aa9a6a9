package nuspec_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/pakhus/pakhus/plugins/nuget/internal/nuspec"
	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

const full = `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata minClientVersion=" 2.12 ">
    <id>Demo.Package</id>
    <version>1.0.00-Beta.2+build.5</version>
    <title>Demo &amp; more</title>
    <authors>Ada, Grace</authors>
    <owners>somebody</owners>
    <requireLicenseAcceptance>True</requireLicenseAcceptance>
    <developmentDependency>true</developmentDependency>
    <serviceable>true</serviceable>
    <license type="expression" version="1.0.0"> MIT OR Apache-2.0 </license>
    <licenseUrl>https://licenses.nuget.org/MIT</licenseUrl>
    <icon>images\icon.png</icon>
    <readme>docs/README.md</readme>
    <projectUrl>https://example.com/demo?a#b</projectUrl>
    <iconUrl>http://example.com/icon.png</iconUrl>
    <description>
      Two
      lines.
    </description>
    <summary>Short</summary>
    <releaseNotes>Fixed</releaseNotes>
    <copyright>© Ada</copyright>
    <language>en-US</language>
    <tags>one two,three
      four, one</tags>
    <packageTypes><packageType name="DotnetTool" version="2.0"/><packageType name="Custom"/></packageTypes>
    <repository type="git" url="https://example.com/demo.git" branch="main" commit="abc123"/>
    <dependencies>
      <group targetFramework=".NETFramework4.5">
        <dependency id="Newtonsoft.Json" version="[12.0,13)" exclude="Build,Analyzers" include="All"/>
        <dependency id="Other"/>
      </group>
      <group targetFramework="netstandard2.0"/>
      <group>
        <dependency id="Newtonsoft.Json" version=" 13.0.1 "/>
      </group>
    </dependencies>
    <frameworkAssemblies><frameworkAssembly assemblyName="System.Xml"/></frameworkAssemblies>
    <contentFiles><files include="**/*"/></contentFiles>
  </metadata>
  <files><file src="a" target="b"/></files>
</package>
`

func parseVersion(tb testing.TB, s string) version.Version {
	tb.Helper()
	v, err := version.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := nuspec.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := nuspec.Nuspec{
		ID: "Demo.Package", Version: parseVersion(t, "1.0.00-Beta.2+build.5"),
		Title: "Demo & more", Authors: "Ada, Grace", Description: "Two\n      lines.", Summary: "Short", ReleaseNotes: "Fixed", Copyright: "© Ada",
		Language: "en-US", MinClientVersion: "2.12", Tags: []string{"one", "two", "three", "four"},
		ProjectURL: "https://example.com/demo?a#b", LicenseURL: "https://licenses.nuget.org/MIT", IconURL: "http://example.com/icon.png",
		License: nuspec.License{Type: "expression", Text: "MIT OR Apache-2.0"}, Icon: `images\icon.png`, Readme: "docs/README.md",
		RequireLicenseAcceptance: true, DevelopmentDependency: true, Serviceable: true,
		Repository:   nuspec.Repository{Type: "git", URL: "https://example.com/demo.git", Branch: "main", Commit: "abc123"},
		PackageTypes: []nuspec.PackageType{{Name: "DotnetTool", Version: "2.0"}, {Name: "Custom"}},
		Groups: []nuspec.Group{
			{TargetFramework: ".NETFramework4.5", Dependencies: []nuspec.Dependency{
				{ID: "Newtonsoft.Json", Range: "[12.0,13)", Include: "All", Exclude: "Build,Analyzers"}, {ID: "Other"},
			}},
			{TargetFramework: "netstandard2.0"},
			{Dependencies: []nuspec.Dependency{{ID: "Newtonsoft.Json", Range: "13.0.1"}}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if err := got.Required(false); err != nil {
		t.Error(err)
	}
	if got.IsSymbols() || !got.IsSemVer2() {
		t.Errorf("symbols %t, SemVer 2 %t", got.IsSymbols(), got.IsSemVer2())
	}
}

// minimal is a manifest with no more than it must have, and more.
func minimal(more string) string {
	return "<package><metadata><id>a</id><version>1.0</version><authors>b</authors><description>c</description>" + more + "</metadata></package>"
}

func dependencies(inside string) string {
	return minimal("<dependencies>" + inside + "</dependencies>")
}

func TestEncodingsAndNamespaces(t *testing.T) {
	t.Parallel()
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(`<?xml version="1.0" encoding="utf-16"?>` + minimal("<title>é</title>"))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, document := range map[string]string{
		"none declared":             minimal("<title>é</title>"),
		"a byte order mark":         "\ufeff" + `<?xml version="1.0" encoding="utf-8"?>` + minimal("<title>é</title>"),
		"UTF-16":                    string(wide),
		"UTF-8 that says UTF-16":    `<?xml version="1.0" encoding="utf-16"?>` + minimal("<title>é</title>"),
		"ISO-8859-1":                `<?xml version="1.0" encoding="iso-8859-1"?>` + minimal("<title>\xe9</title>"),
		"the first namespace":       strings.Replace(minimal("<title>é</title>"), "<package>", `<package xmlns="http://schemas.microsoft.com/packaging/2010/07/nuspec.xsd">`, 1),
		"a namespace of its inside": strings.Replace(minimal("<title>é</title>"), "<metadata>", `<metadata xmlns="http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd">`, 1),
		"a prefix":                  strings.NewReplacer("</", "</n:", "<", "<n:").Replace(minimal("<title>é</title>")),
	} {
		got, err := nuspec.Parse([]byte(document))
		if err != nil || got.ID != "a" || got.Title != "é" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	one := []nuspec.Dependency{{ID: "A", Range: "1.0"}}
	for _, c := range []struct {
		name, document string
		want           []nuspec.Group
	}{
		{"no dependencies", minimal(""), nil},
		{"an empty list", dependencies(""), nil},
		{"without groups", dependencies(`<dependency id="A" version="1.0"/>`), []nuspec.Group{{Dependencies: one}}},
		{"an empty group", dependencies(`<group/>`), []nuspec.Group{{}}},
		{"an empty group of a framework", dependencies(`<group targetFramework="net6.0"></group>`), []nuspec.Group{{TargetFramework: "net6.0"}}},
		{"one beside a group", dependencies(`<dependency id="B"/><group targetFramework="net6.0"/>`), []nuspec.Group{{TargetFramework: "net6.0"}}},
		{
			"one in two groups",
			dependencies(`<group targetFramework="net6.0"><dependency id="A" version="1.0"/></group><group targetFramework="net45"><dependency id="A" version="1.0"/></group>`),
			[]nuspec.Group{{TargetFramework: "net6.0", Dependencies: one}, {TargetFramework: "net45", Dependencies: one}},
		},
		{
			"two groups of a framework",
			dependencies(`<group targetFramework="net6.0"/><group targetFramework="net6.0"><dependency id="A" version="1.0"/></group>`),
			[]nuspec.Group{{TargetFramework: "net6.0"}, {TargetFramework: "net6.0", Dependencies: one}},
		},
	} {
		got, err := nuspec.Parse([]byte(c.document))
		if err != nil || !reflect.DeepEqual(got.Groups, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got.Groups, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 501)
	for _, c := range []struct{ name, document, reason string }{
		{"nothing", "", "the nuspec is not valid: no document"},
		{"a page", "<html/>", "the root element is <html>, not <package>"},
		{"cut off", "<package>\n<metadata>", "the document ends too early at line 2"},
		{"a document type", `<!DOCTYPE package [<!ENTITY a "b">]>` + minimal("<title>&a;</title>"), "a document type declaration"},
		{"too long", minimal(strings.Repeat(" ", 4<<20)), "the document has more than 4194304 bytes"},
		{"no metadata", "<package/>", "the nuspec has no id"},
		{"two of them", "<package><metadata/><metadata/></package>", "the element <metadata> occurs twice"},
		{"no id", "<package><metadata><version>1.0</version></metadata></package>", "the nuspec has no id"},
		{"a blank id", "<package><metadata><id> </id><version>1.0</version></metadata></package>", "the nuspec has no id"},
		{"no version", "<package><metadata><id>a</id></metadata></package>", "the nuspec has no version"},
		{"two ids", minimal("<id>b</id>"), "the element <id> occurs twice"},
		{"a path for an id", strings.Replace(minimal(""), "<id>a", "<id>../a", 1), `the package id "../a" is not valid`},
		{"a placeholder", strings.Replace(minimal(""), "<version>1.0", "<version>$version$", 1), `the version "$version$" is not valid`},
		{"one number", strings.Replace(minimal(""), "<version>1.0", "<version>1", 1), "it must have two to four numbers"},
		{"a project's path", minimal("<projectUrl>../a</projectUrl>"), "the nuspec's projectUrl is not a URL of http or https"},
		{"a script", minimal("<projectUrl>javascript:alert(1)</projectUrl>"), "the nuspec's projectUrl is not a URL of http or https"},
		{"no host", minimal("<licenseUrl>https:///a</licenseUrl>"), "the nuspec's licenseUrl is not a URL of http or https"},
		{"ftp", minimal("<iconUrl>ftp://example.com/a</iconUrl>"), "the nuspec's iconUrl is not a URL of http or https"},
		{"white space", minimal("<iconUrl>https://exa mple.com</iconUrl>"), "the nuspec's iconUrl is not a URL of http or https"},
		{"a long URL", minimal("<projectUrl>https://example.com/" + strings.Repeat("a", 236) + "</projectUrl>"), "the nuspec's projectUrl has more than 255 characters"},
		{"a license without type", minimal("<license>MIT</license>"), "the nuspec's license must have the type"},
		{"another type of license", minimal(`<license type="url">MIT</license>`), "the nuspec's license must have the type"},
		{"an empty license", minimal(`<license type="file"> </license>`), "the nuspec's license is empty"},
		{"a long license", minimal(`<license type="expression">` + long + "</license>"), "the nuspec's license has more than 500 characters"},
		{"a long language", minimal("<language>" + long + "</language>"), "the nuspec's language has more than 500 characters"},
		{"a long commit", minimal(`<repository commit="` + long + `"/>`), "the nuspec's repository commit has more than 500 characters"},
		{"a long tag", minimal("<tags>" + strings.Repeat("é", 256) + "</tags>"), "the nuspec has a tag of more than 255 characters"},
		{"many tags", minimal("<tags>" + numbers(201, "%d ") + "</tags>"), "the nuspec has more than 200 tags"},
		{"a type without name", minimal("<packageTypes><packageType/></packageTypes>"), "the nuspec has a package type without a name"},
		{"many types", minimal("<packageTypes>" + numbers(21, `<packageType name="a%d"/>`) + "</packageTypes>"), "the nuspec has more than 20 package types"},
		{"a dependency without id", dependencies(`<dependency version="1.0"/>`), "the id of a dependency is empty"},
		{"a dependency of no id", dependencies(`<group><dependency id="a|b"/></group>`), `the id "a|b" of a dependency is not valid`},
		{"a floating dependency", dependencies(`<dependency id="A" version="1.*"/>`), `the dependency A: the version range "1.*" is not valid: a package cannot ask for a floating version`},
		{"a range that is none", dependencies(`<dependency id="A" version="(1.0)"/>`), `the dependency A: the version range "(1.0)" is not valid`},
		{"a framework of two parts", dependencies(`<group targetFramework="net45|A:1.0:net6.0"/>`), "the nuspec's target framework"},
		{"a long framework", dependencies(`<group targetFramework="` + long + `"/>`), "the nuspec's target framework has more than 500 characters"},
		{"many groups", dependencies(numbers(201, `<group targetFramework="a%d"/>`)), "the nuspec has more than 200 groups of dependencies"},
		{"many dependencies", dependencies(numbers(2001, `<dependency id="a%d"/>`)), "the nuspec has more than 2000 dependencies"},
		{"many in two groups", dependencies("<group>" + numbers(1000, `<dependency id="a%d"/>`) + "</group><group>" + numbers(1001, `<dependency id="a%d"/>`) + "</group>"), "the nuspec has more than 2000 dependencies"},
		{"long ones", dependencies(numbers(1999, `<dependency id="a%d" include="`+strings.Repeat("a", 200)+`"/>`)), "the nuspec's dependencies have more than 262144 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := nuspec.Parse([]byte(c.document))
			if err == nil || !strings.Contains(err.Error(), c.reason) || len(err.Error()) > 2500 {
				t.Errorf("%v, want %q", err, c.reason)
			}
			if !reflect.DeepEqual(got, nuspec.Nuspec{}) {
				t.Errorf("%+v comes with the error", got)
			}
		})
	}
}

// numbers returns a text n times, each with a number in it.
func numbers(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestWhatIsLeftOutIsNotWrong(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"empty elements":   minimal("<title/><tags/><projectUrl/><iconUrl> </iconUrl><license type=\"file\">LICENSE</license><repository/><packageTypes/>"),
		"a URL of 255":     minimal("<projectUrl>https://example.com/" + strings.Repeat("a", 235) + "</projectUrl>"),
		"unknown elements": minimal("<more><id>b</id></more><references><reference file=\"a.dll\"/></references>"),
		"a tag repeated":   minimal("<tags>" + strings.Repeat("a,", 1000) + "</tags>"),
		"any dependency":   dependencies(`<dependency id="Ünï" version=""/>`),
	} {
		if _, err := nuspec.Parse([]byte(document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	document := "<package><metadata><id>a</id><version>1.0</version><authors>" + strings.Repeat("é", 256) + "</authors><description>" + strings.Repeat("€", 3999) + " €</description><summary>" + strings.Repeat("a", 4000) + "</summary></metadata></package>"
	got, err := nuspec.Parse([]byte(document))
	if err != nil || utf8.RuneCountInString(got.Authors) != 255 || got.Description != strings.Repeat("€", 3999) || len(got.Summary) != 4000 {
		t.Errorf("%d, %d and %d characters are kept, %v", utf8.RuneCountInString(got.Authors), utf8.RuneCountInString(got.Description), len(got.Summary), err)
	}
}

func TestRequired(t *testing.T) {
	t.Parallel()
	whole := nuspec.Nuspec{ID: "a", Version: parseVersion(t, "1.0"), Authors: "b", Description: "c"}
	for _, c := range []struct {
		without           func(*nuspec.Nuspec)
		ordinary, symbols string // the error of each
	}{
		{func(*nuspec.Nuspec) {}, "", ""},
		{func(n *nuspec.Nuspec) { n.ID = "" }, "the nuspec has no id", "the nuspec has no id"},
		{func(n *nuspec.Nuspec) { n.Version = version.Version{} }, "the nuspec has no version", "the nuspec has no version"},
		{func(n *nuspec.Nuspec) { n.Authors = "" }, "the nuspec has no authors", ""},
		{func(n *nuspec.Nuspec) { n.Description = "" }, "the nuspec has no description", "the nuspec has no description"},
	} {
		n := whole
		c.without(&n)
		for symbols, want := range map[bool]string{false: c.ordinary, true: c.symbols} {
			if err := n.Required(symbols); fmt.Sprint(err) != fmt.Sprint(errorOf(want)) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}

func errorOf(s string) error {
	if s == "" {
		return nil
	}
	return errors.New(s)
}

func TestIsSymbols(t *testing.T) {
	t.Parallel()
	for types, want := range map[string]bool{
		"": false, `<packageType name="Dependency"/>`: false, `<packageType name="SymbolsPackage"/>`: true,
		`<packageType name="Dependency"/><packageType name="symbolsPACKAGE" version="1.0"/>`: true,
	} {
		got, err := nuspec.Parse([]byte(minimal("<packageTypes>" + types + "</packageTypes>")))
		if err != nil || got.IsSymbols() != want {
			t.Errorf("%s: %t, %v", types, got.IsSymbols(), err)
		}
	}
}

func TestIsSemVer2(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		minimal(""): false,
		strings.Replace(minimal(""), "1.0", "1.0-a.b", 1):                           true,
		dependencies(`<dependency id="A" version="[1.0,2.0-a]"/>`):                  false,
		dependencies(`<group/><group><dependency id="A" version="1.0+a"/></group>`): true,
	} {
		got, err := nuspec.Parse([]byte(document))
		if err != nil || got.IsSemVer2() != want {
			t.Errorf("%s: %t, %v", document, got.IsSemVer2(), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(minimal(`<license type="file">a</license><tags>a,b</tags>`)))
	f.Add([]byte(dependencies(`<dependency id="A" version="[1.0,2.0)"/>`)))
	f.Add([]byte(dependencies(`<group targetFramework="net6.0"/><group><dependency id="A"/></group>`)))
	f.Add([]byte(`<?xml version="1.0" encoding="utf-16"?><package><metadata/></package>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := nuspec.Parse(data)
		if err != nil {
			if len(err.Error()) > 6000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if n.ID == "" || n.Version.Key() == "" || n.Required(true) == nil && n.Description == "" {
			t.Fatalf("%+v is not whole", n)
		}
		for _, s := range append([]string{n.ID, n.Title, n.Authors, n.Description, n.License.Text, n.Repository.URL}, n.Tags...) {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Fatalf("%q cannot be stored", s)
			}
		}
		for _, g := range n.Groups {
			for _, d := range g.Dependencies {
				if _, err := version.ParseRange(d.Range); err != nil || d.ID == "" {
					t.Fatalf("%+v, %v", d, err)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	document := []byte(full)
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		if _, err := nuspec.Parse(document); err != nil {
			b.Fatal(err)
		}
	}
}
