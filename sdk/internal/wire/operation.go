package wire

import (
	"errors"
	"fmt"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func operationToProto(o spec.Operation) (*pb.Operation, error) {
	out := &pb.Operation{OnConflict: responseToProto(o.OnConflict)}
	switch op := o.Op.(type) {
	case spec.CreatePackage:
		out.Op = &pb.Operation_CreatePackage{CreatePackage: &pb.CreatePackage{
			Local: string(op.Local), Name: op.Name, Version: op.Version,
			NameKey: op.NameKey, VersionKey: op.VersionKey, Status: op.Status, Reuse: op.Reuse, TakeReserved: op.TakeReserved,
		}}
		return out, nil
	case spec.UpdatePackage:
		ref, err := packageRefToProto(op.Package)
		out.Op = &pb.Operation_UpdatePackage{UpdatePackage: &pb.UpdatePackage{
			Package: ref, Status: op.Status, StatusMessage: op.StatusMessage,
		}}
		return out, within("update_package", err)
	case spec.DestroyPackage:
		ref, err := packageRefToProto(op.Package)
		out.Op = &pb.Operation_DestroyPackage{DestroyPackage: &pb.DestroyPackage{Package: ref}}
		return out, within("destroy_package", err)
	case spec.AttachFile:
		ref, err := packageRefToProto(op.Package)
		out.Op = &pb.Operation_AttachFile{AttachFile: &pb.AttachFile{
			Package: ref, UploadHandle: op.UploadHandle, FileName: op.FileName,
			FileKey: op.FileKey, Replace: op.Replace, Local: string(op.Local),
		}}
		return out, within("attach_file", err)
	case spec.DestroyFile:
		out.Op = &pb.Operation_DestroyFile{DestroyFile: &pb.DestroyFile{PackageFileId: op.FileID}}
		return out, nil
	case spec.DestroyFiles:
		ref, err := packageRefToProto(op.Package)
		out.Op = &pb.Operation_DestroyFiles{DestroyFiles: &pb.DestroyFiles{Package: ref, FileKeyPrefix: op.FileKeyPrefix}}
		return out, within("destroy_files", err)
	case spec.SetTag:
		ref, err := packageRefToProto(op.Package)
		out.Op = &pb.Operation_SetTag{SetTag: &pb.SetTag{
			Package: ref, Tag: op.Tag, KeepExisting: op.KeepExisting, Shared: op.Shared,
		}}
		return out, within("set_tag", err)
	case spec.RemoveTag:
		out.Op = &pb.Operation_RemoveTag{RemoveTag: &pb.RemoveTag{Name: op.Name, Tag: op.Tag}}
		return out, nil
	case spec.UpsertRow:
		row, err := RowToProto(op.Row)
		out.Op = &pb.Operation_UpsertRow{UpsertRow: &pb.UpsertRow{
			Table: op.Table, Row: row, ConflictColumns: op.ConflictColumns,
		}}
		return out, within("upsert_row", err)
	case spec.DeleteRows:
		where, err := RowToProto(op.Where)
		out.Op = &pb.Operation_DeleteRows{DeleteRows: &pb.DeleteRows{Table: op.Table, Where: where}}
		return out, within("delete_rows", err)
	}
	return nil, fmt.Errorf("op: unknown type %T", o.Op)
}

func operationFromProto(o *pb.Operation) (spec.Operation, error) {
	out := spec.Operation{OnConflict: responseFromProto(o.GetOnConflict())}
	var err error
	switch op := o.GetOp().(type) {
	case *pb.Operation_CreatePackage:
		c := op.CreatePackage
		out.Op = spec.CreatePackage{
			Local: spec.Local(c.GetLocal()), Name: c.GetName(), Version: c.GetVersion(),
			NameKey: c.GetNameKey(), VersionKey: c.GetVersionKey(), Status: c.GetStatus(), Reuse: c.GetReuse(), TakeReserved: c.GetTakeReserved(),
		}
	case *pb.Operation_UpdatePackage:
		u := spec.UpdatePackage{Status: op.UpdatePackage.GetStatus(), StatusMessage: op.UpdatePackage.GetStatusMessage()}
		u.Package, err = packageRefFromProto(op.UpdatePackage.GetPackage())
		out.Op, err = u, within("update_package", err)
	case *pb.Operation_DestroyPackage:
		var d spec.DestroyPackage
		d.Package, err = packageRefFromProto(op.DestroyPackage.GetPackage())
		out.Op, err = d, within("destroy_package", err)
	case *pb.Operation_AttachFile:
		f := op.AttachFile
		a := spec.AttachFile{
			UploadHandle: f.GetUploadHandle(), FileName: f.GetFileName(), FileKey: f.GetFileKey(),
			Replace: f.GetReplace(), Local: spec.Local(f.GetLocal()),
		}
		a.Package, err = packageRefFromProto(f.GetPackage())
		out.Op, err = a, within("attach_file", err)
	case *pb.Operation_DestroyFile:
		out.Op = spec.DestroyFile{FileID: op.DestroyFile.GetPackageFileId()}
	case *pb.Operation_DestroyFiles:
		d := spec.DestroyFiles{FileKeyPrefix: op.DestroyFiles.GetFileKeyPrefix()}
		d.Package, err = packageRefFromProto(op.DestroyFiles.GetPackage())
		out.Op, err = d, within("destroy_files", err)
	case *pb.Operation_SetTag:
		t := spec.SetTag{Tag: op.SetTag.GetTag(), KeepExisting: op.SetTag.GetKeepExisting(), Shared: op.SetTag.GetShared()}
		t.Package, err = packageRefFromProto(op.SetTag.GetPackage())
		out.Op, err = t, within("set_tag", err)
	case *pb.Operation_RemoveTag:
		out.Op = spec.RemoveTag{Name: op.RemoveTag.GetName(), Tag: op.RemoveTag.GetTag()}
	case *pb.Operation_UpsertRow:
		u := spec.UpsertRow{Table: op.UpsertRow.GetTable(), ConflictColumns: op.UpsertRow.GetConflictColumns()}
		u.Row, err = RowFromProto(op.UpsertRow.GetRow())
		out.Op, err = u, within("upsert_row", err)
	case *pb.Operation_DeleteRows:
		d := spec.DeleteRows{Table: op.DeleteRows.GetTable()}
		d.Where, err = RowFromProto(op.DeleteRows.GetWhere())
		out.Op, err = d, within("delete_rows", err)
	default:
		return out, unset("op", o)
	}
	return out, err
}

func packageRefToProto(r spec.PackageRef) (*pb.PackageRef, error) {
	switch {
	case r.Local != "" && r.ID != 0:
		return nil, errors.New("package: names both a new and a stored package")
	case r.Local != "":
		return &pb.PackageRef{Ref: &pb.PackageRef_Local{Local: string(r.Local)}}, nil
	case r.ID != 0:
		return &pb.PackageRef{Ref: &pb.PackageRef_Id{Id: r.ID}}, nil
	}
	return nil, errors.New("package: names no package")
}

func packageRefFromProto(r *pb.PackageRef) (spec.PackageRef, error) {
	switch ref := r.GetRef().(type) {
	case *pb.PackageRef_Local:
		return spec.PackageRef{Local: spec.Local(ref.Local)}, nil
	case *pb.PackageRef_Id:
		return spec.PackageRef{ID: ref.Id}, nil
	}
	if r == nil {
		return spec.PackageRef{}, errors.New("package: not set")
	}
	return spec.PackageRef{}, unset("package.ref", r)
}
