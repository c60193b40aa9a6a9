package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// TestPlansNoHonestPluginSends: each is refused before anything is touched, as
// the plugin's fault, and the log can say which operation it was.
func TestPlansNoHonestPluginSends(t *testing.T) {
	t.Parallel()
	e := setup(t)
	create := spec.CreatePackage{Local: "p", Name: "a", Version: "1"}
	created := spec.PackageRef{Local: "p"}
	attach := spec.AttachFile{Package: created, UploadHandle: "u", FileName: "x", Local: "f"}
	row := func(values spec.Row) spec.UpsertRow {
		full := spec.Row{"package_id": spec.Local("p"), "name": "x"}
		maps.Copy(full, values)
		return spec.UpsertRow{Table: "manifests", Row: full}
	}
	long := strings.Repeat("x", 256)
	for name, c := range map[string]struct {
		ops  []spec.Op
		want string
	}{
		"no operation":                     {[]spec.Op{nil}, "operation 0 (<nil>): unknown operation"},
		"an empty name":                    {[]spec.Op{spec.CreatePackage{Local: "p"}}, "operation 0 (spec.CreatePackage): name is empty"},
		"a long name":                      {[]spec.Op{spec.CreatePackage{Local: "p", Name: long}}, "name is longer than 255 bytes"},
		"a long version":                   {[]spec.Op{spec.CreatePackage{Local: "p", Name: "a", Version: long}}, "version is longer than 255 bytes"},
		"a long key":                       {[]spec.Op{spec.CreatePackage{Local: "p", Name: "a", NameKey: long}}, "name key is longer"},
		"a name with a line":               {[]spec.Op{spec.CreatePackage{Local: "p", Name: "a\nb"}}, "control character"},
		"a name that is no text":           {[]spec.Op{spec.CreatePackage{Local: "p", Name: "a\xff"}}, "not UTF-8"},
		"an unknown status":                {[]spec.Op{spec.CreatePackage{Local: "p", Name: "a", Status: "gone"}}, `status "gone"`},
		"a version that frees itself":      {[]spec.Op{create, spec.UpdatePackage{Package: created, Status: "pending_destruction"}}, `operation 1 (spec.UpdatePackage): status "pending_destruction"`},
		"no local name":                    {[]spec.Op{spec.CreatePackage{Name: "a"}}, "no local name"},
		"a local name twice":               {[]spec.Op{create, create}, `local name "p" is taken`},
		"a file's local name twice":        {[]spec.Op{create, attach, spec.AttachFile{Package: created, UploadHandle: "u", FileName: "y", Local: "p"}}, `local name "p" is taken`},
		"a package before it is made":      {[]spec.Op{attach, create}, `package "p" is not made by this plan`},
		"a package that is two":            {[]spec.Op{create, spec.SetTag{Package: spec.PackageRef{Local: "p", ID: 1}, Tag: "x"}}, "both new and stored"},
		"a package of number -1":           {[]spec.Op{spec.DestroyPackage{Package: spec.PackageRef{ID: -1}}}, "package -1"},
		"no package":                       {[]spec.Op{spec.DestroyPackage{}}, `package "" is not made by this plan`},
		"a file for a package":             {[]spec.Op{create, attach, spec.SetTag{Package: spec.PackageRef{Local: "f"}, Tag: "x"}}, `package "f" is not made`},
		"no file":                          {[]spec.Op{spec.DestroyFile{}}, "file 0"},
		"all files, by no prefix":          {[]spec.Op{spec.DestroyFiles{Package: spec.PackageRef{ID: 1}}}, "file key prefix is empty"},
		"an upload of another request":     {[]spec.Op{create, spec.AttachFile{Package: created, UploadHandle: "v", FileName: "x"}}, "operation 1 (spec.AttachFile): no such upload"},
		"no file name":                     {[]spec.Op{create, spec.AttachFile{Package: created, UploadHandle: "u"}}, "file name is empty"},
		"a long file name":                 {[]spec.Op{create, spec.AttachFile{Package: created, UploadHandle: "u", FileName: strings.Repeat("x", 1025)}}, "file name is longer"},
		"no tag":                           {[]spec.Op{create, spec.SetTag{Package: created}}, "tag is empty"},
		"a table of another format":        {[]spec.Op{create, spec.UpsertRow{Table: "fmt_other.t"}}, `there is no table "fmt_other.t"`},
		"a table of the core":              {[]spec.Op{create, spec.UpsertRow{Table: "tokens"}}, `there is no table "tokens"`},
		"a table by injection":             {[]spec.Op{create, spec.UpsertRow{Table: `manifests" (x) --`}}, "there is no table"},
		"the record of migrations":         {[]spec.Op{create, spec.UpsertRow{Table: "schema_migrations", Row: spec.Row{"version": int64(9)}}}, "there is no table"},
		"an unknown column":                {[]spec.Op{create, row(spec.Row{"nmae": "x"})}, `table manifests has no column "nmae"`},
		"a column by injection":            {[]spec.Op{create, row(spec.Row{`name" = 'x' --`: "x"})}, "has no column"},
		"another project":                  {[]spec.Op{create, row(spec.Row{"project_id": int64(8)})}, "project_id is the core's to fill"},
		"another project's rows":           {[]spec.Op{spec.DeleteRows{Table: "manifests", Where: spec.Row{"project_id": int64(8)}}}, "project_id is the core's to fill"},
		"a text for a number":              {[]spec.Op{create, row(spec.Row{"size": "7"})}, "column manifests.size: a string cannot be a integer"},
		"a Go int":                         {[]spec.Op{create, row(spec.Row{"size": 7})}, "column manifests.size: a int cannot be a integer"},
		"JSON that is none":                {[]spec.Op{create, row(spec.Row{"doc": json.RawMessage("{")})}, "column manifests.doc: it is not JSON"},
		"an id for a text":                 {[]spec.Op{create, row(spec.Row{"name": spec.Local("p")})}, "an id cannot be a text"},
		"an id that is not made":           {[]spec.Op{create, row(spec.Row{"package_id": spec.Local("q")})}, `"q" is not made by this plan`},
		"a file's id for a package":        {[]spec.Op{create, attach, row(spec.Row{"package_id": spec.Local("f")})}, `"f" is not the id of one`},
		"a row without its package":        {[]spec.Op{spec.UpsertRow{Table: "manifests", Row: spec.Row{"name": "x"}}}, "column manifests.package_id has no value"},
		"a row with null for what it must": {[]spec.Op{create, row(spec.Row{"name": nil})}, "column manifests.name has no value"},
		"a key that is none":               {[]spec.Op{create, spec.UpsertRow{Table: "manifests", Row: spec.Row{"package_id": spec.Local("p"), "name": "x"}, ConflictColumns: []string{"size"}}}, "table manifests has no unique key of size"},
		"all rows":                         {[]spec.Op{spec.DeleteRows{Table: "manifests"}}, "no condition"},
		"an id to delete by that is new":   {[]spec.Op{create, spec.DeleteRows{Table: "manifests", Where: spec.Row{"package_id": spec.Local("p")}}}, "cannot be a bigint"},
		"too many operations":              {slices.Repeat([]spec.Op{spec.SetTag{Package: spec.PackageRef{ID: 1}, Tag: "x"}}, 1001), "1001 operations; at most 1000"},
		"too many bytes":                   {[]spec.Op{create, row(spec.Row{"doc": json.RawMessage(fmt.Sprintf("%q", strings.Repeat("x", 16<<20)))})}, "bytes of rows; at most"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, e, e.scope(e.file(t, "u", "x")), operations(c.ops...), c.want)
		})
	}
	e.want(t, "0 0 0 0 0 0 0 0", everything)
}

func TestPlansThatTheRouteDoesNotAllow(t *testing.T) {
	t.Parallel()
	e := setup(t)
	id := e.publish(t, "a", "1")
	before := e.ask(t, everything)
	stored := spec.PackageRef{ID: id}
	scope := func(a spec.Action) plan.Scope {
		s := e.scope()
		s.Action = a
		return s
	}
	for _, a := range []spec.Action{0, spec.ActionNone, spec.ActionReadPackage} {
		refused(t, e, scope(a), operations(spec.SetTag{Package: stored, Tag: "x"}), "the route's action changes nothing")
		refused(t, e, scope(a), &spec.Plan{Touch: []string{"a"}}, "the route's action changes nothing")
	}
	for _, op := range []spec.Op{spec.DestroyPackage{Package: stored}, spec.DestroyFile{FileID: 1}, spec.DestroyFiles{Package: stored, FileKeyPrefix: "x"}, spec.RemoveTag{Name: "a", Tag: "latest"}} {
		refused(t, e, scope(spec.ActionCreatePackage), operations(op), "the route's action does not destroy")
	}
	s := e.scope()
	s.Project = registry.Project{}
	refused(t, e, s, operations(spec.SetTag{Package: stored, Tag: "x"}), "about no project")

	refused(t, e, e.scope(), &spec.Plan{Touch: slices.Repeat([]string{"x"}, 101)}, "101 keys to touch")
	refused(t, e, e.scope(), &spec.Plan{Touch: []string{""}}, "key to touch 0: key is empty")
	refused(t, e, e.scope(), &spec.Plan{Preconditions: make([]spec.Precondition, 1)}, "precondition 0 (<nil>): unknown check")
	refused(t, e, e.scope(), &spec.Plan{Preconditions: []spec.Precondition{{Check: spec.PackageAbsent{}}}}, "name is empty")
	refused(t, e, e.scope(), &spec.Plan{Jobs: make([]spec.EnqueueJob, 101)}, "101 jobs")
	refused(t, e, e.scope(), &spec.Plan{Jobs: make([]spec.EnqueueJob, 1)}, "job 0: kind is empty")
	refused(t, e, e.scope(), nil, "there is none")
	e.want(t, before, everything)
}

// refused commits a plan that must be called the plugin's fault.
func refused(t *testing.T, e *env, s plan.Scope, p *spec.Plan, want string) {
	t.Helper()
	_, err := e.exec.Commit(t.Context(), s, p)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v\nwant one with %q", err, want)
		return
	}
	if registry.CodeOf(err) != registry.CodeInternal || !strings.Contains(err.Error(), "plugin sent a plan") {
		t.Errorf("code is %d of %v, want the plugin's fault", registry.CodeOf(err), err)
	}
}
