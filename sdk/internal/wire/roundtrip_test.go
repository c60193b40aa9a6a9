package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// The values of this file are filled by reflection, so that a field added to
// the contract and forgotten in a conversion fails here.

func TestManifestSurvives(t *testing.T) {
	t.Parallel()
	for _, body := range bodies() {
		m := filled[spec.Manifest](t)
		for i := range m.Routes {
			m.Routes[i].Body = body
		}
		survives(t, &m, ManifestToProto, ManifestFromProto)
	}
}

// bodies has each body kind, with every field that the kind uses.
func bodies() []spec.BodyPolicy {
	attachments := []spec.Attachment{{Path: []string{"_attachments", "*", "data"}, Encoding: spec.EncodingBase64}, {Path: []string{"x"}, Encoding: spec.EncodingText}}
	return []spec.BodyPolicy{
		{},
		{Kind: spec.BodyInline, MaxBytes: 7},
		{Kind: spec.BodyRawFile, InlineBelow: 8},
		{Kind: spec.BodyMultipart, MaxBytes: 9, FileParts: []string{"package"}, MaxFiles: 2},
		{Kind: spec.BodyJSONAttachments, MaxBytes: 10, MaxFiles: 3, Attachments: attachments},
	}
}

func TestRequestSurvives(t *testing.T) {
	t.Parallel()
	r := filled[spec.Request](t)
	survives(t, &r, RequestToProto, RequestFromProto)
}

func TestJobSurvives(t *testing.T) {
	t.Parallel()
	j := filled[spec.Job](t)
	survives(t, &j, JobToProto, JobFromProto)
}

func TestEventSurvives(t *testing.T) {
	t.Parallel()
	e := filled[spec.Event](t)
	survives(t, &e, EventToProto, EventFromProto)
}

func TestResponseSurvives(t *testing.T) {
	t.Parallel()
	stored, upload := filled[spec.SendFile](t), filled[spec.SendFile](t)
	stored.UploadHandle, upload.FileID = "", 0
	outcomes := []spec.Outcome{
		new(filled[spec.HTTPResponse](t)), &stored, &upload, new(filled[spec.Redirect](t)),
		new(filled[spec.IssueToken](t)), new(filled[spec.StartLogin](t)), new(filled[spec.PollLogin](t)),
	}
	for _, outcome := range outcomes {
		survives(t, &spec.Response{Outcome: outcome, Plan: everyOperation(t)}, HeadToProto, HeadFromProto)
		survives(t, &spec.Response{Outcome: outcome}, HeadToProto, HeadFromProto)
	}
}

func TestPlanSurvives(t *testing.T) {
	t.Parallel()
	survives(t, everyOperation(t), PlanToProto, PlanFromProto)
}

// everyOperation is a plan with each precondition and each operation, for new
// and for stored packages.
func everyOperation(t *testing.T) *spec.Plan {
	t.Helper()
	p := &spec.Plan{Jobs: []spec.EnqueueJob{filled[spec.EnqueueJob](t)}, Touch: []string{"a", "b"}}
	p.Preconditions = []spec.Precondition{
		{Check: filled[spec.PackageAbsent](t), OnFailure: new(filled[spec.HTTPResponse](t))},
		{Check: filled[spec.PackageUnchanged](t)},
		{Check: filled[spec.FileAbsent](t)},
		{Check: filled[spec.FilePresent](t)},
		{Check: filled[spec.RowPresent](t)},
	}
	for _, ref := range []spec.PackageRef{{Local: "p1"}, {ID: 42}} {
		update, destroy := filled[spec.UpdatePackage](t), filled[spec.DestroyPackage](t)
		attach, tag := filled[spec.AttachFile](t), filled[spec.SetTag](t)
		update.Package, destroy.Package, attach.Package, tag.Package = ref, ref, ref, ref
		for _, op := range []spec.Op{update, destroy, attach, tag} {
			p.Operations = append(p.Operations, spec.Operation{Op: op, OnConflict: new(filled[spec.HTTPResponse](t))})
		}
	}
	for _, op := range []spec.Op{
		filled[spec.CreatePackage](t), filled[spec.DestroyFile](t), filled[spec.RemoveTag](t),
		filled[spec.UpsertRow](t), filled[spec.DeleteRows](t),
	} {
		p.Operations = append(p.Operations, spec.Operation{Op: op})
	}
	return p
}

func TestReadsSurvive(t *testing.T) {
	t.Parallel()
	page := filled[spec.FoundPage](t)
	survives(t, &page, byValue(PageToProto), byPointer(PageFromProto))
	selection := filled[spec.RowSelect](t)
	survives(t, &selection, byValue(scoped(SelectToProto)), byPointer(SelectFromProto))
	query := filled[spec.QueryCall](t)
	survives(t, &query, byValue(scoped(QueryToProto)), byPointer(QueryFromProto))
	archive := filled[spec.Archive](t)
	survives(t, &archive,
		func(a *spec.Archive) (*pb.ReadArchiveResponse, error) { return ArchiveToProto(*a), nil },
		func(a *pb.ReadArchiveResponse) (*spec.Archive, error) { return new(ArchiveFromProto(a)), nil })
	for _, file := range []spec.FileRef{{UploadHandle: "u1"}, {FileID: 9}} {
		read := filled[spec.ArchiveRead](t)
		read.File = file
		survives(t, &read, byValue(scoped(ArchiveReadToProto)), byPointer(ArchiveReadFromProto))
		survives(t, &file, byValue(FileRefToProto), byPointer(FileRefFromProto))
	}
}

func TestBatchSurvives(t *testing.T) {
	t.Parallel()
	calls := []spec.ReadCall{
		{Find: new(filled[spec.Finder](t))}, {Select: new(filled[spec.RowSelect](t))}, {Query: new(filled[spec.QueryCall](t))},
	}
	survives(t, &calls, byValue(scoped(BatchToProto)), byPointer(BatchFromProto))
	rows := []spec.Row{everyValue()}
	results := []spec.ReadResult{{Page: filled[spec.FoundPage](t)}, {Rows: rows}, {Rows: rows}}
	survives(t, &results,
		func(r *[]spec.ReadResult) (*pb.BatchResponse, error) { return ResultsToProto(calls, *r) },
		byPointer(ResultsFromProto))
}

// survives sends a value through its protobuf form and its bytes, and back.
func survives[S any, P proto.Message](t *testing.T, in *S, to func(*S) (P, error), from func(P) (*S, error)) {
	t.Helper()
	message, err := to(in)
	if err != nil {
		t.Fatalf("%T to protobuf: %v", in, err)
	}
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatalf("marshal %T: %v", message, err)
	}
	received, ok := message.ProtoReflect().New().Interface().(P)
	if !ok {
		t.Fatalf("no new %T", message)
	}
	if err := proto.Unmarshal(data, received); err != nil {
		t.Fatalf("unmarshal %T: %v", message, err)
	}
	out, err := from(received)
	if err != nil {
		t.Fatalf("%T from protobuf: %v", in, err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%T changed on its way\n in  %s\n out %s", in, dump(in), dump(out))
	}
}

func dump(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(data)
}

func byValue[S, P any](convert func(S) (P, error)) func(*S) (P, error) {
	return func(s *S) (P, error) { return convert(*s) }
}

func byPointer[S, P any](convert func(P) (S, error)) func(P) (*S, error) {
	return func(p P) (*S, error) {
		s, err := convert(p)
		return &s, err
	}
}

func scoped[S, P any](convert func(string, S) (P, error)) func(S) (P, error) {
	return func(s S) (P, error) { return convert("scope", s) }
}

// everyValue has each type of value a row can carry, and an empty one of those
// that differ from null.
func everyValue() spec.Row {
	return spec.Row{
		"null": nil, "bool": true, "int": int64(1) << 60, "double": 1.5, "text": "a", "bytes": []byte{0, 1},
		"json": json.RawMessage(`{"a":1}`), "time": time.Date(2024, 2, 29, 1, 2, 3, 456789000, time.UTC),
		"list": []string{"a", "b"}, "local": spec.Local("p1"),
		"empty text": "", "empty bytes": []byte{}, "empty list": []string{}, "zero time": time.Time{},
	}
}

// filled returns a T in which no field is zero. Interfaces stay nil: what they
// hold is chosen by the tests.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fill(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	if fillKnown(v, *n) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(*n) % 256) //nolint:gosec // counts from 1
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(int64(*n)))
		}
	default:
		t.Fatalf("cannot fill a %s: teach fill about it", v.Type())
	}
}

// fillKnown fills the types whose values are not free.
func fillKnown(v reflect.Value, n int) bool {
	known := map[reflect.Type]any{
		reflect.TypeFor[time.Time]():            time.Date(2024, 1, 1, 0, 0, n, n, time.UTC),
		reflect.TypeFor[time.Duration]():        time.Duration(n) * time.Second,
		reflect.TypeFor[spec.Row]():             everyValue(),
		reflect.TypeFor[spec.BodyPolicy]():      spec.BodyPolicy{},
		reflect.TypeFor[spec.Visibility]():      spec.Internal,
		reflect.TypeFor[spec.ActorKind]():       spec.DeployToken,
		reflect.TypeFor[spec.Level]():           spec.LevelInstance,
		reflect.TypeFor[spec.Names]():           spec.NamesRootGroup,
		reflect.TypeFor[spec.Action]():          spec.ActionDestroyPackage,
		reflect.TypeFor[spec.Challenge]():       spec.ChallengeBearer,
		reflect.TypeFor[spec.AnonymousDenial](): spec.DenyNotFound,
		reflect.TypeFor[spec.ErrorStyle]():      spec.ErrorProblem,
		reflect.TypeFor[spec.Digest]():          spec.SHA512,
		reflect.TypeFor[spec.ArchiveKind]():     spec.Zip,
		reflect.TypeFor[spec.FileRef]():         spec.FileRef{FileID: int64(n)},
	}
	value, ok := known[v.Type()]
	if ok {
		v.Set(reflect.ValueOf(value))
	}
	return ok
}
