package odata_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/odata"
)

func demo(tb testing.TB) *odata.Facts {
	tb.Helper()
	return &odata.Facts{
		ID: "Demo.Json", Version: parseVersion(tb, "1.0-Rc.1+b"), Title: "It's a demo", Description: "Reads JSON", Tags: "json Parser",
		IsAbsoluteLatestVersion: true,
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]bool{
		"":                                    true,
		"  ":                                  true,
		"IsLatestVersion":                     false,
		"IsAbsoluteLatestVersion":             true,
		"isabsolutelatestversion":             true,
		"IsPrerelease":                        true,
		"IsPrerelease eq false":               false,
		"IsPrerelease ne false":               true,
		"IsPrerelease eq true":                true,
		"not IsPrerelease":                    false,
		"not not IsPrerelease":                true,
		"true":                                true,
		"false":                               false,
		"Id eq 'demo.json'":                   true,
		"Id eq 'Demo'":                        false,
		"Id ne 'Demo'":                        true,
		"'demo.json' eq Id":                   true,
		"Id eq Title":                         false,
		"tolower(Id) eq 'demo.json'":          true,
		"tolower(tolower(Id)) eq 'demo.json'": true,
		"(tolower(Id) eq 'demo.json')":        true,
		"(tolower(Id) eq 'demo.json') and IsLatestVersion":         false,
		"(tolower(Id) eq 'demo.json') and IsAbsoluteLatestVersion": true,
		"tolower(Id) eq 'demo'":                                    false,
		"Version eq '1.0.0-rc.1'":                                  true,
		"Version eq '1.0-rc.1'":                                    true,
		"Version eq '1.0'":                                         false,
		"Version eq 'latest'":                                      false,
		"Version ne null":                                          true,
		"NormalizedVersion eq '1.0.0-RC.1'":                        true,
		"NormalizedVersion ne '1.0.0-RC.1'":                        false,
		"Title eq 'it''s a demo'":                                  true,
		"substringof('json',tolower(Id))":                          true,
		"substringof('JSON', Id) eq true":                          true,
		"substringof('json',tolower(Id)) eq false":                 false,
		"substringof('xml',tolower(Id))":                           false,
		"substringof('',Id)":                                       true,
		"substringof(' json ',tolower(Tags))":                      true,
		"substringof(' parser ',tolower(Tags))":                    true,
		"substringof(' pars ',tolower(Tags))":                      false,
		"Tags eq 'json parser'":                                    true,
		"startswith(tolower(Id),'demo.')":                          true,
		"startswith(Id,'json')":                                    false,
		"startswith(NormalizedVersion,'1.0.0')":                    true,
		"Id ne null":                                               true,
		"(Id ne null) and substringof('json',tolower(Id))":         true,
		"Id eq null":                                               false,
		"((Id ne null) and substringof('xml',tolower(Id))) or ((Description ne null) and substringof('reads',tolower(Description)))": true,
		"true or false and false":                                  true,
		"(true or false) and false":                                false,
		"false or Id eq 'demo.json' and IsPrerelease":              true,
		"not IsPrerelease or true":                                 true,
		"not (IsPrerelease or true)":                               false,
		"\tId\n eq'demo.json'and(true)":                            true,
		"(Id eq 'a' or Id eq 'demo.json') eq true":                 true,
		strings.Repeat("(", 90) + "true" + strings.Repeat(")", 90): true,
	} {
		f, err := odata.ParseFilter(filter)
		if err != nil || f.Match(demo(t)) != want {
			t.Errorf("%s: %t, %v", filter, !want, err)
		}
	}
}

func TestFiltersRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ filter, reason string }{
		{"DownloadCount gt 100", `"DownloadCount" in the filter is not supported`},
		{"Id gt 'a'", `"gt" in the filter is not supported`},
		{"Id", "the filter ends too early"},
		{"Id eq", "the filter ends too early"},
		{"Id eq 'a' and", "the filter ends too early"},
		{"Id eq 5", `"5" in the filter is not supported`},
		{"Id eq true", `"true" in the filter is not supported`},
		{"null eq Id", `"null" in the filter is not supported`},
		{"IsLatestVersion eq 'a'", `"'a'" in the filter is not supported`},
		{"IsLatestVersion eq IsPrerelease", `"IsPrerelease" in the filter is not supported`},
		{"Id eq 'a' Id eq 'b'", `"Id" in the filter is not supported`},
		{"Id eq 'a", "the filter has a text in it that does not end"},
		{"Id eq 'a''", "the filter has a text in it that does not end"},
		{"(Id eq 'a'", "the filter ends too early"},
		{"Id eq 'a')", `")" in the filter is not supported`},
		{"()", `")" in the filter is not supported`},
		{"(Id) eq 'a'", `")" in the filter is not supported`},
		{"endswith(Id,'a')", `"endswith" in the filter is not supported`},
		{"substringof('a')", `")" in the filter is not supported`},
		{"substringof('a',Id,Id)", `"," in the filter is not supported`},
		{"substringof('a',toupper(Id))", `"toupper" in the filter is not supported`},
		{"tolower(IsLatestVersion) eq 'a'", `"IsLatestVersion" in the filter is not supported`},
		{"'a'", "the filter ends too early"},
		{"not", "the filter ends too early"},
		{"and true", `"and" in the filter is not supported`},
		{"Id eq 'a' && true", `"&&" in the filter is not supported`},
		{"Author eq 'a'; drop", `"Author" in the filter is not supported`},
		{strings.Repeat("(", 101) + "true" + strings.Repeat(")", 101), "the filter has more than 100 conditions in each other"},
		{strings.Repeat("not ", 200) + "true", "the filter has more than 100 conditions in each other"},
		{strings.Repeat("tolower(", 200) + "Id", "the filter has more than 100 conditions in each other"},
		{"Id eq '" + strings.Repeat("a", 4096) + "'", "the filter has more than 4096 bytes"},
		{strings.Repeat("x", 4000), "in the filter is not supported"},
	} {
		_, err := odata.ParseFilter(c.filter)
		if err == nil || !strings.Contains(err.Error(), c.reason) || len(err.Error()) > 300 {
			t.Errorf("%.100s: %v, want %q", c.filter, err, c.reason)
		}
	}
}

func TestExactID(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"Id eq 'Git'":          "git",
		"'git' eq tolower(Id)": "git",
		"(tolower(Id) eq 'git') and IsLatestVersion": "git",
		"IsLatestVersion and (Id eq 'git' and true)": "git",
		"":                          "none",
		"IsLatestVersion":           "none",
		"Id eq 'git' or Id eq 'hg'": "none",
		"not (Id eq 'git')":         "none",
		"Id ne 'git'":               "none",
		"Title eq 'git'":            "none",
		"substringof('git',Id)":     "none",
		"Id eq Title":               "none",
	} {
		f, err := odata.ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := f.ExactID(); ok != (want != "none") || ok && id != want {
			t.Errorf("%s: %q, %t, want %s", filter, id, ok, want)
		}
	}
}

// A filter is read or refused, and what it asks for by the id is met by no other.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		"(tolower(Id) eq 'git') and IsLatestVersion", "(Id ne null) and substringof('x',tolower(Id)) or startswith(Id,'a')", "IsPrerelease eq false",
		"not (Version eq '1.0')", "Title eq 'it''s'", "((((", "'", "Id eq ''", "tolower(tolower(Tags)) ne null", "true or false and not true",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := odata.ParseFilter(s)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		facts := demo(t)
		met := filter.Match(facts)
		if met != filter.Match(facts) {
			t.Fatal("it is met and not met")
		}
		if id, ok := filter.ExactID(); ok && met && id != strings.ToLower(facts.ID) {
			t.Fatalf("%s asks for %s, and is met by %s", s, id, facts.ID)
		}
		negated, err := odata.ParseFilter("not (" + s + ")")
		if err == nil && strings.TrimSpace(s) != "" && negated.Match(facts) == met {
			t.Fatalf("%s and its opposite are the same", s)
		}
	})
}
