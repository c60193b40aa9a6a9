package serve

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// hostClient is the spec.Host of a plugin process: each call goes to the core,
// over one connection that is kept.
type hostClient struct {
	conn   *grpc.ClientConn
	rpc    pb.RegistryHostServiceClient
	socket string
	token  string
}

var _ spec.Host = (*hostClient)(nil)

// dialHost prepares the connection; the first call makes it.
func dialHost(endpoint *pb.ConfigureRequest_HostEndpoint) (*hostClient, error) {
	socket, token := endpoint.GetSocketPath(), endpoint.GetToken()
	if socket == "" || token == "" {
		return nil, errors.New("socket path and token are needed")
	}
	options := append(wire.DialOptions(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(bearer(token)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}),
	)
	conn, err := grpc.NewClient("passthrough:///host", options...)
	if err != nil {
		return nil, err
	}
	return &hostClient{conn: conn, rpc: pb.NewRegistryHostServiceClient(conn), socket: socket, token: token}, nil
}

// serves reports whether the client is connected to that endpoint.
func (h *hostClient) serves(endpoint *pb.ConfigureRequest_HostEndpoint) bool {
	return h.socket == endpoint.GetSocketPath() && h.token == endpoint.GetToken()
}

func (h *hostClient) close() { _ = h.conn.Close() }

// bearer sends the token with each call.
type bearer string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: the
// connection is a Unix socket that only this process can reach.
func (bearer) RequireTransportSecurity() bool { return false }

// FindPackages implements spec.Host.
func (h *hostClient) FindPackages(ctx context.Context, scope string, f spec.Finder) (spec.FoundPage, error) {
	answer, err := h.rpc.FindPackages(ctx, &pb.FindPackagesRequest{Scope: scope, Finder: wire.FinderToProto(f)})
	if err != nil {
		return spec.FoundPage{}, refused(ctx, "find packages", err)
	}
	return wire.PageFromProto(answer)
}

// SelectRows implements spec.Host.
func (h *hostClient) SelectRows(ctx context.Context, scope string, s spec.RowSelect) ([]spec.Row, error) {
	request, err := wire.SelectToProto(scope, s)
	if err != nil {
		return nil, fmt.Errorf("select rows: %w", err)
	}
	answer, err := h.rpc.SelectRows(ctx, request)
	if err != nil {
		return nil, refused(ctx, "select rows", err)
	}
	return wire.RowsFromProto(answer.GetRows())
}

// RunQuery implements spec.Host.
func (h *hostClient) RunQuery(ctx context.Context, scope string, q spec.QueryCall) ([]spec.Row, error) {
	request, err := wire.QueryToProto(scope, q)
	if err != nil {
		return nil, fmt.Errorf("run query: %w", err)
	}
	answer, err := h.rpc.RunQuery(ctx, request)
	if err != nil {
		return nil, refused(ctx, "run query", err)
	}
	return wire.RowsFromProto(answer.GetRows())
}

// Batch implements spec.Host.
func (h *hostClient) Batch(ctx context.Context, scope string, calls []spec.ReadCall) ([]spec.ReadResult, error) {
	request, err := wire.BatchToProto(scope, calls)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	answer, err := h.rpc.Batch(ctx, request)
	if err != nil {
		return nil, refused(ctx, "batch", err)
	}
	results, err := wire.ResultsFromProto(answer)
	if err == nil && len(results) != len(calls) {
		err = fmt.Errorf("batch: %d results for %d calls", len(results), len(calls))
	}
	return results, err
}

// ReadArchive implements spec.Host.
func (h *hostClient) ReadArchive(ctx context.Context, scope string, r spec.ArchiveRead) (spec.Archive, error) {
	request, err := wire.ArchiveReadToProto(scope, r)
	if err != nil {
		return spec.Archive{}, fmt.Errorf("read archive: %w", err)
	}
	answer, err := h.rpc.ReadArchive(ctx, request)
	if err != nil {
		return spec.Archive{}, refused(ctx, "read archive", err)
	}
	return wire.ArchiveFromProto(answer), nil
}

// ReadFile implements spec.Host.
func (h *hostClient) ReadFile(ctx context.Context, scope string, f spec.FileRef, offset, length int64) ([]byte, int64, error) {
	file, err := wire.FileRefToProto(f)
	if err != nil {
		return nil, 0, fmt.Errorf("read file: %w", err)
	}
	answer, err := h.rpc.ReadFile(ctx, &pb.ReadFileRequest{Scope: scope, File: file, Offset: offset, Length: length})
	if err != nil {
		return nil, 0, refused(ctx, "read file", err)
	}
	return answer.GetData(), answer.GetSize(), nil
}

// refused makes a failed call an error without gRPC's framing; the end of ctx
// stays recognisable.
func refused(ctx context.Context, call string, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("%s: %w", call, ended)
	}
	return fmt.Errorf("%s: %s", call, status.Convert(err).Message())
}
