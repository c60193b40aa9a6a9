package server_test

import (
	"crypto/md5" //nolint:gosec // a digest of GitLab's API
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// The numbers in names of cases are those of the list that this registry keeps
// of what GitLab's own tests assert.

func TestPackagesAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, name := range []string{"d-first", "b-second", "c-nuget", "a-fourth"} {
		format := []string{"npm", "maven", "nuget", "npm"}[i]
		id, _ := s.publish(t, "private", format, name, []string{"1.0.0", "2.0.4", "3.0.0", "0.9.0"}[i], name)
		s.exec(t, "update packages set created_at = timestamptz '2026-01-01 10:00:00.1234Z' + $2 * interval '1 hour' where id = $1", id, i)
	}
	for name, status := range map[string]string{"hidden": "hidden", "broken": "error", "busy": "processing", "old": "deprecated"} {
		id, _ := s.publish(t, "private", "pypi", name, "9", name)
		s.exec(t, "update packages set status = $2, created_at = '2027-01-01' where id = $1", id, status)
	}
	s.publish(t, "private", "terraform_module", "net/aws", "1.0.0", "module")
	id, _ := s.publish(t, "private", "maven", "holder", "1", "holder")
	s.exec(t, "update packages set version = null, version_key = '' where id = $1", id)
	s.exec(t, "delete from packages where name = 'old'")

	const four = "d-first b-second c-nuget a-fourth"
	for _, c := range []struct{ name, query, want string }{
		{"10, 14, 21, 22: no parameters", "", four + " broken"},
		{"11: terraform modules when asked for", "package_type=terraform_module", "net/aws"},
		{"13: the first page", "per_page=2&page=1", "d-first b-second"},
		{"13: the second page", "per_page=2&page=2", "c-nuget a-fourth"},
		{"15: by name", "order_by=name&status=default", "a-fourth b-second c-nuget d-first"},
		{"15: by name, descending", "order_by=name&status=default&sort=desc", "d-first c-nuget b-second a-fourth"},
		{"15: by version", "order_by=version&status=default", "a-fourth d-first b-second c-nuget"},
		{"15: by type", "order_by=type&status=default", "b-second d-first a-fourth c-nuget"},
		{"15: by creation, descending", "order_by=created_at&status=default&sort=desc", "a-fourth c-nuget b-second d-first"},
		{"16: one type", "package_type=npm", "d-first a-fourth"},
		{"16: a type that has none", "package_type=conan", ""},
		{"18: a fuzzy name", "package_name=NUGET", "c-nuget"},
		{"18: several words", "package_name=r+d-", "d-first"},
		{"18: a wildcard is text", "package_name=%25", ""},
		{"19: a version", "package_version=2.0.4", "b-second"},
		{"20: a version, and those without", "package_version=2.0.4&include_versionless=true", "b-second"},
		{"21: without a version", "package_type=maven&include_versionless=true", "b-second holder"},
		{"21: likewise", "package_type=maven&include_versionless=1", "b-second holder"},
		{"21: not without a version", "package_type=maven&include_versionless=false", "b-second"},
		{"21: likewise not", "package_type=maven&include_versionless=0", "b-second"},
		{"21: nothing said", "package_type=maven&include_versionless=", "b-second"},
		{"22: hidden ones when asked for", "status=hidden", "hidden"},
		{"processing ones when asked for", "status=processing", "busy"},
		{"beyond the end", "page=9", ""},
		{"more than a page may have", "per_page=1000", four + " broken"},
		{"a parameter twice: the last", "package_type=npm&package_type=nuget", "c-nuget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := s.ask(t, "guest", "GET", s.base("private")+"?"+c.query)
			if got := r.names(t); r.status != http.StatusOK || got != c.want {
				t.Errorf("%d %q, want %q", r.status, got, c.want)
			}
		})
	}
}

func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id, _ := s.publish(t, "public", "npm", "a", "1", "a")
	files := fmt.Sprintf("%s/%d/package_files", s.base("public"), id)
	for _, c := range []struct{ path, query, want string }{
		{s.base("public"), "package_type=foo", "package_type does not have a valid value"}, // 17
		{s.base("public"), "status=invalid", "status does not have a valid value"},         // 23
		{s.base("public"), "status=", "status does not have a valid value"},
		{s.base("public"), "order_by=id", "order_by does not have a valid value"},
		{s.base("public"), "sort=up", "sort does not have a valid value"},
		{s.base("public"), "page=x", "page is invalid"},
		{s.base("public"), "page=0", "page does not have a valid value"},
		{s.base("public"), "page=99999999999999999999", "page is invalid"},
		{s.base("public"), "per_page=-1", "per_page does not have a valid value"},
		{s.base("public"), "include_versionless=perhaps", "include_versionless is invalid"},
		{s.base("public"), "package_name=a%00", "package_name is invalid"},
		{s.base("public"), "package_version=%ff", "package_version is invalid"},
		{s.base("public"), "sort=up&status=x", "sort does not have a valid value, status does not have a valid value"},
		{s.base("public"), "package_name=%zz", "the query is invalid"},
		{files, "order_by=name", "order_by does not have a valid value"},
		{files, "sort=up&per_page=0", "sort does not have a valid value, per_page does not have a valid value"},
	} {
		var doc map[string]string
		r := s.ask(t, "", "GET", c.path+"?"+c.query)
		r.into(t, &doc)
		if r.status != http.StatusBadRequest || doc["error"] != c.want || doc["message"] != "" || doc["request_id"] == "" {
			t.Errorf("%s: %d %s", c.query, r.status, r.body)
		}
	}
}

func TestListsSayWhereAPageLies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 5 {
		s.publish(t, "public", "npm", fmt.Sprintf("n%d", i), "1", "x")
	}
	url := s.url + s.base("public")
	for query, want := range map[string]map[string]string{
		"?per_page=2": {
			"X-Page": "1", "X-Per-Page": "2", "X-Prev-Page": "", "X-Next-Page": "2", "X-Total": "5", "X-Total-Pages": "3",
			"Link": "<" + url + `?page=2&per_page=2>; rel="next", <` + url + `?page=1&per_page=2>; rel="first", <` + url + `?page=3&per_page=2>; rel="last"`,
		},
		"?page=3&per_page=2&sort=desc": {
			"X-Page": "3", "X-Prev-Page": "2", "X-Next-Page": "", "X-Total": "5", "X-Total-Pages": "3",
			"Link": "<" + url + `?page=2&per_page=2&sort=desc>; rel="prev", <` + url + `?page=1&per_page=2&sort=desc>; rel="first", <` + url + `?page=3&per_page=2&sort=desc>; rel="last"`,
		},
		"?package_name=absent": {
			"X-Page": "1", "X-Per-Page": "20", "X-Prev-Page": "", "X-Next-Page": "", "X-Total": "0", "X-Total-Pages": "1",
			"Link": "<" + url + `?package_name=absent&page=1&per_page=20>; rel="first", <` + url + `?package_name=absent&page=1&per_page=20>; rel="last"`,
		},
		"?page=4&per_page=2": {"X-Page": "4", "X-Prev-Page": "", "X-Next-Page": "", "X-Total": "5"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			r := s.ask(t, "", method, s.base("public")+query)
			for name, value := range want {
				if got, there := r.header[http.CanonicalHeaderKey(name)]; !there || got[0] != value {
					t.Errorf("%s %s: %s is %q, want %q", method, query, name, got, value)
				}
			}
			if (method == "HEAD") != (r.body == "") {
				t.Errorf("%s %s: %q", method, query, r.body)
			}
		}
	}
	s.exec(t, `
		insert into packages (project_id, format, name, version, name_key, version_key)
		select $1, 'npm', 'many', i, 'many', i from generate_series(1, 10000) i`, s.projects["public"].ID)
	r := s.ask(t, "", "GET", s.base("public")+"?per_page=1")
	if r.header["X-Total"] != nil || r.header["X-Total-Pages"] != nil || strings.Contains(r.header.Get("Link"), `rel="last"`) || r.header.Get("X-Next-Page") != "2" {
		t.Errorf("of more than can be counted: %v", r.header)
	}
}

// everyRole is all callers, for tables whose letters are in this order.
func everyRole() []string {
	return []string{"", "stranger", "guest", "reporter", "developer", "maintainer", "owner", "administrator", "maintainer with read_api"}
}

func TestWhoMayDoWhatWithPackages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.newProject(t, "disabled", registry.Public)
	s.exec(t, "update projects set package_access_level = 'disabled' where id = $1", s.projects["disabled"].ID)
	s.newProject(t, "open", registry.Private)
	s.exec(t, "update projects set package_access_level = 'public' where id = $1", s.projects["open"].ID)
	// For each project what a read and what a deletion come to: + is success, 3 is 403, 4 is 404.
	//            anonymous, stranger
	//            |  guest, reporter, developer
	//            |  |   maintainer, owner, administrator
	//            |  |   |   maintainer with read_api
	for project, want := range map[string][2]string{
		"public":   {"++ +++ +++ +", "33 333 +++ 3"}, // 1, 48, 49, 51, 64, 65, 68
		"internal": {"4+ +++ +++ +", "43 333 +++ 3"},
		"private":  {"44 +++ +++ +", "44 333 +++ 3"}, // 2, 3, 4, 41, 50, 60, 69
		// Members of the projects above are strangers to those below.
		"disabled": {"33 333 333 3", "33 333 333 3"},
		"open":     {"++ +++ +++ +", "33 333 33+ 3"},
	} {
		for i, who := range everyRole() {
			t.Run(project+"/"+who, func(t *testing.T) {
				t.Parallel()
				pkg, file := s.publish(t, project, "npm", "p-"+strings.ReplaceAll(who, " ", "-"), "1", "bytes")
				one := fmt.Sprintf("%s/%d", s.base(project), pkg)
				theFile := fmt.Sprintf("%s/package_files/%d", one, file)
				check := func(method, path string, success int, want string) {
					t.Helper()
					status := map[byte]int{'+': success, '3': http.StatusForbidden, '4': http.StatusNotFound}[strings.ReplaceAll(want, " ", "")[i]]
					r := s.ask(t, who, method, path)
					if r.status != status {
						t.Errorf("%s %s: %d, want %d: %s", method, path, r.status, status, r.body)
					}
					if r.header.Get("Www-Authenticate") != "" {
						t.Errorf("%s %s: a challenge: %v", method, path, r.header)
					}
				}
				for _, method := range []string{"GET", "HEAD"} {
					check(method, s.base(project), http.StatusOK, want[0])
					check(method, one, http.StatusOK, want[0])
					check(method, one+"/package_files", http.StatusOK, want[0])
					check(method, theFile+"/download", http.StatusOK, want[0])
				}
				check("DELETE", theFile, http.StatusNoContent, want[1])
				check("DELETE", one, http.StatusNoContent, want[1])
				gone := strings.ReplaceAll(want[1], " ", "")[i] == '+'
				if n := s.count(t, "select from packages where id = $1", pkg); (n == 0) != gone {
					t.Errorf("%d packages are left", n)
				}
			})
		}
	}
}

func TestCredentialsOfPackagesAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	blocked, err := s.accounts.CreateUser(t.Context(), accounts.NewUser{Username: "blocked"})
	if err != nil {
		t.Fatal(err)
	}
	blockedToken := s.token(t, blocked, "api")
	if err := s.accounts.BlockUser(t.Context(), "blocked", true); err != nil {
		t.Fatal(err)
	}
	deploy, _, err := s.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{
		ProjectID: s.projects["private"].ID, Scopes: []string{"read_package_registry", "write_package_registry"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ofPublic, _, err := s.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{
		ProjectID: s.projects["public"].ID, Scopes: []string{"write_package_registry"},
	})
	if err != nil {
		t.Fatal(err)
	}
	pkg, _ := s.publish(t, "public", "npm", "a", "1", "x")
	public, private := s.base("public"), s.base("private")
	for _, c := range []struct {
		name, method, path, header, value string
		want                              int
		body                              string
	}{
		{"an unknown token", "GET", public, "PRIVATE-TOKEN", "glpat-nonsense", 401, `{"message":"401 Unauthorized"`},
		{"an unknown Bearer token", "GET", private, "Authorization", "Bearer nonsense", 401, `{"message":"401 Unauthorized"`},
		{"a job token", "GET", public, "JOB-TOKEN", "glcbt-x", 401, `{"message":"401 Unauthorized"`},
		{"a person as Bearer", "GET", private, "Authorization", "Bearer " + s.tokens["guest"], 200, "[]"},
		{"someone blocked", "GET", public, "PRIVATE-TOKEN", blockedToken, 403, "blocked"},
		{"a deploy token is nobody", "GET", private, "Deploy-Token", deploy, 404, `{"message":"404 Project Not Found"`},
		{"a deploy token sees what nobody sees", "GET", public, "Deploy-Token", deploy, 200, `"name":"a"`},
		{"a deploy token deletes nothing", "DELETE", fmt.Sprintf("%s/%d", public, pkg), "Deploy-Token", ofPublic, 403, `{"message":"403 Forbidden"`},
		{"a deploy token as Bearer is unknown", "GET", private, "Authorization", "Bearer " + deploy, 401, "401"},
		{"a deploy token in a person's header", "GET", private, "PRIVATE-TOKEN", deploy, 401, "401"},
		{"too narrow a token", "DELETE", fmt.Sprintf("%s/%d", public, pkg), "PRIVATE-TOKEN", s.tokens["maintainer with read_api"], 403, `{"error":"insufficient_scope","error_description":"`},
	} {
		r := s.ask(t, "", c.method, c.path, c.header, c.value)
		if r.status != c.want || !strings.Contains(r.body, c.body) {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
	}
	if r := s.ask(t, "guest", "GET", public, "Authorization", "Bearer "+s.tokens["owner"]); r.status != http.StatusBadRequest {
		t.Errorf("two credentials: %d %s", r.status, r.body)
	}
	if n := s.count(t, "select from packages where id = $1", pkg); n != 1 {
		t.Error("the package is gone")
	}
}

func TestOnePackageIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, _ := s.publish(t, "public", "npm", "@acme/web", "1.0.0", "one")
	second, _ := s.publish(t, "public", "npm", "@acme/web", "2.0.0", "two")
	foreign, _ := s.publish(t, "private", "npm", "@acme/web", "3.0.0", "three")
	s.exec(t, "update packages set created_at = '2026-02-03 04:05:06.789123+02', creator_user_id = (select id from users where username = 'developer') where id = $1", first)
	one := fmt.Sprintf("%s/%d", s.base("public"), first)

	var doc struct {
		ID               int64
		Name             string
		Version          string
		PackageType      string `json:"package_type"`
		Status           string
		Links            map[string]string `json:"_links"`
		CreatedAt        string            `json:"created_at"`
		LastDownloadedAt *string           `json:"last_downloaded_at"`
		CreatorID        *int64            `json:"creator_id"`
		Tags             []map[string]any
		Pipelines        *[]any
		Versions         []struct {
			ID        int64
			Version   string
			CreatedAt string `json:"created_at"`
			Tags      []struct{ Name string }
		}
	}
	r := s.ask(t, "maintainer", "GET", one)
	r.into(t, &doc)
	if r.status != http.StatusOK || doc.ID != first || doc.Name != "@acme/web" || doc.Version != "1.0.0" || doc.PackageType != "npm" || doc.Status != "default" ||
		doc.CreatedAt != "2026-02-03T02:05:06.789Z" || doc.LastDownloadedAt != nil || doc.CreatorID == nil || len(doc.Tags) != 0 || // 38, 42
		doc.Pipelines == nil || len(*doc.Pipelines) != 0 { // 27, as far as there are no pipelines
		t.Errorf("%s", r.body)
	}
	if len(doc.Versions) != 1 || doc.Versions[0].ID != second || doc.Versions[0].Version != "2.0.0" || len(doc.Versions[0].Tags) != 1 || doc.Versions[0].Tags[0].Name != "latest" {
		t.Errorf("versions %+v", doc.Versions)
	}
	if want := s.url + one; len(doc.Links) != 1 || doc.Links["delete_api_path"] != want {
		t.Errorf("_links %v, want %s", doc.Links, want)
	}
	if got := r.header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("Cache-Control is %q", got)
	}
	t.Run("25: only those who may delete are told where", func(t *testing.T) {
		t.Parallel()
		for _, who := range everyRole() {
			told := slices.Contains([]string{"maintainer", "owner", "administrator"}, who)
			for _, path := range []string{one, s.base("public")} {
				if r := s.ask(t, who, "GET", path); strings.Contains(r.body, "delete_api_path") != told || !strings.Contains(r.body, `"_links":{`) {
					t.Errorf("%q: %s", who, r.body)
				}
			}
		}
	})
	t.Run("24: a list does not show versions, and 42: a deploy token is no creator", func(t *testing.T) {
		t.Parallel()
		r := s.ask(t, "", "GET", s.base("public"))
		if strings.Contains(r.body, "versions") || !strings.Contains(r.body, `"creator_id":null`) || !strings.Contains(r.body, `"name":"latest"`) {
			t.Errorf("%s", r.body)
		}
	})
	t.Run("a project by its path", func(t *testing.T) {
		t.Parallel()
		if r := s.ask(t, "", "GET", fmt.Sprintf("/api/v4/projects/public-group%%2Fproject/packages/%d", first)); r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	t.Run("39: what is not there", func(t *testing.T) {
		t.Parallel()
		files := one + "/package_files"
		for path, sentence := range map[string]string{
			fmt.Sprintf("%s/%d", s.base("public"), 1<<40):                            "Package Not Found",
			fmt.Sprintf("%s/%d", s.base("public"), foreign):                          "Package Not Found",
			fmt.Sprintf("%s/%d/package_files", s.base("public"), 1<<40):              "Package Not Found", // 59
			fmt.Sprintf("%s/%d/package_files/1/download", s.base("public"), foreign): "Package Not Found",
			files + "/1099511627776/download":                                        "File Not Found",
			s.base("public") + "/npm":                                                "Not Found",
			s.base("public") + "/npm/x":                                              "Not Found",
			s.base("public") + "/0x1":                                                "Not Found",
			s.base("public") + "/-1":                                                 "Not Found",
			s.base("public") + "/99999999999999999999":                               "Not Found",
			files + "/x/download":                                                    "Not Found",
			files + "/":                                                              "Not Found",
			"/api/v4/projects/999999/packages":                                       "Project Not Found",
			"/api/v4/projects/public-group/packages":                                 "Project Not Found",
		} {
			if r := s.ask(t, "maintainer", "GET", path); r.status != http.StatusNotFound || !strings.Contains(r.body, `"404 `+sentence+`"`) {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
		for _, path := range []string{fmt.Sprintf("%s/%d", s.base("public"), foreign), fmt.Sprintf("%s/%d", s.base("public"), 1<<40), files + "/1099511627776"} {
			if r := s.ask(t, "maintainer", "DELETE", path); r.status != http.StatusNotFound { // 52, 66
				t.Errorf("DELETE %s: %d %s", path, r.status, r.body)
			}
		}
	})
	t.Run("other methods", func(t *testing.T) {
		t.Parallel()
		for path, allow := range map[string]string{
			s.base("public"): "GET, HEAD", one: "DELETE, GET, HEAD", one + "/package_files": "GET, HEAD", one + "/package_files/1": "DELETE",
			one + "/package_files/1/download": "GET, HEAD",
		} {
			if r := s.ask(t, "maintainer", "POST", path); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != allow {
				t.Errorf("%s: %d, Allow %q", path, r.status, r.header.Get("Allow"))
			}
		}
	})
}

// What each status shows, and what can be done with it.
func TestStatusesOfPackages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, c := range []struct {
		status                              string
		listed                              bool
		show, files, download, remove, last int
	}{
		{"default", true, 200, 200, 200, 204, 204},
		{"deprecated", true, 200, 200, 200, 204, 204},
		{"hidden", false, 404, 404, 404, 204, 204},
		{"processing", false, 404, 404, 404, 204, 204},
		{"error", true, 404, 200, 404, 204, 204}, // 40
		{"pending_destruction", false, 404, 404, 404, 404, 404},
	} {
		pkg, file := s.publish(t, "private", "npm", c.status, "1", "x")
		s.exec(t, "update packages set status = $2 where id = $1", pkg, c.status)
		one := fmt.Sprintf("%s/%d", s.base("private"), pkg)
		if listed := strings.Contains(s.ask(t, "owner", "GET", s.base("private")).names(t), c.status); listed != c.listed {
			t.Errorf("%s: listed: %v", c.status, listed)
		}
		for _, step := range []struct {
			method, path string
			want         int
		}{
			{"GET", one, c.show},
			{"GET", one + "/package_files", c.files},
			{"GET", fmt.Sprintf("%s/package_files/%d/download", one, file), c.download},
			{"DELETE", fmt.Sprintf("%s/package_files/%d", one, file), c.remove},
			{"DELETE", one, c.last},
			{"DELETE", one, 404},
		} {
			if r := s.ask(t, "owner", step.method, step.path); r.status != step.want {
				t.Errorf("%s: %s %s: %d, want %d: %s", c.status, step.method, step.path, r.status, step.want, r.body)
			}
		}
	}
}

func TestPackageFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, file := s.publish(t, "public", "npm", "m", "1", "the bytes")
	other, _ := s.publish(t, "public", "npm", "other", "1", "other")
	sum := md5.Sum([]byte("the bytes")) //nolint:gosec // a digest of GitLab's API
	s.exec(t, "update package_files set md5 = $2 where id = $1", file, sum[:])
	for i, name := range []string{"z.sig", "a.sig"} {
		s.exec(t, `
			insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256, created_at)
			select project_id, package_id, format, $2, $2, size, sha256, created_at - $3 * interval '1 hour' from package_files where id = $1`, file, name, i+1)
	}
	files := fmt.Sprintf("%s/%d/package_files", s.base("public"), pkg)
	type document struct {
		ID        int64
		PackageID int64  `json:"package_id"`
		FileName  string `json:"file_name"`
		Size      int64
		CreatedAt string  `json:"created_at"`
		MD5       *string `json:"file_md5"`
		SHA1      *string `json:"file_sha1"`
		SHA256    *string `json:"file_sha256"`
	}
	for query, want := range map[string]string{
		"": "m.tgz z.sig a.sig", "?order_by=id": "m.tgz z.sig a.sig", "?order_by=id&sort=desc": "a.sig z.sig m.tgz", // 59, 62
		"?order_by=file_name": "a.sig m.tgz z.sig", "?order_by=file_name&sort=desc": "z.sig m.tgz a.sig",
		"?order_by=created_at": "a.sig z.sig m.tgz", "?order_by=created_at&sort=desc": "m.tgz z.sig a.sig",
		"?per_page=2": "m.tgz z.sig", "?per_page=2&page=2": "a.sig", // 63
	} {
		var list []document
		r := s.ask(t, "", "GET", files+query)
		r.into(t, &list)
		names := make([]string, 0, len(list))
		for _, f := range list {
			names = append(names, f.FileName)
		}
		if got := strings.Join(names, " "); r.status != http.StatusOK || got != want || r.header.Get("X-Total") != "3" {
			t.Errorf("%s: %d %q, X-Total %q", query, r.status, got, r.header.Get("X-Total"))
		}
	}
	var list []document
	s.ask(t, "", "GET", files).into(t, &list)
	f := list[0]
	if f.ID != file || f.PackageID != pkg || f.Size != 9 || f.MD5 == nil || *f.MD5 != fmt.Sprintf("%x", sum) || f.SHA1 == nil || len(*f.SHA1) != 40 || f.SHA256 == nil || len(*f.SHA256) != 64 {
		t.Errorf("%+v", f)
	}
	if list[1].MD5 != nil || list[1].SHA1 != nil {
		t.Errorf("digests that are not kept: %+v", list[1])
	}
	t.Run("68: the bytes", func(t *testing.T) {
		t.Parallel()
		path := fmt.Sprintf("%s/%d/download", files, file)
		if r := s.ask(t, "", "HEAD", path); r.status != http.StatusOK || r.header.Get("Content-Length") != "9" || r.body != "" {
			t.Errorf("HEAD: %d %v", r.status, r.header)
		}
		if n, err := s.downloads.Flush(t.Context()); err != nil || n != 0 {
			t.Errorf("HEAD counts as a download: %d, %v", n, err)
		}
		r := s.ask(t, "", "GET", path)
		if r.status != http.StatusOK || r.body != "the bytes" || r.header.Get("Content-Type") != "application/octet-stream" || r.header.Get("Content-Disposition") != "attachment; filename=m.tgz" {
			t.Errorf("%d %v %q", r.status, r.header, r.body)
		}
		if r := s.ask(t, "", "GET", path, "Range", "bytes=4-"); r.status != http.StatusPartialContent || r.body != "bytes" {
			t.Errorf("a range: %d %q", r.status, r.body)
		}
		if r := s.ask(t, "", "GET", path, "If-None-Match", r.header.Get("ETag")); r.status != http.StatusNotModified {
			t.Errorf("again: %d", r.status)
		}
		if n, err := s.downloads.Flush(t.Context()); err != nil || n != 1 {
			t.Errorf("%d downloads, %v", n, err)
		}
		var doc struct {
			At *string `json:"last_downloaded_at"`
		}
		s.ask(t, "", "GET", fmt.Sprintf("%s/%d", s.base("public"), pkg)).into(t, &doc)
		if doc.At == nil {
			t.Error("last_downloaded_at is null")
		}
	})
	t.Run("a file of another package", func(t *testing.T) {
		t.Parallel()
		path := fmt.Sprintf("%s/%d/package_files/%d", s.base("public"), other, file)
		for method, path := range map[string]string{"GET": path + "/download", "DELETE": path} {
			if r := s.ask(t, "owner", method, path); r.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", method, r.status, r.body)
			}
		}
	})
}

func TestDeletionsAreAFormatsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	project := s.projects["private"].ID
	pkg, file := s.publish(t, "private", "npm", "web", "1", "x")
	generation := func() (g int64) {
		if err := s.db.Pool.QueryRow(t.Context(), "select generation from cache_generations where project_id = $1 and format = 'npm' and key = 'web'", project).Scan(&g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	told := func(kind string) int {
		return s.count(t, `select from audit_events, jsonb_array_elements(details -> 'changes') change
			where change ->> 'type' = $1 and entity_id = $2 and actor_username = 'maintainer' and request_id <> ''`, kind, project)
	}
	published := generation()
	one := fmt.Sprintf("%s/%d", s.base("private"), pkg)
	r := s.ask(t, "maintainer", "DELETE", fmt.Sprintf("%s/package_files/%d", one, file))
	without := generation()
	if r.status != http.StatusNoContent || r.body != "" || without <= published || told("package_file.destroyed") != 1 || told("package.destroyed") != 0 {
		t.Errorf("the file: %d %q", r.status, r.body)
	}
	if r := s.ask(t, "guest", "GET", one+"/package_files"); r.status != http.StatusOK || r.body != "[]" || r.header.Get("X-Total") != "0" { // 61
		t.Errorf("files of an empty package: %d %s", r.status, r.body)
	}
	if r := s.ask(t, "maintainer", "DELETE", one); r.status != http.StatusNoContent || generation() <= without || told("package.destroyed") != 1 {
		t.Errorf("the package: %d %s", r.status, r.body)
	}
	if n := s.count(t, "select from reserved_versions where project_id = $1 and name_key = 'web' and version_key = '1'", project); n != 1 {
		t.Error("the version is not reserved")
	}
}

func TestADeletionOfWhatHasChanged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, file := s.publish(t, "private", "npm", "web", "1", "x")
	changed := time.Date(2026, 5, 6, 7, 8, 9, 500_600_000, time.UTC)
	s.exec(t, "update packages set updated_at = $2 where id = $1", pkg, changed)
	s.exec(t, "update package_files set created_at = $2 where id = $1", file, changed)
	one := fmt.Sprintf("%s/%d", s.base("private"), pkg)
	for _, path := range []string{fmt.Sprintf("%s/package_files/%d", one, file), one} {
		for _, since := range []string{changed.Add(-time.Minute).Format(http.TimeFormat), changed.Format(http.TimeFormat), "2026-05-06T07:08:09.499Z"} {
			if r := s.ask(t, "owner", "DELETE", path, "If-Unmodified-Since", since); r.status != http.StatusPreconditionFailed || !strings.Contains(r.body, `"412 Precondition Failed"`) {
				t.Errorf("since %s: %d %s", since, r.status, r.body)
			}
		}
		if r := s.ask(t, "developer", "DELETE", path, "If-Unmodified-Since", changed.Format(http.TimeFormat)); r.status != http.StatusForbidden {
			t.Errorf("by a developer: %d", r.status)
		}
	}
	theFile := fmt.Sprintf("%s/package_files/%d", one, file)
	if r := s.ask(t, "owner", "DELETE", theFile, "If-Unmodified-Since", "2026-05-06T07:08:09.500Z"); r.status != http.StatusNoContent {
		t.Errorf("unchanged since, as documents have it: %d %s", r.status, r.body)
	}
	// The file's deletion was a change of the package.
	if r := s.ask(t, "owner", "DELETE", one, "If-Unmodified-Since", changed.Add(time.Second).Format(http.TimeFormat)); r.status != http.StatusPreconditionFailed {
		t.Errorf("after the file: %d", r.status)
	}
	if r := s.ask(t, "owner", "DELETE", one, "If-Unmodified-Since", time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)); r.status != http.StatusNoContent {
		t.Errorf("unchanged: %d %s", r.status, r.body)
	}
	pkg, _ = s.publish(t, "private", "npm", "again", "1", "x")
	if r := s.ask(t, "owner", "DELETE", fmt.Sprintf("%s/%d", s.base("private"), pkg), "If-Unmodified-Since", "yesterday"); r.status != http.StatusNoContent {
		t.Errorf("no date: %d %s", r.status, r.body)
	}
}

// Of many who delete one package at once, one does.
func TestDeletionsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pkg, _ := s.publish(t, "private", "npm", "web", "1", "x")
	statuses := make([]int, 8)
	var asking sync.WaitGroup
	for i := range statuses {
		asking.Go(func() { statuses[i] = s.ask(t, "owner", "DELETE", fmt.Sprintf("%s/%d", s.base("private"), pkg)).status })
	}
	asking.Wait()
	counts := map[int]int{}
	for _, status := range statuses {
		counts[status]++
	}
	if counts[http.StatusNoContent] != 1 || counts[http.StatusNotFound] != len(statuses)-1 {
		t.Errorf("%v", counts)
	}
	if n := s.count(t, "select from audit_events where details @> '{\"changes\": [{\"type\": \"package.destroyed\"}]}'"); n != 1 {
		t.Errorf("%d events", n)
	}
}
