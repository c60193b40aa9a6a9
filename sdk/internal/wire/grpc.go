package wire

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pakhus/pakhus/sdk/spec"
)

// PluginName is what a format is called in go-plugin's sets, and its health service.
const PluginName = "format"

// ChunkBytes bounds the piece of a response body in one message.
const ChunkBytes = 1 << 20

// The windows and buffers that made 64 KiB answers a quarter cheaper than
// gRPC's defaults, on a Unix socket with eight callers.
const (
	streamWindow     = 4 << 20
	connectionWindow = 16 << 20
	bufferBytes      = 256 << 10
)

// streamWorkers are goroutines that take one call after the other, so that most
// calls find a stack that has grown already: a tenth of a short call's time.
const streamWorkers = 4

// Handshake is what core and plugin recognise each other by. It tells a plugin
// that was started by hand from one that was started by the core; it is no secret.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		MagicCookieKey:   "PAKHUS_PLUGIN",
		MagicCookieValue: "6f7d1c0e2b9a4f53a8e4d5b1907c362e",
	}
}

// DialOptions are those of every connection between core and plugin, whoever dials.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(spec.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(spec.MaxMessageBytes),
		),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(bufferBytes),
		grpc.WithWriteBufferSize(bufferBytes),
		grpc.WithDisableServiceConfig(),
	}
}

// ServerOptions are those of every server between core and plugin. A panic in a
// handler ends its call with an error and is told to onPanic with the stack.
func ServerOptions(onPanic func(method string, value any, stack []byte)) []grpc.ServerOption {
	recovered := func(method string, err *error) {
		if v := recover(); v != nil {
			onPanic(method, v, debug.Stack())
			*err = status.Errorf(codes.Internal, "panic in %s", method)
		}
	}
	return []grpc.ServerOption{
		// go-plugin lifts the limits of what it dials, not of what it serves.
		grpc.MaxRecvMsgSize(spec.MaxMessageBytes),
		grpc.MaxSendMsgSize(spec.MaxMessageBytes),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.ReadBufferSize(bufferBytes),
		grpc.WriteBufferSize(bufferBytes),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
			defer recovered(info.FullMethod, &err)
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
			defer recovered(info.FullMethod, &err)
			return next(srv, stream)
		}),
	}
}

// StatusOf makes an error of a handler a gRPC status: the context's end is told
// apart, everything else is INTERNAL with the error's words.
func StatusOf(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	case ctx.Err() != nil:
		return status.Error(codes.Canceled, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

// TooLarge is the error for a body over spec.MaxResponseBytes.
func TooLarge(size int) error {
	return fmt.Errorf("a response body of %d bytes is over the limit of %d", size, spec.MaxResponseBytes)
}
