package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/oidc/oidctest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// jobSite is a site with an issuer of ID tokens, of GitHub's kind, called "ci".
type jobSite struct {
	*site
	issuer *oidctest.Issuer
	life   time.Duration // of job tokens
}

const registryURL = "https://registry.example.com"

func newJobSite(t *testing.T) *jobSite {
	t.Helper()
	s := &jobSite{site: newSite(t), issuer: oidctest.Start(t), life: 15 * time.Minute}
	verifier := oidc.New()
	if err := verifier.Configure(oidc.Config{
		LoopbackHTTP: true, Again: time.Millisecond,
		Issuers: []oidc.Issuer{{Name: "ci", URL: s.issuer.URL, Audience: registryURL, Kind: oidc.GitHub, WebURL: "https://git.example.com"}},
	}); err != nil {
		t.Fatal(err)
	}
	s.config.Publishers = publishers.New(s.db.Pool, verifier, hclog.NewNullLogger())
	s.config.JobTokenLife = func() time.Duration { return s.life }
	s.serve(t)
	return s
}

// rule makes a trusted publisher of a project, of a visibility, and returns its id.
func (s *jobSite) rule(t *testing.T, project, body string) int64 {
	t.Helper()
	var made struct{ ID int64 }
	a := s.as(t, "maintainer", "POST", fmt.Sprintf("/projects/%d/trusted_publishers", s.projects[project].ID), body)
	a.want(t, body, 201)
	reply{body: a.body}.into(t, &made)
	return made.ID
}

// anyJob is a rule that the jobs of acme/web fit.
func anyJob(level registry.AccessLevel) string {
	return fmt.Sprintf(`{"name":"release","issuer":"ci","subject":"repo:acme/web:*","access_level":%d}`, level)
}

// idToken is one of a job of acme/web, on a branch.
func (s *jobSite) idToken(t *testing.T, more map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"repository": "acme/web", "ref": "refs/heads/main", "sha": strings.Repeat("ab", 20), "run_id": "77", "run_number": "12",
		"workflow_ref": "acme/web/.github/workflows/release.yml@refs/heads/main", "actor": "ann", "event_name": "push",
	}
	maps.Copy(claims, more)
	return s.issuer.Token(t, s.issuer.Claims(registryURL, "repo:acme/web:ref:refs/heads/main", claims))
}

// exchange asks for a job token of a project.
func (s *jobSite) exchange(t *testing.T, project, idToken string) reply {
	t.Helper()
	return s.ask(t, "", "POST", fmt.Sprintf("/api/v4/projects/%d/oidc/token", s.projects[project].ID), "Authorization", "Bearer "+idToken)
}

// job is the job token of a project's job, which some rule there fits.
func (s *jobSite) job(t *testing.T, project string, more map[string]any) string {
	t.Helper()
	a := s.exchange(t, project, s.idToken(t, more))
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var got struct{ Token string }
	a.into(t, &got)
	return got.Token
}

// with asks with a job token in its own header.
func (s *jobSite) with(t *testing.T, token, method, path string) reply {
	t.Helper()
	return s.ask(t, "", method, path, "JOB-TOKEN", token)
}

// publishAs publishes as who comes with a job token, into any project.
func (s *jobSite) publishAs(t *testing.T, token, project, name, version string) (pkg, file int64) {
	t.Helper()
	p := s.projects[project]
	caller, err := s.config.Auth.Resolve(t.Context(), auth.Credentials{Transport: auth.JobToken, Secret: token}, true, auth.ProjectRef{ID: p.ID})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.plans.Commit(t.Context(), plan.Scope{
		Format: "npm", Project: p, Action: spec.ActionCreatePackage, Actor: caller.Actor, Level: caller.Level,
		Uploads: map[string]plan.File{"u": plantest.Upload(t, s.blobs, name+version+token)},
	}, &spec.Plan{Operations: []spec.Operation{
		{Op: spec.CreatePackage{Local: "p", Name: name, Version: version, Reuse: true}},
		{Op: spec.AttachFile{Package: spec.PackageRef{Local: "p"}, UploadHandle: "u", FileName: name + ".tgz", Replace: true, Local: "f"}},
	}})
	if err != nil || r.State != plan.Committed {
		t.Fatalf("publish %s: %+v, %v", name, r, err)
	}
	return r.PackageIDs["p"], r.FileIDs["f"]
}

// nextPage is the path of the page that a reply's Link header calls so; empty: there is none.
func nextPage(t *testing.T, r reply, rel string) string {
	t.Helper()
	for link := range strings.SplitSeq(r.header.Get("Link"), ", ") {
		target, ok := strings.CutSuffix(link, `>; rel="`+rel+`"`)
		if !ok {
			continue
		}
		u, err := url.Parse(strings.TrimPrefix(target, "<"))
		if err != nil {
			t.Fatal(err)
		}
		return u.RequestURI()
	}
	return ""
}
