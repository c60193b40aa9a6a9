package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// healthService is what go-plugin registers in a plugin's health server.
const healthService = "plugin"

// Client calls one plugin process. Its errors carry gRPC's status, so that the
// caller can tell a lost connection (Unavailable) from an answer.
type Client struct {
	format pb.FormatPluginServiceClient
	health grpc_health_v1.HealthClient
}

// NewClient returns a Client on a connection to a plugin.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{format: pb.NewFormatPluginServiceClient(conn), health: grpc_health_v1.NewHealthClient(conn)}
}

// Configuration is what a plugin is told before its first request.
type Configuration struct {
	CoreVersion string
	Features    []string // what this core offers
	SocketPath  string   // a Unix socket that serves NewServer to this process alone
	Token       string   // for the calls on it
	InstanceID  string
	LogLevel    string // hclog's names: trace, debug, info, warn, error
}

// Manifest asks for the plugin's declaration. It works before Configure.
func (c *Client) Manifest(ctx context.Context) (*spec.Manifest, error) {
	answer, err := c.format.GetManifest(ctx, &pb.GetManifestRequest{})
	if err != nil {
		return nil, err
	}
	return wire.ManifestFromProto(answer.GetManifest())
}

// Configure tells the plugin where its host is. Called again it changes the log level.
func (c *Client) Configure(ctx context.Context, cfg Configuration) error {
	_, err := c.format.Configure(ctx, &pb.ConfigureRequest{
		CoreVersion:     cfg.CoreVersion,
		ProtocolMinor:   spec.ProtocolMinor,
		Features:        cfg.Features,
		Host:            &pb.ConfigureRequest_HostEndpoint{SocketPath: cfg.SocketPath, Token: cfg.Token},
		InstanceId:      cfg.InstanceID,
		LogLevel:        cfg.LogLevel,
		MaxMessageBytes: spec.MaxMessageBytes,
	})
	return err
}

// Handle asks the plugin to answer a request and collects the whole answer; a
// body over spec.MaxResponseBytes is an error.
func (c *Client) Handle(ctx context.Context, r *spec.Request) (*spec.Response, error) {
	request, err := wire.RequestToProto(r)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx) // ends the stream of an answer that is refused
	defer cancel()
	stream, err := c.format.HandleRequest(ctx, request)
	if err != nil {
		return nil, err
	}
	first, err := stream.Recv()
	if err != nil {
		return nil, noAnswer(err)
	}
	response, err := wire.HeadFromProto(first.GetHead())
	if err != nil {
		return nil, fmt.Errorf("response: %w", err)
	}
	if err := collect(stream, response); err != nil {
		return nil, err
	}
	return response, nil
}

// collect appends the chunks that follow a head to the response's body.
func collect(stream grpc.ServerStreamingClient[pb.HandleRequestResponse], response *spec.Response) error {
	made, isBody := response.Outcome.(*spec.HTTPResponse)
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		chunk, ok := message.GetPart().(*pb.HandleRequestResponse_BodyChunk)
		if !ok || !isBody {
			return errors.New("response: a second head, or a body where there is none")
		}
		if size := len(made.Body) + len(chunk.BodyChunk); size > spec.MaxResponseBytes {
			return wire.TooLarge(size)
		}
		made.Body = append(made.Body, chunk.BodyChunk...)
	}
}

// noAnswer tells a stream that ended well, but empty, from one that broke: EOF
// would otherwise look like a lost connection.
func noAnswer(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("response: the stream ended before the head")
	}
	return err
}

// RunJob asks the plugin to do a job; a nil plan changes nothing.
func (c *Client) RunJob(ctx context.Context, j *spec.Job) (*spec.Plan, error) {
	request, err := wire.JobToProto(j)
	if err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	answer, err := c.format.RunJob(ctx, request)
	if err != nil {
		return nil, err
	}
	return wire.PlanFromProto(answer.GetPlan())
}

// HandleEvent tells the plugin of an event; a nil plan changes nothing.
func (c *Client) HandleEvent(ctx context.Context, e *spec.Event) (*spec.Plan, error) {
	request, err := wire.EventToProto(e)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	answer, err := c.format.HandleEvent(ctx, request)
	if err != nil {
		return nil, err
	}
	return wire.PlanFromProto(answer.GetPlan())
}

// Drain tells the plugin that no request comes any more, and returns when none
// is under way or the deadline is over; inFlight is what is left then.
func (c *Client) Drain(ctx context.Context, deadline time.Duration) (inFlight int, err error) {
	answer, err := c.format.Drain(ctx, &pb.DrainRequest{DeadlineMs: deadline.Milliseconds()})
	return int(answer.GetInFlight()), err
}

// Check asks whether the plugin can serve (grpc.health.v1).
func (c *Client) Check(ctx context.Context) error {
	answer, err := c.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: healthService})
	if err != nil {
		return err
	}
	if s := answer.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health: %s", s)
	}
	return nil
}
