package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/registry"
)

type pipeline struct {
	ID        int64
	IID       int64
	ProjectID int64 `json:"project_id"`
	SHA       string
	Ref       string
	Status    string
	Source    string
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	WebURL    string `json:"web_url"`
	User      struct {
		ID       int64
		Username string
		Name     string
		State    string
	}
	Build map[string]any
}

// GitLab's cases 26, 27 and 74.
func TestWhatAJobPublishesHasItsBuildInfo(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	job := s.job(t, "private", nil)
	pkg, _ := s.publishAs(t, job, "private", "a", "1.0.0")
	s.publish(t, "private", "npm", "a", "2.0.0", "by hand")
	type document struct {
		Pipeline  *pipeline
		Pipelines []any
		Versions  []struct {
			Version  string
			Pipeline *pipeline
		}
		CreatorID int64 `json:"creator_id"`
	}
	var one document
	a := s.with(t, job, "GET", fmt.Sprintf("%s/%d", s.base("private"), pkg))
	a.into(t, &one)
	p := one.Pipeline
	if p == nil || one.Pipelines == nil || len(one.Pipelines) != 0 {
		t.Fatalf("%s", a.body)
	}
	if p.IID != 12 || p.ProjectID != s.projects["private"].ID || p.SHA != strings.Repeat("ab", 20) || p.Ref != "main" || p.Status != "running" || p.Source != "push" ||
		p.WebURL != "https://git.example.com/acme/web/actions/runs/77" || p.User.ID != one.CreatorID || p.User.Name != "release" || p.User.State != "active" || p.CreatedAt == "" {
		t.Errorf("%s", a.body)
	}
	for name, want := range map[string]any{
		"provider": "github", "issuer": s.issuer.URL, "repository": "acme/web", "ref": "refs/heads/main", "run_id": "77", "run_number": 12.0, "actor": "ann", "event": "push",
		"workflow": "acme/web/.github/workflows/release.yml@refs/heads/main", "run_url": p.WebURL, "sha": p.SHA,
	} {
		if p.Build[name] != want {
			t.Errorf("build.%s is %v, want %v", name, p.Build[name], want)
		}
	}
	if len(one.Versions) != 1 || one.Versions[0].Version != "2.0.0" || one.Versions[0].Pipeline != nil {
		t.Errorf("the other version: %s", a.body)
	}
	var list []document
	a = s.ask(t, "guest", "GET", s.base("private"))
	a.into(t, &list)
	if len(list) != 2 || list[0].Pipeline == nil || list[0].Pipeline.ID != p.ID || list[1].Pipeline != nil || strings.Count(a.body, `"pipelines":[]`) != 2 {
		t.Errorf("the list: %s", a.body)
	}
	var files []struct{ Pipelines []pipeline }
	a = s.with(t, job, "GET", fmt.Sprintf("%s/%d/package_files", s.base("private"), pkg))
	a.into(t, &files)
	if len(files) != 1 || len(files[0].Pipelines) != 1 || files[0].Pipelines[0].ID != p.ID {
		t.Errorf("the files: %s", a.body)
	}
	// Another job of the same run adds nothing; another run comes before it.
	s.publishAs(t, s.job(t, "private", nil), "private", "a", "1.0.0")
	runs := fmt.Sprintf("%s/%d/pipelines", s.base("private"), pkg)
	ids := func() (ids []int64) {
		var list []pipeline
		s.with(t, job, "GET", runs).into(t, &list)
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return ids
	}
	if got := ids(); len(got) != 1 || got[0] != p.ID {
		t.Errorf("runs: %v", got)
	}
	s.publishAs(t, s.job(t, "private", map[string]any{"run_id": "78"}), "private", "a", "1.0.0")
	if got := ids(); len(got) != 2 || got[1] != p.ID {
		t.Errorf("runs: %v", got)
	}
	a = s.with(t, job, "GET", fmt.Sprintf("%s/%d", s.base("private"), pkg))
	a.into(t, &one)
	if one.Pipeline.WebURL != "https://git.example.com/acme/web/actions/runs/78" {
		t.Errorf("the last one: %s", a.body)
	}
}

// GitLab's cases 43 to 46.
func TestPagesOfPipelines(t *testing.T) {
	t.Parallel()
	s := newJobSite(t)
	s.rule(t, "private", anyJob(registry.Developer))
	var pkg int64
	var job string
	for n := range 21 {
		job = s.job(t, "private", map[string]any{"run_id": fmt.Sprint(100 + n)})
		pkg, _ = s.publishAs(t, job, "private", "a", "1.0.0")
	}
	path := fmt.Sprintf("%s/%d/pipelines", s.base("private"), pkg)
	page := func(path string) (runs []string, a reply) {
		t.Helper()
		a = s.ask(t, "guest", "GET", path)
		var list []pipeline
		a.into(t, &list)
		for _, p := range list {
			runs = append(runs, p.WebURL[strings.LastIndex(p.WebURL, "/")+1:])
		}
		return runs, a
	}
	join := func(from, to int) string {
		var all []string
		for n := from; n >= to; n-- {
			all = append(all, fmt.Sprint(n))
		}
		return strings.Join(all, " ")
	}
	expect := func(path, want, what string) reply {
		t.Helper()
		got, a := page(path)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", what, got, want)
		}
		return a
	}
	a := expect(path, join(120, 101), "no size")
	a = expect(nextPage(t, a, "next"), join(100, 100), "the rest")
	if nextPage(t, a, "next") != "" {
		t.Errorf("behind the last: %v", a.header)
	}
	a = expect(path+"?per_page=11", join(120, 110), "11")
	if nextPage(t, a, "prev") != "" {
		t.Errorf("before the first: %v", a.header)
	}
	a = expect(nextPage(t, a, "next"), join(109, 100), "the other 10")
	a = expect(nextPage(t, a, "prev"), join(120, 110), "and back")
	if nextPage(t, a, "prev") != "" {
		t.Errorf("before the first: %v", a.header)
	}
	a = expect(path+"?per_page=5", join(120, 116), "5")
	a = expect(nextPage(t, a, "next"), join(115, 111), "5 more")
	a = expect(nextPage(t, a, "next"), join(110, 106), "5 more")
	a = expect(nextPage(t, a, "prev"), join(115, 111), "5 back")
	expect(nextPage(t, a, "prev"), join(120, 116), "5 back")
	for query, says := range map[string]string{
		"per_page=21": "per_page does not have a valid value", "per_page=-2": "per_page does not have a valid value", "per_page=0": "per_page does not have a valid value",
		"per_page=x": "per_page is invalid", "cursor=x": "cursor is invalid", "cursor=eyJpZCI6IngiLCJfa2QiOiJuIn0": "cursor is invalid",
	} {
		if a := s.ask(t, "guest", "GET", path+"?"+query); a.status != 400 || !strings.Contains(a.body, says) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for who, want := range map[string]int{"": 404, "stranger": 404, "guest": 200, "maintainer": 200} {
		if a := s.ask(t, who, "GET", path); a.status != want {
			t.Errorf("%s: %d %s", who, a.status, a.body)
		}
	}
	if a := s.with(t, "glcbt-nonsense", "GET", path); a.status != http.StatusUnauthorized {
		t.Errorf("a job token that is none: %d", a.status)
	}
	if a := s.ask(t, "guest", "GET", fmt.Sprintf("%s/%d/pipelines", s.base("public"), pkg)); a.status != 404 {
		t.Errorf("in another project: %d", a.status)
	}
	byHand, _ := s.publish(t, "private", "npm", "b", "1.0.0", "b")
	if a := s.ask(t, "guest", "GET", fmt.Sprintf("%s/%d/pipelines", s.base("private"), byHand)); a.status != 200 || a.body != "[]" || a.header.Get("Link") != "" {
		t.Errorf("a package of nobody's job: %d %s", a.status, a.body)
	}
}
