package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/pakhus/pakhus/sdk/host"
	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/spec"
)

func TestARequestTravelsWholeAndSoDoesItsAnswer(t *testing.T) {
	t.Parallel()
	sent := &spec.Request{
		RequestContext: spec.RequestContext{RequestID: "r1", Scope: "s1", Project: spec.Project{ID: 7, Visibility: spec.Private}},
		RouteID:        "echo", Level: spec.LevelProject, Params: map[string]string{"name": "a"}, Body: []byte("body"),
	}
	answer := &spec.Response{
		Outcome: &spec.HTTPResponse{Status: 201, Header: map[string][]string{"Etag": {`"1"`}}, Body: []byte("made")},
		Plan:    &spec.Plan{Touch: []string{"a"}},
	}
	var seen *spec.Request
	c := started(t, &plugin{handle: func(_ context.Context, r *spec.Request, _ spec.Host) (*spec.Response, error) {
		seen = r
		return answer, nil
	}})
	got, err := c.Handle(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(seen, sent) {
		t.Errorf("request: got %+v, sent %+v", seen, sent)
	}
	if !reflect.DeepEqual(got, answer) {
		t.Errorf("answer: got %+v, sent %+v", got, answer)
	}
}

func TestABodyOverOneMessageArrivesInOrder(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, spec.MaxResponseBytes} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i * 7 >> 8)
		}
		c := started(t, answering(&spec.HTTPResponse{Status: 200, Body: body}))
		got, err := c.Handle(t.Context(), request("any"))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		made, ok := got.Outcome.(*spec.HTTPResponse)
		if !ok || !bytes.Equal(made.Body, body) {
			t.Errorf("%d bytes: arrived changed", size)
		}
	}
}

func TestABodyOverTheLimitIsAnError(t *testing.T) {
	t.Parallel()
	c := started(t, answering(&spec.HTTPResponse{Status: 200, Body: make([]byte, spec.MaxResponseBytes+1)}))
	_, err := c.Handle(t.Context(), request("any"))
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	t.Parallel()
	c := started(t, &plugin{handle: func(ctx context.Context, r *spec.Request, _ spec.Host) (*spec.Response, error) {
		switch r.RouteID {
		case "panic":
			panic("secret value")
		case "hang":
			<-ctx.Done()
			return nil, ctx.Err()
		case "nothing":
			return nil, nil
		}
		return nil, errors.New("tarball is empty")
	}})
	for _, c2 := range []struct {
		route, words string
		code         codes.Code
	}{
		{"error", "tarball is empty", codes.Internal},
		{"panic", "panic in /pakhus.format.v1.FormatPluginService/HandleRequest", codes.Internal},
		{"nothing", "no response", codes.Internal},
	} {
		_, err := c.Handle(t.Context(), request(c2.route))
		if status.Code(err) != c2.code || !strings.Contains(err.Error(), c2.words) {
			t.Errorf("%s: got %v", c2.route, err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the value of the panic left the process: %v", c2.route, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Handle(ctx, request("hang")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("hang: got %v", err)
	}
}

func TestAMessageLargerThanGRPCsDefaultFits(t *testing.T) {
	t.Parallel()
	c := started(t, &plugin{handle: func(_ context.Context, r *spec.Request, _ spec.Host) (*spec.Response, error) {
		return &spec.Response{Outcome: &spec.HTTPResponse{Status: len(r.Body)}}, nil
	}})
	r := request("any")
	r.Body = make([]byte, 8<<20)
	got, err := c.Handle(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if made, ok := got.Outcome.(*spec.HTTPResponse); !ok || made.Status != 8<<20 {
		t.Errorf("got %+v", got.Outcome)
	}
	r.Body = make([]byte, spec.MaxMessageBytes)
	if _, err := c.Handle(t.Context(), r); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("over the limit: got %v", err)
	}
}

func TestNothingIsHandledBeforeConfigure(t *testing.T) {
	t.Parallel()
	c := host.NewClient(connect(t, serving(t, newServer(answering(&spec.HTTPResponse{Status: 200}), hclog.NewNullLogger()))))
	if _, err := c.Handle(t.Context(), request("any")); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("got %v", err)
	}
	m, err := c.Manifest(t.Context())
	if err != nil || m.Format != "demo" {
		t.Errorf("manifest: %+v, %v", m, err)
	}
}

func TestAFeatureThatTheCoreLacksIsRefusedByName(t *testing.T) {
	t.Parallel()
	p := answering(&spec.HTTPResponse{Status: 200})
	p.manifest.RequiredFeatures = []string{"teleport"}
	c := host.NewClient(connect(t, serving(t, newServer(p, hclog.NewNullLogger()))))
	err := c.Configure(t.Context(), host.Configuration{SocketPath: "/nowhere", Token: "t", Features: []string{"batch"}})
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `"teleport"`) {
		t.Errorf("got %v", err)
	}
	if err := c.Configure(t.Context(), host.Configuration{SocketPath: "/nowhere", Token: "t", Features: []string{"teleport"}}); err != nil {
		t.Errorf("with the feature: %v", err)
	}
}

func TestJobsAndEventsAnswerWithPlans(t *testing.T) {
	t.Parallel()
	c := started(t, answering(nil))
	plan, err := c.RunJob(t.Context(), &spec.Job{Kind: "extract"})
	if err != nil || !reflect.DeepEqual(plan, &spec.Plan{Touch: []string{"extract"}}) {
		t.Errorf("job: %+v, %v", plan, err)
	}
	plan, err = c.HandleEvent(t.Context(), &spec.Event{Type: "package.destroyed"})
	if err != nil || plan != nil {
		t.Errorf("event: %+v, %v", plan, err)
	}
}

func TestDrainWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	c := started(t, &plugin{handle: func(context.Context, *spec.Request, spec.Host) (*spec.Response, error) {
		close(entered)
		<-release
		return &spec.Response{Outcome: &spec.HTTPResponse{Status: 200}}, nil
	}})
	answered := make(chan error, 1)
	go func() {
		_, err := c.Handle(t.Context(), request("slow"))
		answered <- err
	}()
	<-entered
	if n, err := c.Drain(t.Context(), 10*time.Millisecond); n != 1 || err != nil {
		t.Errorf("at the deadline: %d under way, %v", n, err)
	}
	if _, err := c.Handle(t.Context(), request("late")); status.Code(err) != codes.Unavailable {
		t.Errorf("a request after drain: %v", err)
	}
	close(release)
	if n, err := c.Drain(t.Context(), time.Minute); n != 0 || err != nil {
		t.Errorf("after the last answer: %d under way, %v", n, err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the request under way: %v", err)
	}
}

func TestManifestIsPrintedAsJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := printManifest(&out, answering(nil)); err != nil {
		t.Fatal(err)
	}
	var m struct {
		Format string
		Routes []struct{ Action string }
	}
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m.Format != "demo" || len(m.Routes) != 1 || m.Routes[0].Action != "ACTION_READ_PACKAGE" {
		t.Errorf("got %s", out.String())
	}
}

// plugin is a spec.Plugin of functions.
type plugin struct {
	manifest spec.Manifest
	handle   func(context.Context, *spec.Request, spec.Host) (*spec.Response, error)
}

func (p *plugin) Manifest() (*spec.Manifest, error) { return &p.manifest, nil }

func (p *plugin) Handle(ctx context.Context, r *spec.Request, h spec.Host) (*spec.Response, error) {
	return p.handle(ctx, r, h)
}

func (p *plugin) RunJob(_ context.Context, j *spec.Job, _ spec.Host) (*spec.Plan, error) {
	return &spec.Plan{Touch: []string{j.Kind}}, nil
}

func (p *plugin) HandleEvent(context.Context, *spec.Event, spec.Host) (*spec.Plan, error) {
	return nil, nil
}

func answering(r *spec.HTTPResponse) *plugin {
	return &plugin{
		manifest: spec.Manifest{Format: "demo", Routes: []spec.Route{{ID: "any", Action: spec.ActionReadPackage}}},
		handle: func(context.Context, *spec.Request, spec.Host) (*spec.Response, error) {
			return &spec.Response{Outcome: r}, nil
		},
	}
}

func request(route string) *spec.Request {
	return &spec.Request{RouteID: route, Level: spec.LevelProject}
}

// started serves p, without a host, on a socket of its own and returns the core's client.
func started(t *testing.T, p spec.Plugin) *host.Client {
	t.Helper()
	c := host.NewClient(connect(t, serving(t, newServer(p, hclog.NewNullLogger()))))
	cfg := host.Configuration{SocketPath: listening(t, host.NewServer(nil, "the token")), Token: "the token", LogLevel: "warn"}
	if err := c.Configure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return c
}

func serving(t *testing.T, s *server) string {
	t.Helper()
	g := newGRPCServer(hclog.NewNullLogger())
	pb.RegisterFormatPluginServiceServer(g, s)
	return listening(t, g)
}

func listening(t *testing.T, g *grpc.Server) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return socket
}

func connect(t *testing.T, socket string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, append(host.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
