package server

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/sdk/spec"
)

// listing is what the registry serves: the formats' routes as their manifests
// declare them, and everything else. It says what there is, not who may have it.
type listing struct {
	Formats []listedFormat `json:"formats"`
	Paths   []listedPath   `json:"paths"`
}

// listedPath is a path that is not a format's, ":name" for what varies in it.
type listedPath struct {
	Path    string   `json:"path"`
	Methods []string `json:"methods"`
}

type listedFormat struct {
	Format     string            `json:"format"`
	Errors     string            `json:"errors"` // the shape of refusals: message, message_and_error, text, problem
	Validators map[string]string `json:"validators"`
	Routes     []listedRoute     `json:"routes"`
}

type listedRoute struct {
	ID              string            `json:"id"`
	Method          string            `json:"method"`
	Pattern         string            `json:"pattern"`
	Levels          []string          `json:"levels"`
	Action          string            `json:"action"`
	Authenticated   bool              `json:"authenticated"`
	BodyCredentials []string          `json:"body_credentials,omitempty"` // the fields of the user name and the secret
	Challenge       string            `json:"challenge"`
	AnonymousDenial int               `json:"anonymous_denial"` // a status
	MatchHeaders    map[string]string `json:"match_headers,omitempty"`
	FeatureFlag     string            `json:"feature_flag,omitempty"`
	Convention      *listedConvention `json:"convention,omitempty"`
}

// listedConvention is how, at instance level, a name tells what a request is about.
type listedConvention struct {
	Value     string `json:"value"`
	Pattern   string `json:"pattern"`
	Names     string `json:"names"`
	Slash     string `json:"slash"`
	OrNothing bool   `json:"or_nothing"`
}

// routeListing tells administrators, and people on the machine itself, what is served.
func (s *Server) routeListing(c *gin.Context) {
	if !s.onThisMachine(c.Request) {
		if err := s.adminOnly(c); err != nil {
			s.fail(c, err)
			return
		}
	}
	l := listing{Formats: []listedFormat{}, Paths: s.paths}
	for _, name := range s.Plugins.Names() {
		format, _ := s.Plugins.Format(name)
		l.Formats = append(l.Formats, listFormat(format.Manifest()))
	}
	c.JSON(http.StatusOK, l)
}

// listPaths keeps what gin serves besides the formats. A path of the APIs is
// mounted for every method, and then takes those in s.takes.
func (s *Server) listPaths(e *gin.Engine) {
	methods := map[string][]string{}
	for _, r := range e.Routes() {
		if takes, ok := s.takes[r.Path]; ok {
			methods[r.Path] = takes
		} else if !s.mounts[r.Path] {
			methods[r.Path] = append(methods[r.Path], r.Method)
		}
	}
	for path, m := range methods {
		slices.Sort(m)
		s.paths = append(s.paths, listedPath{path, m})
	}
	slices.SortFunc(s.paths, func(a, b listedPath) int { return cmp.Compare(a.Path, b.Path) })
}

func listFormat(m *spec.Manifest) listedFormat {
	f := listedFormat{Format: m.Format, Validators: m.Validators, Routes: []listedRoute{}, Errors: map[spec.ErrorStyle]string{
		spec.ErrorMessage: "message", spec.ErrorMessageAndError: "message_and_error", spec.ErrorText: "text", spec.ErrorProblem: "problem",
	}[m.Errors]}
	for _, r := range m.Routes {
		f.Routes = append(f.Routes, listRoute(r))
	}
	return f
}

func listRoute(r spec.Route) listedRoute {
	one := listedRoute{
		ID: r.ID, Method: r.Method, Pattern: r.Pattern, Authenticated: r.Authenticated,
		MatchHeaders: r.MatchHeaders, FeatureFlag: r.FeatureFlag, AnonymousDenial: http.StatusUnauthorized,
		Action: map[spec.Action]string{
			spec.ActionNone: "none", spec.ActionReadPackage: "read_package", spec.ActionCreatePackage: "create_package", spec.ActionDestroyPackage: "destroy_package",
		}[r.Action],
		Challenge: map[spec.Challenge]string{spec.ChallengeNone: "none", spec.ChallengeBasic: "basic", spec.ChallengeBearer: "bearer"}[r.Challenge],
	}
	if r.AnonymousDenial == spec.DenyNotFound {
		one.AnonymousDenial = http.StatusNotFound
	}
	if b := r.BodyCredentials; b != nil {
		one.BodyCredentials = []string{b.UsernameField, b.PasswordField}
	}
	for _, l := range r.Levels {
		one.Levels = append(one.Levels, map[spec.Level]string{spec.LevelProject: "project", spec.LevelGroup: "group", spec.LevelInstance: "instance"}[l])
	}
	if c := r.Convention; c != nil {
		one.Convention = &listedConvention{Value: c.Value, Pattern: c.Pattern, Slash: c.Slash, OrNothing: c.OrNothing, Names: "project"}
		if c.Names == spec.NamesRootGroup {
			one.Convention.Names = "root_group"
		}
	}
	return one
}

// methodsOf are a table's methods, sorted, with HEAD wherever GET is.
func methodsOf[T any](table map[string]T) []string {
	var methods []string
	for m := range table {
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return methods
}
