package sdk_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing/fstest"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/spec"
)

// ask calls a handler as the core does, and returns the answer and the plan in words.
func ask(h sdk.Handler, in *spec.Request) string {
	p := &sdk.Plugin{
		Errors: sdk.ErrorMessageAndError,
		Routes: []sdk.Route{{ID: "it", Action: sdk.ActionDestroyPackage, Handler: h}},
		Jobs:   []sdk.Job{{Kind: "index", Run: func(context.Context, *sdk.JobRun) (*sdk.Plan, error) { return nil, nil }}},
	}
	in.RouteID = "it"
	got, err := p.Handle(context.Background(), in, nil)
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	if answer, ok := got.Outcome.(*spec.HTTPResponse); ok {
		fmt.Fprintln(&out, strings.TrimSpace(fmt.Sprintf("%d %s", answer.Status, answer.Body)))
	}
	if got.Plan.Empty() {
		return out.String()
	}
	for _, o := range got.Plan.Operations {
		fmt.Fprintf(&out, "%T\n", o.Op)
		if o.OnConflict != nil {
			fmt.Fprintf(&out, "  or %d %s\n", o.OnConflict.Status, o.OnConflict.Body)
		}
	}
	for _, job := range got.Plan.Jobs {
		fmt.Fprintf(&out, "job %s %s\n", job.Kind, job.ArgsJSON)
	}
	return out.String()
}

// A format declares its routes; the manifest says what is wrong with them.
func ExamplePlugin_Manifest() {
	p := &sdk.Plugin{
		Format: "notes", Version: "1.0.0",
		Validators: map[string]string{"name": `[a-z]+`},
		Routes: []sdk.Route{{
			ID: "read", Method: "GET", Pattern: "{name:word}", Action: sdk.ActionReadPackage,
			Handler: func(context.Context, *sdk.Request) (sdk.Outcome, error) { return sdk.Empty(http.StatusNoContent), nil },
		}},
	}
	_, err := p.Manifest()
	fmt.Println(err)

	p.Routes[0].Pattern = "{name:name}"
	m, err := p.Manifest()
	fmt.Println(m.Routes[0].ID, m.Routes[0].Pattern, err)
	// Output:
	// route read: pattern: {name:word}: no validator word
	// read {name:name} <nil>
}

// A plan is everything a request changes: it is committed as one, or not at all.
func ExamplePlan() {
	fmt.Print(ask(func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		file, err := r.File()
		if err != nil {
			return nil, err
		}
		plan := sdk.NewPlan()
		pkg := plan.CreatePackage(r.Param("name"), "1.0.0", sdk.OnConflict(sdk.Forbidden("Package already exists.")))
		plan.AttachFile(pkg, file, "demo-1.0.0.tgz")
		plan.Upsert("metadata", pkg, sdk.Row{"description": "a demo"}, "package_id")
		plan.SetTag(pkg, "latest")
		plan.Enqueue("index", map[string]string{"name": r.Param("name")})
		return sdk.JSON(http.StatusCreated, map[string]bool{"ok": true}).With(plan), nil
	}, &spec.Request{
		Params:  map[string]string{"name": "demo"},
		Uploads: []spec.Upload{{Handle: "u1", Size: 10}},
	}))
	// Output:
	// 201 {"ok":true}
	// spec.CreatePackage
	//   or 403 {"message":"Package already exists.","error":"Package already exists."}
	// spec.AttachFile
	// spec.UpsertRow
	// spec.SetTag
	// job index {"name":"demo"}
}

// A stored package is changed only if it is still as it was read.
func ExampleExisting() {
	stored := sdk.Package{ID: 7, Name: "demo", Version: "1.0.0", LockVersion: 3}
	fmt.Print(ask(func(context.Context, *sdk.Request) (sdk.Outcome, error) {
		plan := sdk.NewPlan().Unchanged(stored, nil).DestroyPackage(sdk.Existing(stored))
		return sdk.Empty(http.StatusNoContent).With(plan), nil
	}, &spec.Request{}))
	// Output:
	// 204
	// spec.DestroyPackage
}

// A refusal says what was wrong, in the words that the format's client prints.
func ExampleProblem() {
	fmt.Print(ask(func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		var body struct {
			Version string `json:"version"`
		}
		if err := r.JSON(&body); err != nil {
			return nil, err
		}
		if body.Version == "" {
			return nil, sdk.Problem(http.StatusBadRequest, "Version is empty.")
		}
		return sdk.Empty(http.StatusOK), nil
	}, &spec.Request{Body: []byte(`{"version":""}`)}))
	// Output:
	// 400 {"message":"Version is empty.","error":"Version is empty."}
}

// A document that two readers could read differently is refused.
func ExampleRequest_JSON() {
	fmt.Print(ask(func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		var body map[string]string
		if err := r.JSON(&body); err != nil {
			return nil, err
		}
		return sdk.Empty(http.StatusOK), nil
	}, &spec.Request{Body: []byte(`{"name":"good","name":"evil"}`)}))
	// Output:
	// 400 {"message":"Invalid json: a name occurs twice at /name (byte 15)","error":"Invalid json: a name occurs twice at /name (byte 15)"}
}

// Nothing found is a 404 in the format's style.
func ExampleNotFound() {
	fmt.Print(ask(func(context.Context, *sdk.Request) (sdk.Outcome, error) {
		return nil, sdk.NotFound("Package")
	}, &spec.Request{}))
	// Output:
	// 404 {"message":"404 Package Not Found","error":"Package not found"}
}

// A login answers with a token that the plugin never sees.
func ExampleIssueToken() {
	template := sdk.JSON(http.StatusCreated, map[string]string{"token": sdk.TokenPlaceholder})
	fmt.Printf("%T\n", sdk.IssueToken("npm login", template))
	// Output:
	// *sdk.TokenIssue
}

// Migrations are files, usually embedded.
func ExampleMigrationsFS() {
	files := fstest.MapFS{
		"migrations/001_metadata.sql": {Data: []byte("create table metadata ();")},
		"migrations/002_index.sql":    {Data: []byte("create index on metadata ();")},
	}
	migrations, err := sdk.MigrationsFS(files, "migrations")
	for _, m := range migrations {
		fmt.Println(m.Name)
	}
	fmt.Println(err)
	// Output:
	// 001_metadata
	// 002_index
	// <nil>
}
