package version_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/version"
)

func TestRangesAreWrittenAsTheGalleryDoes(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"": "(, )", "  ": "(, )", "(, )": "(, )", "1.0": "[1.0.0, )", " 1 ": "[1.0.0, )", "(1.0,)": "(1.0.0, )", "(1.0,]": "(1.0.0, )", "[1.0,)": "[1.0.0, )", "[1.0, ]": "[1.0.0, )",
		"[1.0]": "[1.0.0, 1.0.0]", "(,1.0]": "(, 1.0.0]", "(,1.0)": "(, 1.0.0)", "[, 2.0.0]": "(, 2.0.0]", "[1,3)": "[1.0.0, 3.0.0)", "(1.0,1.2]": "(1.0.0, 1.2.0]",
		"[1.0,2.0]": "[1.0.0, 2.0.0]", "(1.0,2.0)": "(1.0.0, 2.0.0)", "  [  1.2   , 2.3   ]  ": "[1.2.0, 2.3.0]", "[2.3.7, 3.2.4.5]": "[2.3.7, 3.2.4.5]",
		"1.2.3-beta.2.4.55.X+900": "[1.2.3-beta.2.4.55.X, )", "[1.0.0+A, 2.0.0+A]": "[1.0.0, 2.0.0]", "(1.0.0-beta, 2.0.0-alpha)": "(1.0.0-beta, 2.0.0-alpha)",
		"(1.0,1.0)": "(1.0.0, 1.0.0)", "[1.0,1.0.0]": "[1.0.0, 1.0.0]",
	} {
		r, err := version.ParseRange(written)
		if err != nil || r.Normalized() != want {
			t.Errorf("%q: %q, %v, want %q", written, r.Normalized(), err, want)
		}
	}
}

func TestRangesRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, reason string }{
		{"*", "a package cannot ask for a floating version (*)"},
		{"1.*", "a floating version"},
		{"[1.0.0-beta*, 2.0.0)", "a floating version"},
		{"(1.0)", "one version must stand between [ and ]"},
		{"[1.0)", "one version must stand between [ and ]"},
		{"(1.0]", "one version must stand between [ and ]"},
		{"[]", "there is nothing between the brackets"},
		{"[ ]", "there is nothing between the brackets"},
		{"()", "one version must stand between [ and ]"},
		{"(,)", "there is nothing between the brackets"},
		{"[,]", "there is nothing between the brackets"},
		{"[,)", "there is nothing between the brackets"},
		{"(,]", "there is nothing between the brackets"},
		{"[", "it does not end with ] or )"},
		{"[1.0,2.0", "it does not end with ] or )"},
		{"1.0)", "is not valid"},
		{"[1.0,2.0,3.0]", "is not valid"},
		{"[2.0,1.0]", "it ends before it begins"},
		{"[1.0,1.0)", "the one version is both in it and not"},
		{"(1.0,1.0.0+a]", "the one version is both in it and not"},
		{"[-1, 2]", "it has no number"},
		{"(,1.3..2]", `"" is no number`},
		{"(1.2.3.4.5,1.2]", "it has more than four numbers"},
		{">= 1.0", "is not valid"},
		{"~> 1.0", "is not valid"},
		{"$version$", "is not valid"},
		{"1.0 2.0", "is not valid"},
		{"[1.0," + strings.Repeat(" ", 600) + "]", "the version range has more than 520 bytes"},
	} {
		if _, err := version.ParseRange(c.written); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.written, err, c.reason)
		}
	}
}

func TestSatisfies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		written, version string
		want             bool
	}{
		{"", "0.0.0-a", true},
		{"1.0.0", "0.0.0", false},
		{"1.0.0", "1.0.0-rc", false},
		{"1.0.0", "1.0.0", true},
		{"1.0.0", "2.0.0", true},
		{"(1.0.0,)", "1.0.0", false},
		{"[1.0.0]", "1.0.0.0+a", true},
		{"[1.0.0]", "1.0.0.1", false},
		{"[1.0.0, 2.0.0]", "2.0.1", false},
		{"[1.0.0, 2.0.0]", "2.0.0", true},
		{"[1.0.0+A, 2.0.0]", "1.0.0+B", true},
		{"[1.0.0-beta+meta, 2.0.0-beta+meta]", "1.0.0-alpha+meta", false},
		{"[1.0.0-beta+meta, 2.0.0-beta+meta]", "2.0.0-rc", false},
		{"[1.0.0-beta+meta, 2.0.0-beta+meta]", "1.0.0", true},
		{"(1.0.0-beta+meta, 2.0.0-beta+meta)", "2.0.0-beta+meta", false},
		{"(1.0.0-beta+meta, 2.0.0-beta+meta)", "2.0.0-alpha", true},
		{"(, 2.0.0-beta+meta)", "2.0.0-alpha", true},
		{"[1.0,2.0)", "2.0.0-alpha", true},
		{"(1.0,1.0)", "1.0", false},
	} {
		r, err := version.ParseRange(c.written)
		if err != nil || r.Satisfies(parse(t, c.version)) != c.want {
			t.Errorf("%s in %s: %t, %v", c.version, c.written, !c.want, err)
		}
	}
}

func TestRangesOfSemVer2(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]bool{
		"": false, "1.0": false, "[1.0-a,2.0-b]": false, "1.0-a.1": true, "(,1.0-a.1)": true, "[1.0+a]": true, "[1.0,2.0+a]": true,
	} {
		r, err := version.ParseRange(written)
		if err != nil || r.IsSemVer2() != want {
			t.Errorf("%s: %t, %v", written, r.IsSemVer2(), err)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"", "1.0", "[1.0]", "(1.0)", "[1.0,2.0)", "(,1.0-a.b+c]", "(, )", "[ , ]", "[]", "1.*", "[1,2,3]", "[1.0,1.0)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := version.ParseRange(s)
		if err != nil {
			if r != (version.Range{}) || len(err.Error()) > 6000 {
				t.Fatalf("%+v, %v", r, err)
			}
			return
		}
		again, err := version.ParseRange(r.Normalized())
		if err != nil || again.Normalized() != r.Normalized() {
			t.Fatalf("%q is %q, then %q, %v", s, r.Normalized(), again.Normalized(), err)
		}
		for _, v := range []string{"0", "1.0", "1.0-a", "2.0.0.1", "2147483647"} {
			if parsed := parse(t, v); r.Satisfies(parsed) != again.Satisfies(parsed) {
				t.Fatalf("%s is in one of %q and %q", v, s, r.Normalized())
			}
		}
	})
}
