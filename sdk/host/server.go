package host

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// maxHostCalls bounds what one plugin may ask for at once.
const maxHostCalls = 1024

// NewServer serves h to one plugin process. Every call has to carry the token
// as "authorization: Bearer <token>". A panic in h ends the call, not the core;
// it goes to hclog's default logger.
func NewServer(h spec.Host, token string) *grpc.Server {
	guard := bearer{want: sha256.Sum256([]byte("Bearer " + token))}
	options := wire.ServerOptions(func(method string, value any, stack []byte) {
		hclog.Default().Error("panic while a plugin reads", "method", method, "panic", fmt.Sprint(value), "stack", string(stack))
	})
	options = append(options,
		grpc.MaxConcurrentStreams(maxHostCalls),
		grpc.ChainUnaryInterceptor(guard.unary),
		grpc.ChainStreamInterceptor(guard.stream),
	)
	s := grpc.NewServer(options...)
	pb.RegisterRegistryHostServiceServer(s, &server{host: h})
	return s
}

// bearer compares digests, so that neither length nor content of the token
// shows in the time it takes.
type bearer struct{ want [sha256.Size]byte }

func (b bearer) check(ctx context.Context) error {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 1 {
		got := sha256.Sum256([]byte(values[0]))
		if subtle.ConstantTimeCompare(got[:], b.want[:]) == 1 {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated, "this socket serves one plugin process")
}

func (b bearer) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := b.check(ctx); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (b bearer) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := b.check(stream.Context()); err != nil {
		return err
	}
	return next(srv, stream)
}

// server answers the calls of RegistryHostService.
type server struct {
	pb.UnimplementedRegistryHostServiceServer
	host spec.Host
}

// FindPackages implements the service.
func (s *server) FindPackages(ctx context.Context, r *pb.FindPackagesRequest) (*pb.FindPackagesResponse, error) {
	page, err := s.host.FindPackages(ctx, r.GetScope(), wire.FinderFromProto(r.GetFinder()))
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	out, err := wire.PageToProto(page)
	return out, wire.StatusOf(ctx, err)
}

// SelectRows implements the service.
func (s *server) SelectRows(ctx context.Context, r *pb.SelectRowsRequest) (*pb.SelectRowsResponse, error) {
	selection, err := wire.SelectFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	rows, err := s.host.SelectRows(ctx, r.GetScope(), selection)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	converted, err := wire.RowsToProto(rows)
	return &pb.SelectRowsResponse{Rows: converted}, wire.StatusOf(ctx, err)
}

// RunQuery implements the service.
func (s *server) RunQuery(ctx context.Context, r *pb.RunQueryRequest) (*pb.RunQueryResponse, error) {
	query, err := wire.QueryFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	rows, err := s.host.RunQuery(ctx, r.GetScope(), query)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	converted, err := wire.RowsToProto(rows)
	return &pb.RunQueryResponse{Rows: converted}, wire.StatusOf(ctx, err)
}

// Batch implements the service.
func (s *server) Batch(ctx context.Context, r *pb.BatchRequest) (*pb.BatchResponse, error) {
	calls, err := wire.BatchFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	results, err := s.host.Batch(ctx, r.GetScope(), calls)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	out, err := wire.ResultsToProto(calls, results)
	return out, wire.StatusOf(ctx, err)
}

// ReadArchive implements the service.
func (s *server) ReadArchive(ctx context.Context, r *pb.ReadArchiveRequest) (*pb.ReadArchiveResponse, error) {
	read, err := wire.ArchiveReadFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	archive, err := s.host.ReadArchive(ctx, r.GetScope(), read)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	return wire.ArchiveToProto(archive), nil
}

// ReadFile implements the service.
func (s *server) ReadFile(ctx context.Context, r *pb.ReadFileRequest) (*pb.ReadFileResponse, error) {
	file, err := wire.FileRefFromProto(r.GetFile())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	data, size, err := s.host.ReadFile(ctx, r.GetScope(), file, r.GetOffset(), r.GetLength())
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	return &pb.ReadFileResponse{Data: data, Size: size}, nil
}
