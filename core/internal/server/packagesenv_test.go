package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/core/internal/plugins"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/server"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// site is a server without plugins, with a project of each visibility and
// somebody of each role on all of them.
type site struct {
	config    server.Config
	url       string
	db        *pgtest.Database
	blobs     storage.Blobs
	plans     *plan.Executor
	downloads *packages.Downloads
	accounts  *accounts.Accounts
	projects  map[string]registry.Project // by visibility
	tokens    map[string]string           // by role; "" has none
}

func newSite(t *testing.T) *site {
	t.Helper()
	db := plantest.NewDatabase(t)
	log := hclog.NewNullLogger()
	none, err := plugins.New(plugins.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{
		db: db, blobs: memory.New(), plans: plan.New(db.Pool, nil, log), downloads: packages.NewDownloads(db.Pool, log),
		accounts: accounts.New(db.Pool), projects: map[string]registry.Project{}, tokens: map[string]string{},
	}
	audits := audit.NewRecorder(db.Pool, log)
	lasting, end := context.WithCancel(t.Context())
	var written sync.WaitGroup
	written.Go(func() { audits.Run(lasting) })
	t.Cleanup(func() { end(); written.Wait() })
	s.config = server.Config{
		Pool: db.Pool, Auth: auth.New(db.Pool), Accounts: s.accounts, Plugins: none, Plans: s.plans, Packages: packages.New(db.Pool),
		Downloads: s.downloads, Protection: protection.NewRules(db.Pool), Blobs: s.blobs, Features: features.New(db.Pool, 0, nil), Audit: audits, Log: log,
		Schemas: func(string) *metadata.Schema { return nil },
	}
	s.serve(t)
	for _, v := range []registry.Visibility{registry.Private, registry.Internal, registry.Public} {
		s.newProject(t, string(v), v)
	}
	s.people(t)
	return s
}

// serve starts a server as s.config now is.
func (s *site) serve(t *testing.T) {
	t.Helper()
	ts := httptest.NewServer(server.New(s.config).Handler())
	t.Cleanup(ts.Close)
	s.url = ts.URL
}

func (s *site) newProject(t *testing.T, name string, v registry.Visibility) {
	t.Helper()
	if _, err := s.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: name + "-group", Visibility: v}); err != nil {
		t.Fatal(err)
	}
	p, err := s.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: name + "-group/project", Visibility: v})
	if err != nil {
		t.Fatal(err)
	}
	s.projects[name] = p
}

func (s *site) people(t *testing.T) {
	t.Helper()
	for role, level := range map[string]registry.AccessLevel{
		"stranger": registry.NoAccess, "guest": registry.Guest, "reporter": registry.Reporter, "developer": registry.Developer,
		"maintainer": registry.Maintainer, "owner": registry.Owner, "administrator": registry.NoAccess,
	} {
		u, err := s.accounts.CreateUser(t.Context(), accounts.NewUser{Username: role, Admin: role == "administrator"})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.projects {
			if level == registry.NoAccess {
				continue
			}
			if err := s.accounts.AddMember(t.Context(), u.ID, 0, p.ID, level); err != nil {
				t.Fatal(err)
			}
		}
		s.tokens[role] = s.token(t, u, "api")
		if role == "maintainer" {
			s.tokens["maintainer with read_api"] = s.token(t, u, "read_api")
		}
	}
}

func (s *site) token(t *testing.T, u accounts.User, scope string) string {
	t.Helper()
	secret, _, err := s.accounts.CreatePersonalToken(t.Context(), u, accounts.NewPersonalToken{Scopes: []string{scope}})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// publish makes a package of a project with one file of some content, as its
// format would, and returns their ids.
func (s *site) publish(t *testing.T, project, format, name, version, content string) (pkg, file int64) {
	t.Helper()
	one := spec.PackageRef{Local: "p"}
	r, err := s.plans.Commit(t.Context(), plan.Scope{
		Format: format, Project: s.projects[project], Action: spec.ActionCreatePackage, Actor: registry.Actor{Kind: registry.DeployToken},
		Uploads: map[string]plan.File{"u": plantest.Upload(t, s.blobs, content)},
	}, &spec.Plan{Operations: []spec.Operation{
		{Op: spec.CreatePackage{Local: "p", Name: name, Version: version}},
		{Op: spec.AttachFile{Package: one, UploadHandle: "u", FileName: name + ".tgz", Local: "f"}},
		{Op: spec.SetTag{Package: one, Tag: "latest"}},
	}})
	if err != nil || r.State != plan.Committed {
		t.Fatalf("publish %s: %+v, %v", name, r, err)
	}
	return r.PackageIDs["p"], r.FileIDs["f"]
}

// exec runs a statement.
func (s *site) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.db.Pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// count returns how many rows a statement finds.
func (s *site) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	if err := s.db.Pool.QueryRow(t.Context(), "select count(*) from ("+sql+") x", args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// base is the path of a project's packages.
func (s *site) base(project string) string {
	return fmt.Sprintf("/api/v4/projects/%d/packages", s.projects[project].ID)
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as somebody of a role. Headers are pairs of name and value.
func (s *site) ask(t *testing.T, who, method, path string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.send(t, who, req, headers...)
}

// send sends a request as somebody of a role.
func (s *site) send(t *testing.T, who string, req *http.Request, headers ...string) reply {
	t.Helper()
	if token := s.tokens[who]; token != "" {
		req.Header.Set("PRIVATE-TOKEN", token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// into reads a reply's document.
func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
}

// names are those of the packages in a list.
func (r reply) names(t *testing.T) string {
	t.Helper()
	var list []struct{ Name string }
	r.into(t, &list)
	names := make([]string, 0, len(list))
	for _, p := range list {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}
