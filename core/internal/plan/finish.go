package plan

import (
	"maps"
	"slices"

	"github.com/pakhus/pakhus/core/internal/audit"
)

// event is one change of a package.
type event struct {
	kind string
	id   int64  // of the package
	file string // its name, of what is about a file
}

// tell keeps a change for the audit.
func (a *applier) tell(kind string, packageID int64, file string) {
	a.events = append(a.events, event{kind: kind, id: packageID, file: file})
}

// finish queues what every plan ends with: audit, cache generations, intent.
func (a *applier) finish() {
	a.label = "audit"
	for _, e := range a.audited() {
		sql, args := audit.Statement(e)
		a.exec(sql, args...)
	}
	a.label = "cache generations"
	// They end every answer that was made from what this plan touched. In the keys'
	// order: two plans that touch the same ones wait for each other at the first.
	a.exec(`
		insert into cache_generations (project_id, format, key) select $1, $2, unnest($3::text[])
		on conflict (project_id, format, key) do update set generation = nextval('cache_generation')`,
		a.scope.Project.ID, a.scope.Format, a.generations())
	a.label = "intent"
	a.exec("insert into intents (id) values ($1)", a.intent)
}

// generations are the cache keys whose generation the plan makes grow, in order.
func (r *run) generations() []string {
	keys := maps.Clone(r.touched)
	for _, k := range r.plan.Touch {
		keys[k] = struct{}{}
	}
	return slices.Sorted(maps.Keys(keys))
}
