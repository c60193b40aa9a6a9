package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/sdk/registrytest"
)

// accessCases are those of GitLab's specs (numbered as in the list that this
// registry keeps of them) that are about who may do what, and have no test elsewhere.
func accessCases() map[int]func(*testing.T, *registrytest.Registry) {
	return map[int]func(*testing.T, *registrytest.Registry){
		70: caseRejectedDownload,
		72: caseDeployTokenByBasic,
		73: caseJobTokenOfNoJob,
		75: caseAnyoneMayPull,
		76: caseLastUse,
		79: casePushRule,
	}
}

// testedElsewhere says where the others have theirs.
func testedElsewhere() map[string][]int {
	return map[string][]int{
		"../internal/server/packagesapi_test.go: TestWhoMayDoWhatWithPackages":       {1, 2, 3, 4, 41, 48, 49, 50, 51, 60, 64, 65, 68, 69},
		"../internal/server/jobtokens_test.go: TestThePackagesAPIToJobs":             {5, 53},
		"../internal/server/jobtokens_test.go: TestJobsOfOtherProjects":              {6, 7, 46},
		"../internal/server/pipelines_test.go: TestWhatAJobPublishesHasItsBuildInfo": {27, 74},
		"../internal/server/pipelines_test.go: TestPagesOfPipelines":                 {43, 44, 45},
		"../internal/server/grouppackages_test.go: TestPackagesOfAGroupAreListed":    {28, 29, 30, 31, 32, 33, 34, 36, 37},
		"../internal/server/packagesapi_test.go: TestOnePackageIsShown":              {25, 38, 39, 42, 52, 59, 66},
		"../internal/server/packagesapi_test.go: TestStatusesOfPackages":             {40},
		"../internal/server/protection_test.go: TestDeletionsAreHeldAgainstRules": {
			55, 56, 57, 58,
		},
		"ratelimits_test.go: TestRateLimits": {80},
	}
}

// withoutCounterpart are those about what there is none of here.
func withoutCounterpart() map[string][]int {
	return map[string][]int{
		"job tokens have a role, and no policies of their own":         {8},
		"a guest always pulls: there is no flag for it":                {35},
		"there is no CI here that could be switched off for a project": {26, 47},
		"uploads do not pass a proxy that signs them":                  {71},
	}
}

// Of the cases from 1 to 80 each that is about access is tested once, or it is
// said why it is not.
func TestAccessCases(t *testing.T) {
	t.Parallel()
	times := map[int]int{}
	for where, numbers := range testedElsewhere() {
		file, name, _ := strings.Cut(where, ": ")
		source, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(source), "func "+name+"(") {
			t.Errorf("%s: there is no %s, %v", file, name, err)
		}
		for _, n := range numbers {
			times[n]++
		}
	}
	for _, numbers := range withoutCounterpart() {
		for _, n := range numbers {
			times[n]++
		}
	}
	cases := accessCases()
	for n := range cases {
		times[n]++
	}
	about := slices.Concat(numbers(1, 8), numbers(25, 53), numbers(55, 60), numbers(64, 66), numbers(68, 76), []int{79, 80})
	for _, n := range about {
		if times[n] != 1 {
			t.Errorf("case %d: %d times", n, times[n])
		}
	}
	if len(times) != len(about) {
		t.Errorf("%d cases, want %d", len(times), len(about))
	}
	r := registrytest.Start(t)
	for _, n := range slices.Sorted(maps.Keys(cases)) {
		t.Run(fmt.Sprint(n), func(t *testing.T) { t.Parallel(); cases[n](t, r) })
	}
}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// 70: a rejected download is none.
func caseRejectedDownload(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	stranger, guest := r.NewUser(t, "", "").Token, r.NewUser(t, "guest", p.Path).Token
	downloaded := func(name string) bool {
		pkg, _ := ids(t, r, p, name, "1.0.0")
		var shown struct {
			At *string `json:"last_downloaded_at"`
		}
		a := ask(t, "GET", fmt.Sprintf("%s/%d", packagesURL(r, p), pkg), r.Token)
		if err := json.Unmarshal([]byte(a.body), &shown); err != nil {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		return shown.At != nil
	}
	for _, name := range []string{"refused", "pulled"} {
		publish(t, r, p, r.Token, name, "1.0.0")
	}
	paths := func(name string) []string {
		pkg, file := ids(t, r, p, name, "1.0.0")
		return []string{
			fmt.Sprintf("%s/npm/%s/-/%s-1.0.0.tgz", packagesURL(r, p), name, name),
			fmt.Sprintf("%s/%d/package_files/%d/download", packagesURL(r, p), pkg, file),
		}
	}
	for _, token := range []string{"", stranger} {
		for _, path := range paths("refused") {
			if a := ask(t, "GET", path, token); a.status != http.StatusNotFound {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
	for _, path := range paths("pulled") {
		if a := ask(t, "GET", path, guest); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	// They are noted in their order: when the later is, the earlier would be.
	eventually(t, "the download that was one is noted", func() bool { return downloaded("pulled") })
	if downloaded("refused") {
		t.Error("a rejected download is noted")
	}
}

// 72: a deploy token by Basic. It has a name, and a secret.
func caseDeployTokenByBasic(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	publish(t, r, p, r.Token, "web", "1.0.0")
	token := r.NewDeployToken(t, p.Path, "read_package_registry")
	basic := func(name, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
	}
	for pair, want := range map[string]int{
		basic(registrytest.DeployUsername, token):                  http.StatusOK,
		basic(registrytest.DeployUsername, token[:len(token)-1]):   http.StatusUnauthorized,
		basic(registrytest.DeployUsername, "wrong"):                http.StatusUnauthorized,
		basic("someone", token):                                    http.StatusUnauthorized,
		basic(strings.ToUpper(registrytest.DeployUsername), token): http.StatusOK, // names have no case
	} {
		if a := ask(t, "GET", packagesURL(r, p)+"/npm/web", "", "Authorization", pair); a.status != want {
			t.Errorf("%d, want %d: %s", a.status, want, a.body)
		}
	}
}

// 73: what is no job's token is 401, whatever the name; those that are, have
// TestTheTransportsOfAJobToken.
func caseJobTokenOfNoJob(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "public")
	publish(t, r, p, r.Token, "web", "1.0.0")
	pair := base64.StdEncoding.EncodeToString([]byte("gitlab-ci-token:glcbt-" + strings.Repeat("a", 30)))
	for _, headers := range [][]string{{"Authorization", "Basic " + pair}, {"JOB-TOKEN", "glcbt-" + strings.Repeat("a", 30)}, {"JOB-TOKEN", r.Token}} {
		if a := ask(t, "GET", packagesURL(r, p)+"/npm/web", "", headers...); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", headers[0], a.status, a.body)
		}
	}
}

// 75: anyone may pull from a private project, and do nothing else.
func caseAnyoneMayPull(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	publish(t, r, p, r.Token, "web", "1.0.0")
	change(t, r, "PUT", projectURL(r, p), `{"package_registry_access_level":"public"}`, http.StatusOK)
	npm := packagesURL(r, p) + "/npm"
	for path, want := range map[string]int{"/web": 200, "/-/package/web/dist-tags": 200, "/web/-/web-1.0.0.tgz": 200} {
		if a := ask(t, "GET", npm+path, ""); a.status != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := send(t, "PUT", npm+"/-/package/web/dist-tags/next", "", `"1.0.0"`); a.status != http.StatusUnauthorized {
		t.Errorf("a tag: %d %s", a.status, a.body)
	}
}

// 76: whatever route a token is used on, it is noted when.
func caseLastUse(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "public")
	noted := map[string]func() bool{}
	for i, path := range []string{"/npm/absent", "/maven/a/b/1/b-1.pom", "/nuget/index.json", "/conan/v2/ping", ""} {
		var user struct{ ID int64 }
		a := send(t, "POST", r.URL+"/api/v4/users", r.Token, fmt.Sprintf(`{"username":"user-of-%d","name":"u","force_random_password":true}`, i))
		if err := json.Unmarshal([]byte(a.body), &user); err != nil || a.status != http.StatusCreated {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		var token struct {
			ID    int64
			Token string
		}
		a = send(t, "POST", fmt.Sprintf("%s/api/v4/users/%d/personal_access_tokens", r.URL, user.ID), r.Token, `{"name":"t","scopes":["api"]}`)
		if err := json.Unmarshal([]byte(a.body), &token); err != nil {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		r.RememberAnswer([]byte(a.body))
		used := func() bool {
			a := ask(t, "GET", fmt.Sprintf("%s/api/v4/personal_access_tokens/%d", r.URL, token.ID), r.Token)
			return a.status == http.StatusOK && !strings.Contains(a.body, `"last_used_at":null`)
		}
		if used() {
			t.Fatal("it is noted before it was used")
		}
		ask(t, "GET", packagesURL(r, p)+path, token.Token)
		noted[path] = used
	}
	for path, used := range noted {
		eventually(t, "the use of a token on "+path+" is noted", used)
	}
}

// 79: whoever may publish may not where a rule wants more; of a deploy token it
// wants what that never has.
func casePushRule(t *testing.T, r *registrytest.Registry) {
	t.Helper()
	p := r.NewProject(t, "private")
	change(t, r, "POST", packagesURL(r, p)+"/protection/rules", `{"package_type":"npm","package_name_pattern":"web*","minimum_access_level_for_push":"maintainer"}`, http.StatusCreated)
	put := func(token string) answer {
		document, _ := publication(t, "web", "1.0.0")
		return send(t, "PUT", packagesURL(r, p)+"/npm/web", token, document)
	}
	for who, token := range map[string]string{
		"developer":    r.NewUser(t, "developer", p.Path).Token,
		"deploy token": r.NewDeployToken(t, p.Path, "read_package_registry", "write_package_registry"),
	} {
		if a := put(token); a.status != http.StatusForbidden || !strings.Contains(a.body, "Package protected.") {
			t.Errorf("%s: %d %s", who, a.status, a.body)
		}
	}
	if a := ask(t, "GET", packagesURL(r, p), r.Token); a.body != "[]" {
		t.Errorf("there is something: %s", a.body)
	}
	if a := put(r.NewUser(t, "maintainer", p.Path).Token); a.status != http.StatusOK {
		t.Errorf("maintainer: %d %s", a.status, a.body)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(100 * time.Millisecond)
	}
}
