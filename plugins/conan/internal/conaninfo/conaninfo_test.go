package conaninfo_test

import (
	"reflect"
	"testing"

	"github.com/pakhus/pakhus/plugins/conan/internal/conaninfo"
)

func TestParse(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	for name, c := range map[string]struct {
		text string
		want conaninfo.Info
	}{
		"nothing":       {"", conaninfo.Info{Settings: m{}, Options: m{}, Requires: []string{}}},
		"no text":       {"[settings]\nos=\xff", conaninfo.Info{Settings: m{}, Options: m{}, Requires: []string{}}},
		"Conan 2":       {"[settings]\nos=Linux\n[options]\nfPIC=True\n[requires]\nzlib/1.2.Z\nbzip2/1.Y.Z\n[conf]\ntools:x=y\n", conaninfo.Info{Settings: m{"os": "Linux"}, Options: m{"fPIC": "True"}, Requires: []string{"zlib/1.2.Z", "bzip2/1.Y.Z"}}},
		"Conan 1":       {"[settings]\n    os=Linux\n\n[full_settings]\n    os=Windows\n\n[recipe_hash]\n    abc\n    def\n\n[env]\n    A=B\n", conaninfo.Info{Settings: m{"os": "Linux"}, Options: m{}, Requires: []string{}, RecipeHash: "abc"}},
		"odd values":    {"[settings]\na=b=c\nbrackets=[x]\n = y\nnothing\n[settings] \r\n  c = d \n[Not a header]\n", conaninfo.Info{Settings: m{"a": "b=c", "brackets": "[x]", "c": "d"}, Options: m{}, Requires: []string{}}},
		"before all":    {"os=Linux\n[options]\n", conaninfo.Info{Settings: m{}, Options: m{}, Requires: []string{}}},
		"empty headers": {"[settings]\na=b\n[]\nc=d\n", conaninfo.Info{Settings: m{"a": "b", "c": "d"}, Options: m{}, Requires: []string{}}},
	} {
		if got := conaninfo.Parse(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[settings]\nos=Linux\n")
	f.Fuzz(func(t *testing.T, text string) {
		if info := conaninfo.Parse(text); info.Settings == nil || info.Options == nil || info.Requires == nil {
			t.Errorf("%+v", info)
		}
	})
}
