package plan

import (
	"cmp"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/sdk/spec"
)

// audited are the audit's events of the plan: one for each package that it
// changes, so that they can be found by it, and one for a plan whose changes are
// of no package. They are written by the transaction that makes the changes.
func (a *applier) audited() []audit.Event {
	if a.plan.Empty() {
		return nil
	}
	var (
		all []audit.Event
		at  = map[int64]int{} // by package
	)
	for _, e := range a.events {
		i, known := at[e.id]
		if !known {
			i = len(all)
			at[e.id] = i
			p := a.stored[e.id]
			deed := a.deed()
			deed.PackageName, deed.PackageVersion = p.name, p.version
			all = append(all, deed)
		}
		all[i].Changes = append(all[i].Changes, audit.Change{Type: e.kind, File: e.file})
	}
	if len(all) > 0 {
		return all
	}
	deed := a.deed()
	if len(a.touched) == 1 {
		for key := range a.touched {
			deed.PackageName = key
		}
	}
	return []audit.Event{deed}
}

// deed is what all events of the plan have in common.
func (a *applier) deed() audit.Event {
	s, e := a.scope, a.scope.Audit
	e.Outcome, e.Actor, e.Entity = audit.Done, s.Actor, audit.OfProject(&s.Project)
	e.RequestID = cmp.Or(e.RequestID, s.RequestID)
	e.Action = cmp.Or(e.Action, s.Format+"/"+actionName(s.Action))
	return e
}

// actionName is GitLab's ability for an action.
func actionName(action spec.Action) string {
	switch action {
	case spec.ActionCreatePackage:
		return "create_package"
	case spec.ActionDestroyPackage:
		return "destroy_package"
	case spec.ActionReadPackage:
		return "read_package"
	case spec.ActionNone:
	}
	return "none"
}
