package server

import (
	"slices"
	"strings"

	"github.com/pakhus/pakhus/core/internal/features"
)

// featureDocument is a switch as GitLab's API shows a feature.
type featureDocument struct {
	Name       string                     `json:"name"`
	State      string                     `json:"state"` // on, off, conditional
	Gates      []featureGate              `json:"gates"`
	Definition *featureDefinitionDocument `json:"definition"` // null: no enabled format has a route of that name
}

// featureGate is what decides: "boolean" for the instance, "actors" for projects
// and groups. As in GitLab, an actor for whom it is off has ":opt_out" behind it.
type featureGate struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

type featureDefinitionDocument struct {
	Name           string `json:"name"`
	Type           string `json:"type"`  // format, route, flag: declared by routes of a format
	Group          string `json:"group"` // the format
	DefaultEnabled bool   `json:"default_enabled"`
}

// featureDocument is made of all settings, those of other names too.
func (s *Server) featureDocument(name string, settings []features.Setting, now *features.Set) featureDocument {
	instance, actors := now.Default(name), []string{}
	for _, x := range settings {
		switch {
		case x.Name != name:
		case x.Actor() == "":
			instance = x.Enabled
		case x.Enabled:
			actors = append(actors, x.Actor())
		default:
			actors = append(actors, x.Actor()+":opt_out")
		}
	}
	d := featureDocument{Name: name, State: "off", Gates: []featureGate{{"boolean", instance}}}
	if instance {
		d.State = "on"
	}
	if len(actors) > 0 {
		d.State = "conditional"
		d.Gates = append(d.Gates, featureGate{"actors", actors})
	}
	all := s.featureDefinitions(now)
	if i := slices.IndexFunc(all, func(f featureDefinitionDocument) bool { return f.Name == name }); i >= 0 {
		d.Definition = &all[i]
	}
	return d
}

// featureDefinitions are all switches of the formats that are enabled, by name.
func (s *Server) featureDefinitions(now *features.Set) []featureDefinitionDocument {
	all := []featureDefinitionDocument{}
	add := func(name, kind, format string) {
		all = append(all, featureDefinitionDocument{Name: name, Type: kind, Group: format, DefaultEnabled: now.Default(name)})
	}
	for _, name := range s.Plugins.Names() {
		format, _ := s.Plugins.Format(name)
		add(name, "format", name)
		if format.State().Version == "" {
			continue // it has not said yet what it has
		}
		routes := format.Manifest().Routes
		for i := range routes {
			add(name+"/"+routes[i].ID, "route", name)
			if flag := routes[i].FeatureFlag; flag != "" {
				add(flag, "flag", name)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b featureDefinitionDocument) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b featureDefinitionDocument) bool { return a.Name == b.Name })
}

// UndefinedFeatures are those names that no enabled format has anything of, in
// order. A plugin that has not come up yet defines nothing.
func (s *Server) UndefinedFeatures(names map[string]bool) []string {
	var out []string
	for _, name := range sorted(names) {
		if !s.definesFeature(name, &features.Set{}) {
			out = append(out, name)
		}
	}
	return out
}

func (s *Server) definesFeature(name string, now *features.Set) bool {
	return slices.ContainsFunc(s.featureDefinitions(now), func(d featureDefinitionDocument) bool { return d.Name == name })
}
