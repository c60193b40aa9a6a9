package packages

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// NameLimits are what somebody may see of the packages of some projects, by
// their names. The zero NameLimits are no limits.
type NameLimits struct {
	limited   bool
	byProject bool     // each pattern begins with a project's id and ":"
	patterns  []string // of "ilike"
}

// LimitNames makes the limits of projects, each with its own. Mostly they are all
// the same: then what a row costs does not grow with the number of projects.
func LimitNames(projectIDs []int64, names []registry.Names) NameLimits {
	if !slices.ContainsFunc(names, registry.Names.Limited) {
		return NameLimits{}
	}
	l := NameLimits{limited: true, patterns: []string{}}
	l.byProject = slices.ContainsFunc(names, func(n registry.Names) bool {
		return n.Limited() != names[0].Limited() || !slices.Equal(n.Patterns(), names[0].Patterns())
	})
	if !l.byProject {
		for _, p := range names[0].Patterns() {
			l.patterns = append(l.patterns, like(p))
		}
		return l
	}
	for i, id := range projectIDs {
		own := strconv.FormatInt(id, 10) + ":"
		if !names[i].Limited() {
			l.patterns = append(l.patterns, own+"%")
		}
		for _, p := range names[i].Patterns() {
			l.patterns = append(l.patterns, own+like(p))
		}
	}
	return l
}

// Limited reports whether there are any limits.
func (l NameLimits) Limited() bool { return l.limited }

// SQL is a condition on the packages named by an alias; arg takes an argument and
// returns its placeholder. Without limits it is none.
func (l NameLimits) SQL(alias string, arg func(any) string) (condition string, limited bool) {
	if !l.limited {
		return "", false
	}
	name := alias + ".name"
	if l.byProject {
		name = "(" + alias + ".project_id || ':' || " + alias + ".name)"
	}
	return name + " ilike any (" + arg(l.patterns) + "::text[])", true
}

// Settings are the same for the policies of the generic model's tables, which
// hold for the named queries of formats: see migrations/014_granular_tokens.sql.
func (l NameLimits) Settings() (patterns []string, byProject string) {
	if l.byProject {
		return l.patterns, "on"
	}
	return l.patterns, ""
}

// like writes a pattern as "like" has it: "*" is its "%", and what means something
// to it is text.
func like(pattern string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(pattern)
}
