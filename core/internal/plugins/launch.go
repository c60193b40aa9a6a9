package plugins

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"

	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/host"
)

// unprepared is the error of a plugin that runs, but whose manifest could not be prepared.
type unprepared struct{ cause error }

// Error implements error.
func (e *unprepared) Error() string { return "prepare: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *unprepared) Unwrap() error { return e.cause }

// launch takes an entry's binary to where it can be given requests. On any
// error nothing is left running.
func (f *Format) launch(ctx context.Context, e Entry) (_ *instance, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.m.pace.start)
	defer cancel()
	binary, err := e.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = binary.Close() }()
	dir, err := os.MkdirTemp(f.m.runDir, "")
	if err != nil {
		return nil, fmt.Errorf("format %s: folder for sockets: %w", e.Format, err)
	}
	i := &instance{
		dir: dir, started: time.Now(), exit: f.m.pace.exit,
		log: f.m.cfg.Log.With("plugin", e.Format), retired: make(chan struct{}),
	}
	if err := f.bringToServe(ctx, i, e, binary); err != nil {
		i.kill()
		return nil, fmt.Errorf("format %s: %s: %w", e.Format, e.Path, err)
	}
	i.log.Info("plugin is ready", "after", time.Since(i.started).String())
	return i, nil
}

func (f *Format) bringToServe(ctx context.Context, i *instance, e Entry, binary *os.File) error {
	if err := i.handshake(ctx, f.m.spawner, e.Path, binary); err != nil {
		return fmt.Errorf("start plugin: %w%s", err, i.lastWords())
	}
	if err := f.declare(ctx, i, e); err != nil {
		return err
	}
	i.log = i.log.With("version", i.release.manifest.Version, "pid", i.process.pid)
	i.process.said.relog(i.log)
	if err := f.prepare(ctx, i.release); err != nil {
		return err
	}
	if err := i.configure(ctx, f.m.cfg); err != nil {
		return fmt.Errorf("configure plugin: %w", err)
	}
	if err := i.client.Check(ctx); err != nil {
		return fmt.Errorf("plugin is not healthy: %w", err)
	}
	return nil
}

// handshake starts the process and connects to it, both through go-plugin.
func (i *instance) handshake(ctx context.Context, s *spawner, path string, binary *os.File) error {
	i.process = newProcess(s, binary, path, i.dir, i.log)
	i.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.VersionedPlugins(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true, // it would be all of ours, appended to what we give
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			i.process.env = append(cmd.Env, // the cookie, and which majors we speak
				goplugin.EnvUnixSocketDir+"="+i.dir, "TMPDIR="+i.dir, "GOTRACEBACK=single")
			return i.process, nil
		},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: i.dir},
		StartTimeout:     time.Hour, // ctx ends earlier
		// What go-plugin logs comes back as errors. Named() of this logger is off
		// too: with any other go-plugin would parse the plugin's stderr, and panic
		// on a line such as {"@level":"info","@message":1}.
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		SyncStdout:      i.process.said.stream(),
		SyncStderr:      i.process.said.stream(),
		GRPCDialOptions: host.DialOptions(),
	})
	// go-plugin's start knows no context.
	defer context.AfterFunc(ctx, i.process.end)()
	protocol, err := i.plugin.Client()
	if ctx.Err() != nil {
		return fmt.Errorf("no handshake in time: %w", ctx.Err())
	}
	if err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) // go-plugin's errors have paragraphs
	}
	dispensed, err := protocol.Dispense(host.PluginName)
	if err != nil {
		return err
	}
	client, ok := dispensed.(*host.Client)
	if !ok {
		return fmt.Errorf("go-plugin gave a %T", dispensed)
	}
	i.client = client
	limit(i.process.pid) // again: a Go program raises its file limit when it starts
	return nil
}

// declare reads the manifest and refuses one that is not the entry's or that
// the core could not serve.
func (f *Format) declare(ctx context.Context, i *instance, e Entry) error {
	m, err := i.client.Manifest(ctx)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if m.Format != e.Format {
		return fmt.Errorf("is a plugin for format %q", m.Format)
	}
	for _, feature := range m.RequiredFeatures {
		if !slices.Contains(f.m.cfg.Features, feature) {
			return fmt.Errorf("needs the feature %q, which this core does not offer", feature)
		}
	}
	f.mu.Lock()
	known := f.serving
	f.mu.Unlock()
	if known != nil && known.entry.digest() == e.digest() {
		if !reflect.DeepEqual(known.manifest, m) {
			return errors.New("its manifest is not the one that the same binary gave before")
		}
		i.release = known
		return nil
	}
	table, err := routes.Compile(m)
	if err != nil {
		return err
	}
	i.release = &release{entry: e, manifest: m, table: table}
	f.mu.Lock()
	if f.serving == nil { // there is something to say of the format now, even if it cannot be prepared
		f.serving = i.release
	}
	f.mu.Unlock()
	return nil
}

// prepare runs Config.Prepare, once for a release.
func (f *Format) prepare(ctx context.Context, r *release) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.prepared || f.m.cfg.Prepare == nil {
		return nil
	}
	if err := f.m.cfg.Prepare(ctx, r.manifest); err != nil {
		return &unprepared{cause: err}
	}
	r.prepared = true
	return nil
}

// configure gives the plugin a socket to read through: only this process gets a
// connection, and only with the token a call.
func (i *instance) configure(ctx context.Context, cfg Config) error {
	token := rand.Text()
	socket := filepath.Join(i.dir, "host")
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	i.host = host.NewServer(cfg.Host, token)
	go func() { _ = i.host.Serve(&peerListener{Listener: listener, pid: i.process.pid}) }() // until kill
	return i.client.Configure(ctx, host.Configuration{
		CoreVersion: cfg.CoreVersion,
		Features:    cfg.Features,
		SocketPath:  socket,
		Token:       token,
		InstanceID:  filepath.Base(i.dir),
		LogLevel:    strings.ToLower(cfg.Log.GetLevel().String()),
	})
}
