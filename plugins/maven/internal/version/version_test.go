package version_test

import (
	"bufio"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/plugins/maven/internal/version"
)

// vector is one of testdata/vectors.txt.
type vector struct{ a, order, b string }

func vectors(tb testing.TB) []vector {
	tb.Helper()
	f, err := os.Open("testdata/vectors.txt")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var out []vector
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		fields := strings.Split(s.Text(), "\t")
		if len(fields) != 3 {
			tb.Fatalf("%q is no vector", s.Text())
		}
		out = append(out, vector{fields[0], fields[1], fields[2]})
	}
	if len(out) < 10_000 {
		tb.Fatalf("%d vectors, want them all", len(out))
	}
	return out
}

func sign(c int) string {
	switch {
	case c < 0:
		return "<"
	case c > 0:
		return ">"
	default:
		return "="
	}
}

func TestTheOrderIsMavens(t *testing.T) {
	t.Parallel()
	opposite := map[string]string{"<": ">", "=": "=", ">": "<"}
	for _, v := range vectors(t) {
		if got := sign(version.Compare(v.a, v.b)); got != v.order {
			t.Errorf("%q %s %q, to Maven it is %s", v.a, got, v.b, v.order)
		}
		if got := sign(version.Compare(v.b, v.a)); got != opposite[v.order] {
			t.Errorf("%q %s %q, and the other way round %s", v.b, got, v.a, v.order)
		}
	}
}

// The order as a reader of Maven's documentation knows it, ascending; the
// versions of one line are the same.
func TestAscending(t *testing.T) {
	t.Parallel()
	lines := [][]string{
		{"1-alpha", "1.0-ALPHA"},
		{"1-a1", "1-alpha-1", "1-alpha1", "1.0.0alpha1"},
		{"1-alpha2"},
		{"1-beta"},
		{"1-m1", "1-milestone-1"},
		{"1-rc", "1-cr"},
		{"1-RC2"},
		{"1-SNAPSHOT", "1.0-snapshot"},
		{"1", "1.0", "1.0.0", "1-ga", "1.ga", "1-final", "1-release", "1-", "1."},
		{"1-sp"},
		{"1-a"},
		{"1-abc"},
		{"1-foo2"},
		{"1-foo10"},
		{"1-xyz"},
		{"1-1"},
		{"1.0.1"},
		{"1.1", "1.01"},
		{"1.2"},
		{"1.10"},
		{"2"},
		{"999999999999999999999998"},
		{"999999999999999999999999", "00999999999999999999999999"},
	}
	for i, line := range lines {
		for _, a := range line {
			for j, other := range lines {
				for _, b := range other {
					want := sign(i - j)
					if got := sign(version.Compare(a, b)); got != want {
						t.Errorf("%q %s %q, want %s", a, got, b, want)
					}
				}
			}
		}
	}
}

// This is why Sort begins with the alphabet, and says that of Maven's order.
func TestMavensOrderHasCircles(t *testing.T) {
	t.Parallel()
	circle := []string{"1.ga.sp.1", "1.0.alpha.1", "1", "1.ga.sp.1"}
	for i := range circle[1:] {
		if version.Compare(circle[i], circle[i+1]) >= 0 {
			t.Errorf("%s is not less than %s", circle[i], circle[i+1])
		}
	}
}

func TestSortingDoesNotDependOnTheOrderBefore(t *testing.T) {
	t.Parallel()
	var versions []string
	for _, v := range vectors(t)[:400] {
		versions = append(versions, v.b)
	}
	versions = append(versions, "1.ga.sp.1", "1.0.alpha.1", "1")
	want := slices.Clone(versions)
	version.Sort(want)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(versions), func(i, j int) { versions[i], versions[j] = versions[j], versions[i] })
		got := slices.Clone(versions)
		version.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%q\nis not\n%q", got, want)
		}
	}
	if got := []string{"1.10", "1.0", "1.9", "1", "1.10-SNAPSHOT"}; true {
		version.Sort(got)
		if want := []string{"1", "1.0", "1.9", "1.10-SNAPSHOT", "1.10"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Versions as projects have them, of numbers with at most one qualifier, are in
// a total order.
func TestUsualVersionsAreInATotalOrder(t *testing.T) {
	t.Parallel()
	var versions []string
	for _, numbers := range []string{"1", "1.0", "1.0.1", "1.2", "1.10.0", "2.0.0.1", "20250311"} {
		for _, qualifier := range []string{"", "-SNAPSHOT", "-alpha", "-a1", "-beta-2", "-M3", "-rc1", ".Final", ".GA", "-sp1", "-jre", "-1", "-foo10"} {
			versions = append(versions, numbers+qualifier)
		}
	}
	for _, a := range versions {
		for _, b := range versions {
			ab := version.Compare(a, b)
			if sign(ab) != sign(-version.Compare(b, a)) {
				t.Errorf("%q and %q: not antisymmetric", a, b)
			}
			for _, c := range versions {
				if ab <= 0 && version.Compare(b, c) <= 0 && version.Compare(a, c) > 0 {
					t.Errorf("%q, %q, %q: not transitive", a, b, c)
				}
			}
		}
	}
}

func TestALongVersionIsCheap(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"1-", "-", "1.", "a1", "0-0a", "9", "0"} {
		long := strings.Repeat(part, 100_000)
		start := time.Now()
		version.Compare(long, long+"1")
		version.Compare(long, "1")
		if took := time.Since(start); took > 10*time.Second { // quadratic would be minutes
			t.Errorf("%d bytes of %q take %v", len(long), part, took)
		}
	}
}

func TestIsSnapshot(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]bool{
		"1.0-SNAPSHOT": true, "SNAPSHOT": true, "1.0SNAPSHOT": true, "1.0-20250311.083409-1": true, "20250311.083409-12": true,
		"1.0": false, "": false, "1.0-snapshot": false, "1.0-SNAPSHOT-1": false, "1.0-20250311.083409": false,
		"1.0-20251311.083409-1": false, "1.0-20250311.083409-1-sources": false, "1.020250311.083409-1": false,
		"1.0-20250311.083409-": false, "1.0-20250311.083409-x": false, "1.0-2025031１.083409-1": false,
	} {
		if got := version.IsSnapshot(v); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
}

func TestCutBuild(t *testing.T) {
	t.Parallel()
	timestamp, build, rest, ok := version.CutBuild("20240229.235959-123456789012345678-sources.jar")
	if !ok || timestamp != "20240229.235959" || build != 123456789012345678 || rest != "-sources.jar" {
		t.Errorf("%q, %d, %q, %v", timestamp, build, rest, ok)
	}
	for _, s := range []string{
		"", "20250229.000000-1", "20250301.240000-1", "20250301.000060-1", "20250301-000000-1", "20250301.000000", "20250301.000000-",
		"20250301.000000.1", "20250301.00000-1", "+2025301.000000-1", "20250301.000000-+1", "20250301.000000-1234567890123456789",
	} {
		if _, _, _, ok := version.CutBuild(s); ok {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzCompare(f *testing.F) {
	for _, v := range vectors(f)[:50] {
		f.Add(v.a, v.b)
	}
	f.Add("1-\xff", "\U0001d7ce1.İΣ")
	f.Fuzz(func(t *testing.T, a, b string) {
		if version.Compare(a, a) != 0 {
			t.Fatalf("%q is not itself", a)
		}
		if sign(version.Compare(a, b)) != sign(-version.Compare(b, a)) {
			t.Fatalf("%q and %q: not antisymmetric", a, b)
		}
		version.IsSnapshot(a)
	})
}

func BenchmarkCompare(b *testing.B) {
	for b.Loop() {
		version.Compare("1.10.3-SNAPSHOT", "1.10.3-rc1")
	}
}
