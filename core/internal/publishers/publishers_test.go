package publishers_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/oidc/oidctest"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"repo:acme/web", "repo:acme/web", true},
		{"repo:acme/web", "repo:acme/web2", false},
		{"repo:acme/web", "xrepo:acme/web", false},
		{"repo:acme/web", "repo:Acme/web", false},
		{"repo:acme/*", "repo:acme/", true},
		{"repo:acme/*", "repo:acme/web:ref:refs/heads/a/b", true},
		{"repo:acme/*", "repo:acme", false},
		{"repo:acme/*", "repo:acmeevil/web", false},
		{"*:main", "a:main", true},
		{"*:main", "a:main:b", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"a*b*c", "ac", false},
		{"ab*bc", "abc", false}, // the letter is not used twice
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*", "", true},
		{"**", "x", true},
		{"a**b", "ab", true},
		{"a.c", "abc", false}, // no other character stands for any
		{"a?c", "abc", false},
		{"[a]", "a", false},
		{"", "", true},
		{"", "x", false},
	} {
		if got := publishers.Fits(c.pattern, c.text); got != c.want {
			t.Errorf("%q, %q: %t", c.pattern, c.text, got)
		}
	}
}

// env is a project, and an issuer of each kind that it may name.
type env struct {
	*publishers.Publishers
	project registry.Project
	issuer  *oidctest.Issuer
	log     *bytes.Buffer
}

func setup(t *testing.T, kind oidc.Kind) *env {
	t.Helper()
	db := pgtest.New(t)
	e := &env{issuer: oidctest.Start(t), log: &bytes.Buffer{}}
	a := accounts.New(db.Pool)
	if _, err := a.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "acme"}); err != nil {
		t.Fatal(err)
	}
	var err error
	if e.project, err = a.CreateProject(t.Context(), accounts.NewProject{FullPath: "acme/web"}); err != nil {
		t.Fatal(err)
	}
	v := oidc.New()
	if err := v.Configure(oidc.Config{LoopbackHTTP: true, Issuers: []oidc.Issuer{{Name: "ci", URL: e.issuer.URL, Audience: "here", Kind: kind}}}); err != nil {
		t.Fatal(err)
	}
	e.Publishers = publishers.New(db.Pool, v, hclog.New(&hclog.LoggerOptions{Output: e.log}))
	return e
}

// A rule that anybody fits with an account at the issuer's is none.
func TestARuleNamesSomebody(t *testing.T) {
	t.Parallel()
	type claims = map[string]string
	for kind, rules := range map[oidc.Kind][]struct {
		subject string
		claims  claims
		want    bool
	}{
		oidc.GitLab: {
			{"project_path:acme/web:ref_type:branch:ref:main", nil, true},
			{"project_path:acme/*", nil, true},
			{"project_path:*", nil, false},
			{"project_path:*/web:*", nil, false},
			{"*", nil, false},
			{"*", claims{"ref_protected": "true"}, false},
			{"*", claims{"project_id": "42"}, true},
			{"*", claims{"project_id": "4*"}, false},
			{"*", claims{"namespace_id": "7"}, true},
			{"*", claims{"namespace_path": "acme"}, true},
			{"*", claims{"project_path": "acme/*"}, true},
			{"*", claims{"project_path": "acme*"}, false},
		},
		oidc.Generic: {
			{"job", nil, true},
			{"job*", nil, true},
			{"*job", nil, false},
			{"*", claims{"repository": "acme/*"}, true},
			{"*", claims{"repository": "*"}, false},
		},
	} {
		e := setup(t, kind)
		for _, r := range rules {
			_, err := e.Create(t.Context(), publishers.Publisher{
				ProjectID: e.project.ID, Name: "x", Issuer: "ci", Subject: r.subject, Claims: r.claims, AccessLevel: registry.Developer,
			})
			if (err == nil) != r.want || (err != nil && registry.CodeOf(err) != registry.CodeInvalid) {
				t.Errorf("%s: %q %v: %v", kind, r.subject, r.claims, err)
			}
		}
	}
}

// What the log says, which operators read, is not what the client is told.
func TestWhatDoesNotFitIsInTheLogAlone(t *testing.T) {
	t.Parallel()
	e := setup(t, oidc.Generic)
	for name, claims := range map[string]map[string]string{"tags": {"ref": "refs/tags/*"}, "teams": {"teams": "core"}} {
		if _, err := e.Create(t.Context(), publishers.Publisher{ProjectID: e.project.ID, Name: name, Issuer: "ci", Subject: "job", Claims: claims, AccessLevel: 30}); err != nil {
			t.Fatal(err)
		}
	}
	exchange := func(subject string, more map[string]any) error {
		token, err := e.Verify(t.Context(), e.issuer.Token(t, e.issuer.Claims("here", subject, more)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Exchange(t.Context(), &e.project, token, time.Minute)
		return err
	}
	err := exchange("job", map[string]any{"ref": "refs/heads/main", "teams": []string{"docs"}})
	if registry.CodeOf(err) != registry.CodeForbidden || strings.Contains(err.Error(), "tags") || strings.Contains(err.Error(), "teams") {
		t.Errorf("the client: %v", err)
	}
	for _, says := range []string{"tags: claim ref", "teams: claim teams", "subject=job"} {
		if !strings.Contains(e.log.String(), says) {
			t.Errorf("the log does not say %q: %s", says, e.log)
		}
	}
	if err := exchange("job", map[string]any{"teams": []string{"docs", "core"}}); err != nil {
		t.Errorf("one of a list: %v", err)
	}
	if err := exchange("job", map[string]any{"teams": []any{[]string{"core"}}}); registry.CodeOf(err) != registry.CodeForbidden {
		t.Errorf("a list within a list: %v", err)
	}
}

// A project that has as many rules as it may has no more.
func TestAProjectHasOnlySoManyRules(t *testing.T) {
	t.Parallel()
	e := setup(t, oidc.Generic)
	one := publishers.Publisher{ProjectID: e.project.ID, Name: "x", Issuer: "ci", Subject: "job", AccessLevel: registry.Developer}
	for n := range 101 {
		_, err := e.Create(t.Context(), one)
		if (err == nil) != (n < 100) {
			t.Fatalf("rule %d: %v", n+1, err)
		}
	}
}
