package host_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pakhus/pakhus/sdk/host"
	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

// What a plugin made with the SDK answers is tested in package serve. These are
// the answers of others.
func TestAnswersThatBreakTheContract(t *testing.T) {
	t.Parallel()
	head := &pb.HandleRequestResponse{Part: &pb.HandleRequestResponse_Head_{Head: &pb.HandleRequestResponse_Head{
		Outcome: &pb.HandleRequestResponse_Head_Response{Response: &pb.HttpResponse{Status: 200}},
	}}}
	redirect := &pb.HandleRequestResponse{Part: &pb.HandleRequestResponse_Head_{Head: &pb.HandleRequestResponse_Head{
		Outcome: &pb.HandleRequestResponse_Head_Redirect{Redirect: &pb.Redirect{Status: 302}},
	}}}
	chunk := &pb.HandleRequestResponse{Part: &pb.HandleRequestResponse_BodyChunk{BodyChunk: make([]byte, 8<<20)}}
	for name, c := range map[string]struct {
		want    string
		answers []*pb.HandleRequestResponse
	}{
		"nothing":            {"the stream ended before the head", nil},
		"a chunk first":      {"head: not set", []*pb.HandleRequestResponse{chunk}},
		"two heads":          {"a second head", []*pb.HandleRequestResponse{head, head}},
		"a redirect's body":  {"a body where there is none", []*pb.HandleRequestResponse{redirect, chunk}},
		"no outcome":         {"outcome: not set", []*pb.HandleRequestResponse{{Part: &pb.HandleRequestResponse_Head_{Head: &pb.HandleRequestResponse_Head{}}}}},
		"a body without end": {"over the limit of 67108864", []*pb.HandleRequestResponse{head, chunk, chunk, chunk, chunk, chunk, chunk, chunk, chunk, chunk}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, &rogue{answers: c.answers})
			_, err := client.Handle(t.Context(), &spec.Request{Level: spec.LevelProject})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if status.Code(err) == codes.Unavailable {
				t.Error("it looks like a lost connection, after which a request is sent again")
			}
		})
	}
}

// rogue answers every request with the same messages.
type rogue struct {
	pb.UnimplementedFormatPluginServiceServer
	answers []*pb.HandleRequestResponse
}

func (r *rogue) HandleRequest(_ *pb.HandleRequestRequest, stream grpc.ServerStreamingServer[pb.HandleRequestResponse]) error {
	for _, a := range r.answers {
		if err := stream.Send(a); err != nil {
			return err
		}
	}
	return nil
}

func dial(t *testing.T, r *rogue) *host.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	pb.RegisterFormatPluginServiceServer(s, r)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient("unix:"+filepath.Join(dir, "s"), append(host.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return host.NewClient(conn)
}
