package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func projectToProto(p spec.Project) (*pb.Project, error) {
	visibility, err := visibilityToProto(p.Visibility)
	return &pb.Project{Id: p.ID, Path: p.Path, Visibility: visibility}, err
}

func projectFromProto(p *pb.Project) (spec.Project, error) {
	visibility, err := visibilityFromProto(p.GetVisibility())
	return spec.Project{ID: p.GetId(), Path: p.GetPath(), Visibility: visibility}, err
}

// visibilityToProto accepts none: a request may be for no project.
func visibilityToProto(v spec.Visibility) (pb.Project_Visibility, error) {
	switch v {
	case "":
		return pb.Project_VISIBILITY_UNSPECIFIED, nil
	case spec.Private:
		return pb.Project_VISIBILITY_PRIVATE, nil
	case spec.Internal:
		return pb.Project_VISIBILITY_INTERNAL, nil
	case spec.Public:
		return pb.Project_VISIBILITY_PUBLIC, nil
	}
	return 0, fmt.Errorf("visibility: unknown value %q", v)
}

func visibilityFromProto(v pb.Project_Visibility) (spec.Visibility, error) {
	switch v {
	case pb.Project_VISIBILITY_UNSPECIFIED:
		return "", nil
	case pb.Project_VISIBILITY_PRIVATE:
		return spec.Private, nil
	case pb.Project_VISIBILITY_INTERNAL:
		return spec.Internal, nil
	case pb.Project_VISIBILITY_PUBLIC:
		return spec.Public, nil
	}
	return "", fmt.Errorf("visibility: unknown value %d, made for a newer version of the contract", v)
}

func actorToProto(a spec.Actor) (*pb.Actor, error) {
	kind, err := actorKindToProto(a.Kind)
	return &pb.Actor{Kind: kind, Id: a.ID, Username: a.Username}, err
}

func actorFromProto(a *pb.Actor) (spec.Actor, error) {
	kind, err := actorKindFromProto(a.GetKind())
	return spec.Actor{Kind: kind, ID: a.GetId(), Username: a.GetUsername()}, err
}

func actorKindToProto(k spec.ActorKind) (pb.Actor_Kind, error) {
	switch k {
	case "":
		return pb.Actor_KIND_UNSPECIFIED, nil
	case spec.Anonymous:
		return pb.Actor_KIND_ANONYMOUS, nil
	case spec.User:
		return pb.Actor_KIND_USER, nil
	case spec.DeployToken:
		return pb.Actor_KIND_DEPLOY_TOKEN, nil
	case spec.System:
		return pb.Actor_KIND_SYSTEM, nil
	}
	return 0, fmt.Errorf("actor kind: unknown value %q", k)
}

func actorKindFromProto(k pb.Actor_Kind) (spec.ActorKind, error) {
	switch k {
	case pb.Actor_KIND_UNSPECIFIED:
		return "", nil
	case pb.Actor_KIND_ANONYMOUS:
		return spec.Anonymous, nil
	case pb.Actor_KIND_USER:
		return spec.User, nil
	case pb.Actor_KIND_DEPLOY_TOKEN:
		return spec.DeployToken, nil
	case pb.Actor_KIND_SYSTEM:
		return spec.System, nil
	}
	return "", fmt.Errorf("actor kind: unknown value %d, made for a newer version of the contract", k)
}

func packageToProto(p spec.Package) *pb.Package {
	return &pb.Package{
		Id: p.ID, ProjectId: p.ProjectID, Name: p.Name, Version: p.Version,
		Status: p.Status, StatusMessage: p.StatusMessage, LockVersion: p.LockVersion,
		CreatedAt: timeToProto(p.CreatedAt), UpdatedAt: timeToProto(p.UpdatedAt),
	}
}

func packageFromProto(p *pb.Package) spec.Package {
	return spec.Package{
		ID: p.GetId(), ProjectID: p.GetProjectId(), Name: p.GetName(), Version: p.GetVersion(),
		Status: p.GetStatus(), StatusMessage: p.GetStatusMessage(), LockVersion: p.GetLockVersion(),
		CreatedAt: timeFromProto(p.GetCreatedAt()), UpdatedAt: timeFromProto(p.GetUpdatedAt()),
	}
}

func fileToProto(f spec.PackageFile) *pb.PackageFile {
	return &pb.PackageFile{
		Id: f.ID, PackageId: f.PackageID, FileName: f.FileName, FileKey: f.FileKey,
		Size: f.Size, Digests: digestsToProto(f.Digests), CreatedAt: timeToProto(f.CreatedAt),
	}
}

func fileFromProto(f *pb.PackageFile) spec.PackageFile {
	return spec.PackageFile{
		ID: f.GetId(), PackageID: f.GetPackageId(), FileName: f.GetFileName(), FileKey: f.GetFileKey(),
		Size: f.GetSize(), Digests: digestsFromProto(f.GetDigests()), CreatedAt: timeFromProto(f.GetCreatedAt()),
	}
}

func digestsToProto(d spec.Digests) *pb.Digests {
	return &pb.Digests{Md5: d.MD5, Sha1: d.SHA1, Sha256: d.SHA256, Sha512: d.SHA512}
}

func digestsFromProto(d *pb.Digests) spec.Digests {
	return spec.Digests{
		MD5: none(d.GetMd5()), SHA1: none(d.GetSha1()), SHA256: none(d.GetSha256()), SHA512: none(d.GetSha512()),
	}
}

// none makes no bytes nil.
func none(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func foundToProto(f spec.FoundPackage) (*pb.FoundPackage, error) {
	out := &pb.FoundPackage{
		Package: packageToProto(f.Package),
		Files:   each(f.Files, fileToProto),
		Tags:    f.Tags,
	}
	if len(f.Rows) == 0 {
		return out, nil
	}
	out.Rows = make(map[string]*pb.Rows, len(f.Rows))
	for table, rows := range f.Rows {
		converted, err := RowsToProto(rows)
		if err != nil {
			return nil, within("table "+table, err)
		}
		out.Rows[table] = &pb.Rows{Rows: converted}
	}
	return out, nil
}

func foundFromProto(f *pb.FoundPackage) (spec.FoundPackage, error) {
	out := spec.FoundPackage{
		Package: packageFromProto(f.GetPackage()),
		Files:   each(f.GetFiles(), fileFromProto),
		Tags:    f.GetTags(),
	}
	if len(f.GetRows()) == 0 {
		return out, nil
	}
	out.Rows = make(map[string][]spec.Row, len(f.GetRows()))
	for table, rows := range f.GetRows() {
		converted, err := RowsFromProto(rows.GetRows())
		if err != nil {
			return out, within("table "+table, err)
		}
		out.Rows[table] = converted
	}
	return out, nil
}

// RowsToProto converts rows; an error names row and column.
func RowsToProto(rows []spec.Row) ([]*pb.Row, error) { return tryEach("rows", rows, RowToProto) }

// RowsFromProto converts rows.
func RowsFromProto(rows []*pb.Row) ([]spec.Row, error) { return tryEach("rows", rows, RowFromProto) }

// RowToProto converts one row; an error names the column.
func RowToProto(r spec.Row) (*pb.Row, error) {
	if r == nil {
		return nil, nil
	}
	out := &pb.Row{Columns: make(map[string]*pb.Value, len(r))}
	for _, column := range slices.Sorted(maps.Keys(r)) {
		v, err := valueToProto(r[column])
		if err != nil {
			return nil, within("column "+column, err)
		}
		out.Columns[column] = v
	}
	return out, nil
}

// RowFromProto converts one row.
func RowFromProto(r *pb.Row) (spec.Row, error) {
	if r == nil {
		return nil, nil
	}
	out := make(spec.Row, len(r.GetColumns()))
	for column, v := range r.GetColumns() {
		value, err := valueFromProto(v)
		if err != nil {
			return nil, within("column "+column, err)
		}
		out[column] = value
	}
	return out, nil
}

func valueToProto(v any) (*pb.Value, error) {
	switch v := v.(type) {
	case nil:
		return &pb.Value{}, nil
	case bool:
		return &pb.Value{Kind: &pb.Value_BoolValue{BoolValue: v}}, nil
	case int64:
		return &pb.Value{Kind: &pb.Value_IntValue{IntValue: v}}, nil
	case float64:
		return &pb.Value{Kind: &pb.Value_DoubleValue{DoubleValue: v}}, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("text that is not UTF-8")
		}
		return &pb.Value{Kind: &pb.Value_StringValue{StringValue: v}}, nil
	case []byte:
		return &pb.Value{Kind: &pb.Value_BytesValue{BytesValue: v}}, nil
	case json.RawMessage:
		if len(v) == 0 {
			return nil, errors.New("JSON that is empty")
		}
		return &pb.Value{Kind: &pb.Value_JsonValue{JsonValue: v}}, nil
	case time.Time:
		t := timestamppb.New(v)
		return &pb.Value{Kind: &pb.Value_TimeValue{TimeValue: t}}, t.CheckValid()
	case []string:
		for _, s := range v {
			if !utf8.ValidString(s) {
				return nil, errors.New("text that is not UTF-8")
			}
		}
		return &pb.Value{Kind: &pb.Value_ListValue{ListValue: &pb.TextList{Values: v}}}, nil
	case spec.Local:
		return &pb.Value{Kind: &pb.Value_LocalRef{LocalRef: string(v)}}, nil
	}
	return nil, fmt.Errorf("a value of type %T, which a row cannot carry", v)
}

func valueFromProto(v *pb.Value) (any, error) {
	switch kind := v.GetKind().(type) {
	case *pb.Value_BoolValue:
		return kind.BoolValue, nil
	case *pb.Value_IntValue:
		return kind.IntValue, nil
	case *pb.Value_DoubleValue:
		return kind.DoubleValue, nil
	case *pb.Value_StringValue:
		return kind.StringValue, nil
	case *pb.Value_BytesValue:
		return present(kind.BytesValue), nil
	case *pb.Value_JsonValue:
		return json.RawMessage(kind.JsonValue), nil
	case *pb.Value_TimeValue:
		if err := kind.TimeValue.CheckValid(); err != nil {
			return nil, err
		}
		return kind.TimeValue.AsTime(), nil
	case *pb.Value_ListValue:
		return present(kind.ListValue.GetValues()), nil
	case *pb.Value_LocalRef:
		return spec.Local(kind.LocalRef), nil
	}
	if hasUnknown(v) {
		return nil, unset("kind", v)
	}
	return nil, nil
}

// present makes a list that is there, but empty, differ from null.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
