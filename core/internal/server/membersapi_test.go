package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestMembersByRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Public, rolesByName())
	if _, err := s.accounts.CreateUser(t.Context(), accounts.NewUser{Username: "new"}); err != nil {
		t.Fatal(err)
	}
	id := s.userID(t, "new")
	for place, least := range map[string]string{"/groups/acme": "owner", "/projects/public-group%2Fproject": "maintainer"} {
		one := fmt.Sprintf("%s/members/%d", place, id)
		for _, c := range []struct {
			method, path, body string
			least              string // role from which on it is done
			done, again        int
			stranger           int
		}{
			{"GET", place + "/members", "", "guest", 200, 200, 200},
			{"GET", place + "/members/all", "", "guest", 200, 200, 200},
			{"POST", place + "/members", fmt.Sprintf(`{"user_id":%d,"access_level":10}`, id), least, 201, 409, 403},
			{"GET", one, "", "guest", 200, 200, 200},
			{"GET", fmt.Sprintf("%s/members/all/%d", place, id), "", "guest", 200, 200, 200},
			{"PUT", one, `{"access_level":20}`, least, 200, 200, 403},
			{"DELETE", one, "", least, 204, 404, 403},
		} {
			what := place + ": " + c.method + " " + c.path
			s.as(t, "", c.method, c.path, c.body).want(t, what+" by nobody", 401)
			s.as(t, "stranger", c.method, c.path, c.body).want(t, what+" by a stranger", c.stranger)
			done, want := false, c.done
			for _, who := range []string{"guest", "reporter", "developer", "maintainer", "owner", "administrator"} {
				if done = done || who == c.least; !done {
					s.as(t, who, c.method, c.path, c.body).want(t, what+" by "+who, 403)
					continue
				}
				s.as(t, who, c.method, c.path, c.body).want(t, what+" by "+who, want)
				want = c.again
			}
		}
	}
	for _, path := range []string{"/groups/private-group/members", "/projects/private-group%2Fproject/members"} {
		s.as(t, "stranger", "GET", path, "").want(t, "hidden", 404)
		s.as(t, "stranger", "POST", path, `{}`).want(t, "hidden", 404)
	}
	s.as(t, "maintainer with read_api", "POST", "/projects/public-group%2Fproject/members", `{}`).want(t, "the scope", 403, "insufficient_scope")
	s.as(t, "owner", "PATCH", "/groups/acme/members/1", "").want(t, "no method", 405)
	s.as(t, "owner", "POST", "/groups/acme/members/all", "").want(t, "no method", 405)
}

func TestRolesThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const members = "/projects/private-group%2Fproject/members"
	id, guest := s.userID(t, "stranger"), s.userID(t, "guest")
	for body, says := range map[string]string{
		`{}`: "access_level is missing, user_id, username are missing, exactly one parameter must be provided",
		`{"access_level":30,"user_id":1,"username":"stranger"}`:                              "exactly one parameter must be provided",
		`{"access_level":30,"user_id":"1,2"}`:                                                "user_id is invalid",
		`{"access_level":"","user_id":1}`:                                                    "access_level is empty",
		`{"access_level":35,"user_id":1}`:                                                    "access_level does not have a valid value",
		`{"access_level":60,"user_id":1}`:                                                    "access_level does not have a valid value",
		`{"access_level":0,"user_id":1}`:                                                     "access_level does not have a valid value",
		`{"access_level":"developer","user_id":1}`:                                           "access_level is invalid",
		`{"access_level":30,"user_id":1,"expires_at":"soon"}`:                                "expires_at is invalid",
		fmt.Sprintf(`{"access_level":30,"user_id":%d,"expires_at":"2001-01-01"}`, id):        `{"expires_at":["cannot be a date in the past"]}`,
		fmt.Sprintf(`{"access_level":30,"user_id":%d,"expires_at":"2030-02-31"}`, id):        "expires_at is invalid",
		fmt.Sprintf(`{"access_level":30,"user_id":%d,"expires_at":"2030-01-01T00:00Z"}`, id): "expires_at is invalid",
	} {
		s.as(t, "owner", "POST", members, body).want(t, body, 400, says)
	}
	s.as(t, "owner", "POST", members, `{"access_level":30,"user_id":999999}`).want(t, "no user", 404, "User Not Found")
	s.as(t, "owner", "POST", members, `{"access_level":30,"username":"nobody"}`).want(t, "no user", 404, "User Not Found")
	s.as(t, "owner", "POST", members, `{"access_level":30,"username":"Guest"}`).want(t, "a member", 409, "Member already exists")
	for _, path := range []string{"/999999", "/x", "/all/999999", "/all/x", fmt.Sprintf("/%d", id)} {
		s.as(t, "owner", "GET", members+path, "").want(t, path, 404)
	}
	s.as(t, "owner", "PUT", members+"/999999", `{"access_level":30}`).want(t, "no member", 404, "Member Not Found")
	s.as(t, "owner", "PUT", fmt.Sprintf("%s/%d", members, guest), `{}`).want(t, "no role", 400, "access_level is missing")
	s.as(t, "owner", "DELETE", members+"/999999", "").want(t, "no member", 404, "Member Not Found")
	s.as(t, "owner", "DELETE", fmt.Sprintf("%s/%d?skip_subresources=x", members, guest), "").want(t, "a wrong field", 400, "skip_subresources is invalid")

	// A bot has its role by its token.
	bot := s.as(t, "owner", "POST", "/projects/private-group%2Fproject/access_tokens", `{"name":"bot","scopes":["api"],"access_level":10}`).want(t, "bot", 201).made(t).UserID
	s.as(t, "owner", "PUT", fmt.Sprintf("%s/%d", members, bot), `{"access_level":50}`).want(t, "a bot", 403, "access token")
	s.as(t, "owner", "DELETE", fmt.Sprintf("%s/%d", members, bot), "").want(t, "a bot", 403, "access token")
	s.as(t, "owner", "POST", "/projects/public-group%2Fproject/members", fmt.Sprintf(`{"access_level":30,"user_id":%d}`, bot)).want(t, "a bot", 404, "User Not Found")
}

func TestNobodyGivesOrTakesARoleAboveTheirOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const members = "/projects/private-group%2Fproject/members"
	id, owner, maintainer := s.userID(t, "stranger"), s.userID(t, "owner"), s.userID(t, "maintainer")
	s.as(t, "maintainer", "POST", members, fmt.Sprintf(`{"user_id":%d,"access_level":50}`, id)).want(t, "give", 403, "access level 50 is above your own, 40")
	s.as(t, "maintainer", "PUT", fmt.Sprintf("%s/%d", members, maintainer), `{"access_level":50}`).want(t, "oneself", 403)
	s.as(t, "maintainer", "PUT", fmt.Sprintf("%s/%d", members, owner), `{"access_level":40}`).want(t, "lower an owner", 403)
	s.as(t, "maintainer", "DELETE", fmt.Sprintf("%s/%d", members, owner), "").want(t, "remove an owner", 403)
	s.as(t, "maintainer", "POST", members, fmt.Sprintf(`{"user_id":%d,"access_level":40}`, id)).want(t, "one's own", 201, `"access_level":40`)
	s.as(t, "owner", "PUT", fmt.Sprintf("%s/%d", members, id), `{"access_level":50}`).want(t, "an owner", 200, `"access_level":50`)
	s.as(t, "administrator", "PUT", fmt.Sprintf("%s/%d", members, owner), `{"access_level":10}`).want(t, "an administrator", 200)
	// Everybody may leave.
	guest := s.userID(t, "guest")
	s.as(t, "guest", "DELETE", fmt.Sprintf("%s/%d", members, s.userID(t, "reporter")), "").want(t, "somebody else", 403)
	s.as(t, "guest", "DELETE", fmt.Sprintf("%s/%d", members, guest), "").want(t, "leave", 204)
	s.as(t, "guest", "GET", members, "").want(t, "gone", 404)
}

func TestAGroupKeepsAnOwner(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, map[string]registry.AccessLevel{"owner": registry.Owner, "maintainer": registry.Maintainer})
	s.group(t, "acme/sub", registry.Private, map[string]registry.AccessLevel{"owner": registry.Owner})
	owner, other := s.userID(t, "owner"), s.userID(t, "maintainer")
	one := fmt.Sprintf("/groups/acme/members/%d", owner)
	for _, who := range []string{"owner", "administrator"} {
		s.as(t, who, "DELETE", one, "").want(t, who, 403, "last owner")
		s.as(t, who, "PUT", one, `{"access_level":40}`).want(t, who, 403, "last owner")
		s.as(t, who, "PUT", one, `{"access_level":50,"expires_at":"2999-01-01"}`).want(t, who, 403, "last owner")
	}
	s.exec(t, "update users set state = 'blocked' where id = $1", other)
	s.as(t, "owner", "PUT", fmt.Sprintf("/groups/acme/members/%d", other), `{"access_level":50}`).want(t, "another one", 200)
	s.as(t, "owner", "DELETE", one, "").want(t, "who is blocked", 403, "last owner")
	s.exec(t, "update users set state = 'active' where id = $1", other)
	s.as(t, "owner", "DELETE", one, "").want(t, "not the last", 204)
	if n := s.count(t, "select from memberships m join groups g on g.id = m.group_id where m.user_id = $1", owner); n != 0 {
		t.Error("what they had below is left")
	}

	// Below, somebody may be the last one.
	g := s.group(t, "beta", registry.Private, map[string]registry.AccessLevel{"reporter": registry.Developer})
	s.group(t, "beta/own", registry.Private, map[string]registry.AccessLevel{"reporter": registry.Owner})
	s.group(t, "beta/other", registry.Private, map[string]registry.AccessLevel{"reporter": registry.Maintainer})
	reporter := fmt.Sprintf("/groups/%d/members/%d", g.ID, s.userID(t, "reporter"))
	s.as(t, "administrator", "DELETE", reporter, "").want(t, "remove", 204)
	for path, status := range map[string]int{"/groups/beta%2Fown": 200, "/groups/beta%2Fother": 404, "/groups/beta": 404} {
		s.as(t, "reporter", "GET", path, "").want(t, path, status)
	}
	s.group(t, "gamma", registry.Private, map[string]registry.AccessLevel{"reporter": registry.Developer})
	s.group(t, "gamma/other", registry.Private, map[string]registry.AccessLevel{"reporter": registry.Maintainer})
	s.as(t, "administrator", "DELETE", fmt.Sprintf("/groups/gamma/members/%d?skip_subresources=true", s.userID(t, "reporter")), "").want(t, "only here", 204)
	s.as(t, "reporter", "GET", "/groups/gamma%2Fother", "").want(t, "kept below", 200)
}

func TestARoleIsNotBelowWhatIsInherited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, map[string]registry.AccessLevel{"stranger": registry.Developer})
	s.group(t, "acme/sub", registry.Private, nil)
	id := s.userID(t, "stranger")
	const members = "/groups/acme%2Fsub/members"
	body := func(level int) string { return fmt.Sprintf(`{"user_id":%d,"access_level":%d}`, id, level) }
	s.as(t, "administrator", "POST", members, body(20)).
		want(t, "lower", 400, `{"access_level":["should be greater than or equal to 30, inherited from the group \"acme\""]}`)
	s.as(t, "administrator", "GET", fmt.Sprintf("%s/%d", members, id), "").want(t, "not its own", 404)
	s.as(t, "administrator", "GET", fmt.Sprintf("%s/all/%d", members, id), "").want(t, "inherited", 200, `"access_level":30`)
	s.as(t, "administrator", "POST", members, body(40)).want(t, "higher", 201)
	s.as(t, "administrator", "PUT", fmt.Sprintf("%s/%d", members, id), `{"access_level":10}`).want(t, "lower", 400, "inherited")
	s.as(t, "administrator", "GET", fmt.Sprintf("%s/all/%d", members, id), "").want(t, "the highest", 200, `"access_level":40`)
	if got := s.as(t, "administrator", "GET", members+"/all", "").listed(t, "username"); got != "stranger" {
		t.Errorf("listed once: %s", got)
	}
}

// A role counts until its day, on every request.
func TestRolesEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, nil)
	if _, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/p"}); err != nil {
		t.Fatal(err)
	}
	id := s.userID(t, "stranger")
	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	s.as(t, "administrator", "POST", "/groups/acme/members", fmt.Sprintf(`{"user_id":%d,"access_level":30,"expires_at":"%s"}`, id, tomorrow)).
		want(t, "until tomorrow", 201, `"expires_at":"`+tomorrow+`"`, `"username":"stranger"`, `"state":"active"`, `"created_at":"2`)
	one := fmt.Sprintf("/groups/acme/members/%d", id)
	s.as(t, "administrator", "PUT", one, `{"access_level":40}`).want(t, "it stays", 200, `"expires_at":"`+tomorrow+`"`)
	for _, path := range []string{"/groups/acme", "/projects/acme%2Fp", "/projects/acme%2Fp/packages", "/groups/acme/members"} {
		s.as(t, "stranger", "GET", path, "").want(t, path, 200)
	}
	s.exec(t, "update memberships set expires_at = (now() at time zone 'utc')::date where user_id = $1", id)
	for _, path := range []string{"/groups/acme", "/projects/acme%2Fp", "/projects/acme%2Fp/packages", "/groups/acme/members"} {
		s.as(t, "stranger", "GET", path, "").want(t, path, 404)
	}
	for _, path := range []string{"/groups", "/projects?membership=true"} {
		if got := s.as(t, "stranger", "GET", path, "").listed(t, "id"); got != "" {
			t.Errorf("%s: %s", path, got)
		}
	}
	s.as(t, "administrator", "GET", one, "").want(t, "no member any more", 404)
	s.as(t, "administrator", "POST", "/groups/acme/members", `{"username":"stranger","access_level":20}`).want(t, "again", 201, `"expires_at":null`)
	s.as(t, "administrator", "PUT", one, fmt.Sprintf(`{"access_level":20,"expires_at":"%s"}`, tomorrow)).want(t, "an end", 200, tomorrow)
	s.as(t, "administrator", "PUT", one, `{"access_level":20,"expires_at":null}`).want(t, "no end", 200, `"expires_at":null`)
}

func TestMembersAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const members = "/projects/private-group%2Fproject/members"
	owner := s.userID(t, "owner")
	for query, want := range map[string]string{
		"?query=AINT":                                  "maintainer",
		fmt.Sprintf("?user_ids[]=%d", owner):           "owner",
		fmt.Sprintf("?skip_users[]=%d&query=o", owner): "reporter developer",
		fmt.Sprintf("?user_ids[]=%d&user_ids[]=%d", owner, s.userID(t, "guest")): "guest owner",
		"?page=9": "",
	} {
		got := strings.Fields(s.as(t, "guest", "GET", members+query, "").want(t, query, 200).listed(t, "username"))
		if len(got) != len(strings.Fields(want)) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		for _, name := range got {
			if !strings.Contains(want, name) {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
	h := s.as(t, "guest", "GET", members+"?per_page=2&page=2", "").header
	if h.Get("X-Total") != "5" || h.Get("X-Total-Pages") != "3" || h.Get("X-Next-Page") != "3" {
		t.Errorf("%v", h)
	}
	for query, says := range map[string]string{"?user_ids[]=x": "user_ids is invalid", "?page=x": "page is invalid", "?query=%00": "query is invalid", "?skip_users=1,2": "skip_users is invalid"} {
		s.as(t, "guest", "GET", members+query, "").want(t, query, 400, says)
	}
}
