package manifest_test

import (
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/manifest"
	"github.com/pakhus/pakhus/sdk/spec"
)

const (
	group    = spec.LevelGroup
	instance = spec.LevelInstance
)

// above is a good manifest whose route "get" reads through groups and through
// the whole instance; "{name}" is its parameter.
func above() *spec.Manifest {
	m := good()
	r := &m.Routes[get]
	r.Levels = []spec.Level{spec.LevelProject, group, instance}
	r.Convention = &spec.Convention{Value: "{name}", Pattern: "@([^/]+)/.+", Names: spec.NamesRootGroup, Slash: "+"}
	return m
}

func TestConventionsThatAreTaken(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*spec.Manifest){
		"by root group":                      func(*spec.Manifest) {},
		"by project":                         func(m *spec.Manifest) { m.Routes[get].Convention.Names = spec.NamesProject },
		"all of a name":                      func(m *spec.Manifest) { m.Routes[get].Convention.Pattern = "" },
		"group level needs none":             func(m *spec.Manifest) { m.Routes[get].Levels, m.Routes[get].Convention = []spec.Level{group}, nil },
		"nor does what is about no packages": func(m *spec.Manifest) { m.Routes[ping].Levels = []spec.Level{instance} },
		"files for the project that a name names": func(m *spec.Manifest) {
			m.Routes[put].Levels = []spec.Level{instance}
			m.Routes[put].Convention = &spec.Convention{Value: "{name}", Names: spec.NamesProject}
		},
	} {
		m := above()
		change(m)
		if err := manifest.Check(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConventionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		spoil      func(*spec.Route)
	}{
		{"none at instance level", "missing", func(r *spec.Route) { r.Convention = nil }},
		{"not at instance level", "only for routes at instance level", func(r *spec.Route) { r.Levels = []spec.Level{spec.LevelProject, group} }},
		{"about no packages", "only for routes at instance level", func(r *spec.Route) { r.Action, r.Cache, r.Prefetch = spec.ActionNone, nil, nil }},
		{"no value", "value: empty", func(r *spec.Route) { r.Convention.Value = "" }},
		{"value of an unknown parameter", "value: ", func(r *spec.Route) { r.Convention.Value = "{nome}" }},
		{"value that does not end", "value: ", func(r *spec.Route) { r.Convention.Value = "{name" }},
		{"naming nothing", "names: missing", func(r *spec.Route) { r.Convention.Names = 0 }},
		{"naming something unknown", "names: missing or unknown", func(r *spec.Route) { r.Convention.Names = 3 }},
		{"pattern too long", "pattern: longer", func(r *spec.Route) { r.Convention.Pattern = "(" + strings.Repeat("a", 4096) + ")" }},
		{"pattern that is not RE2", "pattern: ", func(r *spec.Route) { r.Convention.Pattern = "(?!a)(b)" }},
		{"pattern without a group", "pattern: 0 capturing", func(r *spec.Route) { r.Convention.Pattern = "@(?:a)" }},
		{"pattern of two groups", "pattern: 2 capturing", func(r *spec.Route) { r.Convention.Pattern = "(a)/(b)" }},
		{"pattern that closes what anchors it", "pattern: ", func(r *spec.Route) { r.Convention.Pattern = "a)|(b" }},
	} {
		m := above()
		c.spoil(&m.Routes[get])
		if err := manifest.Check(m); err == nil || !strings.Contains(err.Error(), "route get: convention: "+c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

// What is stored belongs to one project, and which one is known before it is received.
func TestFilesAreTakenForOneProject(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*spec.Route){
		"at group level": func(r *spec.Route) { r.Levels = []spec.Level{spec.LevelProject, group} },
		"by root group": func(r *spec.Route) {
			r.Levels = []spec.Level{instance}
			r.Convention = &spec.Convention{Value: "{name}", Names: spec.NamesRootGroup}
		},
	} {
		m := good()
		change(&m.Routes[put])
		if err := manifest.Check(m); err == nil || !strings.Contains(err.Error(), "route put: convention: files are taken for one project") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
