package sdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Handle answers one request: it finds the route's handler, gives it what it may
// read, and renders what it returns.
func (p *Plugin) Handle(ctx context.Context, r *spec.Request, h spec.Host) (*spec.Response, error) {
	route := p.route(r.RouteID)
	if route == nil {
		return nil, fmt.Errorf("no route %q", r.RouteID)
	}
	rows, err := p.prefetchedRowsOf(route, r)
	if err != nil {
		return nil, fmt.Errorf("route %s: %w", r.RouteID, err)
	}
	outcome, err := route.Handler(ctx, &Request{
		Reads:     newReads(h, r.Scope, known{prefetches(route, r), rows}),
		RequestID: r.RequestID,
		RouteID:   r.RouteID,
		Level:     r.Level,
		Project:   r.Project,
		Group:     r.Group,
		Settings:  r.Settings,
		Actor:     r.Actor,
		BaseURL:   r.BaseURL,
		MediaType: r.MediaType,
		Attempt:   r.Attempt,
		Uploads:   r.Uploads,
		Log:       hclog.FromContext(ctx).With("request_id", r.RequestID, "route", r.RouteID),
		in:        r,
	})
	if err != nil {
		problem := asProblem(err)
		if problem == nil {
			return nil, fmt.Errorf("route %s: %w", r.RouteID, err)
		}
		refusal := problem.render(p.Errors)
		if p.ErrorHeader != "" {
			refusal.Header.Set(p.ErrorHeader, spec.HeaderText(problem.Message))
		}
		return &spec.Response{Outcome: refusal}, nil
	}
	if outcome == nil {
		return nil, fmt.Errorf("route %s: no outcome", r.RouteID)
	}
	response, err := outcome.render(p.Errors)
	if err != nil {
		return nil, fmt.Errorf("route %s: %w", r.RouteID, err)
	}
	if err := p.checkPlan(route.Action, response.Plan); err != nil {
		return nil, fmt.Errorf("route %s: %w", r.RouteID, err)
	}
	return response, nil
}

// RunJob does one job.
func (p *Plugin) RunJob(ctx context.Context, j *spec.Job, h spec.Host) (*spec.Plan, error) {
	for _, job := range p.Jobs {
		if job.Kind != j.Kind {
			continue
		}
		plan, err := job.Run(ctx, &JobRun{
			Reads:     newReads(h, j.Scope, known{}),
			RequestID: j.RequestID,
			Kind:      j.Kind,
			Args:      j.ArgsJSON,
			Project:   j.Project,
			Settings:  j.Settings,
			Attempt:   j.Attempt,
			Log:       hclog.FromContext(ctx).With("request_id", j.RequestID, "job", j.Kind),
		})
		return p.background("job "+j.Kind, plan, err)
	}
	return nil, fmt.Errorf("no job %q", j.Kind)
}

// HandleEvent reacts to one event.
func (p *Plugin) HandleEvent(ctx context.Context, e *spec.Event, h spec.Host) (*spec.Plan, error) {
	for _, handler := range p.Events {
		if handler.Type != e.Type {
			continue
		}
		plan, err := handler.Run(ctx, &EventRun{
			Reads: newReads(h, e.Scope, known{}),
			Event: *e,
			Log:   hclog.FromContext(ctx).With("request_id", e.RequestID, "event", e.Type),
		})
		return p.background("event "+e.Type, plan, err)
	}
	return nil, fmt.Errorf("no handler of event %q", e.Type)
}

// background renders the plan of work that nobody waits for.
func (p *Plugin) background(what string, plan *Plan, err error) (*spec.Plan, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	rendered, err := plan.render(p.Errors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := p.checkPlan(ActionDestroyPackage, rendered); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return rendered, nil
}

// checkPlan finds what the core would refuse anyway, with a name the author knows.
func (p *Plugin) checkPlan(action Action, plan *spec.Plan) error {
	if plan.Empty() {
		return nil
	}
	if action != ActionCreatePackage && action != ActionDestroyPackage {
		return errors.New("a plan on a route whose action only reads")
	}
	for _, o := range plan.Operations {
		switch o.Op.(type) {
		case spec.DestroyPackage, spec.DestroyFile, spec.DestroyFiles:
			if action != ActionDestroyPackage {
				return errors.New("a plan that destroys, on a route without ActionDestroyPackage")
			}
		}
	}
	for _, job := range plan.Jobs {
		if !p.declaresJob(job.Kind) {
			return fmt.Errorf("a plan with job %q, which the plugin does not declare", job.Kind)
		}
	}
	return nil
}

func (p *Plugin) declaresJob(kind string) bool {
	for _, job := range p.Jobs {
		if job.Kind == kind {
			return true
		}
	}
	return false
}
