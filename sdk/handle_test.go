package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/spec"
)

// answering is a plugin whose only route answers with h.
func answering(style sdk.ErrorStyle, action sdk.Action, h sdk.Handler) *sdk.Plugin {
	return &sdk.Plugin{
		Format: "demo", Version: "1.0.0", Errors: style,
		Routes: []sdk.Route{{ID: "it", Method: "PUT", Pattern: "it", Action: action, Handler: h}},
		Jobs:   []sdk.Job{{Kind: "declared", Run: func(context.Context, *sdk.JobRun) (*sdk.Plan, error) { return nil, nil }}},
	}
}

func handle(t *testing.T, p *sdk.Plugin) (*spec.Response, error) {
	t.Helper()
	return p.Handle(t.Context(), &spec.Request{RouteID: "it", Level: sdk.LevelProject}, nil)
}

func TestProblemsAreRenderedInTheFormatsStyle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		style       sdk.ErrorStyle
		problem     error
		status      int
		contentType string
		body        string
	}{
		{"message", sdk.ErrorMessage, sdk.Problem(400, "no %s", "name"), 400, "application/json", `{"message":"400 Bad Request - no name"}`},
		{"message, not found", sdk.ErrorMessage, sdk.NotFound("Package"), 404, "application/json", `{"message":"404 Package Not Found"}`},
		{"message and error", sdk.ErrorMessageAndError, sdk.Problem(403, "Package already exists."), 403, "application/json", `{"message":"Package already exists.","error":"Package already exists."}`},
		{"message and error, not found", sdk.ErrorMessageAndError, sdk.ErrNotFound, 404, "application/json", `{"message":"404 Package Not Found","error":"Package not found"}`},
		{"text", sdk.ErrorText, sdk.Conflict("taken"), 409, "text/plain; charset=utf-8", `taken`},
		{"problem", sdk.ErrorProblem, sdk.Forbidden("no"), 403, "application/problem+json", `{"type":"about:blank","status":403,"title":"Forbidden","detail":"no"}`},
		{"wrapped", sdk.ErrorText, fmt.Errorf("while reading: %w", sdk.BadRequest("bad")), 400, "text/plain; charset=utf-8", `bad`},
		{"with a cause", sdk.ErrorText, sdk.Because(sdk.BadRequest("bad"), errors.New("secret")), 400, "text/plain; charset=utf-8", `bad`},
		{"quoting what is no text", sdk.ErrorMessage, sdk.BadRequest("bad \xff"), 400, "application/json", "{\"message\":\"400 Bad Request - bad \ufffd\"}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := handle(t, answering(c.style, sdk.ActionNone, func(context.Context, *sdk.Request) (sdk.Outcome, error) { return nil, c.problem }))
			if err != nil {
				t.Fatal(err)
			}
			answer, ok := got.Outcome.(*spec.HTTPResponse)
			if !ok || answer.Status != c.status || answer.Header.Get("Content-Type") != c.contentType || string(answer.Body) != c.body {
				t.Errorf("%+v %s", answer, answer.Body)
			}
		})
	}
}

func TestHandlersThatFail(t *testing.T) {
	t.Parallel()
	write := func(plan *sdk.Plan) sdk.Outcome { return sdk.Empty(http.StatusCreated).With(plan) }
	for _, c := range []struct {
		name   string
		action sdk.Action
		answer sdk.Outcome
		err    error
		want   string
	}{
		{"with a fault", sdk.ActionNone, nil, errors.New("the socket is gone"), "route it: the socket is gone"},
		{"without an outcome", sdk.ActionNone, nil, nil, "no outcome"},
		{"with what is no JSON", sdk.ActionNone, sdk.JSON(200, func() {}), nil, "func"},
		{"by writing on a route that reads", sdk.ActionReadPackage, write(sdk.NewPlan().RemoveTag("a", "b")), nil, "only reads"},
		{"by destroying on a route that creates", sdk.ActionCreatePackage, write(sdk.NewPlan().DestroyFile(sdk.PackageFile{ID: 1})), nil, "ActionDestroyPackage"},
		{"with a job nobody does", sdk.ActionCreatePackage, write(sdk.NewPlan().Enqueue("other", 1)), nil, `job "other"`},
		{"with a job's argument that is no JSON", sdk.ActionCreatePackage, write(sdk.NewPlan().Enqueue("declared", make(chan int))), nil, "arguments of job declared"},
		{"with a row's value", sdk.ActionCreatePackage, write(sdk.NewPlan().DeleteRows("t", sdk.Row{"c": struct{}{}})), nil, "table t: column c"},
		{"with a conflict that is no problem", sdk.ActionCreatePackage, write(sdk.NewPlan().Absent("a", "1", errors.New("plain"))), nil, "plain is no problem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := handle(t, answering(sdk.ErrorText, c.action, func(context.Context, *sdk.Request) (sdk.Outcome, error) { return c.answer, c.err }))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestAnUploadThatIsNoneFailsThePlan(t *testing.T) {
	t.Parallel()
	_, err := handle(t, answering(sdk.ErrorText, sdk.ActionCreatePackage, func(context.Context, *sdk.Request) (sdk.Outcome, error) {
		plan := sdk.NewPlan()
		plan.AttachFile(plan.CreatePackage("a", "1"), sdk.Upload{}, "a.tgz")
		return sdk.Empty(201).With(plan), nil
	}))
	if err == nil || !strings.Contains(err.Error(), `attach file "a.tgz"`) {
		t.Errorf("%v", err)
	}
}

func TestUnknownRouteJobAndEvent(t *testing.T) {
	t.Parallel()
	p := answering(sdk.ErrorText, sdk.ActionNone, nil)
	if _, err := p.Handle(t.Context(), &spec.Request{RouteID: "other"}, nil); err == nil {
		t.Error("a route that is not declared is handled")
	}
	if _, err := p.RunJob(t.Context(), &spec.Job{Kind: "other"}, nil); err == nil {
		t.Error("a job that is not declared is run")
	}
	if _, err := p.HandleEvent(t.Context(), &spec.Event{Type: "other"}, nil); err == nil {
		t.Error("an event nobody wants is handled")
	}
}

func TestManifestNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	noHandler := answering(sdk.ErrorText, sdk.ActionNone, nil)
	if _, err := noHandler.Manifest(); err == nil || !strings.Contains(err.Error(), "route it: handler") {
		t.Errorf("without a handler: %v", err)
	}
	noAction := answering(sdk.ErrorText, 0, func(context.Context, *sdk.Request) (sdk.Outcome, error) { return nil, nil })
	if _, err := noAction.Manifest(); err == nil || !strings.Contains(err.Error(), "route it: action") {
		t.Errorf("without an action: %v", err)
	}
	noAction.Routes[0].Action = sdk.ActionNone
	m, err := noAction.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Limits.MaxFileBytes != sdk.DefaultMaxFileBytes || m.Limits.TooLargeStatus != 413 || len(m.Routes[0].Levels) != 1 || m.Routes[0].Levels[0] != sdk.LevelProject {
		t.Errorf("defaults: %+v, levels %v", m.Limits, m.Routes[0].Levels)
	}
	noAction.Jobs[0].Run = nil
	if _, err := noAction.Manifest(); err == nil || !strings.Contains(err.Error(), "job declared: run") {
		t.Errorf("a job without Run: %v", err)
	}
}

func TestLoginOutcomes(t *testing.T) {
	t.Parallel()
	render := func(o sdk.Outcome) (spec.Outcome, error) {
		r, err := handle(t, answering(sdk.ErrorText, sdk.ActionNone, func(context.Context, *sdk.Request) (sdk.Outcome, error) { return o, nil }))
		if err != nil {
			return nil, err
		}
		return r.Outcome, nil
	}
	token, err := render(sdk.IssueToken("npm", sdk.JSON(201, map[string]string{"token": sdk.TokenPlaceholder})))
	if issue, ok := token.(*spec.IssueToken); err != nil || !ok || issue.Name != "npm" || !strings.Contains(string(issue.Template.Body), issue.Placeholder) {
		t.Errorf("IssueToken: %+v %v", token, err)
	}
	start, err := render(sdk.StartLogin("npm", sdk.Text(200, sdk.LoginURLPlaceholder+sdk.LoginIDPlaceholder)))
	if s, ok := start.(*spec.StartLogin); err != nil || !ok || string(s.Template.Body) != s.LoginURLPlaceholder+s.LoginIDPlaceholder {
		t.Errorf("StartLogin: %+v %v", start, err)
	}
	poll, err := render(sdk.PollLogin("id", sdk.Empty(202).Header("Retry-After", "1"), sdk.Empty(200), sdk.Empty(404)))
	if p, ok := poll.(*spec.PollLogin); err != nil || !ok || p.LoginID != "id" || p.Pending.Status != 202 || p.Pending.Header.Get("Retry-After") != "1" || p.Template.Status != 200 || p.Gone.Status != 404 {
		t.Errorf("PollLogin: %+v %v", poll, err)
	}
	for name, o := range map[string]sdk.Outcome{
		"IssueToken without a template": sdk.IssueToken("npm", nil),
		"PollLogin without an answer":   sdk.PollLogin("id", nil, nil, nil),
	} {
		if got, err := render(o); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
