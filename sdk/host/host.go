// Package host is the core's half of the wire: it calls a plugin (Client) and
// serves what a plugin may read (NewServer). It speaks plain structs; protobuf
// stays within the SDK.
package host

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pakhus/pakhus/sdk/internal/wire"
	"github.com/pakhus/pakhus/sdk/spec"
)

// PluginName is what VersionedPlugins calls a format: Dispense(PluginName) gives a *Client.
const PluginName = wire.PluginName

// Handshake is what core and plugin recognise each other by.
func Handshake() goplugin.HandshakeConfig { return wire.Handshake() }

// VersionedPlugins are the majors of the contract that this core speaks.
func VersionedPlugins() map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{spec.ProtocolMajor: {PluginName: formatPlugin{}}}
}

// DialOptions are the message limits, windows and buffers of a connection to a plugin.
func DialOptions() []grpc.DialOption { return wire.DialOptions() }

// formatPlugin makes go-plugin dispense a Client.
type formatPlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

var _ goplugin.GRPCPlugin = formatPlugin{}

// GRPCServer implements goplugin.GRPCPlugin. The core serves no format.
func (formatPlugin) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the core does not serve formats")
}

// GRPCClient implements goplugin.GRPCPlugin.
func (formatPlugin) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewClient(conn), nil
}
