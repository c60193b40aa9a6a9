package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

func TestProtection(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, *registrytest.Registry)
	}{
		{"the examples", testProtectionExamples},
		{"a rule takes effect within a second", testProtectionSoon},
	} {
		t.Run(part.name, func(t *testing.T) { t.Parallel(); part.test(t, r) })
	}
}

// testProtectionExamples runs the lines of docs/api/protection.md that begin with
// curl, in their order, and compares with the status that each names. RULE is the
// rule that the first of them makes.
func testProtectionExamples(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("a client is missing: curl")
	}
	page, err := os.ReadFile("../../docs/api/protection.md")
	if err != nil {
		t.Fatal(err)
	}
	p := r.NewProject(t, "private")
	examples := regexp.MustCompile(`(?m)^curl (.*?) +# (\d{3})`).FindAllStringSubmatch(string(page), -1)
	if len(examples) < 9 {
		t.Fatalf("%d examples; the expression that finds them is wrong", len(examples))
	}
	var rule struct{ ID int64 }
	for _, e := range examples {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", curl+` -sS -w '\n%{http_code}' `+e[1])
		cmd.Env = append(os.Environ(), "RULES="+packagesURL(r, p)+"/protection/rules", "AUTH=PRIVATE-TOKEN: "+r.TokenOf(t, p, "maintainer"),
			"JSON=Content-Type: application/json", fmt.Sprint("RULE=", rule.ID))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", e[0], err)
		}
		document, status, _ := strings.Cut(string(out), "\n")
		if status != e[2] {
			t.Errorf("%s: %s", e[0], out)
		}
		if rule.ID == 0 {
			if err := json.Unmarshal([]byte(document), &rule); err != nil {
				t.Fatalf("%s: %s: %v", e[0], out, err)
			}
		}
	}
}

// testProtectionSoon publishes just before a rule is made, and a second after it.
func testProtectionSoon(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	developer := r.NewUser(t, "developer", p.Path).Token
	publish(t, r, p, developer, "web", "1.0.0")
	rules := packagesURL(r, p) + "/protection/rules"
	if a := send(t, "POST", rules, r.Token, `{"package_type":"npm","package_name_pattern":"WEB","minimum_access_level_for_push":"owner"}`); a.status != http.StatusCreated {
		t.Fatal(a.status, a.body)
	}
	<-time.After(time.Second)
	document, _ := publication(t, "web", "2.0.0")
	if a := send(t, "PUT", packagesURL(r, p)+"/npm/web", developer, document); a.status != http.StatusForbidden || !strings.Contains(a.body, `"error":"Package protected."`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
