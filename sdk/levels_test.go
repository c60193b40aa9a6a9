package sdk_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestAPlanSaysWhichProjectItChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan *sdk.Plan
		want int64 // -1: no plan
	}{
		"that of the request":  {sdk.NewPlan().RemoveTag("demo", "next"), 0},
		"another":              {sdk.NewPlan().In(7).RemoveTag("demo", "next"), 7},
		"the last word counts": {sdk.NewPlan().In(7).RemoveTag("demo", "next").In(8), 8},
		"none":                 {sdk.NewPlan().In(7), -1},
	} {
		got, err := handle(t, answering(sdk.ErrorText, sdk.ActionDestroyPackage, func(context.Context, *sdk.Request) (sdk.Outcome, error) {
			return sdk.Empty(http.StatusNoContent).With(c.plan), nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if c.want == -1 {
			if got.Plan != nil {
				t.Errorf("%s: a plan that changes nothing: %+v", name, got.Plan)
			}
			continue
		}
		if got.Plan == nil || got.Plan.ProjectID != c.want {
			t.Errorf("%s: %+v, want project %d", name, got.Plan, c.want)
		}
	}
}

func TestAReservedVersionIsTakenIfThatIsSaid(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		got, err := handle(t, answering(sdk.ErrorText, sdk.ActionCreatePackage, func(context.Context, *sdk.Request) (sdk.Outcome, error) {
			plan := sdk.NewPlan()
			if taken {
				plan.CreatePackage("demo", "1-SNAPSHOT", sdk.Reuse(), sdk.TakeReserved())
			} else {
				plan.CreatePackage("demo", "1", sdk.Reuse())
			}
			return sdk.Empty(http.StatusCreated).With(plan), nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		if op, ok := got.Plan.Operations[0].Op.(spec.CreatePackage); !ok || op.TakeReserved != taken || !op.Reuse {
			t.Errorf("%+v, want TakeReserved %t", got.Plan.Operations[0].Op, taken)
		}
	}
}

// GitLab's table: an exception turns the switch round for what fits it, whole,
// by name or by version.
func TestAllowsDuplicate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		refuse    bool
		exception string
		want      bool
	}{
		{"by default", false, "", true},
		{"allowed, and another name", false, "other", true},
		{"allowed, and the name fits", false, "com/acme/.*", false},
		{"allowed, and the version fits", false, ".*-SNAPSHOT", false},
		{"refused", true, "", false},
		{"refused, and another name", true, "other", false},
		{"refused, and the name fits", true, "com/acme/.*", true},
		{"refused, and the version fits", true, ".*-SNAPSHOT", true},
		{"a part is no fit", true, "SNAPSHOT", false},
		{"the beginning is no fit", true, "com", false},
		{"nor is either side of an or", true, "com|1.0", false},
		{"either side of an or, whole", true, "com/acme/web|x", true},
		{"the case counts", true, "COM/ACME/.*", false},
		{"one that is not RE2 fits nothing: allowed", false, "(", true},
		{"one that is not RE2 fits nothing: refused", true, "(?!x)", false},
		{"nor one that is only together with what is around it", true, `\Qx`, false},
	} {
		r := &sdk.Request{Settings: sdk.PackageSettings{RefuseDuplicates: c.refuse, DuplicateException: c.exception}}
		if got := r.AllowsDuplicate("com/acme/web", "1.0-SNAPSHOT"); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// What a request is about reaches the handler: one project, or a group.
func TestAHandlerKnowsWhatARequestIsAbout(t *testing.T) {
	t.Parallel()
	p := answering(sdk.ErrorText, sdk.ActionReadPackage, func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		return sdk.Text(http.StatusOK, strings.Join([]string{r.Project.Path, r.Group.Path, r.BaseURL, r.Settings.DuplicateException}, " ")), nil
	})
	for _, c := range []struct {
		about spec.RequestContext
		want  string
	}{
		{spec.RequestContext{Project: spec.Project{ID: 1, Path: "g/p"}, BaseURL: "x", Settings: spec.PackageSettings{DuplicateException: "e"}}, "g/p  x e"},
		{spec.RequestContext{Group: spec.Group{ID: 1, Path: "g"}, BaseURL: "y"}, " g y "},
	} {
		got, err := p.Handle(t.Context(), &spec.Request{RequestContext: c.about, RouteID: "it"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, ok := got.Outcome.(*spec.HTTPResponse); !ok || string(answer.Body) != c.want {
			t.Errorf("%+v", got.Outcome)
		}
	}
}
