package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// said is what the management API answered.
type said struct {
	status int
	header http.Header
	body   string
}

func (s *site) manage(t *testing.T, method, path, token, body string) said {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("PRIVATE-TOKEN", token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return said{resp.StatusCode, resp.Header, string(data)}
}

func (a said) want(t *testing.T, what string, status int, parts ...string) said {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: %d, not %d: %s", what, a.status, status, a.body)
	}
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			t.Errorf("%s: %s does not say %q", what, a.body, p)
		}
	}
	return a
}

// made is a token as the API shows it once.
type made struct {
	ID          int64
	Token       string
	Username    string
	UserID      int64  `json:"user_id"`
	ExpiresAt   string `json:"expires_at"`
	AccessLevel int    `json:"access_level"`
	Active      bool
	Revoked     bool
	Scopes      []string
}

func (a said) made(t *testing.T) made {
	t.Helper()
	var m made
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || m.Token == "" {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return m
}

func TestPersonalTokensAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const tokens = "/api/v4/personal_access_tokens"
	developer, err := s.accounts.FindUser(t.Context(), "developer")
	if err != nil {
		t.Fatal(err)
	}
	create := fmt.Sprintf("/api/v4/users/%d/personal_access_tokens", developer.ID)
	for _, c := range []struct {
		who, body string
		status    int
		says      string
	}{
		{"", `{"name":"ci","scopes":["api"]}`, 401, "401 Unauthorized"},
		{"developer", `{"name":"ci","scopes":["api"]}`, 403, "403 Forbidden"},
		{"administrator", `{"scopes":["api"]}`, 400, "name is missing"},
		{"administrator", `{"name":"ci"}`, 400, "scopes is missing"},
		{"administrator", `{"name":"ci","scopes":["write_everything"]}`, 400, "write_everything"},
		{"administrator", `{"name":"ci","scopes":["api"],"expires_at":"soon"}`, 400, "expires_at is invalid"},
		{"administrator", `{"name":"ci","scopes":["api"],"expires_at":"2001-01-01"}`, 400, "expires_at must be in the future"},
		{"administrator", `{"name":"ci","scopes":["api"],"expires_at":"2201-01-01"}`, 400, "expires_at must be before"},
		{"administrator", `["name"]`, 400, "no JSON object"},
	} {
		s.manage(t, "POST", create, s.tokens[c.who], c.body).want(t, c.who+c.body, c.status, c.says)
	}
	m := s.manage(t, "POST", create, s.tokens["administrator"], `{"name":"ci","scopes":["read_api"]}`).want(t, "create", 201).made(t)
	if m.UserID != developer.ID || m.ExpiresAt != time.Now().UTC().AddDate(0, 0, 365).Format(time.DateOnly) {
		t.Errorf("%+v", m)
	}
	s.manage(t, "POST", "/api/v4/users/999999/personal_access_tokens", s.tokens["administrator"], `{"name":"ci","scopes":["api"]}`).want(t, "nobody's", 404)

	// Its own, and nobody else's.
	self := tokens + "/self"
	s.manage(t, "GET", self, m.Token, "").want(t, "self", 200, `"name":"ci"`, `"active":true`)
	one := fmt.Sprintf("%s/%d", tokens, m.ID)
	s.manage(t, "GET", one, s.tokens["developer"], "").want(t, "by its user", 200)
	s.manage(t, "GET", one, s.tokens["maintainer"], "").want(t, "by somebody else", 404)
	s.manage(t, "GET", one, s.tokens["administrator"], "").want(t, "by an administrator", 200)
	s.manage(t, "GET", one, "", "").want(t, "by nobody", 401)
	s.manage(t, "GET", tokens+"/x", s.tokens["developer"], "").want(t, "no number", 404)
	s.manage(t, "PATCH", one, s.tokens["developer"], "").want(t, "a method that there is not", 405)
	list := s.manage(t, "GET", tokens+"?search=CI&state=active&per_page=1", s.tokens["developer"], "").want(t, "list", 200, `"name":"ci"`)
	if list.header.Get("X-Total") != "1" || strings.Contains(list.body, m.Token) {
		t.Errorf("%v %s", list.header, list.body)
	}
	s.manage(t, "GET", fmt.Sprintf("%s?user_id=%d", tokens, s.userID(t, "owner")), s.tokens["developer"], "").want(t, "somebody else's list", 401)
	s.manage(t, "GET", tokens+"?state=odd", s.tokens["developer"], "").want(t, "an odd state", 400, "state does not have a valid value")

	// A token that only reads cannot change even itself.
	s.manage(t, "POST", self+"/rotate", m.Token, "").want(t, "rotate without the scope", 403, "insufficient_scope")
	again := s.manage(t, "POST", one+"/rotate", s.tokens["developer"], "").want(t, "rotate", 200).made(t)
	if again.ID == m.ID || again.ExpiresAt != time.Now().UTC().AddDate(0, 0, 7).Format(time.DateOnly) || fmt.Sprint(again.Scopes) != "[read_api]" {
		t.Errorf("%+v", again)
	}
	s.manage(t, "GET", self, m.Token, "").want(t, "the one before", 401)
	s.manage(t, "POST", one+"/rotate", s.tokens["developer"], "").want(t, "rotate the one before", 400, "cannot be rotated")
	s.manage(t, "DELETE", fmt.Sprintf("%s/%d", tokens, again.ID), s.tokens["maintainer"], "").want(t, "revoke somebody else's", 404)
	s.manage(t, "DELETE", fmt.Sprintf("%s/%d", tokens, again.ID), s.tokens["developer"], "").want(t, "revoke", 204)
	s.manage(t, "GET", self, again.Token, "").want(t, "after that", 401)
	s.manage(t, "GET", tokens+"?revoked=true", s.tokens["developer"], "").want(t, "those revoked", 200, `"revoked":true`)
}

func TestAccessTokensOfProjectsAndGroups(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	project := s.projects["private"]
	owner, err := s.accounts.FindUser(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.accounts.AddMember(t.Context(), owner.ID, project.GroupID, 0, registry.Owner); err != nil {
		t.Fatal(err)
	}
	for _, place := range []struct {
		path    string
		refused map[string]int
		maker   string
	}{
		{fmt.Sprintf("/api/v4/projects/%d/access_tokens", project.ID), map[string]int{"": 401, "stranger": 404, "reporter": 403, "developer": 403, "maintainer with read_api": 403}, "maintainer"},
		{fmt.Sprintf("/api/v4/groups/%d/access_tokens", project.GroupID), map[string]int{"": 401, "stranger": 404, "developer": 403, "maintainer": 403}, "owner"},
	} {
		for who, status := range place.refused {
			s.manage(t, "POST", place.path, s.tokens[who], `{"name":"ci","scopes":["api"]}`).want(t, place.path+" by "+who, status)
		}
		s.manage(t, "POST", place.path, s.tokens[place.maker], `{"name":"ci","scopes":["api"],"access_level":35}`).want(t, "a role that there is not", 400, "access_level")
		if place.maker == "maintainer" {
			s.manage(t, "POST", place.path, s.tokens[place.maker], `{"name":"ci","scopes":["api"],"access_level":50}`).want(t, "a role above one's own", 400, "higher than your own")
		}
		bot := s.manage(t, "POST", place.path, s.tokens[place.maker], `{"name":"ci","scopes":["api"],"access_level":30}`).want(t, "create", 201).made(t)
		if bot.AccessLevel != 30 {
			t.Errorf("%+v", bot)
		}
		packages := fmt.Sprintf("/api/v4/projects/%d/packages", project.ID)
		s.manage(t, "GET", packages, bot.Token, "").want(t, "the bot reads", 200)
		s.manage(t, "GET", fmt.Sprintf("/api/v4/projects/%d/packages", s.projects["internal"].ID), bot.Token, "").want(t, "what is internal, as a user does", 200)
		s.manage(t, "GET", "/api/v4/personal_access_tokens/self", bot.Token, "").want(t, "the bot's own", 200, `"name":"ci"`)
		one := fmt.Sprintf("%s/%d", place.path, bot.ID)
		s.manage(t, "GET", one, s.tokens[place.maker], "").want(t, "show", 200, `"access_level":30`)
		s.manage(t, "GET", place.path, s.tokens[place.maker], "").want(t, "list", 200, `"name":"ci"`)
		s.manage(t, "DELETE", fmt.Sprintf("%s/999999", place.path), s.tokens[place.maker], "").want(t, "what there is not", 404)

		// A bot of the maker's role cannot make others, which would outlive it.
		peer := s.manage(t, "POST", place.path, s.tokens["administrator"], `{"name":"boss","scopes":["api"],"access_level":50}`).want(t, "by an administrator", 201).made(t)
		s.manage(t, "POST", place.path, peer.Token, `{"name":"more","scopes":["api"]}`).want(t, "by a bot", 403, "a bot cannot make tokens")
		s.manage(t, "POST", "/api/v4/personal_access_tokens/self/rotate", peer.Token, "").want(t, "a bot rotates its own", 200)

		rotated := s.manage(t, "POST", one+"/rotate", s.tokens[place.maker], "").want(t, "rotate", 200).made(t)
		s.manage(t, "GET", packages, bot.Token, "").want(t, "the one before", 401)
		s.manage(t, "GET", packages, rotated.Token, "").want(t, "the one in its place", 200)
		s.manage(t, "DELETE", fmt.Sprintf("%s/%d", place.path, rotated.ID), s.tokens[place.maker], "").want(t, "revoke", 204)
		s.manage(t, "GET", packages, rotated.Token, "").want(t, "after that", 401)
		var roles int
		if err := s.db.Pool.QueryRow(t.Context(), "select count(*) from memberships where user_id = $1", bot.UserID).Scan(&roles); err != nil || roles != 0 {
			t.Errorf("a bot without a token has %d roles, %v", roles, err)
		}
	}
	// Of one project's, another knows nothing.
	bot := s.manage(t, "POST", fmt.Sprintf("/api/v4/projects/%d/access_tokens", project.ID), s.tokens["owner"], `{"name":"ci","scopes":["api"]}`).made(t)
	s.manage(t, "GET", fmt.Sprintf("/api/v4/projects/%d/access_tokens/%d", s.projects["public"].ID, bot.ID), s.tokens["owner"], "").want(t, "by another project", 404)
}

func TestDeployTokensAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	project := s.projects["private"]
	path := fmt.Sprintf("/api/v4/projects/%d/deploy_tokens", project.ID)
	for who, status := range map[string]int{"": 401, "stranger": 404, "developer": 403} {
		s.manage(t, "POST", path, s.tokens[who], `{"name":"d","scopes":["read_package_registry"]}`).want(t, who, status)
	}
	for body, says := range map[string]string{
		`{"scopes":["read_package_registry"]}`: "name is missing",
		`{"name":"d"}`:                         "scopes is missing",
		`{"name":"d","scopes":["api"]}`:        "api",
		`{"name":"d","scopes":["read_package_registry"],"username":"ä"}`:   "username",
		`{"name":"d","scopes":[["read_package_registry"]]}`:                "scopes is invalid",
		`{"name":{},"scopes":["read_package_registry"]}`:                   "name is invalid",
		`{"name":"d","scopes":["read_package_registry"],"expires_at":"x"}`: "expires_at is invalid",
	} {
		s.manage(t, "POST", path, s.tokens["maintainer"], body).want(t, body, 400, says)
	}
	d := s.manage(t, "POST", path, s.tokens["maintainer"], `{"name":"d","scopes":["read_package_registry"],"username":"robot","expires_at":"2201-01-01"}`).
		want(t, "create", 201, `"username":"robot"`, `"expires_at":"2201-01-01T00:00:00.000Z"`).made(t)
	s.manage(t, "GET", path, s.tokens["maintainer"], "").want(t, "list", 200, `"name":"d"`)
	s.manage(t, "GET", path, d.Token, "").want(t, "by itself: for packages alone", 401)
	s.manage(t, "GET", "/api/v4/deploy_tokens?active=true", s.tokens["administrator"], "").want(t, "all", 200, `"name":"d"`)
	s.manage(t, "GET", "/api/v4/deploy_tokens", s.tokens["owner"], "").want(t, "all, by no administrator", 403)
	one := fmt.Sprintf("%s/%d", path, d.ID)
	s.manage(t, "GET", one, s.tokens["maintainer"], "").want(t, "show", 200)
	s.manage(t, "DELETE", one, s.tokens["developer"], "").want(t, "revoke by a developer", 403)
	s.manage(t, "DELETE", one, s.tokens["maintainer"], "").want(t, "revoke", 204)
	s.manage(t, "DELETE", one, s.tokens["maintainer"], "").want(t, "revoke again", 404)
	s.manage(t, "GET", path+"?active=true", s.tokens["maintainer"], "").want(t, "those that are good", 200, "[]")
}

// What a client had made for itself by a sign-in is in no list: it is part of
// the token that it signed in with.
func TestIssuedTokensAreInNoList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	u, err := s.accounts.FindUser(t.Context(), "developer")
	if err != nil {
		t.Fatal(err)
	}
	before, total, err := s.accounts.Tokens(t.Context(), accounts.TokenFilter{UserID: u.ID})
	if err != nil || len(before) != 1 || total != 1 {
		t.Fatal(before, total, err)
	}
	if _, err := s.db.Pool.Exec(t.Context(), `
		insert into tokens (kind, digest, user_id, scopes, parent_id) select kind, sha256('x'), user_id, scopes, id from tokens where id = $1`, before[0].ID); err != nil {
		t.Fatal(err)
	}
	if after, total, err := s.accounts.Tokens(t.Context(), accounts.TokenFilter{UserID: u.ID}); err != nil || len(after) != 1 || total != 1 {
		t.Error(after, total, err)
	}
}
