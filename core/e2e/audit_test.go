package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// deed is an audit event, as far as these tests look.
type deed struct {
	AuthorID  int64  `json:"author_id"`
	EventType string `json:"event_type"`
	Details   struct {
		Outcome     string
		Status      int
		AuthorName  string `json:"author_name"`
		AuthorClass string `json:"author_class"`
		TokenKind   string `json:"token_kind"`
		TokenID     int64  `json:"token_id"`
		IPAddress   string `json:"ip_address"`
		PackageName string `json:"package_name"`
		Version     string `json:"package_version"`
		Changes     []struct{ Type string }
	}
}

// String is what happened in short.
func (d deed) String() string {
	var changes []string
	for _, c := range d.Details.Changes {
		changes = append(changes, c.Type)
	}
	return fmt.Sprintf("%s %d %s %s/%s %s@%s %v", d.Details.Outcome, d.Details.Status, d.EventType, d.Details.AuthorName, d.Details.TokenKind,
		d.Details.PackageName, d.Details.Version, changes)
}

// A registry that logs all it can: who does and tries what is audited, and no
// secret is in log or audit.
func TestAudit(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, "--log-level", "trace")
	p := r.NewProject(t, "private")
	npm := packagesURL(r, p) + "/npm"
	developer := r.NewUser(t, "developer", p.Path)
	deploy := r.NewDeployToken(t, p.Path, "read_package_registry", "write_package_registry")
	r.CLI(t, "user", "create", "ann", "--password", "a horse of ann's")
	// try does something, and remembers what tokens it was answered with.
	try := func(want int, method, url, token, body string, headers ...string) answer {
		t.Helper()
		a := send(t, method, url, token, body, headers...)
		r.RememberAnswer([]byte(a.body))
		if a.status != want {
			t.Fatalf("%s %s: %d, want %d: %s", method, url, a.status, want, a.body)
		}
		return a
	}
	publish(t, r, p, developer.Token, "pad", "1.0.0")
	publish(t, r, p, deploy, "pad", "1.1.0")
	try(403, "DELETE", npm+"/-/package/pad/dist-tags/latest", developer.Token, "")
	r.Remember("glpat-wrong-and-long-enough", "not ann's password", "wrongly typed first")
	try(401, "PUT", npm+"/-/package/pad/dist-tags/next", "glpat-wrong-and-long-enough", `"1.0.0"`)
	try(401, "GET", npm+"/pad", "", "")
	signIn := npm + "/-/user/org.couchdb.user:ann"
	try(401, "PUT", signIn, "", `{"name":"ann","password":"not ann's password"}`)
	try(401, "PUT", signIn, "", `{"name":"wrongly typed first","password":"ann"}`)
	try(201, "PUT", signIn, "", `{"name":"ann","password":"a horse of ann's"}`)
	webSignIn(t, r, npm, try)
	// What people put into URLs.
	try(404, "GET", r.URL+"/nowhere/"+r.Token+"?private_token="+r.Token, "", "")
	try(404, "DELETE", packagesURL(r, p)+"/99", r.NewUser(t, "", "").Token, "")
	try(200, "GET", npm+"/pad", developer.Token, "")

	var all []deed
	said := func() string {
		var lines []string
		for _, d := range all {
			lines = append(lines, d.String())
		}
		return strings.Join(lines, "\n")
	}
	wanted := []string{
		"done 200 npm/publish " + developer.Username + "/personal pad@1.0.0 [package.created package_file.attached",
		"done 200 npm/publish " + registrytest.DeployUsername + "/",
		"refused 403 npm/remove_tag " + developer.Username + "/personal pad@",
		"refused 401 npm/set_tag / pad@",
		"refused 401 npm/packument / pad@",
		"refused 401 npm/login_user ann/",
		"refused 401 npm/login_user / ",
		"done 200 npm/login_user ann/password @ [user.signed_in]",
		"done 201 npm/login_user ann/password @ [token.created]",
		"refused 401 /-/login/:id ann/",
		"done 200 /-/login/:id ann/password @ [user.signed_in]",
		"done 200 npm/login_done ann/",
		"refused 404 /api/v4/projects/:id/packages/:package_id user",
		"done 0 pakhus token create ",
		"done 0 first run / @ [user.created token.created]",
	}
	within(t, "all is audited", func() bool {
		a := ask(t, "GET", r.URL+"/api/v4/audit_events?per_page=100", r.Token)
		all = nil // what a document leaves out must not stay from the one before
		if err := json.Unmarshal([]byte(a.body), &all); err != nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, secret := range r.Secrets() {
			if strings.Contains(a.body, secret) {
				t.Fatal("a secret is in the audit")
			}
		}
		return missing(said(), wanted) == ""
	}, func() string { return missing(said(), wanted) + "\nof\n" + said() })
	for _, d := range all {
		if d.EventType == "npm/packument" && d.Details.Outcome == "done" {
			t.Errorf("a read was audited: %s", d)
		}
		if strings.HasPrefix(d.EventType, "npm/") && d.Details.IPAddress != "127.0.0.1" {
			t.Errorf("from %q: %s", d.Details.IPAddress, d)
		}
	}
	if !strings.Contains(r.Log(), "[DEBUG]") || !strings.Contains(r.Log(), "/nowhere/[redacted]") {
		t.Error("nothing was logged of requests: what is tested here?")
	}
	runExamples(t, "audit.md", 5, "HOST="+r.URL, "AUTH=PRIVATE-TOKEN: "+r.Token, fmt.Sprint("PROJECT=", p.ID), fmt.Sprint("GROUP=", p.Group.ID))
}

// missing are the lines of wanted that nothing in text begins with, each after a newline.
func missing(text string, wanted []string) (out string) {
	for _, w := range wanted {
		if !strings.Contains("\n"+text, "\n"+w) {
			out += "\nmissing: " + w
		}
	}
	return out
}

// webSignIn signs ann in through the browser's page, the second time with the
// right password, and lets the client that waits have its token.
func webSignIn(t *testing.T, r *registrytest.Registry, npm string, try func(int, string, string, string, string, ...string) answer) {
	t.Helper()
	var login struct{ LoginURL, DoneURL string }
	if err := json.Unmarshal([]byte(try(http.StatusOK, "POST", npm+"/-/v1/login", "", "{}").body), &login); err != nil {
		t.Fatal(err)
	}
	// Whoever has one of these ids gets the token, or gives it away.
	for _, u := range []string{login.LoginURL, login.DoneURL} {
		r.Remember(u[strings.LastIndexByte(u, '/')+1:])
	}
	for _, c := range []struct {
		password string
		want     int
	}{{"not ann's password", 401}, {"a horse of ann's", 200}} {
		form := url.Values{"username": {"ann"}, "password": {c.password}}.Encode()
		try(c.want, "POST", login.LoginURL, "", form, "Content-Type", "application/x-www-form-urlencoded")
	}
	try(http.StatusOK, "GET", login.DoneURL, "", "")
}
