// Package features switches routes of formats on and off, without a restart.
//
//	features.go  what a switch is called, and who decides
//	flags.go     what is decided at the moment, on this node
//	store.go     how operators set, list and remove switches
//
// A route goes by up to three names: the whole format's ("npm"), its own
// ("npm/publish"), and the flag that its manifest declares for it, if any. It is
// on if each of its names is. A name is on or off as the nearest says that says
// anything: the project, the groups above it from the nearest one up, the
// instance, the configuration. Where nobody says anything it is on.
package features

import (
	"regexp"
	"slices"

	"github.com/pakhus/pakhus/sdk/spec"
)

// MaxName is the length of the longest name, in bytes.
const MaxName = 100

// ValidName reports whether a switch can be called so: as a format, as a format
// and the id of a route with "/" between, or as the flag that a manifest declares.
// Whether there is anything of that name is another question.
func ValidName(name string) bool {
	return len(name) <= MaxName && regexp.MustCompile(`^[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)?$`).MatchString(name)
}

// Names are those that a format's route goes by.
func Names(format string, r *spec.Route) []string {
	names := []string{format, format + "/" + r.ID}
	if r.FeatureFlag != "" {
		names = append(names, r.FeatureFlag)
	}
	return names
}

// Place is where a route is asked for. The zero Place is the instance.
type Place struct {
	ProjectID int64   // 0: no project
	GroupIDs  []int64 // the groups above it, or of a request about a group that one and those above it; from the root down
}

// Set is what is decided about all switches at one moment. It is not changed
// after it was made.
type Set struct {
	configured map[string]bool
	instance   map[string]bool
	groups     map[string]map[int64]bool
	projects   map[string]map[int64]bool
}

// On reports whether a route of these names is on in a place.
func (s *Set) On(names []string, p Place) bool {
	for _, name := range names {
		if !s.on(name, p) {
			return false
		}
	}
	return true
}

func (s *Set) on(name string, p Place) bool {
	if on, decided := s.projects[name][p.ProjectID]; decided {
		return on
	}
	for _, id := range slices.Backward(p.GroupIDs) {
		if on, decided := s.groups[name][id]; decided {
			return on
		}
	}
	return s.Instance(name)
}

// Instance reports whether a name is on where no project or group says anything.
func (s *Set) Instance(name string) bool {
	if on, decided := s.instance[name]; decided {
		return on
	}
	return s.Default(name)
}

// Default reports whether a name is on where nothing was set but in the configuration.
func (s *Set) Default(name string) bool {
	on, decided := s.configured[name]
	return on || !decided
}

// Everywhere reports whether no project or group says anything about these
// names: then what holds for the instance holds in every place.
func (s *Set) Everywhere(names []string) bool {
	for _, name := range names {
		if len(s.groups[name])+len(s.projects[name]) > 0 {
			return false
		}
	}
	return true
}
