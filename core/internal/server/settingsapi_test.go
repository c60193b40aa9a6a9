package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestSettingsByRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Public, rolesByName())
	for place, least := range map[string]string{"/groups/acme/package_settings": "owner", "/projects/public-group%2Fproject/package_settings": "maintainer"} {
		for _, c := range []struct{ method, path, body string }{
			{"GET", place, ""},
			{"PUT", place, `{"allow_reuse_after_delete":true}`},
			{"GET", place + "/maven", ""},
			{"PUT", place + "/maven", `{"keep_snapshots":1}`},
		} {
			what := c.method + " " + c.path
			s.as(t, "", c.method, c.path, c.body).want(t, what, 401)
			done := false
			for _, who := range []string{"stranger", "guest", "reporter", "developer", "maintainer", "owner", "administrator"} {
				want := 403
				if done = done || who == least; done {
					want = 200
				}
				s.as(t, who, c.method, c.path, c.body).want(t, what+" by "+who, want)
			}
		}
	}
	s.as(t, "stranger", "GET", "/groups/private-group/package_settings", "").want(t, "hidden", 404)
	s.as(t, "stranger", "PUT", "/projects/private-group%2Fproject/package_settings/npm", `{}`).want(t, "hidden", 404)
	s.as(t, "maintainer with read_api", "GET", "/projects/private-group%2Fproject/package_settings", "").want(t, "reading", 200)
	s.as(t, "maintainer with read_api", "PUT", "/projects/private-group%2Fproject/package_settings", `{}`).want(t, "the scope", 403, "insufficient_scope")
	s.as(t, "owner", "DELETE", "/projects/private-group%2Fproject/package_settings/npm", "").want(t, "no method", 405)
}

func TestSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const place = "/projects/private-group%2Fproject/package_settings"
	const none = "duplicates_allowed, duplicate_exception_regex, keep_snapshots, max_file_size, inherited are missing, at least one parameter must be provided"
	for body, says := range map[string]string{
		`{}`:                            none,
		`{"inherited":false}`:           "inherited does not have a valid value",
		`{"inherited":"x"}`:             "inherited is invalid",
		`{"duplicates_allowed":"some"}`: "duplicates_allowed is invalid",
		`{"keep_snapshots":-1}`:         "keep_snapshots does not have a valid value",
		`{"keep_snapshots":4294967296}`: "keep snapshots 4294967296",
		`{"max_file_size":"1G"}`:        "max_file_size is invalid",
		`{"max_file_size":-1}`:          "max_file_size does not have a valid value",
		`{"inherited":true,"max_file_size":1,"keep_snapshots":1}`:                                     "inherited, keep_snapshots are mutually exclusive, inherited, max_file_size are mutually exclusive",
		`{"duplicate_exception_regex":".*"}`:                                                          "an exception from what?",
		`{"duplicates_allowed":false,"duplicate_exception_regex":"("}`:                                "is not RE2",
		`{"duplicates_allowed":false,"duplicate_exception_regex":"` + strings.Repeat("a", 256) + `"}`: "longer than 255",
	} {
		s.as(t, "maintainer", "PUT", place+"/maven", body).want(t, body, 400, says)
	}
	for body, says := range map[string]string{
		`{}`: "allow_reuse_after_delete, inherited are missing, at least one parameter must be provided", `{"allow_reuse_after_delete":7}`: "allow_reuse_after_delete is invalid",
		`{"allow_reuse_after_delete":true,"inherited":true}`: "inherited, allow_reuse_after_delete are mutually exclusive",
	} {
		s.as(t, "maintainer", "PUT", place, body).want(t, body, 400, says)
	}
	s.as(t, "maintainer", "GET", place+"/floppy", "").want(t, "no format", 404, "Format Not Found")
	s.as(t, "maintainer", "PUT", place+"/floppy", `{}`).want(t, "no format", 404, "Format Not Found")
}

func TestTheNearestDecidesByHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.group(t, "acme", registry.Private, nil)
	s.group(t, "acme/web", registry.Private, nil)
	if _, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/web/p"}); err != nil {
		t.Fatal(err)
	}
	const who, top, sub, project = "administrator", "/groups/acme/package_settings", "/groups/acme%2Fweb/package_settings", "/projects/acme%2Fweb%2Fp/package_settings"
	s.as(t, who, "GET", project+"/maven", "").want(t, "nobody", 200,
		`{"format":"maven","duplicates_allowed":null,"duplicate_exception_regex":"","keep_snapshots":0,"max_file_size":0,"inherited":true,"decided_by":null}`)
	s.as(t, who, "PUT", top+"/maven", `{"duplicates_allowed":false,"duplicate_exception_regex":".*-SNAPSHOT"}`).
		want(t, "the top", 200, `"duplicates_allowed":false`, `"duplicate_exception_regex":".*-SNAPSHOT"`, `"inherited":false`, `"decided_by":"acme"`)
	s.as(t, who, "GET", project+"/maven", "").want(t, "inherited", 200, `"duplicates_allowed":false`, `"inherited":true`, `"decided_by":"acme"`)
	s.as(t, who, "PUT", project+"/maven", `{"max_file_size":1000}`).
		want(t, "takes over", 200, `"duplicates_allowed":false`, `"duplicate_exception_regex":".*-SNAPSHOT"`, `"max_file_size":1000`, `"inherited":false`, `"decided_by":"acme/web/p"`)
	s.as(t, who, "PUT", sub+"/maven", `{"keep_snapshots":3,"duplicates_allowed":true}`).want(t, "between", 200, `"keep_snapshots":3`, `"decided_by":"acme/web"`)
	s.as(t, who, "GET", project+"/maven", "").want(t, "its own", 200, `"keep_snapshots":0`, `"decided_by":"acme/web/p"`)
	s.as(t, who, "PUT", project+"/maven", `{"inherited":true}`).want(t, "back", 200, `"keep_snapshots":3`, `"max_file_size":0`, `"inherited":true`, `"decided_by":"acme/web"`)
	s.as(t, who, "PUT", sub+"/maven", `{"inherited":true}`).want(t, "back", 200, `"keep_snapshots":0`, `"inherited":true`, `"decided_by":"acme"`)
	s.as(t, who, "PUT", top+"/maven", `{"inherited":true}`).want(t, "back", 200, `"duplicates_allowed":null`, `"inherited":true`, `"decided_by":null`)

	reuse := func(allowed, inherited bool, by string) string {
		return fmt.Sprintf(`{"allow_reuse_after_delete":%t,"inherited":%t,"decided_by":%s}`, allowed, inherited, by)
	}
	s.as(t, who, "GET", project, "").want(t, "nobody", 200, reuse(false, true, "null"))
	s.as(t, who, "PUT", top, `{"allow_reuse_after_delete":true}`).want(t, "the top", 200, reuse(true, false, `"acme"`))
	s.as(t, who, "GET", project, "").want(t, "inherited", 200, reuse(true, true, `"acme"`))
	s.as(t, who, "PUT", sub, `{"allow_reuse_after_delete":false}`).want(t, "between", 200, reuse(false, false, `"acme/web"`))
	s.as(t, who, "GET", project, "").want(t, "inherited", 200, reuse(false, true, `"acme/web"`))
	s.as(t, who, "PUT", project, `{"allow_reuse_after_delete":true}`).want(t, "its own", 200, reuse(true, false, `"acme/web/p"`))
	s.as(t, who, "PUT", project, `{"inherited":"true"}`).want(t, "back", 200, reuse(false, true, `"acme/web"`))
}
