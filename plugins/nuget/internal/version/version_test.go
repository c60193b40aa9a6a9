package version_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

func parse(tb testing.TB, s string) version.Version {
	tb.Helper()
	v, err := version.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestNormalized(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"1": "1.0.0", "1.0": "1.0.0", "1.0.0.0": "1.0.0", "0.1": "0.1.0", "1.00": "1.0.0", "1.01.1": "1.1.1", "1.00.0.1": "1.0.0.1",
		"1.0.7+r3456": "1.0.7", "8.0.0.00+RC.54": "8.0.0", "1.0.0-Alpha": "1.0.0-Alpha", "1.0.00-RC-02": "1.0.0-RC-02",
		"8.0.000-preview.0.546.0": "8.0.0-preview.0.546.0", "0.1.0-dev.37+0999370": "0.1.0-dev.37", "1.022-Beta": "1.22.0-Beta",
		"1.3.42.200930-RC-2": "1.3.42.200930-RC-2", "1.0.0009.01-1.1+A": "1.0.9.1-1.1", "1.0+A-B": "1.0.0", "1.2.3-X.yZ.3.234.243.3242342+METADATA": "1.2.3-X.yZ.3.234.243.3242342",
		"2147483647.0.0.2147483647": "2147483647.0.0.2147483647", "00000000000000000001.0": "1.0.0", "1.0.0--": "1.0.0--", "1.0-0A": "1.0.0-0A",
	} {
		v := parse(t, written)
		if v.Normalized() != want || v.Key() != strings.ToLower(want) || v.Original() != written {
			t.Errorf("%s: %q, %q, %q", written, v.Normalized(), v.Key(), v.Original())
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, reason string }{
		{"", "it has no number"},
		{"-beta", "it has no number"},
		{"1beta", `"1beta" is no number`},
		{"$version$", "is no number"},
		{"1.2..", `"" is no number`},
		{".1", `"" is no number`},
		{"1.2.3.4.5", "it has more than four numbers"},
		{"1.2.3.Beta", `"Beta" is no number`},
		{"1.34.2Release Candidate", "is no number"},
		{"1./2.3", "is no number"},
		{"%2e%2e", "is no number"},
		{" 1.0", "is no number"},
		{"1.0 ", "is no number"},
		{"+1.0", "it has no number"},
		{"1.+2", `"" is no number`},
		{"1.0_0", "is no number"},
		{"١.0", "is no number"},
		{"2147483648.0", "the number 2147483648 is more than 2147483647"},
		{"1.0.0.99999999999999999999", "is more than 2147483647"},
		{"1.4.7-", "the label has an empty part"},
		{"1.4.7-a..b", "the label has an empty part"},
		{"1.4.7-*", `the label "*" has the character '*' in it`},
		{"1.4.7-AA.01^", "has the character '^' in it"},
		{"1.4.7-é", "has the character 'é' in it"},
		{"1.4.7-a.01", `the label "01" is a number with a zero before it`},
		{"1.4.7-00", "is a number with a zero before it"},
		{"1.4.7+", "the build metadata has an empty part"},
		{"1.4.7+a..b", "the build metadata has an empty part"},
		{"1.4.7+a+b", "has the character '+' in it"},
		{"1.4.7-a+b/c", "has the character '/' in it"},
		{"1.0.0-" + strings.Repeat("a", 250), "the version has more than 255 bytes"},
	} {
		if _, err := version.Parse(c.written); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.written, err, c.reason)
		}
		if _, err := version.ParseStrict(c.written); err == nil {
			t.Errorf("%s can be published", c.written)
		}
	}
}

func TestPublishedAreTwoToFourNumbers(t *testing.T) {
	t.Parallel()
	for written, taken := range map[string]bool{
		"1.0": true, "1.2.3": true, "1.2.3.4": true, "1.0.00": true, "1.0.0.00": true, "8.0.000-preview.0.546.0": true, "1.0-a": true, "1.0+a": true,
		"1.0.7+r3456": true, "0.0": true, "1.0.0-alpha.1+b.01": true,
		"1": false, "555": false, "1-a": false, "01.0": false, "1.00": false, "1.01.1": false, "1.0.00.0": false, "1.0.00.00": false,
	} {
		v, err := version.ParseStrict(written)
		if (err == nil) != taken {
			t.Errorf("%s: %v", written, err)
		}
		if taken && v != parse(t, written) {
			t.Errorf("%s: %+v", written, v)
		}
	}
}

func TestWhatVersionsAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		written             string
		prerelease, semVer2 bool
	}{
		{"1.0", false, false},
		{"1.0.0.1", false, false},
		{"1.0-a", true, false},
		{"1.0-a-b", true, false},
		{"1.0-a.1", true, true},
		{"1.0+a", false, true},
		{"1.0-a+b", true, true},
		{"1.0+a-b", false, true},
	} {
		v := parse(t, c.written)
		if v.IsPrerelease() != c.prerelease || v.IsSemVer2() != c.semVer2 {
			t.Errorf("%s: prerelease %t, SemVer 2 %t", c.written, v.IsPrerelease(), v.IsSemVer2())
		}
	}
}

// Each comes before the next one.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{
		{"1.0-alpha", "1.0-alpha.1", "1.0-alpha.2", "1.0-alpha.beta", "1.0-beta", "1.0-BETA.2", "1.0-beta.11", "1.0-rc.1", "1.0"},
		{"1.8.6-9", "1.8.6-05pre", "1.8.6-10pre", "1.8.6-5pre", "1.8.6"},
		{"1.0", "1.0.0.1", "1.0.1", "1.4.5.6", "1.4.5.60", "1.45.6", "1.231"},
		{"1.01-alpha", "1.01-RC-1", "1.01", "1.2-preview", "1.10-beta", "1.10.0-rc-2"},
		{"0.9", "1", "1.23", "10", "2147483647"},
		// What .NET's integers make of labels.
		{"1.0--5", "1.0--0", "1.0-0", "1.0-2147483647", "1.0-10000000000", "1.0-2147483648", "1.0-a"},
	} {
		for i := range list {
			for j := range list {
				c := parse(t, list[i]).Compare(parse(t, list[j]))
				if (c < 0) != (i < j) || (c > 0) != (i > j) {
					t.Errorf("%s and %s: %d", list[i], list[j], c)
				}
			}
		}
	}
}

func TestTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"1.0", "1.0.0.0"},
		{"1.23.01", "1.23.1"},
		{"1.45.6", "1.45.6.0"},
		{"1.6.2-BeTa", "1.6.02-beta"},
		{"1.0.0+a", "1.0.0+b"},
		{"1.0.0+x", "1.0.0"},
		{"1", "1.0"},
		{"1.0-a.B+c", "1-A.b"},
	} {
		a, b := parse(t, c[0]), parse(t, c[1])
		if a.Compare(b) != 0 || a.Key() != b.Key() {
			t.Errorf("%s and %s: %d, %s and %s", c[0], c[1], a.Compare(b), a.Key(), b.Key())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1", "1.0.00", "1.2.3.4-rc.1+b", "1.0--5", "1.0-00", "2147483648", "1.0.0-a-b.0", "01.002.3"} {
		f.Add(seed, "1.0.0-alpha")
	}
	f.Add("1.0--0", "1.0-0")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, err := version.Parse(a)
		if err != nil {
			if v != (version.Version{}) || len(err.Error()) > 3000 {
				t.Fatalf("%+v, %v", v, err)
			}
			return
		}
		again, err := version.Parse(v.Normalized())
		if err != nil || again.Compare(v) != 0 || again.Normalized() != v.Normalized() || again.Key() != v.Key() {
			t.Fatalf("%q is %q, then %q, %v", a, v.Normalized(), again.Normalized(), err)
		}
		if _, err := version.ParseStrict(v.Key()); err != nil {
			t.Fatalf("the key %q cannot be published: %v", v.Key(), err)
		}
		w, err := version.Parse(b)
		if err != nil {
			return
		}
		if c := v.Compare(w); c != -w.Compare(v) || (c == 0) != (v.Key() == w.Key()) {
			t.Fatalf("%q and %q: %d, the other way %d", a, b, c, w.Compare(v))
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	versions := []version.Version{parse(b, "1.2.3-beta.11"), parse(b, "1.2.3-beta.2"), parse(b, "1.2.3"), parse(b, "1.2.4-a")}
	for b.Loop() {
		slices.SortFunc(slices.Clone(versions), version.Version.Compare)
	}
}
