package manifest_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/conan/internal/manifest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("a", 32)
	for text, wrong := range map[string]string{
		"1700000000": "", "1700000000\n": "", "1700000000\r\nconanfile.py: " + sum + "\r\n": "", "0\na: b: " + sum + "\n\n": "",
		"": "first line", "yesterday\n": "first line", "-1\n": "first line", "\n1\n": "first line",
		"1\nconanfile.py: short\n": "line 2", "1\na: " + sum + "\nb\n": "line 3", "1\n: " + sum: "line 2",
	} {
		err := manifest.Check(text)
		if (err != nil) != (wrong != "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v, want %q", text, err, wrong)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("1700000000\nconanfile.py: 0123456789abcdef0123456789abcdef\n")
	f.Fuzz(func(t *testing.T, text string) {
		if manifest.Check(text) == nil && !strings.ContainsAny(text, "0123456789") {
			t.Errorf("%q is taken", text)
		}
	})
}
