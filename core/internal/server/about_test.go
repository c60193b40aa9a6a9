package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// aboutGroup is a request at group level whose caller is a Guest of project 1, a
// Developer of project 2, and nobody to projects 3 (public) and 4 (private).
func aboutGroup(t *testing.T, action spec.Action) *call {
	t.Helper()
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://registry.example/x", nil)
	r := &call{
		c: c, level: spec.LevelGroup, target: "top", manifest: &spec.Manifest{Format: "demo"},
		route: &spec.Route{ID: "it", Action: action, Cache: &spec.CachePolicy{}},
		caller: auth.Caller{
			Actor: registry.Actor{Kind: registry.User, UserID: 1, Scopes: []registry.Scope{registry.ScopeAPI}},
			Group: &registry.Group{ID: 9, FullPath: "top", Visibility: registry.Private},
		},
	}
	for i, level := range []registry.AccessLevel{registry.Guest, registry.Developer, registry.NoAccess, registry.NoAccess} {
		p := registry.Project{ID: int64(i + 1), FullPath: fmt.Sprintf("top/p%d", i+1), Visibility: registry.Private, PackageAccess: registry.PackagesEnabled}
		if i == 2 {
			p.Visibility = registry.Public
		}
		r.caller.Standings = append(r.caller.Standings, registry.Standing{Project: p, Level: level})
	}
	if err := (&Server{}).authorize(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARequestIsAboutWhatItsCallerMayRead(t *testing.T) {
	t.Parallel()
	r := aboutGroup(t, spec.ActionCreatePackage)
	if got := fmt.Sprint(r.about.projectIDs()); got != "[1 2 3]" || r.about.group.ID != 9 || r.about.project != nil || r.about.nothing() {
		t.Errorf("about %s, %+v", got, r.about)
	}
	if s := r.about.settings("demo"); s != (spec.PackageSettings{}) {
		t.Errorf("about several projects, and settings are %+v", s)
	}
	if ids := (about{}).projectIDs(); ids == nil || len(ids) != 0 {
		t.Errorf("about nothing, and projects are %#v", ids)
	}
}

// What a plan may change is decided once it is known where.
func TestAPlanChangesWhatTheCallerMayChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action  spec.Action
		project int64
		want    string // the path; or a code
	}{
		{spec.ActionCreatePackage, 2, "top/p2"},
		{spec.ActionCreatePackage, 1, "403"}, // may read it
		{spec.ActionCreatePackage, 3, "403"}, // as everybody may
		{spec.ActionDestroyPackage, 2, "403"},
		{spec.ActionCreatePackage, 4, "500"}, // must not know of it
		{spec.ActionCreatePackage, 5, "500"}, // there is none
		{spec.ActionCreatePackage, 0, "500"}, // the plugin does not say where
	} {
		p, err := aboutGroup(t, c.action).changed(&spec.Plan{ProjectID: c.project})
		got := p.Project.FullPath
		if err == nil && p.Level != registry.Developer {
			t.Errorf("the caller's role in %s is %d", got, p.Level)
		}
		switch {
		case err == nil:
		case registry.CodeOf(err) == registry.CodeForbidden:
			got = "403"
		case strings.Contains(err.Error(), "which the request is not about"):
			got = "500"
		default:
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("action %d in project %d: %s, want %s", c.action, c.project, got, c.want)
		}
	}
}

func TestAPlanAboutOneProjectChangesNoOther(t *testing.T) {
	t.Parallel()
	r := &call{about: about{project: &registry.Project{ID: 7}}}
	for id, taken := range map[int64]bool{0: true, 7: true, 8: false} {
		if p, err := r.changed(&spec.Plan{ProjectID: id}); (err == nil) != taken || (taken && p.Project.ID != 7) {
			t.Errorf("a plan for %d: project %d, %v", id, p.Project.ID, err)
		}
	}
	if _, err := (&call{}).changed(&spec.Plan{}); err == nil {
		t.Error("a plan of a request about nothing is taken")
	}
}

func TestNobodyUnknownChangesAnything(t *testing.T) {
	t.Parallel()
	for action, want := range map[spec.Action]registry.Code{
		spec.ActionNone: registry.CodeInternal, spec.ActionReadPackage: registry.CodeInternal, // none
		spec.ActionCreatePackage: registry.CodeUnauthenticated, spec.ActionDestroyPackage: registry.CodeUnauthenticated,
	} {
		r := aboutGroup(t, spec.ActionReadPackage)
		r.caller.Actor, r.route.Action = registry.Actor{Kind: registry.Anonymous}, action
		if err := (&Server{}).authorize(r); registry.CodeOf(err) != want || (want == registry.CodeInternal && err != nil) {
			t.Errorf("action %d: %v", action, err)
		}
	}
}

// Two callers share an answer if, and only if, they may read the same projects.
func TestCallersWithOtherProjectsShareNoAnswer(t *testing.T) {
	t.Parallel()
	s := &Server{}
	tag := func(change func(*call), generations ...packages.Generation) string {
		r := aboutGroup(t, spec.ActionReadPackage)
		r.params = map[string]string{"name": "web"}
		change(r)
		return s.entityTag(r, "revision", generations)
	}
	projects := func(ids ...int64) func(*call) {
		return func(r *call) {
			r.about.within = authz.Readable{}
			for _, id := range ids {
				r.about.within.Projects = append(r.about.within.Projects, registry.Project{ID: id})
			}
		}
	}
	// Nothing was ever published under the name: there are no generations to tell them apart.
	seen := map[string]string{}
	for name, change := range map[string]func(*call){
		"1 2 3": projects(1, 2, 3), "1 2": projects(1, 2), "1 3": projects(1, 3), "2": projects(2), "12": projects(12), "1 2 (other caller)": projects(1, 2, 4),
		"none": projects(), "one project": func(r *call) { r.about = about{project: &registry.Project{ID: 1}} },
		"another group":   func(r *call) { projects(1, 2, 3)(r); r.about.group = &registry.Group{ID: 10} },
		"instance level":  func(r *call) { projects(1, 2, 3)(r); r.level = spec.LevelInstance },
		"another name":    func(r *call) { projects(1, 2, 3)(r); r.params = map[string]string{"name": "web2"} },
		"another address": func(r *call) { projects(1, 2, 3)(r); r.c.Request.Host = "other.example" },
	} {
		got := tag(change)
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s share an answer", name, other)
		}
		seen[got] = name
	}
	one, two := packages.Generation{ProjectID: 1, Key: "web", Number: 5}, packages.Generation{ProjectID: 2, Key: "web", Number: 5}
	if tag(projects(1, 2), one) == tag(projects(1, 2), two) {
		t.Error("which project has changed is not told apart")
	}
	stranger := func(r *call) {
		projects(1, 2)(r)
		r.caller.Actor, r.target = registry.Actor{Kind: registry.DeployToken, TokenID: 3}, "TOP"
	}
	if tag(projects(1, 2), one) != tag(stranger, one) {
		t.Error("who asks, and how they write the group, is part of the tag")
	}
}

// "There is no such thing" is said to those who could not see it anyway, not to
// those who might with credentials.
func TestWhoMightSeeMoreIsAskedForCredentials(t *testing.T) {
	t.Parallel()
	notFound := &answer{outcome: &spec.HTTPResponse{Status: http.StatusNotFound}}
	for _, c := range []struct {
		name   string
		route  spec.Route
		hidden bool
		answer *answer
		denied bool
	}{
		{"something is hidden", spec.Route{Action: spec.ActionReadPackage}, true, notFound, true},
		{"nothing is", spec.Route{Action: spec.ActionReadPackage}, false, notFound, false},
		{"it is there", spec.Route{Action: spec.ActionReadPackage}, true, &answer{outcome: &spec.HTTPResponse{Status: http.StatusOK}}, false},
		{"a kept answer", spec.Route{Action: spec.ActionReadPackage}, true, &answer{notModified: true}, false},
		{"a format that denies with 404", spec.Route{Action: spec.ActionReadPackage, AnonymousDenial: spec.DenyNotFound}, true, notFound, false},
		{"about no packages", spec.Route{Action: spec.ActionNone}, true, notFound, false},
	} {
		r := &call{route: &c.route, about: about{within: authz.Readable{Hidden: c.hidden}}}
		a, err := r.unlessHidden(c.answer)
		if c.denied != (registry.CodeOf(err) == registry.CodeUnauthenticated && err != nil) || (!c.denied && a != c.answer) {
			t.Errorf("%s: %v, %v", c.name, a, err)
		}
	}
}

func TestThePlaceOfARequest(t *testing.T) {
	t.Parallel()
	byGroup, byProject := &spec.Convention{Names: spec.NamesRootGroup}, &spec.Convention{Names: spec.NamesProject}
	for _, c := range []struct {
		level         spec.Level
		target, names string
		convention    *spec.Convention
		want          place
		base          string
	}{
		{spec.LevelProject, "7", "", byGroup, place{project: auth.ProjectRef{ID: 7}}, "/projects/7/packages/demo"},
		{spec.LevelProject, "a/b", "", nil, place{project: auth.ProjectRef{Path: "a/b"}}, "/projects/a%2Fb/packages/demo"},
		{spec.LevelGroup, "7", "", nil, place{group: auth.GroupRef{ID: 7}}, "/groups/7/-/packages/demo"},
		{spec.LevelGroup, "a/b", "", nil, place{group: auth.GroupRef{Path: "a/b"}}, "/groups/a%2Fb/-/packages/demo"},
		{spec.LevelInstance, "", "acme", byGroup, place{group: auth.GroupRef{Path: "acme", Root: true}}, "/packages/demo"},
		{spec.LevelInstance, "", "7", byGroup, place{group: auth.GroupRef{Path: "7", Root: true}}, "/packages/demo"}, // a scope of digits is no number
		{spec.LevelInstance, "", "acme/web", byProject, place{project: auth.ProjectRef{Path: "acme/web"}}, "/packages/demo"},
		{spec.LevelInstance, "", "7", byProject, place{project: auth.ProjectRef{Path: "7"}}, "/packages/demo"},
		{spec.LevelInstance, "", "", byGroup, place{}, "/packages/demo"}, // a name that does not follow the convention
		{spec.LevelInstance, "", "", nil, place{}, "/packages/demo"},
	} {
		ctx, _ := gin.CreateTestContext(httptest.NewRecorder())
		ctx.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.example/", nil)
		r := &call{c: ctx, level: c.level, target: c.target, names: c.names, route: &spec.Route{Convention: c.convention}, manifest: &spec.Manifest{Format: "demo"}}
		if got := r.place(); got != c.want {
			t.Errorf("level %d, %q %q: %+v", c.level, c.target, c.names, got)
		}
		if got := (&Server{}).baseURL(r); got != "http://registry.example/api/v4"+c.base {
			t.Errorf("level %d, %q: %s", c.level, c.target, got)
		}
	}
}
