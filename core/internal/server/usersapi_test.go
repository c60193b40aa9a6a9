package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// id is that of what the management API has made.
func (a said) id(t *testing.T) int64 {
	t.Helper()
	var doc struct{ ID int64 }
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || doc.ID == 0 {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return doc.ID
}

// listed are the values of a member of the documents of a list, in their order.
func (a said) listed(t *testing.T, member string) string {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		all = append(all, fmt.Sprint(one[member]))
	}
	return strings.Join(all, " ")
}

// as asks as somebody of a role on all projects of the site.
func (s *site) as(t *testing.T, who, method, path, body string) said {
	t.Helper()
	return s.manage(t, method, "/api/v4"+path, s.tokens[who], body)
}

// userID is that of somebody of a role.
func (s *site) userID(t *testing.T, role string) int64 {
	t.Helper()
	u, err := s.accounts.FindUser(t.Context(), role)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func TestUsersAreForAdministrators(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	one := fmt.Sprintf("/users/%d", s.userID(t, "guest"))
	const body = `{"username":"new","name":"New","force_random_password":true}`
	for _, c := range []struct {
		method, path, body string
		statuses           map[string]int // by who asks
	}{
		{"GET", "/user", "", map[string]int{"": 401, "guest": 200, "administrator": 200, "maintainer with read_api": 200}},
		{"GET", "/users", "", map[string]int{"": 401, "stranger": 200, "administrator": 200, "maintainer with read_api": 200}},
		{"GET", one, "", map[string]int{"": 401, "stranger": 200, "administrator": 200}},
		{"GET", "/users/999999", "", map[string]int{"": 401, "stranger": 404, "administrator": 404}},
		{"GET", "/users/guest", "", map[string]int{"": 401, "stranger": 404}},
		{"POST", "/users", body, map[string]int{"": 401, "owner": 403, "maintainer with read_api": 403, "administrator": 201}},
		{"PUT", one, `{"name":"G"}`, map[string]int{"": 401, "guest": 403, "owner": 403, "administrator": 200}},
		{"POST", one + "/block", "", map[string]int{"": 401, "owner": 403, "administrator": 201}},
		{"POST", one + "/unblock", "", map[string]int{"": 401, "owner": 403, "administrator": 201}},
		{"PATCH", one, "", map[string]int{"administrator": 405}},
		{"DELETE", "/users", "", map[string]int{"administrator": 405}},
		{"DELETE", one, "", map[string]int{"": 401, "owner": 403}},
		{"DELETE", one, "", map[string]int{"administrator": 204}},
		{"DELETE", one, "", map[string]int{"administrator": 404}},
	} {
		for who, status := range c.statuses {
			s.as(t, who, c.method, c.path, c.body).want(t, fmt.Sprintf("%s %s by %q", c.method, c.path, who), status)
		}
	}
}

func TestUsersAreMadeAndChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const who = "administrator"
	for body, says := range map[string]string{
		`{}`: `"username is missing, name is missing, password, reset_password, force_random_password are missing, at least one parameter must be provided"`,
		`{"username":"","name":"N","password":"12345678"}`:                                          "username is empty",
		`{"username":"new","name":"N","password":""}`:                                               "password is empty",
		`{"username":"new","name":"N","password":"short"}`:                                          `"message":{"password":["is shorter than 8 characters"]}`,
		`{"username":"a b","name":"N","password":"12345678"}`:                                       `"message":{"username":["\"a b\" can contain only`,
		`{"username":"admin","name":"N","password":"12345678"}`:                                     "reserved name",
		`{"username":"new","name":"N","password":"12345678","admin":9}`:                             "admin is invalid",
		`{"username":"new","name":{"a":1},"password":"12345678"}`:                                   "name is invalid",
		fmt.Sprintf(`{"username":"new","name":%q,"password":"12345678"}`, strings.Repeat("ü", 256)): `{"name":["is longer than 255 characters"]}`,
	} {
		s.as(t, who, "POST", "/users", body).want(t, body, 400, says)
	}
	s.as(t, who, "POST", "/users", `{"username":"GUEST","name":"N","reset_password":true}`).want(t, "a name that is taken", 409, "has already been taken")
	made := s.as(t, who, "POST", "/users", `{"username":"new","name":"New One","password":"long enough","admin":true}`).
		want(t, "create", 201, `"username":"new"`, `"name":"New One"`, `"state":"active"`, `"is_admin":true`, `"bot":false`, `"created_at":"2`)
	one := fmt.Sprintf("/users/%d", made.id(t))
	s.as(t, who, "PUT", one, `{"name":"Newer","username":"newer","admin":false,"password":"even longer"}`).want(t, "change", 200, `"name":"Newer"`, `"username":"newer"`, `"is_admin":false`)
	s.as(t, who, "PUT", one, `{"username":"guest"}`).want(t, "taken", 409)
	s.as(t, who, "PUT", one, `{"username":""}`).want(t, "empty", 400, `"username":["is empty"]`)
	s.as(t, who, "PUT", one, `{"password":""}`).want(t, "no password", 400, "password is empty")
	if doc := s.as(t, "guest", "GET", one, "").want(t, "as others see it", 200, `"username":"newer"`); strings.Contains(doc.body, "admin") || strings.Contains(doc.body, "created_at") {
		t.Error(doc.body)
	}
	s.as(t, "guest", "GET", "/user", "").want(t, "oneself", 200, `"username":"guest"`, `"is_admin":false`, `"created_at"`)

	// A blocked user's tokens are refused from the next request on.
	guest := fmt.Sprintf("/users/%d", s.userID(t, "guest"))
	s.as(t, who, "POST", guest+"/block", "").want(t, "block", 201, "true")
	s.as(t, "guest", "GET", "/user", "").want(t, "blocked", 403, "Your account has been blocked")
	s.as(t, who, "GET", guest, "").want(t, "blocked", 200, `"state":"blocked"`)
	s.as(t, who, "POST", guest+"/unblock", "").want(t, "unblock", 201, "true")
	s.as(t, "guest", "GET", "/user", "").want(t, "unblocked", 200)

	// Nobody locks themselves out.
	self := fmt.Sprintf("/users/%d", s.userID(t, who))
	s.as(t, who, "POST", self+"/block", "").want(t, "block oneself", 403, "cannot be blocked by the API")
	s.as(t, who, "DELETE", self, "").want(t, "delete oneself", 403)
	s.as(t, who, "PUT", self, `{"admin":"false"}`).want(t, "be no administrator any more", 403)
}

func TestUsersAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec(t, "update users set name = 'Gustav' where username = 'guest'")
	s.exec(t, "update users set state = 'blocked' where username = 'stranger'")
	for query, want := range map[string]string{
		"?order_by=username&sort=asc":          "administrator developer guest maintainer owner reporter stranger",
		"?order_by=username&per_page=2&page=3": "guest developer",
		"?search=USTA":                         "guest",
		"?search=GUES":                         "guest",
		"?username=Owner":                      "owner",
		"?username=own":                        "",
		"?blocked=true":                        "stranger",
		"?active=true&search=r&order_by=username&sort=asc": "administrator developer maintainer owner reporter",
		"?admins=true": "administrator",
		"?order_by=name&sort=asc&search=er&active=true": "developer maintainer owner reporter",
		"?page=9": "",
		"?without_project_bots=true&search=e&username=GUEST&": "guest",
	} {
		if got := s.as(t, "administrator", "GET", "/users"+query, "").want(t, query, 200).listed(t, "username"); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if got := s.as(t, "guest", "GET", "/users?admins=true&search=o", "").listed(t, "username"); !strings.Contains(got, "owner") {
		t.Errorf("who is an administrator is not for guests to ask: %s", got)
	}
	for query, says := range map[string]string{
		"?order_by=age": "order_by does not have a valid value", "?page=0": "page does not have a valid value",
		"?blocked=2": "blocked is invalid", "?search=%00": "search is invalid", "?sort=up": "sort does not have a valid value",
	} {
		s.as(t, "administrator", "GET", "/users"+query, "").want(t, query, 400, says)
	}
	h := s.as(t, "guest", "GET", "/users?per_page=3&page=2", "").header
	if h.Get("X-Total") != "7" || h.Get("X-Total-Pages") != "3" || h.Get("X-Next-Page") != "3" || h.Get("X-Prev-Page") != "1" || !strings.Contains(h.Get("Link"), `page=3&per_page=3>; rel="last"`) {
		t.Errorf("%v", h)
	}
	if h := s.as(t, "guest", "GET", "/users?page=9", "").header; h.Get("X-Total") != "7" || h.Get("X-Next-Page") != "" {
		t.Errorf("beyond the end: %v", h)
	}
}

func TestADeletedUserLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.userID(t, "developer")
	pkg, _ := s.publish(t, "private", "npm", "a", "1", "a")
	s.exec(t, "update packages set creator_user_id = $2 where id = $1", pkg, id)
	g, err := s.accounts.FindGroup(t.Context(), "private-group")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.accounts.AddMember(t.Context(), id, g.ID, 0, registry.Owner); err != nil {
		t.Fatal(err)
	}
	one := fmt.Sprintf("/users/%d", id)
	s.as(t, "administrator", "DELETE", one, "").want(t, "the only owner", 409, `the only owner of the group \"private-group\"`)
	if err := s.accounts.AddMember(t.Context(), s.userID(t, "owner"), g.ID, 0, registry.Owner); err != nil {
		t.Fatal(err)
	}
	s.as(t, "administrator", "DELETE", one, "").want(t, "one of two", 204)
	for _, table := range []string{"memberships", "tokens"} {
		if n := s.count(t, "select from "+table+" where user_id = $1", id); n != 0 {
			t.Errorf("%d %s are left", n, table)
		}
	}
	if n := s.count(t, "select from packages where id = $1 and creator_user_id is null", pkg); n != 1 {
		t.Error("the package is gone")
	}
	s.as(t, "developer", "GET", "/user", "").want(t, "their token", 401)
	if _, err := s.accounts.CreateUser(t.Context(), accounts.NewUser{Username: "developer"}); err != nil {
		t.Errorf("the name is free again: %v", err)
	}
}
