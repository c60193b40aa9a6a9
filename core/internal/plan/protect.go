package plan

import (
	"context"
	"slices"

	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// protected refuses a plan that a protection rule of the project keeps its actor
// from, before anything of it is stored. It is here for all formats: a plugin
// does not know of rules.
//
// A rule raises the role that an action takes on packages of some names. So what
// a route that publishes does to a package is a push, its tags and status too;
// what one that destroys does is a deletion, and a push as well if it makes
// packages or files.
func (r *run) protected(ctx context.Context) error {
	all, made := r.names()
	return r.allowed(ctx, all, made)
}

// Foresee refuses, as Commit would, a plan that is about a package of a name, as
// far as rules and names decide. It is for who knows the name before there is a
// plan, and before what it needs was uploaded; Commit decides anew.
func (e *Executor) Foresee(ctx context.Context, s Scope, name string) error {
	return newRun(e, s, &spec.Plan{}).allowed(ctx, []string{name}, nil)
}

func (r *run) allowed(ctx context.Context, all, made []string) error {
	if err := r.covered(all, made); err != nil {
		return err
	}
	c := protection.Change{
		ProjectID: r.scope.Project.ID, Format: r.scope.Format, Actor: r.scope.Actor, Level: r.scope.Level,
		Pushed: all,
	}
	if r.scope.Action == spec.ActionDestroyPackage {
		c.Pushed, c.Deleted = made, all
	}
	if err := r.executor.guard.Check(ctx, c); err != nil {
		return r.executor.failed(err)
	}
	return nil
}

// covered refuses a plan that is about packages whose names a granular token does
// not extend to, for what its route does: what is pushed and deleted is as above.
func (r *run) covered(all, made []string) error {
	verbs := authz.Verbs(r.scope.Action)
	if err := r.within(all, verbs...); err != nil || r.scope.Action != spec.ActionDestroyPackage {
		return err
	}
	return r.within(made, registry.VerbUpload)
}

func (r *run) within(packages []string, verbs ...registry.Verb) error {
	if len(verbs) == 0 {
		return nil
	}
	names := authz.Names(r.scope.Actor, &r.scope.Project, r.scope.Level, verbs...)
	for _, name := range packages {
		if !names.Include(name) {
			return registry.InsufficientGranularScope("Access denied: the token lacks the required permission [%s] for the package %q.",
				registry.Permission(verbs[0], r.scope.Format), name)
		}
	}
	return nil
}

// names are those of the packages that the plan is about, as they are displayed
// (a key tells apart what has one name: recipes of several Conan users), and of
// these the ones that it makes or gives files. What a plan only depends on counts
// as well, as it does for its locks.
func (r *run) names() (all, made []string) {
	local := map[spec.Local]string{}
	for _, p := range r.stored {
		all = append(all, p.name)
	}
	for _, o := range r.plan.Operations {
		switch o := o.Op.(type) {
		case spec.CreatePackage:
			local[o.Local] = o.Name
			made = append(made, o.Name)
		case spec.AttachFile:
			if o.Package.ID != 0 {
				made = append(made, r.stored[o.Package.ID].name)
			} else {
				made = append(made, local[o.Package.Local])
			}
		case spec.RemoveTag:
			all = append(all, o.Name)
		}
	}
	all, made = append(all, made...), slices.Clone(made)
	slices.Sort(all)
	slices.Sort(made)
	return slices.Compact(all), slices.Compact(made)
}
