package serve

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// server answers the core's calls with a spec.Plugin.
type server struct {
	pb.UnimplementedFormatPluginServiceServer
	plugin spec.Plugin
	log    hclog.Logger
	work   work

	mu   sync.Mutex
	host *hostClient // nil before Configure
}

func newServer(p spec.Plugin, log hclog.Logger) *server {
	return &server{plugin: p, log: log}
}

// GetManifest implements the service.
func (s *server) GetManifest(ctx context.Context, _ *pb.GetManifestRequest) (*pb.GetManifestResponse, error) {
	m, err := s.plugin.Manifest()
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	converted, err := wire.ManifestToProto(m)
	return &pb.GetManifestResponse{Manifest: converted}, wire.StatusOf(ctx, err)
}

// Configure implements the service: it connects to the host, once for each
// endpoint, and sets the log level.
func (s *server) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.ConfigureResponse, error) {
	m, err := s.plugin.Manifest()
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	for _, feature := range m.RequiredFeatures {
		if !slices.Contains(r.GetFeatures(), feature) {
			return nil, status.Errorf(codes.FailedPrecondition, "format %s needs the feature %q, which this core does not offer", m.Format, feature)
		}
	}
	if level := hclog.LevelFromString(r.GetLogLevel()); level != hclog.NoLevel {
		s.log.SetLevel(level)
	}
	if err := s.connect(r.GetHost()); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "host: %v", err)
	}
	return &pb.ConfigureResponse{ProtocolMinor: spec.ProtocolMinor}, nil
}

func (s *server) connect(endpoint *pb.ConfigureRequest_HostEndpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host != nil && s.host.serves(endpoint) {
		return nil
	}
	host, err := dialHost(endpoint)
	if err != nil {
		return err
	}
	if s.host != nil {
		s.host.close()
	}
	s.host = host
	return nil
}

// begin counts a call as under way and returns the host it may read from.
func (s *server) begin() (spec.Host, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == nil {
		return nil, status.Error(codes.FailedPrecondition, "not configured yet")
	}
	if !s.work.begin() {
		return nil, status.Error(codes.Unavailable, "draining")
	}
	return s.host, nil
}

// HandleRequest implements the service.
func (s *server) HandleRequest(r *pb.HandleRequestRequest, stream grpc.ServerStreamingServer[pb.HandleRequestResponse]) error {
	ctx := stream.Context()
	request, err := wire.RequestFromProto(r)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	host, err := s.begin()
	if err != nil {
		return err
	}
	defer s.work.end()
	response, err := s.plugin.Handle(ctx, request, host)
	if err != nil {
		return wire.StatusOf(ctx, err)
	}
	head, err := wire.HeadToProto(response)
	if err != nil {
		return wire.StatusOf(ctx, err)
	}
	return send(stream, head)
}

// send sends a head with the first part of its body, and the rest in chunks.
func send(stream grpc.ServerStreamingServer[pb.HandleRequestResponse], head *pb.HandleRequestResponse_Head) error {
	var rest []byte
	if made := head.GetResponse(); made != nil && len(made.GetBody()) > wire.ChunkBytes {
		if size := len(made.GetBody()); size > spec.MaxResponseBytes {
			return wire.StatusOf(stream.Context(), wire.TooLarge(size))
		}
		made.Body, rest = made.GetBody()[:wire.ChunkBytes], made.GetBody()[wire.ChunkBytes:]
	}
	if err := stream.Send(&pb.HandleRequestResponse{Part: &pb.HandleRequestResponse_Head_{Head: head}}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(rest, wire.ChunkBytes) {
		if err := stream.Send(&pb.HandleRequestResponse{Part: &pb.HandleRequestResponse_BodyChunk{BodyChunk: chunk}}); err != nil {
			return err
		}
	}
	return nil
}

// RunJob implements the service.
func (s *server) RunJob(ctx context.Context, r *pb.RunJobRequest) (*pb.RunJobResponse, error) {
	job, err := wire.JobFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	host, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer s.work.end()
	plan, err := s.plugin.RunJob(ctx, job, host)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	converted, err := wire.PlanToProto(plan)
	return &pb.RunJobResponse{Plan: converted}, wire.StatusOf(ctx, err)
}

// HandleEvent implements the service.
func (s *server) HandleEvent(ctx context.Context, r *pb.HandleEventRequest) (*pb.HandleEventResponse, error) {
	event, err := wire.EventFromProto(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	host, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer s.work.end()
	plan, err := s.plugin.HandleEvent(ctx, event, host)
	if err != nil {
		return nil, wire.StatusOf(ctx, err)
	}
	converted, err := wire.PlanToProto(plan)
	return &pb.HandleEventResponse{Plan: converted}, wire.StatusOf(ctx, err)
}

// Drain implements the service: it answers when nothing is under way.
func (s *server) Drain(ctx context.Context, r *pb.DrainRequest) (*pb.DrainResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.GetDeadlineMs())*time.Millisecond)
	defer cancel()
	left := s.work.drain(ctx)
	return &pb.DrainResponse{InFlight: int32(min(left, 1<<30))}, nil //nolint:gosec // bounded just here
}

// work counts the calls under way.
type work struct {
	mu       sync.Mutex
	n        int
	draining bool
	idle     chan struct{} // closed when n is 0 while draining; nil until drain
}

// begin reports whether a call may start.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.draining {
		return false
	}
	w.n++
	return true
}

func (w *work) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n--
	if w.n == 0 && w.draining {
		close(w.idle)
	}
}

// drain lets no call start any more and returns how many are left when none is,
// or when ctx ends.
func (w *work) drain(ctx context.Context) int {
	w.mu.Lock()
	if !w.draining {
		w.draining, w.idle = true, make(chan struct{})
		if w.n == 0 {
			close(w.idle)
		}
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}
