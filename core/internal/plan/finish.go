package plan

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/pakhus/pakhus/core/internal/audit"
)

// event is one row of the outbox.
type event struct {
	kind string
	id   int64  // of the package
	file string // its name, of what is about a file
}

// tell queues an event.
func (a *applier) tell(kind string, packageID int64, file string) {
	a.events = append(a.events, event{kind: kind, id: packageID, file: file})
}

// finish queues what every plan ends with: events, audit, cache generations,
// intent, in one statement.
func (a *applier) finish() {
	events := a.describeEvents()
	a.label = "events, audit, cache generations, intent"
	// The generations end every answer that was made from what this plan touched. In
	// the keys' order: two plans that touch the same ones wait for each other at the first.
	a.exec(`
		with events as (
			insert into events (type, project_id, format, package, actor, request_id)
			select e.type, $1, $2, e.package::jsonb, $3::jsonb, $4
			from unnest($5::text[], $6::text[]) with ordinality e (type, package, n) order by e.n
		), audited as (
			insert into audit_events`+audit.Columns+audit.Source("$9")+`
		), generations as (
			insert into cache_generations (project_id, format, key) select $1, $2, unnest($7::text[])
			on conflict (project_id, format, key) do update set generation = nextval('cache_generation')
		)
		insert into intents (id) values ($8)`,
		a.scope.Project.ID, a.scope.Format, events.actor, a.scope.RequestID, events.kinds, events.packages,
		a.generations(), a.intent, a.audited())
}

// generations are the cache keys whose generation the plan makes grow, in order.
func (r *run) generations() []string {
	keys := maps.Clone(r.touched)
	for _, k := range r.plan.Touch {
		keys[k] = struct{}{}
	}
	return slices.Sorted(maps.Keys(keys))
}

// aboutPackage is what an event says of its package: it may be gone when the event is read.
type aboutPackage struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version"`
	File    string `json:"file,omitempty"`
}

type aboutActor struct {
	Kind     string `json:"kind"`
	UserID   int64  `json:"user_id"`
	TokenID  int64  `json:"token_id"`
	Username string `json:"username"`
}

// described are a plan's events as the statement takes them.
type described struct {
	kinds, packages []string // not nil, which would be null
	actor           string
}

func (a *applier) describeEvents() described {
	d := described{kinds: make([]string, len(a.events)), packages: make([]string, len(a.events))}
	for i, e := range a.events {
		p := a.stored[e.id]
		d.kinds[i], d.packages[i] = e.kind, asJSON(aboutPackage{ID: e.id, Name: p.name, Version: p.version, File: e.file})
	}
	who := a.scope.Actor
	d.actor = asJSON(aboutActor{Kind: string(who.Kind), UserID: who.UserID, TokenID: who.TokenID, Username: who.Username})
	return d
}

// asJSON cannot fail: texts and numbers.
func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
