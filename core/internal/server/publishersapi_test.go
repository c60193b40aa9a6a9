package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestTrustedPublishersByRole(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	id := s.rule(t, "private", anyJob(registry.Developer))
	rules := fmt.Sprintf("/projects/%d/trusted_publishers", s.projects["private"].ID)
	one := fmt.Sprintf("%s/%d", rules, id)
	for _, c := range []struct {
		method, path, body string
		done, again        int
	}{
		{"GET", rules, "", 200, 200},
		{"POST", rules, anyJob(registry.Maintainer), 201, 201},
		{"GET", one, "", 200, 200},
		{"PUT", one, `{"name":"new"}`, 200, 200},
		{"DELETE", one, "", 204, 404},
	} {
		what := c.method + " " + c.path
		s.as(t, "", c.method, c.path, c.body).want(t, what+" by nobody", 401)
		s.as(t, "stranger", c.method, c.path, c.body).want(t, what+" by a stranger", 404)
		for _, who := range []string{"guest", "reporter", "developer"} {
			s.as(t, who, c.method, c.path, c.body).want(t, what+" by "+who, 403)
		}
		want := c.done
		for _, who := range []string{"maintainer", "owner", "administrator"} {
			s.as(t, who, c.method, c.path, c.body).want(t, what+" by "+who, want)
			want = c.again
		}
	}
	s.as(t, "maintainer with read_api", "GET", rules, "").want(t, "read_api reads", 200)
	s.as(t, "maintainer with read_api", "POST", rules, anyJob(30)).want(t, "read_api does not write", 403, "insufficient_scope")
	elsewhere := s.rule(t, "public", anyJob(registry.Developer))
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		s.as(t, "maintainer", method, fmt.Sprintf("%s/%d", rules, elsewhere), "").want(t, method+" another project's", 404)
	}
	// Not even that of somebody who may.
	bot := s.as(t, "maintainer", "POST", fmt.Sprintf("/projects/%d/access_tokens", s.projects["private"].ID), `{"name":"x","scopes":["api"]}`).made(t)
	s.manage(t, "POST", "/api/v4"+rules, bot.Token, anyJob(30)).want(t, "a bot", 403, "a bot cannot make tokens")
}

func TestWhatATrustedPublisherSays(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	rules := fmt.Sprintf("/projects/%d/trusted_publishers", s.projects["private"].ID)
	made := s.as(t, "maintainer", "POST", rules,
		`{"name":"release","issuer":"ci","subject":"repo:acme/web:*","claims":{"ref":"refs/tags/v*","run_attempt":1,"x":true},"environment":"production"}`)
	made.want(t, "made", 201, `"name":"release"`, fmt.Sprintf(`"issuer":%q`, s.issuer.URL), `"issuer_name":"ci"`, `"subject":"repo:acme/web:*"`, `"ref":"refs/tags/v*"`,
		`"run_attempt":"1"`, `"x":"true"`, `"environment":"production"`, `"access_level":30`, `"username":"project_`, fmt.Sprintf(`"created_by_id":%d`, s.userID(t, "maintainer")))
	var p struct{ ID int64 }
	reply{body: made.body}.into(t, &p)
	one := fmt.Sprintf("%s/%d", rules, p.ID)
	s.as(t, "maintainer", "PUT", one, `{"environment":"","claims":{}}`).want(t, "less", 200, `"environment":null`, `"claims":{}`, `"subject":"repo:acme/web:*"`)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.url+"/api/v4"+one, strings.NewReader("claims[ref]=refs%2Fheads%2Fmain&issuer="+s.issuer.URL))
	if err != nil {
		t.Fatal(err)
	}
	if a := s.send(t, "maintainer", req, "Content-Type", "application/x-www-form-urlencoded"); a.status != 200 || !strings.Contains(a.body, `"claims":{"ref":"refs/heads/main"}`) {
		t.Errorf("by form: %d %s", a.status, a.body)
	}
	s.as(t, "maintainer", "PUT", one, `{"access_level":40}`).want(t, "a role", 200, `"access_level":40`, `"claims":{"ref":"refs/heads/main"}`)
	for body, says := range map[string]string{
		`{}`: "name is missing, issuer is missing, subject is missing",
		`{"name":"","issuer":"ci","subject":"repo:acme/web:*"}`:                                        "name is empty",
		`{"name":"x","issuer":"evil","subject":"repo:acme/web:*"}`:                                     `"issuer":["\"evil\" is not trusted: choose from ci"]`,
		`{"name":"x","issuer":"https://evil.example.com","subject":"repo:acme/web:*"}`:                 "is not trusted",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","access_level":50}`:                     `"access_level":["must be 30`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","access_level":20}`:                     `"access_level":["must be 30`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":"ref"}`:                        "claims is invalid",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":{"ref":["a","b"]}}`:            "claims[ref] is invalid",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":{"ref":{}}}`:                   "claims[ref] is invalid",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":{"ref":null}}`:                 "claims[ref] is invalid",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":{"ref":""}}`:                   `"claims":["is empty"]`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","claims":{"aud":"x"}}`:                  `must not have \"aud\"`,
		`{"name":"x","issuer":"ci","subject":"*"}`:                                                     `"subject":["must begin with an owner`,
		`{"name":"x","issuer":"ci","subject":"repo:*"}`:                                                `"subject":["must begin with an owner`,
		`{"name":"x","issuer":"ci","subject":"repo:*/web:*"}`:                                          `"subject":["must begin with an owner`,
		`{"name":"x","issuer":"ci","subject":"repo:acme*/web:*"}`:                                      `"subject":["must begin with an owner`,
		`{"name":"x","issuer":"ci","subject":"*","claims":{"repository_owner":"*"}}`:                   `"subject":["must begin with an owner`,
		`{"name":"x","issuer":"ci","subject":"*","claims":{"repository":"*/web"}}`:                     `"subject":["must begin with an owner`,
		`{"name":"` + strings.Repeat("x", 256) + `","issuer":"ci","subject":"repo:acme/web:*"}`:        `"name":["is longer than 255`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/` + strings.Repeat("x", 1024) + `"}`:           `"subject":["is longer than 1024`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","environment":{"a":"b"}}`:               "environment is invalid",
		`{"name":"x","issuer":"ci","subject":"repo:acme/web:*","access_level":"maintainer"}`:           "access_level is invalid",
		"{\"name\":\"x\\u0000\",\"issuer\":\"ci\",\"subject\":\"repo:acme/web:*\"}":                    "NUL in a string",
		"{\"name\":\"x\",\"issuer\":\"ci\",\"subject\":\"repo:a/b\",\"claims\":{\"ref\":\"\\u0000\"}}": "NUL in a string",
	} {
		s.as(t, "maintainer", "POST", rules, body).want(t, body, 400, says)
	}
	for _, body := range []string{
		`{"name":"x","issuer":"ci","subject":"*","claims":{"repository":"acme/*"}}`,
		`{"name":"x","issuer":"ci","subject":"*","claims":{"repository_id":"42"}}`,
		`{"name":"x","issuer":"ci","subject":"*","claims":{"repository_owner":"acme"}}`,
		`{"name":"x","issuer":"ci","subject":"repo:acme/*"}`,
	} {
		s.as(t, "maintainer", "POST", rules, body).want(t, body, 201)
	}
	a := s.ask(t, "maintainer", "GET", "/api/v4"+rules+"?per_page=2&page=2")
	var list []struct{ ID int64 }
	a.into(t, &list)
	if len(list) != 2 || a.header.Get("X-Total") != "5" || a.header.Get("X-Next-Page") != "3" {
		t.Errorf("%v %s", a.header, a.body)
	}
	if n := s.count(t, "select from audit_events where outcome = 'done' and action = '/api/v4/projects/:id/trusted_publishers'"); n != 5 {
		t.Errorf("%d rules were audited", n)
	}
}

// Of several rules that fit, the one with the higher role counts.
func TestTheRuleThatCounts(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", `{"name":"any","issuer":"ci","subject":"repo:acme/*"}`)
	s.rule(t, "private", `{"name":"main","issuer":"ci","subject":"repo:acme/web:ref:refs/heads/main","access_level":40,"claims":{"ref":"refs/heads/*","event_name":"push"}}`)
	s.rule(t, "private", `{"name":"tags","issuer":"ci","subject":"*","access_level":40,"claims":{"repository":"acme/web","ref":"refs/tags/*"}}`)
	for _, c := range []struct {
		subject string
		more    map[string]any
		want    int
	}{
		{"repo:acme/web:ref:refs/heads/main", nil, 40},
		{"repo:acme/web:ref:refs/heads/main", map[string]any{"event_name": "schedule"}, 30},
		{"repo:acme/web:ref:refs/heads/other", nil, 30},
		{"anything", map[string]any{"ref": "refs/tags/v1"}, 40},
		{"repo:acme/other:x", map[string]any{"repository": "acme/other", "ref": "refs/tags/v1"}, 30},
	} {
		more := map[string]any{"sub": c.subject}
		maps.Copy(more, c.more)
		var got struct {
			AccessLevel int `json:"access_level"`
		}
		a := s.exchange(t, "private", s.idToken(t, more))
		a.into(t, &got)
		if got.AccessLevel != c.want {
			t.Errorf("%s %v: %s", c.subject, c.more, a.body)
		}
	}
}

func TestTheJobTokenScope(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	private, public := s.projects["private"], s.projects["public"]
	scope := fmt.Sprintf("/projects/%d/job_token_scope", private.ID)
	projects, groups := scope+"/allowlist", scope+"/groups_allowlist"
	secret := s.group(t, "secret", registry.Private, nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", scope, "", 200, `{"inbound_enabled":true,"outbound_enabled":false}`},
		{"PATCH", scope, `{"enabled":false}`, 204, ""},
		{"GET", scope, "", 200, `"inbound_enabled":false`},
		{"PATCH", scope, `{"enabled":true}`, 204, ""},
		{"GET", scope, "", 200, `"inbound_enabled":true`},
		{"PATCH", scope, `{}`, 400, "enabled is missing"},
		{"PATCH", scope, `{"enabled":"maybe"}`, 400, "enabled is invalid"},
		{"GET", projects, "", 200, fmt.Sprintf(`[{"id":%d,`, private.ID)},
		{"POST", projects, fmt.Sprintf(`{"target_project_id":%d}`, public.ID), 201, fmt.Sprintf(`{"source_project_id":%d,"target_project_id":%d}`, private.ID, public.ID)},
		{"GET", projects, "", 200, `"path_with_namespace":"public-group/project"`},
		{"POST", projects, fmt.Sprintf(`{"target_project_id":%d}`, public.ID), 400, "This project is already in the job token allowlist."},
		{"POST", projects, fmt.Sprintf(`{"target_project_id":%d}`, private.ID), 400, "This project is already in the job token allowlist."},
		{"POST", projects, `{"target_project_id":999999}`, 404, "404 target_project_id not found Not Found"},
		{"POST", projects, `{"target_project_id":"x"}`, 400, "target_project_id is invalid"},
		{"POST", projects, `{}`, 400, "target_project_id is missing"},
		{"DELETE", fmt.Sprintf("%s/%d", projects, public.ID), "", 204, ""},
		{"DELETE", fmt.Sprintf("%s/%d", projects, public.ID), "", 404, ""},
		{"DELETE", projects + "/x", "", 404, ""},
		{"GET", groups, "", 200, "[]"},
		{"POST", groups, fmt.Sprintf(`{"target_group_id":%d}`, public.GroupID), 201, fmt.Sprintf(`{"source_project_id":%d,"target_group_id":%d}`, private.ID, public.GroupID)},
		{"GET", groups, "", 200, fmt.Sprintf(`[{"id":%d,"name":"public-group"}]`, public.GroupID)},
		{"POST", groups, fmt.Sprintf(`{"target_group_id":%d}`, public.GroupID), 400, "This group is already in the job token allowlist."},
		{"POST", groups, fmt.Sprintf(`{"target_group_id":%d}`, secret.ID), 404, "404 target_group_id not found Not Found"},
		{"POST", groups, `{}`, 400, "target_group_id is missing"},
		{"DELETE", fmt.Sprintf("%s/%d", groups, public.GroupID), "", 204, ""},
		{"DELETE", fmt.Sprintf("%s/%d", groups, public.GroupID), "", 404, ""},
	} {
		s.as(t, "", c.method, c.path, c.body).want(t, c.method+" "+c.path+" by nobody", 401)
		s.as(t, "stranger", c.method, c.path, c.body).want(t, c.method+" "+c.path+" by a stranger", 404)
		s.as(t, "developer", c.method, c.path, c.body).want(t, c.method+" "+c.path+" by a developer", 403)
		s.as(t, "maintainer", c.method, c.path, c.body).want(t, c.method+" "+c.path+" "+c.body, c.status, c.says)
	}
	s.as(t, "maintainer", "PUT", scope, "").want(t, "no method", 405)
}
