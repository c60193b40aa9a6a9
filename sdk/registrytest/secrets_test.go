package registrytest

import (
	"strings"
	"testing"
)

// failures is a test that only counts.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(_ string, args ...any) {
	line, _ := args[0].(string)
	f.said = append(f.said, line)
}

func TestSecretsInALogAreFound(t *testing.T) {
	t.Parallel()
	token, other := "glpat-"+strings.Repeat("a", 38), "gldt-"+strings.Repeat("B", 38)
	for log, want := range map[string]int{
		"a line\nand another\n":                                               0,
		"x password=correct horse y\n":                                        1,
		"a\nBearer " + token + "\nb\n":                                        1,
		other + " of which no test knows\n":                                   1,
		"/-/login/ABCDEFGHIJKLMNOPQRSTUVWXY2 200\n":                           1,
		"/-/login/[redacted] sha256=" + strings.Repeat("AB", 32) + " short\n": 0,
	} {
		r := &Registry{}
		r.rememberArgs([]string{"user", "create", "ann", "--password", "correct horse"})
		r.secrets.find([]byte(`{"token":"` + token + `"}`))
		r.Remember("short")
		f := &failures{TB: t}
		r.secrets.check(f, log)
		if len(f.said) != want {
			t.Errorf("%s: %d", log, len(f.said))
		}
		for _, said := range f.said {
			for _, secret := range append(r.Secrets(), other) {
				if strings.Contains(said, secret) {
					t.Errorf("the failure tells it: %s", said)
				}
			}
		}
	}
}
