package wire

import (
	"errors"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// PageToProto converts a page of packages.
func PageToProto(p spec.FoundPage) (*pb.FindPackagesResponse, error) {
	packages, err := tryEach("packages", p.Packages, foundToProto)
	return &pb.FindPackagesResponse{Packages: packages, NextPageToken: p.NextPageToken}, err
}

// PageFromProto converts a page of packages.
func PageFromProto(p *pb.FindPackagesResponse) (spec.FoundPage, error) {
	packages, err := tryEach("packages", p.GetPackages(), foundFromProto)
	return spec.FoundPage{Packages: packages, NextPageToken: p.GetNextPageToken()}, err
}

// SelectToProto converts a selection of rows.
func SelectToProto(scope string, s spec.RowSelect) (*pb.SelectRowsRequest, error) {
	where, err := RowToProto(s.Where)
	return &pb.SelectRowsRequest{
		Scope: scope, Table: s.Table, Where: where, Columns: s.Columns, OrderBy: s.OrderBy, Limit: int32of(s.Limit),
	}, within("where", err)
}

// SelectFromProto converts a selection of rows.
func SelectFromProto(s *pb.SelectRowsRequest) (spec.RowSelect, error) {
	where, err := RowFromProto(s.GetWhere())
	return spec.RowSelect{
		Table: s.GetTable(), Where: where, Columns: s.GetColumns(), OrderBy: s.GetOrderBy(), Limit: int(s.GetLimit()),
	}, within("where", err)
}

// QueryToProto converts a call of a named query.
func QueryToProto(scope string, q spec.QueryCall) (*pb.RunQueryRequest, error) {
	arguments, err := tryEach("arguments", q.Arguments, valueToProto)
	return &pb.RunQueryRequest{Scope: scope, Name: q.Name, Arguments: arguments, Limit: int32of(q.Limit)}, err
}

// QueryFromProto converts a call of a named query.
func QueryFromProto(q *pb.RunQueryRequest) (spec.QueryCall, error) {
	arguments, err := tryEach("arguments", q.GetArguments(), valueFromProto)
	return spec.QueryCall{Name: q.GetName(), Arguments: arguments, Limit: int(q.GetLimit())}, err
}

// BatchToProto converts several reads. The scope is the batch's.
func BatchToProto(scope string, calls []spec.ReadCall) (*pb.BatchRequest, error) {
	converted, err := tryEach("calls", calls, readCallToProto)
	return &pb.BatchRequest{Scope: scope, Calls: converted}, err
}

// BatchFromProto converts several reads.
func BatchFromProto(b *pb.BatchRequest) ([]spec.ReadCall, error) {
	return tryEach("calls", b.GetCalls(), readCallFromProto)
}

func readCallToProto(c spec.ReadCall) (*pb.BatchRequest_Call, error) {
	switch {
	case c.Find != nil && c.Select == nil && c.Query == nil:
		return &pb.BatchRequest_Call{Call: &pb.BatchRequest_Call_FindPackages{
			FindPackages: &pb.FindPackagesRequest{Finder: FinderToProto(*c.Find)},
		}}, nil
	case c.Find == nil && c.Select != nil && c.Query == nil:
		selection, err := SelectToProto("", *c.Select)
		return &pb.BatchRequest_Call{Call: &pb.BatchRequest_Call_SelectRows{SelectRows: selection}}, within("select_rows", err)
	case c.Find == nil && c.Select == nil && c.Query != nil:
		query, err := QueryToProto("", *c.Query)
		return &pb.BatchRequest_Call{Call: &pb.BatchRequest_Call_RunQuery{RunQuery: query}}, within("run_query", err)
	}
	return nil, errors.New("not exactly one of Find, Select and Query is set")
}

func readCallFromProto(c *pb.BatchRequest_Call) (spec.ReadCall, error) {
	switch call := c.GetCall().(type) {
	case *pb.BatchRequest_Call_FindPackages:
		finder := FinderFromProto(call.FindPackages.GetFinder())
		return spec.ReadCall{Find: &finder}, nil
	case *pb.BatchRequest_Call_SelectRows:
		selection, err := SelectFromProto(call.SelectRows)
		return spec.ReadCall{Select: &selection}, within("select_rows", err)
	case *pb.BatchRequest_Call_RunQuery:
		query, err := QueryFromProto(call.RunQuery)
		return spec.ReadCall{Query: &query}, within("run_query", err)
	}
	return spec.ReadCall{}, unset("call", c)
}

// ResultsToProto converts the answers to calls, which decide what each holds.
func ResultsToProto(calls []spec.ReadCall, results []spec.ReadResult) (*pb.BatchResponse, error) {
	if len(calls) != len(results) {
		return nil, errors.New("results: not as many as calls")
	}
	out := &pb.BatchResponse{Results: make([]*pb.BatchResponse_Result, len(results))}
	for i, r := range results {
		var err error
		if out.Results[i], err = resultToProto(calls[i], r); err != nil {
			return nil, within("results", err)
		}
	}
	return out, nil
}

func resultToProto(c spec.ReadCall, r spec.ReadResult) (*pb.BatchResponse_Result, error) {
	if c.Find != nil {
		page, err := PageToProto(r.Page)
		return &pb.BatchResponse_Result{Result: &pb.BatchResponse_Result_FindPackages{FindPackages: page}}, err
	}
	rows, err := RowsToProto(r.Rows)
	if err != nil {
		return nil, err
	}
	if c.Select != nil {
		return &pb.BatchResponse_Result{Result: &pb.BatchResponse_Result_SelectRows{
			SelectRows: &pb.SelectRowsResponse{Rows: rows},
		}}, nil
	}
	return &pb.BatchResponse_Result{Result: &pb.BatchResponse_Result_RunQuery{
		RunQuery: &pb.RunQueryResponse{Rows: rows},
	}}, nil
}

// ResultsFromProto converts the answers of a batch.
func ResultsFromProto(b *pb.BatchResponse) ([]spec.ReadResult, error) {
	return tryEach("results", b.GetResults(), func(r *pb.BatchResponse_Result) (out spec.ReadResult, err error) {
		switch result := r.GetResult().(type) {
		case *pb.BatchResponse_Result_FindPackages:
			out.Page, err = PageFromProto(result.FindPackages)
		case *pb.BatchResponse_Result_SelectRows:
			out.Rows, err = RowsFromProto(result.SelectRows.GetRows())
		case *pb.BatchResponse_Result_RunQuery:
			out.Rows, err = RowsFromProto(result.RunQuery.GetRows())
		default:
			err = unset("result", r)
		}
		return out, err
	})
}

// FileRefToProto converts a reference to a file.
func FileRefToProto(f spec.FileRef) (*pb.FileRef, error) {
	switch {
	case f.UploadHandle != "" && f.FileID != 0:
		return nil, errors.New("file: names both an upload and a stored file")
	case f.UploadHandle != "":
		return &pb.FileRef{File: &pb.FileRef_UploadHandle{UploadHandle: f.UploadHandle}}, nil
	case f.FileID != 0:
		return &pb.FileRef{File: &pb.FileRef_PackageFileId{PackageFileId: f.FileID}}, nil
	}
	return nil, errors.New("file: names no file")
}

// FileRefFromProto converts a reference to a file.
func FileRefFromProto(f *pb.FileRef) (spec.FileRef, error) {
	switch file := f.GetFile().(type) {
	case *pb.FileRef_UploadHandle:
		return spec.FileRef{UploadHandle: file.UploadHandle}, nil
	case *pb.FileRef_PackageFileId:
		return spec.FileRef{FileID: file.PackageFileId}, nil
	}
	if f == nil {
		return spec.FileRef{}, errors.New("file: not set")
	}
	return spec.FileRef{}, unset("file", f)
}

// ArchiveReadToProto converts a walk of an archive.
func ArchiveReadToProto(scope string, r spec.ArchiveRead) (*pb.ReadArchiveRequest, error) {
	file, err := FileRefToProto(r.File)
	if err != nil {
		return nil, err
	}
	kind, err := enumToProto[pb.ArchiveKind]("kind", r.Kind)
	return &pb.ReadArchiveRequest{
		Scope: scope, File: file, Kind: kind, Globs: r.Globs, MaxMemberBytes: r.MaxMemberBytes, ListNames: r.ListNames,
	}, err
}

// ArchiveReadFromProto converts a walk of an archive.
func ArchiveReadFromProto(r *pb.ReadArchiveRequest) (spec.ArchiveRead, error) {
	file, err := FileRefFromProto(r.GetFile())
	if err != nil {
		return spec.ArchiveRead{}, err
	}
	kind, err := enumFromProto[spec.ArchiveKind]("kind", r.GetKind())
	return spec.ArchiveRead{File: file, Kind: kind, Globs: r.GetGlobs(), MaxMemberBytes: r.GetMaxMemberBytes(), ListNames: r.GetListNames()}, err
}

// ArchiveToProto converts what a walk found.
func ArchiveToProto(a spec.Archive) *pb.ReadArchiveResponse {
	return &pb.ReadArchiveResponse{
		Members: each(a.Members, func(m spec.ArchiveMember) *pb.ReadArchiveResponse_Member {
			return &pb.ReadArchiveResponse_Member{Name: text(m.Name), Data: m.Data}
		}),
		Names: each(a.Names, text), FileCount: a.FileCount, UnpackedBytes: a.UnpackedBytes, Refusal: text(a.Refusal),
	}
}

// ArchiveFromProto converts what a walk found.
func ArchiveFromProto(a *pb.ReadArchiveResponse) spec.Archive {
	return spec.Archive{
		Members: each(a.GetMembers(), func(m *pb.ReadArchiveResponse_Member) spec.ArchiveMember {
			return spec.ArchiveMember{Name: m.GetName(), Data: none(m.GetData())}
		}),
		Names: a.GetNames(), FileCount: a.GetFileCount(), UnpackedBytes: a.GetUnpackedBytes(), Refusal: a.GetRefusal(),
	}
}
