package server_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/oidc/oidctest"
	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestAnIDTokenBecomesAJobToken(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	p := s.projects["private"]
	one := fmt.Sprintf("/api/v4/projects/%d/oidc/token", p.ID)
	post := func(path, kind, body string) reply {
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return s.send(t, "", req, "Content-Type", kind)
	}
	const form, jsonType = "application/x-www-form-urlencoded", "application/json"
	for name, a := range map[string]reply{
		"Bearer":             s.exchange(t, "private", s.idToken(t, nil)),
		"by the path":        s.ask(t, "", "POST", "/api/v4/projects/"+url.PathEscape(p.FullPath)+"/oidc/token", "Authorization", "Bearer "+s.idToken(t, nil)),
		"JSON":               post(one, jsonType, `{"id_token":"`+s.idToken(t, nil)+`"}`),
		"a form":             post(one, form, "id_token="+s.idToken(t, nil)),
		"the instance, JSON": post("/api/v4/oidc/token", jsonType, fmt.Sprintf(`{"id_token":%q,"project":%d}`, s.idToken(t, nil), p.ID)),
		"the instance, form": post("/api/v4/oidc/token", form, "project="+url.QueryEscape(p.FullPath)+"&id_token="+s.idToken(t, nil)),
	} {
		var got struct {
			Token       string
			TokenType   string    `json:"token_type"`
			Username    string    `json:"username"`
			ExpiresAt   time.Time `json:"expires_at"`
			ExpiresIn   int       `json:"expires_in"`
			ProjectID   int64     `json:"project_id"`
			ProjectPath string    `json:"project_path"`
			AccessLevel int       `json:"access_level"`
		}
		if a.status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, a.status, a.body)
			continue
		}
		a.into(t, &got)
		left := time.Until(got.ExpiresAt)
		if !strings.HasPrefix(got.Token, "glcbt-") || got.TokenType != "Bearer" || got.Username != "gitlab-ci-token" || got.ProjectID != p.ID || got.ProjectPath != p.FullPath ||
			got.AccessLevel != 30 || left > 15*time.Minute || left < 14*time.Minute || got.ExpiresIn < 14*60 || !strings.Contains(a.header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %s %v", name, a.body, a.header)
		}
		if a := s.with(t, got.Token, "GET", s.base("private")); a.status != http.StatusOK {
			t.Errorf("%s: the token is no good: %d %s", name, a.status, a.body)
		}
	}
	if n := s.count(t, "select from tokens where kind = 'job' and scopes = '{}'"); n != 6 {
		t.Errorf("%d job tokens", n)
	}
	if n := s.count(t, "select from audit_events where outcome = 'done' and details::text like '%job_token.created%' and token_kind = 'job' and actor_username like 'project_%_publisher_%'"); n != 6 {
		t.Errorf("%d exchanges were audited", n)
	}
	if n := s.count(t, "select from audit_events where details::text like '%glcbt-%' or details::text like '%eyJ%' or reason like '%eyJ%'"); n != 0 {
		t.Errorf("%d secrets were audited", n)
	}
}

func TestAnIDTokenThatIsRefused(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", `{"name":"secret rule","issuer":"ci","subject":"repo:acme/web:ref:refs/heads/main","environment":"production","claims":{"repository_owner_id":"42"}}`)
	s.rule(t, "public", `{"name":"another secret","issuer":"ci","subject":"repo:other/secret:*"}`)
	fits := map[string]any{"environment": "production", "repository_owner_id": "42"}
	used := s.idToken(t, fits)
	if a := s.exchange(t, "private", used); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	with := func(name string, v any) string {
		more := map[string]any{"environment": "production", "repository_owner_id": "42"}
		more[name] = v
		return s.idToken(t, more)
	}
	other := oidctest.Start(t)
	for name, c := range map[string]struct {
		token, project string
		status         int
		code, says     string
	}{
		"used before":             {used, "private", 401, "invalid_token", "used before"},
		"expired":                 {with("exp", time.Now().Add(-time.Minute).Unix()), "private", 401, "invalid_token", "expired"},
		"for somebody else":       {with("aud", "https://other.example.com"), "private", 401, "invalid_token", "audience"},
		"of an issuer nobody has": {other.Token(t, other.Claims(registryURL, "repo:acme/web:ref:refs/heads/main", fits)), "private", 401, "invalid_token", "issuer"},
		"signed by another":       {other.Token(t, s.issuer.Claims(registryURL, "repo:acme/web:ref:refs/heads/main", fits)), "private", 401, "invalid_token", "signature"},
		"unsigned":                {oidctest.Unsigned(t, s.issuer.Claims(registryURL, "repo:acme/web:ref:refs/heads/main", fits)), "private", 401, "invalid_token", "algorithm"},
		"none":                    {"", "private", 401, "invalid_token", "must be a Bearer token"},
		"another subject":         {with("sub", "repo:acme/web:ref:refs/heads/feature"), "private", 403, "access_denied", `subject \"repo:acme/web:ref:refs/heads/feature\"`},
		"another repository":      {with("sub", "repo:evil/web:ref:refs/heads/main"), "private", 403, "access_denied", "No trusted publisher"},
		"another environment":     {with("environment", "staging"), "private", 403, "access_denied", `environment \"staging\"`},
		"no environment":          {with("environment", nil), "private", 403, "access_denied", "No trusted publisher"},
		"another claim":           {with("repository_owner_id", "43"), "private", 403, "access_denied", "No trusted publisher"},
		"a claim that begins so":  {with("repository_owner_id", "421"), "private", 403, "access_denied", "No trusted publisher"},
		"another project's rule":  {s.idToken(t, fits), "public", 403, "access_denied", "No trusted publisher"},
		"no rule at all":          {s.idToken(t, fits), "internal", 403, "access_denied", "No trusted publisher"},
	} {
		a := s.exchange(t, c.project, c.token)
		if a.status != c.status || !strings.Contains(a.body, `"error":"`+c.code+`"`) || !strings.Contains(a.body, c.says) || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if has := strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`); has != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
	// A project that does not exist is refused in the same words as one without a rule.
	strip := func(a reply) string {
		return strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "")
	}
	absent := s.ask(t, "", "POST", "/api/v4/projects/999999/oidc/token", "Authorization", "Bearer "+s.idToken(t, fits))
	none := s.exchange(t, "internal", s.idToken(t, fits))
	if absent.status != 403 || strip(absent) != strip(none) {
		t.Errorf("%d %s\n%s", absent.status, absent.body, none.body)
	}
	// What was refused for its rules alone is not used up.
	late := s.idToken(t, nil)
	if a := s.exchange(t, "internal", late); a.status != 403 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.rule(t, "internal", anyJob(registry.Developer))
	if a := s.exchange(t, "internal", late); a.status != 201 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for path, says := range map[string]string{"/api/v4/oidc/token": "project is missing", "/api/v4/oidc/token?project=1&id_token=x": "more than one set"} {
		if a := s.ask(t, "", "POST", path, "Authorization", "Bearer "+s.idToken(t, fits)); a.status != 400 || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	s.issuer.Rotate(t)
	s.issuer.Down.Store(true)
	if a := s.exchange(t, "private", s.idToken(t, fits)); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Many jobs that have got hold of one ID token get one job token.
func TestAnIDTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	for _, more := range []map[string]any{nil, {"jti": nil}} {
		token := s.idToken(t, more)
		var wg sync.WaitGroup
		statuses := make(chan int, 8)
		for range 8 {
			wg.Go(func() { statuses <- s.exchange(t, "private", token).status })
		}
		wg.Wait()
		close(statuses)
		got := map[int]int{}
		for status := range statuses {
			got[status]++
		}
		if got[201] != 1 || got[401] != 7 {
			t.Errorf("got %v", got)
		}
	}
}

func TestTheTransportsOfAJobToken(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	job, person := s.job(t, "private", nil), s.tokens["maintainer"]
	basic := func(user, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
	}
	path := s.base("private")
	for name, c := range map[string]struct {
		path, header, value string
		want                int
	}{
		"JOB-TOKEN":                     {path, "JOB-TOKEN", job, 200},
		"the query":                     {path + "?job_token=" + job, "", "", 200},
		"Bearer":                        {path, "Authorization", "Bearer " + job, 200},
		"Basic":                         {path, "Authorization", basic("gitlab-ci-token", job), 200},
		"Basic, another name":           {path, "Authorization", basic("ann", job), 401},
		"Basic, the name in capitals":   {path, "Authorization", basic("GITLAB-CI-TOKEN", job), 401},
		"PRIVATE-TOKEN":                 {path, "PRIVATE-TOKEN", job, 401},
		"private_token":                 {path + "?private_token=" + job, "", "", 401},
		"Deploy-Token":                  {path, "Deploy-Token", job, 401},
		"somebody's token as a job's":   {path, "JOB-TOKEN", person, 401},
		"somebody's token in the query": {path + "?job_token=" + person, "", "", 401},
		"nonsense":                      {path, "JOB-TOKEN", "nonsense", 401},
		"one that nobody has":           {path, "JOB-TOKEN", "glcbt-00000000000000000000000000000000" + "0Nvvqz", 401},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header, c.value}
		}
		if a := s.ask(t, "", "GET", c.path, headers...); a.status != c.want {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// A job's token is for packages: where people manage, it is nobody's.
func TestAJobManagesNothing(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Maintainer))
	job := s.job(t, "private", nil)
	private := fmt.Sprintf("/api/v4/projects/%d", s.projects["private"].ID)
	for _, c := range []struct {
		method, path  string
		header, query int // what is answered to JOB-TOKEN, and to Bearer
	}{
		{"GET", private, 404, 401},
		{"GET", fmt.Sprintf("/api/v4/projects/%d", s.projects["public"].ID), 200, 401},
		{"GET", private + "/trusted_publishers", 401, 401},
		{"POST", private + "/trusted_publishers", 401, 401},
		{"GET", private + "/job_token_scope", 401, 401},
		{"PATCH", private + "/job_token_scope?enabled=false", 401, 401},
		{"GET", private + "/access_tokens", 401, 401},
		{"POST", private + "/access_tokens?name=x&scopes=api&access_level=30", 401, 401},
		{"GET", private + "/members", 401, 401},
		{"GET", "/api/v4/user", 401, 401},
		{"POST", "/api/v4/personal_access_tokens/1/rotate", 401, 401},
		{"DELETE", private, 401, 401},
	} {
		if a := s.with(t, job, c.method, c.path); a.status != c.header {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, a.status, a.body, c.header)
		}
		if a := s.ask(t, "", c.method, c.path, "Authorization", "Bearer "+job); a.status != c.query {
			t.Errorf("%s %s with Bearer: %d %s, want %d", c.method, c.path, a.status, a.body, c.query)
		}
	}
}

// The packages API to jobs of a project's own (GitLab's cases 5, 7, 53, 55, 60 and 69).
func TestThePackagesAPIToJobs(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	rule := s.rule(t, "private", anyJob(registry.Developer))
	pkg, file := s.publish(t, "private", "npm", "a", "1.0.0", "a")
	one := fmt.Sprintf("%s/%d", s.base("private"), pkg)
	job := s.job(t, "private", nil)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", s.base("private"), 200},
		{"GET", one, 200},
		{"GET", one + "/package_files", 200},
		{"GET", one + "/pipelines", 200},
		{"GET", fmt.Sprintf("%s/package_files/%d/download", one, file), 200},
		{"DELETE", fmt.Sprintf("%s/package_files/%d", one, file), 403},
		{"DELETE", one, 403},
	} {
		if a := s.with(t, job, c.method, c.path); a.status != c.want {
			t.Errorf("a developer's: %s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
	// The role is the rule's, at once.
	s.as(t, "maintainer", "PUT", fmt.Sprintf("/projects/%d/trusted_publishers/%d", s.projects["private"].ID, rule), `{"access_level":40}`).want(t, "promote", 200)
	if a := s.with(t, job, "DELETE", one); a.status != 204 {
		t.Errorf("a maintainer's: %d %s", a.status, a.body)
	}
}

// Whose jobs a project lets in (GitLab's cases 6, 7, 41, 46, 53, 60 and 69).
func TestJobsOfOtherProjects(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.newProject(t, "home", registry.Private)
	home := s.projects["home"]
	if err := s.accounts.AddMember(t.Context(), s.userID(t, "maintainer"), 0, home.ID, registry.Maintainer); err != nil {
		t.Fatal(err)
	}
	rule := s.rule(t, "home", anyJob(registry.Maintainer))
	var bot struct {
		UserID int64 `json:"user_id"`
	}
	reply{body: s.as(t, "maintainer", "GET", fmt.Sprintf("/projects/%d/trusted_publishers/%d", home.ID, rule), "").body}.into(t, &bot)
	job := s.job(t, "home", nil)
	pkg := map[string]int64{}
	for _, project := range []string{"private", "internal", "public"} {
		pkg[project], _ = s.publish(t, project, "npm", "a", "1.0.0", project)
	}
	private := fmt.Sprintf("/projects/%d", s.projects["private"].ID)
	want := func(what, project string, read, destroy int, says string) {
		t.Helper()
		one := fmt.Sprintf("%s/%d", s.base(project), pkg[project])
		for _, path := range []string{s.base(project), one, one + "/package_files", one + "/pipelines"} {
			if a := s.with(t, job, "GET", path); a.status != read || (read == 403 && !strings.Contains(a.body, says)) {
				t.Errorf("%s: GET %s: %d %s, want %d %s", what, path, a.status, a.body, read, says)
			}
		}
		// Of no file there is: who may delete is told so.
		if a := s.with(t, job, "DELETE", one+"/package_files/999999"); a.status != destroy {
			t.Errorf("%s: DELETE: %d %s, want %d", what, a.status, a.body, destroy)
		}
	}
	shutOut := fmt.Sprintf("403 Forbidden - Authentication by CI/CD job token not allowed from home-group/project to project #%d.", s.projects["private"].ID)
	want("public", "public", 200, 403, "")
	want("internal", "internal", 200, 403, "")
	want("private", "private", 403, 403, shutOut)
	// A role alone lets nobody in.
	s.as(t, "maintainer", "POST", private+"/members", fmt.Sprintf(`{"user_id":%d,"access_level":40}`, bot.UserID)).want(t, "the bot gets a role", 201)
	want("with a role", "private", 403, 403, shutOut)
	allow := private + "/job_token_scope/allowlist"
	s.as(t, "maintainer", "POST", allow, fmt.Sprintf(`{"target_project_id":%d}`, home.ID)).want(t, "allow", 201)
	want("allowed, with a role", "private", 200, 404, "")
	// Nor does the list without a role. What is said then is not about lists.
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("%s/members/%d", private, bot.UserID), "").want(t, "the bot's role is taken", 204)
	want("allowed, without a role", "private", 403, 403, `"message":"403 Forbidden"`)
	s.as(t, "maintainer", "POST", private+"/members", fmt.Sprintf(`{"user_id":%d,"access_level":20}`, bot.UserID)).want(t, "it gets another one", 201)
	want("allowed, as a reporter", "private", 200, 403, "")
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("%s/%d", allow, home.ID), "").want(t, "not any more", 204)
	want("not any more", "private", 403, 403, shutOut)
	// By a group above the job's project.
	groups := private + "/job_token_scope/groups_allowlist"
	s.as(t, "maintainer", "POST", groups, fmt.Sprintf(`{"target_group_id":%d}`, home.GroupID)).want(t, "allow the group", 201)
	want("by its group", "private", 200, 403, "")
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("%s/%d", groups, home.GroupID), "").want(t, "not any more", 204)
	want("not by its group any more", "private", 403, 403, shutOut)
	// By a project that lets everybody in.
	s.as(t, "maintainer", "PATCH", private+"/job_token_scope", `{"enabled":false}`).want(t, "for everybody", 204)
	want("for everybody", "private", 200, 403, "")
	s.as(t, "maintainer", "PATCH", private+"/job_token_scope", `{"enabled":true}`).want(t, "not for everybody", 204)
	want("not for everybody any more", "private", 403, 403, shutOut)
	// A registry that is for members is closed to jobs that are not let in.
	s.exec(t, "update projects set package_access_level = 'private'")
	want("a public project's registry for members", "public", 403, 403, `"message":"403 Forbidden"`)
	// There is nothing to be let into.
	if a := s.with(t, job, "GET", "/api/v4/projects/999999/packages"); a.status != 404 {
		t.Errorf("no project: %d %s", a.status, a.body)
	}
	// Without its rule, it has no role left anywhere.
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("/projects/%d/trusted_publishers/%d", home.ID, rule), "").want(t, "revoke", 204)
	if n := s.count(t, "select from memberships where user_id = $1", bot.UserID); n != 0 {
		t.Errorf("the bot has %d roles", n)
	}
}

// In its own project a bot has the role of its rule, and nobody gives it another.
func TestTheRoleOfARulesBot(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	var bot int64
	if err := s.db.Pool.QueryRow(t.Context(), "select bot_id from trusted_publishers").Scan(&bot); err != nil {
		t.Fatal(err)
	}
	member := fmt.Sprintf("/projects/%d/members/%d", s.projects["private"].ID, bot)
	s.as(t, "owner", "PUT", member, `{"access_level":50}`).want(t, "promote", 403)
	s.as(t, "owner", "DELETE", member, "").want(t, "remove", 403)
	s.as(t, "owner", "POST", fmt.Sprintf("/projects/%d/members", s.projects["public"].ID), fmt.Sprintf(`{"user_id":%d,"access_level":30}`, bot)).want(t, "elsewhere", 201)
	s.as(t, "owner", "PUT", fmt.Sprintf("/projects/%d/members/%d", s.projects["public"].ID, bot), `{"access_level":20}`).want(t, "elsewhere", 200)
	// Bots of access tokens stay where they are.
	s.as(t, "owner", "POST", fmt.Sprintf("/projects/%d/access_tokens", s.projects["private"].ID), `{"name":"x","scopes":["api"]}`).want(t, "an access token", 201)
	if err := s.db.Pool.QueryRow(t.Context(), "select user_id from tokens where kind = 'project_access'").Scan(&bot); err != nil {
		t.Fatal(err)
	}
	s.as(t, "owner", "POST", fmt.Sprintf("/projects/%d/members", s.projects["public"].ID), fmt.Sprintf(`{"user_id":%d,"access_level":30}`, bot)).want(t, "its bot elsewhere", 404)
}

// What ends a job's token ends it at once.
func TestWhatEndsAJobToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(t *testing.T, s *jobSite, rule string)
		want int
	}{
		"another name of its rule": {func(t *testing.T, s *jobSite, rule string) {
			t.Helper()
			s.as(t, "maintainer", "PUT", rule, `{"name":"new"}`).want(t, rule, 200)
		}, 200},
		"its rule goes": {func(t *testing.T, s *jobSite, rule string) {
			t.Helper()
			s.as(t, "maintainer", "DELETE", rule, "").want(t, rule, 204)
		}, 401},
		"its rule speaks of another subject": {func(t *testing.T, s *jobSite, rule string) {
			t.Helper()
			s.as(t, "maintainer", "PUT", rule, `{"subject":"repo:acme/other:*"}`).want(t, rule, 200)
		}, 401},
		"its rule asks for a claim": {func(t *testing.T, s *jobSite, rule string) {
			t.Helper()
			s.as(t, "maintainer", "PUT", rule, `{"claims":{"ref":"refs/tags/*"}}`).want(t, rule, 200)
		}, 401},
		"its time is over": {func(t *testing.T, s *jobSite, _ string) {
			t.Helper()
			s.exec(t, "update tokens set expires_at = now() where kind = 'job'")
		}, 401},
		"its bot is blocked": {func(t *testing.T, s *jobSite, _ string) {
			t.Helper()
			s.exec(t, "update users set state = 'blocked' where id in (select bot_id from trusted_publishers)")
		}, 403},
		"its project goes": {func(t *testing.T, s *jobSite, _ string) {
			t.Helper()
			s.exec(t, "delete from projects where id = $1", s.projects["private"].ID)
		}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newJobSite(t)
			id := s.rule(t, "private", anyJob(registry.Developer))
			job := s.job(t, "private", nil)
			if a := s.with(t, job, "GET", s.base("public")); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			c.end(t, s, fmt.Sprintf("/projects/%d/trusted_publishers/%d", s.projects["private"].ID, id))
			if a := s.with(t, job, "GET", s.base("public")); a.status != c.want {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

// An ID token that is refused counts as a sign-in that failed; one that no rule fits does not.
func TestExchangesThatFailAreCounted(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	limits, err := ratelimit.New(ratelimit.Config{
		Throttles: map[ratelimit.Name]ratelimit.Throttle{ratelimit.Login: {Requests: 3, Period: 24 * time.Hour}}, Log: hclog.NewNullLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = limits.Close() })
	s.config.Limits = limits
	s.serve(t)
	for range 5 {
		if a := s.exchange(t, "internal", s.idToken(t, nil)); a.status != http.StatusForbidden {
			t.Fatalf("no rule: %d %s", a.status, a.body)
		}
	}
	for n := range 5 {
		want := http.StatusUnauthorized
		if n >= 3 {
			want = http.StatusTooManyRequests
		}
		if a := s.exchange(t, "private", "nonsense"); a.status != want {
			t.Errorf("attempt %d: %d %s", n+1, a.status, a.body)
		}
	}
	if a := s.exchange(t, "private", s.idToken(t, nil)); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("a good one from the same address: %d %s", a.status, a.body)
	}
}
