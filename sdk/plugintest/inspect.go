package plugintest

import (
	"context"
	"slices"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Packages returns what a finder selects from the model, all pages of it and of all projects.
func (r *Registry) Packages(f spec.Finder) []spec.FoundPackage {
	r.t.Helper()
	var all []spec.FoundPackage
	h := &host{registry: r, several: true}
	for {
		page, err := h.FindPackages(r.t.Context(), scope, f)
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, page.Packages...)
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			return all
		}
	}
}

// Rows returns the rows of a metadata table.
func (r *Registry) Rows(table string) []spec.Row { return slices.Clone(r.model.rows[table]) }

// Jobs returns the jobs that applied plans enqueued and RunJobs has not run.
func (r *Registry) Jobs() []spec.EnqueueJob { return slices.Clone(r.model.jobs) }

// RunJobs runs the jobs that wait and applies their plans, until none waits. It
// returns how many ran, and fails the test if one fails.
func (r *Registry) RunJobs() int {
	r.t.Helper()
	n := 0
	for r.RunJob() {
		n++
	}
	return n
}

// RunJob runs the job that waits longest and applies its plan; false if none
// waits. It fails the test if the job fails.
func (r *Registry) RunJob() bool {
	r.t.Helper()
	if len(r.model.jobs) == 0 {
		return false
	}
	job := r.model.jobs[0]
	r.model.jobs = slices.Delete(r.model.jobs, 0, 1)
	plan, err := r.plugin.RunJob(r.background(), &spec.Job{
		RequestContext: r.context(Request{Actor: spec.Actor{Kind: spec.System}}, spec.LevelProject),
		Kind:           job.Kind,
		ArgsJSON:       job.ArgsJSON,
	}, &host{registry: r})
	if err != nil {
		r.t.Fatalf("job %s: %v", job.Kind, err)
	}
	r.Apply(Result{Plan: plan})
	return true
}

// Emit tells the plugin of an event and applies its plan.
func (r *Registry) Emit(eventType string, pkg spec.Package) {
	r.t.Helper()
	plan, err := r.plugin.HandleEvent(r.background(), &spec.Event{
		RequestContext: r.context(Request{Actor: spec.Actor{Kind: spec.System}}, spec.LevelProject),
		ID:             1,
		Type:           eventType,
		Package:        pkg,
		At:             r.model.at(r.model.lastID),
	}, &host{registry: r})
	if err != nil {
		r.t.Fatalf("event %s: %v", eventType, err)
	}
	r.Apply(Result{Plan: plan})
}

func (r *Registry) background() context.Context { return context.WithoutCancel(r.t.Context()) }
