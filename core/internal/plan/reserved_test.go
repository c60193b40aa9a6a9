package plan_test

import (
	"testing"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plan/plantest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// What was there to see stays reserved, whoever destroyed it; what was still
// being processed was never there.
func TestWhatIsReservedOfADestroyedPackage(t *testing.T) {
	t.Parallel()
	e := setup(t)
	for status, reserved := range map[string]bool{"": true, "hidden": true, "deprecated": true, "error": true, "processing": false} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			name := "p" + status
			create := spec.CreatePackage{Local: "p", Name: name, Version: "1", Status: status}
			id := e.commit(t, e.scope(), create).PackageIDs["p"]
			e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})
			want, state := "0", plan.Committed
			if reserved {
				want, state = "1", plan.Refused
			}
			e.want(t, want, "select count(*) from reserved_versions where name_key = $1", name)
			if r, err := e.exec.Commit(t.Context(), e.scope(), operations(create)); err != nil || r.State != state {
				t.Errorf("made again: %+v, %v", r, err)
			}
		})
	}
	t.Run("it is served once it is done", func(t *testing.T) {
		t.Parallel()
		id := e.commit(t, e.scope(), spec.CreatePackage{Local: "p", Name: "done", Version: "1", Status: "processing"}).PackageIDs["p"]
		e.commit(t, e.scope(), spec.UpdatePackage{Package: spec.PackageRef{ID: id}, Status: "default"})
		e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})
		e.want(t, "1", "select count(*) from reserved_versions where name_key = 'done'")
	})
}

func TestAReservedVersionCanBeTaken(t *testing.T) {
	t.Parallel()
	e := setup(t)
	create := spec.CreatePackage{Local: "p", Name: "a", Version: "1-SNAPSHOT", TakeReserved: true}
	absent := func(s plan.Scope) plan.State {
		t.Helper()
		p := operations(spec.RemoveTag{Name: "a", Tag: "none"})
		p.Operations[0].Op = spec.SetTag{Package: spec.PackageRef{Local: "q"}, Tag: "x"}
		p.Operations = append(operations(spec.CreatePackage{Local: "q", Name: "b", Version: "1", Reuse: true}).Operations, p.Operations...)
		p.Preconditions = []spec.Precondition{{Check: spec.PackageAbsent{Name: "a", Version: "1-SNAPSHOT"}, OnFailure: taken()}}
		r, err := e.exec.Commit(t.Context(), s, p)
		if err != nil {
			t.Fatal(err)
		}
		return r.State
	}
	for range 2 { // a reserved version that was taken is reserved once more
		id := e.commit(t, e.scope(), create).PackageIDs["p"]
		if r, err := e.exec.Commit(t.Context(), e.scope(), operations(create)); err != nil || r.State != plan.Refused {
			t.Errorf("a stored one is taken: %+v, %v", r, err)
		}
		e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})
		e.want(t, "1", "select count(*) from reserved_versions")
	}
	// Nobody else takes it, and it does not count as absent.
	other := create
	other.TakeReserved = false
	if r, err := e.exec.Commit(t.Context(), e.scope(), operations(other)); err != nil || r.State != plan.Refused {
		t.Errorf("taken without being told to: %+v, %v", r, err)
	}
	if state := absent(e.scope()); state != plan.Refused {
		t.Errorf("a reserved version is absent: state %d", state)
	}
	reuse := e.scope()
	reuse.Project.AllowReuseAfterDelete = true
	if state := absent(reuse); state != plan.Committed {
		t.Errorf("where reuse is allowed: state %d", state)
	}
}

// What one project has reserved is free in another.
func TestReservedIsAProjectsOwn(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	e.commit(t, e.scope(), spec.DestroyPackage{Package: spec.PackageRef{ID: id}})
	other := *e
	other.project = plantest.NewProject(t, e.db, "q")
	other.publish(t, "a", "1")
}
