// Package serve runs a format as a plugin process. Main is the only line in a
// plugin's main function:
//
//	func main() { serve.Main(npm.Plugin()) }
//
// In the order things happen: stdout.go keeps stdout for the handshake,
// manifest.go answers --manifest, go-plugin shakes hands, server.go answers the
// core's calls, hostclient.go calls back, parent.go ends with the core.
package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pb "github.com/pakhus/pakhus/sdk/internal/pluginpb"
	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// Main serves p until the core stops it, and then ends the process. Run by hand
// with --manifest it prints p's manifest as JSON.
//
// Logs are JSON lines on stderr, and hclog.Default writes there too. What the
// process prints to stdout ends up on stderr as well.
func Main(p spec.Plugin) {
	parent := os.Getppid()
	stdout, err := takeStdout()
	if err != nil {
		exit(fmt.Errorf("stdout: %w", err))
	}
	if byHand() && len(os.Args) == 2 && os.Args[1] == "--manifest" {
		exit(printManifest(stdout, p))
	}
	nameProcess()
	log := hclog.New(&hclog.LoggerOptions{JSONFormat: true, Output: os.Stderr, Level: hclog.Info})
	hclog.SetDefault(log)
	go exitWithParent(parent, log)

	os.Stdout = stdout // go-plugin prints its one line there, and takes it over itself then
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  wire.Handshake(),
		VersionedPlugins: map[int]goplugin.PluginSet{spec.ProtocolMajor: {wire.PluginName: &formatPlugin{server: newServer(p, log)}}},
		GRPCServer:       func(given []grpc.ServerOption) *grpc.Server { return newGRPCServer(log, given...) },
		Logger:           log,
	})
}

// nameProcess gives the process a name for those who list processes: the core
// runs an open file, and the system would call the process after its number.
// Where there is no such file, nothing is lost.
func nameProcess() {
	name := "pakhus-" + strings.TrimPrefix(filepath.Base(os.Args[0]), "pakhus-plugin-")
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0)
}

// byHand reports whether a person, not the core, started the process.
func byHand() bool {
	h := wire.Handshake()
	return os.Getenv(h.MagicCookieKey) != h.MagicCookieValue
}

func exit(err error) {
	if err != nil {
		hclog.Default().Error("plugin cannot run", "error", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// newGRPCServer has the contract's limits. A panic in a handler is that
// request's error, not the end of the process.
func newGRPCServer(log hclog.Logger, given ...grpc.ServerOption) *grpc.Server {
	options := wire.ServerOptions(func(method string, value any, stack []byte) {
		log.Error("panic in a handler", "method", method, "panic", fmt.Sprint(value), "stack", string(stack))
	})
	return grpc.NewServer(append(given, options...)...)
}

// formatPlugin registers the format's service in the server that go-plugin makes.
type formatPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
	server *server
}

var _ goplugin.GRPCPlugin = (*formatPlugin)(nil)

// GRPCServer implements goplugin.GRPCPlugin.
func (p *formatPlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterFormatPluginServiceServer(s, p.server)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin. A plugin calls no plugin.
func (*formatPlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin does not call formats")
}
