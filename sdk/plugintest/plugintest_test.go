package plugintest_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk"
	"github.com/pakhus/pakhus/sdk/plugintest"
	"github.com/pakhus/pakhus/sdk/spec"
)

// plugin has one handler for PUT {name}, with a body of some kind.
func plugin(body sdk.BodyPolicy, h sdk.Handler) *sdk.Plugin {
	return &sdk.Plugin{
		Format: "demo", Version: "1.0.0",
		Validators: map[string]string{"name": `[a-z/]+`},
		Routes: []sdk.Route{
			{ID: "put", Method: "PUT", Pattern: "{name:name}", Action: sdk.ActionDestroyPackage, Body: body, Handler: h},
			{
				ID: "get", Method: "GET", Pattern: "{name:name}", Action: sdk.ActionReadPackage, Authenticated: true,
				Prefetch: []sdk.Finder{{Name: "{name}", Version: "1"}}, Produces: []string{"application/json", "text/plain"},
				Handler: get,
			},
		},
		Jobs:                  []sdk.Job{{Kind: "status", Run: status}},
		Events:                []sdk.EventHandler{{Type: "package.created", Run: event}},
		Queries:               []sdk.NamedQuery{{Name: "count", SQL: "select 1", Result: []sdk.QueryColumn{{Name: "n", Type: "bigint"}}}},
		Limits:                sdk.FileLimits{MaxFileBytes: 1 << 10, Digests: []sdk.Digest{sdk.MD5, sdk.SHA1, sdk.SHA512}},
		EscapedSlashSeparates: true,
	}
}

func get(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
	found, err := r.Packages.First(ctx, sdk.Finder{Name: r.Param("name"), Version: "1"})
	if err != nil {
		return nil, err
	}
	rows, err := r.Meta.Query(ctx, "count")
	if err != nil {
		return nil, err
	}
	return sdk.Text(http.StatusOK, fmt.Sprint(found.Package.Status, " ", rows[0]["n"], " ", r.MediaType)), nil
}

func status(ctx context.Context, j *sdk.JobRun) (*sdk.Plan, error) {
	var name string
	if err := j.Decode(&name); err != nil {
		return nil, err
	}
	found, err := j.Packages.First(ctx, sdk.Finder{Name: name, Statuses: []string{sdk.StatusProcessing}})
	if err != nil {
		return nil, err
	}
	return sdk.NewPlan().Unchanged(found.Package, nil).SetStatus(sdk.Existing(found.Package), sdk.StatusDefault, ""), nil
}

func event(_ context.Context, e *sdk.EventRun) (*sdk.Plan, error) {
	return sdk.NewPlan().SetTag(sdk.Existing(e.Package), "seen"), nil
}

// publish stores the request's file as version 1, with a row and a job.
func publish(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
	file, err := r.File()
	if err != nil {
		return nil, err
	}
	plan := sdk.NewPlan()
	pkg := plan.CreatePackage(r.Param("name"), "1", sdk.Processing(), sdk.OnConflict(sdk.Conflict("taken")))
	attached := plan.AttachFile(pkg, file, "file")
	plan.Upsert("metadata", pkg, sdk.Row{"n": 1}, "package_id")
	plan.UpsertFile("parts", attached, sdk.Row{"sha1": hex.EncodeToString(file.Digests.SHA1)})
	plan.Enqueue("status", r.Param("name"))
	return sdk.Empty(http.StatusCreated).With(plan), nil
}

func counting(n int64) map[string]plugintest.QueryFunc {
	return map[string]plugintest.QueryFunc{"count": func(*plugintest.Registry, []any) ([]spec.Row, error) {
		return []spec.Row{{"n": n}}, nil
	}}
}

func TestStepsOfAPackagesLife(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, plugin(sdk.RawFile(), publish), plugintest.State{Queries: counting(5)})
	put := plugintest.Request{Method: "PUT", Path: "a%2Fb", Body: []byte("abc")}

	if got := reg.Send(put); got.Response.Status != http.StatusCreated {
		t.Fatalf("published: %d", got.Response.Status)
	}
	if found := reg.Packages(spec.Finder{Name: "a/b"}); len(found) != 0 {
		t.Errorf("a package that is processed is served: %v", found)
	}
	if got := reg.Send(put); got.Response.Status != http.StatusConflict || got.Plan != nil {
		t.Errorf("published twice: %d", got.Response.Status)
	}
	if n := reg.RunJobs(); n != 1 {
		t.Errorf("%d jobs ran, want 1", n)
	}
	found := reg.Packages(spec.Finder{Name: "a/b", WithFiles: true, WithRows: []spec.RowSelection{{Table: "metadata", Columns: []string{"n"}}, {Table: "parts"}}})
	if len(found) != 1 || len(found[0].Files) != 1 || found[0].Files[0].Size != 3 {
		t.Fatalf("stored: %+v", found)
	}
	if rows := found[0].Rows; len(rows["metadata"]) != 1 || len(rows["metadata"][0]) != 1 || rows["metadata"][0]["n"] != int64(1) ||
		rows["parts"][0]["sha1"] != "a9993e364706816aba3e25717850c26c9cd0d89d" {
		t.Errorf("rows: %v", rows)
	}
	reg.Emit("package.created", found[0].Package)
	if tagged := reg.Packages(spec.Finder{Name: "a/b", WithTags: true}); len(tagged[0].Tags) != 1 || tagged[0].Tags[0] != "seen" {
		t.Errorf("tags: %v", tagged[0].Tags)
	}
	read := reg.Do(plugintest.Request{Path: "a/b", Header: http.Header{"Accept": {"text/html, text/plain;q=0.5"}}})
	if got := string(read.Response.Body); got != "default 5 text/plain" {
		t.Errorf("read: %s", got)
	}
}

func TestDestroyedIsGoneAndReserved(t *testing.T) {
	t.Parallel()
	destroy := func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := r.Packages.First(ctx, sdk.Finder{Name: r.Param("name")})
		if err != nil {
			return nil, err
		}
		return sdk.Empty(http.StatusNoContent).With(sdk.NewPlan().DestroyPackage(sdk.Existing(found.Package))), nil
	}
	state := plugintest.State{Packages: []plugintest.Package{{
		Name: "demo", Version: "1", Tags: []string{"latest"},
		Rows:  map[string][]spec.Row{"metadata": {{"n": int64(1)}}},
		Files: []plugintest.File{{Name: "f", Content: []byte("x"), Rows: map[string][]spec.Row{"parts": {{"n": int64(2)}}}}},
	}}}
	p := plugin(sdk.NoBody(), destroy)
	p.Routes = append(p.Routes, sdk.Route{
		ID: "again", Method: "POST", Pattern: "{name:name}", Action: sdk.ActionCreatePackage,
		Handler: func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
			plan := sdk.NewPlan()
			plan.CreatePackage(r.Param("name"), "1", sdk.OnConflict(sdk.Conflict("reserved")))
			return sdk.Empty(http.StatusCreated).With(plan), nil
		},
	})
	reg := plugintest.New(t, p, state)

	reg.Send(plugintest.Request{Method: "PUT", Path: "demo"})

	if n := len(reg.Packages(spec.Finder{})) + len(reg.Rows("metadata")) + len(reg.Rows("parts")); n != 0 {
		t.Errorf("%d packages and rows are left", n)
	}
	if got := reg.Send(plugintest.Request{Method: "POST", Path: "demo"}); got.Response.Status != http.StatusConflict {
		t.Errorf("made again: %d, want 409", got.Response.Status)
	}
}

func TestATagMovesStaysOrIsShared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		options  []sdk.TagOption
		old, now int
	}{
		{"moves", nil, 0, 1},
		{"stays", []sdk.TagOption{sdk.KeepTag()}, 1, 0},
		{"is shared", []sdk.TagOption{sdk.ShareTag()}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tag := func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
				found, err := r.Packages.First(ctx, sdk.Finder{Name: "demo", Version: "2"})
				if err != nil {
					return nil, err
				}
				return sdk.Empty(http.StatusNoContent).With(sdk.NewPlan().SetTag(sdk.Existing(found.Package), "latest", c.options...)), nil
			}
			reg := plugintest.New(t, plugin(sdk.NoBody(), tag), plugintest.State{Packages: []plugintest.Package{
				{Name: "demo", Version: "1", Tags: []string{"latest"}}, {Name: "demo", Version: "2"},
			}})
			reg.Send(plugintest.Request{Method: "PUT", Path: "demo"})
			found := reg.Packages(spec.Finder{WithTags: true})
			if len(found[0].Tags) != c.old || len(found[1].Tags) != c.now {
				t.Errorf("tags %v and %v", found[0].Tags, found[1].Tags)
			}
		})
	}
}

func TestThePluginIsAskedAgain(t *testing.T) {
	t.Parallel()
	var attempts []int
	lost := func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		attempts = append(attempts, r.Attempt)
		return sdk.Empty(http.StatusOK).With(sdk.NewPlan().Unchanged(sdk.Package{ID: 99}, nil)), nil
	}
	reg := plugintest.New(t, plugin(sdk.NoBody(), lost), plugintest.State{})
	if got := reg.Send(plugintest.Request{Method: "PUT", Path: "demo"}); got.Response.Status != http.StatusConflict {
		t.Errorf("%d, want 409 in the end", got.Response.Status)
	}
	if fmt.Sprint(attempts) != "[1 1 2 2 3 3]" { // each is asked twice
		t.Errorf("attempts %v", attempts)
	}
}

func TestUniqueKeysOfTables(t *testing.T) {
	t.Parallel()
	insert := func(_ context.Context, r *sdk.Request) (sdk.Outcome, error) {
		plan := sdk.NewPlan()
		pkg := plan.CreatePackage(r.Param("name"), "1")
		plan.Insert("ids", pkg, sdk.Row{"id": "same"}, sdk.Conflict("this id is taken"))
		return sdk.Empty(http.StatusCreated).With(plan), nil
	}
	reg := plugintest.New(t, plugin(sdk.NoBody(), insert), plugintest.State{Unique: map[string][][]string{"ids": {{"project_id", "id"}}}})
	reg.Send(plugintest.Request{Method: "PUT", Path: "a"})
	if got := reg.Send(plugintest.Request{Method: "PUT", Path: "b"}); got.Response.Status != http.StatusConflict {
		t.Errorf("%d, want 409", got.Response.Status)
	}
	if len(reg.Packages(spec.Finder{Name: "b"})) != 0 {
		t.Error("a refused plan left its package behind")
	}
}

// several is a plugin whose handler is asked about one project, and about a group.
func several(h sdk.Handler) *sdk.Plugin {
	p := plugin(sdk.NoBody(), h)
	p.Routes[0].Levels = []sdk.Level{sdk.LevelProject, sdk.LevelGroup}
	return p
}

// twoProjects have a version "1" of demo each, with a row and the tag "latest".
func twoProjects() plugintest.State {
	published := func(project int64) plugintest.Package {
		return plugintest.Package{
			ProjectID: project, Name: "demo", Version: "1", Tags: []string{"latest"},
			Files: []plugintest.File{{Name: "f", Content: fmt.Append(nil, project)}},
			Rows:  map[string][]spec.Row{"metadata": {{"n": project}}},
		}
	}
	return plugintest.State{
		Packages: []plugintest.Package{published(1), published(2)},
		Settings: spec.PackageSettings{RefuseDuplicates: true},
		Unique:   map[string][][]string{"metadata": {{"project_id", "n"}}},
	}
}

func TestAGroupsProjectsAreSeenAboveAProjectOnly(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, several(func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := r.Packages.Find(ctx, sdk.Finder{Name: "demo", WithFiles: true})
		if err != nil {
			return nil, err
		}
		rows, err := r.Meta.Select(ctx, sdk.RowSelect{Table: "metadata"})
		if err != nil {
			return nil, err
		}
		last := found[len(found)-1]
		data, _, err := r.Files.Read(ctx, sdk.StoredFile(last.Files[0]), 0, 10)
		if err != nil {
			return nil, err
		}
		// The other project's file is none at project level.
		_, _, other := r.Files.Read(ctx, sdk.FileRef{FileID: 4}, 0, 10)
		return sdk.Text(http.StatusOK, fmt.Sprint(len(found), len(rows), last.Package.ProjectID, " ", string(data), " ",
			r.Project.ID, r.Group.ID, " ", r.Settings.RefuseDuplicates, " ", other == nil)), nil
	}), twoProjects())
	for level, want := range map[spec.Level]string{
		spec.LevelProject: "1 1 1 1 1 0 true false",
		spec.LevelGroup:   "2 2 2 2 0 1 false true",
	} {
		if got := string(reg.Do(plugintest.Request{Method: "PUT", Path: "demo", Level: level}).Response.Body); got != want {
			t.Errorf("level %d: %s, want %s", level, got, want)
		}
	}
	if n := len(reg.Packages(spec.Finder{})); n != 2 {
		t.Errorf("the model has %d packages", n)
	}
}

func TestAPlanChangesOneProject(t *testing.T) {
	t.Parallel()
	var plan func(found []sdk.FoundPackage) *sdk.Plan
	reg := plugintest.New(t, several(func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := r.Packages.Find(ctx, sdk.Finder{Name: "demo"})
		return sdk.Empty(http.StatusNoContent).With(plan(found)), err
	}), twoProjects())
	send := func(p func(found []sdk.FoundPackage) *sdk.Plan) plugintest.Result {
		plan = p
		return reg.Send(plugintest.Request{Method: "PUT", Path: "demo", Level: spec.LevelGroup})
	}
	state := func() string {
		var all []string
		for _, p := range reg.Packages(spec.Finder{WithTags: true}) {
			all = append(all, fmt.Sprint(p.Package.ProjectID, p.Tags))
		}
		return strings.Join(all, " ")
	}
	got := send(func(found []sdk.FoundPackage) *sdk.Plan {
		return sdk.NewPlan().In(2).SetTag(sdk.Existing(found[1].Package), "beta").DeleteRows("metadata", sdk.Row{"n": 2})
	})
	if text := plugintest.Format(got); !strings.Contains(text, "\nin project 2\n") {
		t.Errorf("the golden form does not say where:\n%s", text)
	}
	if got := state(); got != "1 [latest] 2 [beta latest]" || len(reg.Rows("metadata")) != 1 {
		t.Errorf("tagged: %s, %d rows", got, len(reg.Rows("metadata")))
	}
	// A tag, and a row, of one project is none of the other's.
	send(func([]sdk.FoundPackage) *sdk.Plan {
		return sdk.NewPlan().In(1).RemoveTag("demo", "latest").DeleteRows("metadata", sdk.Row{"n": 2})
	})
	if got := state(); got != "1 [] 2 [beta latest]" {
		t.Errorf("removed: %s", got)
	}
	// So is a reserved version.
	send(func(found []sdk.FoundPackage) *sdk.Plan {
		return sdk.NewPlan().In(2).DestroyPackage(sdk.Existing(found[1].Package))
	})
	for project, want := range map[int64]int{1: http.StatusNoContent, 2: http.StatusConflict} {
		got := send(func([]sdk.FoundPackage) *sdk.Plan {
			p := sdk.NewPlan().In(project)
			p.CreatePackage("demo", "1", sdk.Reuse(), sdk.OnConflict(sdk.Conflict("reserved")))
			return p
		})
		if got.Response.Status != want {
			t.Errorf("project %d: %d, want %d", project, got.Response.Status, want)
		}
	}
}

func TestAVersionWithoutAPastIsFree(t *testing.T) {
	t.Parallel()
	var options []sdk.PackageOption
	p := plugin(sdk.NoBody(), func(ctx context.Context, r *sdk.Request) (sdk.Outcome, error) {
		found, err := r.Packages.Find(ctx, sdk.Finder{Name: "demo", Statuses: []string{sdk.StatusDefault, sdk.StatusProcessing}})
		plan := sdk.NewPlan()
		for _, one := range found {
			plan.DestroyPackage(sdk.Existing(one.Package))
		}
		if len(found) == 0 {
			plan.CreatePackage("demo", "1", append(options, sdk.OnConflict(sdk.Conflict("reserved")))...)
		}
		return sdk.Empty(http.StatusNoContent).With(plan), err
	})
	for _, c := range []struct {
		name         string
		first, again []sdk.PackageOption
		want         int
	}{
		{"one that was served stays reserved", nil, nil, http.StatusConflict},
		{"unless it is taken all the same", nil, []sdk.PackageOption{sdk.TakeReserved()}, http.StatusNoContent},
		{"one that was never there to see is free", []sdk.PackageOption{sdk.Processing()}, nil, http.StatusNoContent},
	} {
		reg := plugintest.New(t, p, plugintest.State{})
		send := func() int { return reg.Send(plugintest.Request{Method: "PUT", Path: "demo"}).Response.Status }
		options = c.first
		send()
		send() // destroys it
		options = c.again
		if got := send(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAPlanForAProjectThatTheRequestIsNotAbout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level   spec.Level
		project int64
		taken   bool
	}{
		{spec.LevelProject, 0, true},
		{spec.LevelProject, 1, true},
		{spec.LevelProject, 2, false},
		{spec.LevelGroup, 0, false},
		{spec.LevelGroup, 1, true},
		{spec.LevelGroup, 2, true},
		{spec.LevelGroup, 3, false},
	} {
		inner := &failing{TB: t}
		reg := plugintest.New(inner, several(func(context.Context, *sdk.Request) (sdk.Outcome, error) {
			return sdk.Empty(http.StatusNoContent).With(sdk.NewPlan().In(c.project).RemoveTag("demo", "latest")), nil
		}), twoProjects())
		func() {
			defer func() { _ = recover() }()
			reg.Send(plugintest.Request{Method: "PUT", Path: "demo", Level: c.level})
		}()
		if refused := strings.Contains(inner.message, "which the request is not about"); refused == c.taken {
			t.Errorf("level %d, project %d: %q", c.level, c.project, inner.message)
		}
	}
}

func TestAnonymousCallersOfAnAuthenticatedRoute(t *testing.T) {
	t.Parallel()
	reg := plugintest.New(t, plugin(sdk.NoBody(), describe), plugintest.State{})
	got := reg.Do(plugintest.Request{Path: "demo", Actor: spec.Actor{Kind: spec.Anonymous}})
	if got.Response.Status != http.StatusUnauthorized {
		t.Errorf("%d, want 401", got.Response.Status)
	}
}

// failing is a testing.TB that keeps the failure of the code under test.
type failing struct {
	testing.TB

	message string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f)
}

func TestAPluginThatAnswersInTwoWaysFails(t *testing.T) {
	t.Parallel()
	n := 0
	fickle := func(context.Context, *sdk.Request) (sdk.Outcome, error) {
		n++
		return sdk.Text(http.StatusOK, fmt.Sprint(n)), nil
	}
	inner := &failing{TB: t}
	reg := plugintest.New(inner, plugin(sdk.NoBody(), fickle), plugintest.State{})
	defer func() {
		if recover() != inner || !strings.Contains(inner.message, "answers one request in two ways") {
			t.Errorf("it passes: %s", inner.message)
		}
	}()
	reg.Do(plugintest.Request{Method: "PUT", Path: "demo"})
}

func (f *failing) Errorf(format string, args ...any) { f.message = fmt.Sprintf(format, args...) }

func TestAGoldenFileThatDiffersFails(t *testing.T) {
	t.Parallel()
	same := plugintest.Result{Route: "put", Response: &spec.HTTPResponse{Status: 200, Header: http.Header{"X": {"1"}}, Body: []byte(`{"a":1}`)}}
	plugintest.Golden(t, "sample", same)

	other := same
	other.Response = &spec.HTTPResponse{Status: 201}
	inner := &failing{TB: t}
	if plugintest.Golden(inner, "sample", other); !strings.Contains(inner.message, "differs") {
		t.Errorf("a different result passes: %s", inner.message)
	}
}
