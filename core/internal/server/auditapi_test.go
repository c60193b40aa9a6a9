package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/audit"
)

// deed is an event as the API shows it.
type deed struct {
	ID         int64
	AuthorID   int64  `json:"author_id"`
	EntityID   int64  `json:"entity_id"`
	EntityType string `json:"entity_type"`
	EventType  string `json:"event_type"`
	Details    struct {
		AuthorName    string `json:"author_name"`
		AuthorClass   string `json:"author_class"`
		IPAddress     string `json:"ip_address"`
		EntityPath    string `json:"entity_path"`
		Outcome       string
		Status        int
		Reason        string
		TokenID       int64  `json:"token_id"`
		TokenKind     string `json:"token_kind"`
		RequestID     string `json:"request_id"`
		PackageName   string `json:"package_name"`
		Fields        map[string]string
		CustomMessage string `json:"custom_message"`
	}
}

// deeds asks for a list until it has so many: refusals are written a moment later.
func (s *site) deeds(t *testing.T, who, path string, n int) (all []deed) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		r := s.ask(t, who, "GET", path)
		if r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		all = nil // what a document leaves out must not stay from the one before
		if r.into(t, &all); len(all) >= n || time.Now().After(deadline) {
			return all
		}
	}
}

func TestAuditOfDeletionsAndRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, _ := s.publish(t, "public", "npm", "pad", "1.0.0", "content")
	one, events := fmt.Sprintf("%s/%d", s.base("public"), pkg), fmt.Sprintf("/api/v4/projects/%d/audit_events", s.projects["public"].ID)
	for _, c := range []struct {
		who    string
		status int
	}{{"", 403}, {"developer", 403}, {"maintainer with read_api", 403}, {"maintainer", 204}} {
		if r := s.ask(t, c.who, "DELETE", one); r.status != c.status {
			t.Fatalf("%q: %d %s", c.who, r.status, r.body)
		}
	}
	s.ask(t, "", "GET", s.base("public"))                                             // anonymous, with success: not audited
	s.ask(t, "", "GET", s.base("private"))                                            // hidden, of a read: not audited
	if r := s.ask(t, "stranger", "DELETE", s.base("private")+"/1"); r.status != 404 { // hidden, of a write
		t.Fatal(r.status)
	}
	all := s.deeds(t, "maintainer", events, 5)
	if len(all) != 5 { // with the publish
		t.Fatalf("%d events: %+v", len(all), all)
	}
	var done []deed
	refused := map[string]deed{}
	for _, d := range all {
		if d.Details.Outcome == "refused" {
			refused[d.Details.AuthorName] = d
		} else {
			done = append(done, d)
		}
	}
	if d := done[0]; d.AuthorID == 0 || d.EntityType != audit.Project || d.Details.AuthorName != "maintainer" || d.Details.TokenKind != "personal" ||
		d.Details.TokenID == 0 || d.Details.IPAddress != "127.0.0.1" || d.Details.PackageName != "pad" || d.Details.Status != 204 ||
		d.EventType != "/api/v4/projects/:id/packages/:package_id" || !strings.HasSuffix(d.Details.CustomMessage, "package.destroyed") || d.Details.RequestID == "" {
		t.Errorf("the deletion: %+v", d)
	}
	if d := refused["developer"]; d.Details.Status != 403 || d.Details.Reason != "Forbidden" || d.Details.Fields["path"] != one {
		t.Errorf("the developer: %+v", d)
	}
	if d := refused[""]; d.AuthorID != -1 || d.Details.AuthorClass != "anonymous" {
		t.Errorf("nobody: %+v", d)
	}
	hidden := s.deeds(t, "administrator", fmt.Sprintf("/api/v4/audit_events?outcome=refused&entity_type=Project&entity_id=%d", s.projects["private"].ID), 1)
	if len(hidden) != 1 || hidden[0].Details.Status != 404 || hidden[0].Details.AuthorName != "stranger" {
		t.Errorf("hidden: %+v", hidden)
	}
	// One event, where it belongs and where it does not.
	for path, want := range map[string]int{
		fmt.Sprintf("%s/%d", events, all[0].ID):                       200,
		fmt.Sprintf("%s/%d", events, hidden[0].ID):                    404,
		fmt.Sprintf("%s/%d", events, 1<<40):                           404,
		events + "/x":                                                 404,
		events + "?created_after=2001-01-01T00:00:00Z&per_page=2":     200,
		events + "?created_after=yesterday":                           400,
		fmt.Sprintf("/api/v4/audit_events/%d", all[0].ID):             403,
		fmt.Sprintf("/api/v4/groups/%s/audit_events", "public-group"): 403,
	} {
		if r := s.ask(t, "maintainer", "GET", path); r.status != want {
			t.Errorf("%s: %d, want %d", path, r.status, want)
		}
	}
}

// GitLab's: who is less than a maintainer sees their own deeds.
func TestWhoSeesTheAudit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, _ := s.publish(t, "private", "npm", "pad", "1.0.0", "content")
	s.ask(t, "developer", "DELETE", fmt.Sprintf("%s/%d", s.base("private"), pkg))
	events := fmt.Sprintf("/api/v4/projects/%d/audit_events", s.projects["private"].ID)
	s.deeds(t, "administrator", events, 2)
	for _, c := range []struct {
		who          string
		status, rows int
	}{
		{"", 401, 0},
		{"stranger", 404, 0},
		{"guest", 403, 0},
		{"reporter", 403, 0},
		{"developer", 200, 1},
		{"maintainer", 200, 2},
		{"maintainer with read_api", 200, 2},
		{"owner", 200, 2},
		{"administrator", 200, 2},
	} {
		r := s.ask(t, c.who, "GET", events)
		var rows []deed
		if r.status == http.StatusOK {
			r.into(t, &rows)
		}
		if r.status != c.status || len(rows) < c.rows || (c.who == "developer" && len(rows) != 1) {
			t.Errorf("%q: %d with %d: %s", c.who, r.status, len(rows), r.body)
		}
		want := map[string]int{"": 401, "administrator": 200}[c.who]
		if want == 0 {
			want = 403
		}
		if r := s.ask(t, c.who, "GET", "/api/v4/audit_events"); r.status != want {
			t.Errorf("%q, all: %d", c.who, r.status)
		}
	}
	if r := s.ask(t, "administrator", "GET", "/api/v4/audit_events?per_page=1"); r.header.Get("X-Next-Page") != "2" || r.header.Get("X-Total") == "" {
		t.Errorf("paging: %v", r.header)
	}
}

func TestManagementWritesAreAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ask(t, "administrator", "POST", "/api/v4/features/npm?value=false&force=true&group=public-group&other_token=hush-hush")
	s.ask(t, "administrator", "POST", "/api/v4/features/npm") // wrong: nothing was done
	all := s.deeds(t, "administrator", "/api/v4/audit_events?outcome=done", 1)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	if d := all[0]; d.EventType != "/api/v4/features/:name" || d.EntityType != audit.Instance || d.Details.EntityPath != "gitlab_instance" ||
		d.Details.AuthorName != "administrator" || d.Details.Status != 201 || d.Details.Fields["value"] != "false" || d.Details.Fields["group"] != "public-group" {
		t.Errorf("%+v", d)
	}
	if n := s.count(t, "select from audit_events e where e::text like '%hush%'"); n != 0 {
		t.Error("a secret is in the audit")
	}
}
