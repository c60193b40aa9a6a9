package plugins

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/host"
	"github.com/pakhus/pakhus/sdk/spec"
)

// instance is one running process of a format. It is made once and dies once;
// a restart is another instance.
type instance struct {
	entry    Entry
	manifest *spec.Manifest
	table    *routes.Table
	client   *host.Client
	process  *process
	started  time.Time
	log      hclog.Logger

	plugin *goplugin.Client
	server *grpc.Server // what the plugin may read
	dir    string

	inFlight sync.WaitGroup
	mu       sync.Mutex
	count    int
	draining bool
	killed   sync.Once
}

// longestSocket is what go-plugin adds to the instance's folder; see sockets in launch.
const (
	longestSocket = len("/plugin-dir1234567890/plugin1234567890")
	maxSocketPath = 100 // of 108: some systems have 104
)

// launch starts an entry's binary and takes it through handshake, manifest,
// configuration and health. On any error nothing is left running.
func (m *Manager) launch(ctx context.Context, e Entry, dir string) (i *instance, err error) {
	if len(dir)+longestSocket > maxSocketPath {
		return nil, fmt.Errorf("format %s: the folder %s is too long for sockets: choose one of at most %d bytes",
			e.Format, dir, maxSocketPath-longestSocket)
	}
	binary, err := e.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = binary.Close() }()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("format %s: make socket folder: %w", e.Format, err)
	}
	i = &instance{entry: e, dir: dir, started: time.Now(), log: m.cfg.Log.With("plugin", e.Format)}
	defer func() {
		if err != nil {
			i.kill()
			i = nil
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := i.handshake(ctx, m.spawner, binary); err != nil {
		return i, fmt.Errorf("format %s: start plugin %s: %w", e.Format, e.Path, err)
	}
	if err := i.declare(ctx); err != nil {
		return i, err
	}
	i.log = i.log.With("version", i.manifest.Version, "pid", i.process.pid)
	if m.cfg.Prepare != nil {
		if err := m.cfg.Prepare(ctx, i.manifest); err != nil {
			return i, fmt.Errorf("format %s: prepare: %w", e.Format, err)
		}
	}
	if err := i.configure(ctx, m.cfg); err != nil {
		return i, fmt.Errorf("format %s: configure plugin: %w", e.Format, err)
	}
	if err := i.client.Check(ctx); err != nil {
		return i, fmt.Errorf("format %s: plugin is not healthy: %w", e.Format, err)
	}
	return i, nil
}

// handshake starts the process through go-plugin and connects to it.
func (i *instance) handshake(ctx context.Context, s *spawner, binary *os.File) error {
	i.plugin = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  host.Handshake(),
		VersionedPlugins: host.VersionedPlugins(),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		SkipHostEnv:      true,
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			env := append(cmd.Env, "TMPDIR="+i.dir, "GOTRACEBACK=single")
			i.process = newProcess(s, binary, i.entry.Path, env)
			return i.process, nil
		},
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: i.dir},
		StartTimeout:     startTimeout,
		// What go-plugin logs of its own comes back as errors; its reader of the
		// plugin's stderr must not parse (see logLines), and does not if its logger is off.
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		Stderr:          newLogLines(i.log),
		SyncStdout:      newLogLines(i.log),
		SyncStderr:      newLogLines(i.log),
		GRPCDialOptions: host.DialOptions(),
	})
	protocol, err := i.plugin.Client()
	if err != nil {
		return err
	}
	dispensed, err := protocol.Dispense("format")
	if err != nil {
		return err
	}
	client, ok := dispensed.(*host.Client)
	if !ok {
		return fmt.Errorf("go-plugin gave a %T", dispensed)
	}
	i.client = client
	return ctx.Err()
}

// declare reads the manifest and refuses one that is not the entry's or that the core could not serve.
func (i *instance) declare(ctx context.Context) (err error) {
	if i.manifest, err = i.client.Manifest(ctx); err != nil {
		return fmt.Errorf("format %s: read manifest: %w", i.entry.Format, err)
	}
	if i.manifest.Format != i.entry.Format {
		return fmt.Errorf("format %s: %s is a plugin for format %q", i.entry.Format, i.entry.Path, i.manifest.Format)
	}
	if i.table, err = routes.Compile(i.manifest); err != nil {
		return fmt.Errorf("format %s: manifest: %w", i.entry.Format, err)
	}
	return nil
}

// configure gives the plugin its own socket to read through: only this process
// gets a connection, and only with the token.
func (i *instance) configure(ctx context.Context, cfg Config) error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	token := hex.EncodeToString(secret)
	socket := filepath.Join(i.dir, "host")
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	i.server = host.NewServer(cfg.Host, token)
	go func() { _ = i.server.Serve(&peerListener{Listener: listener, pid: i.process.pid}) }()
	return i.client.Configure(ctx, host.Configuration{
		CoreVersion: cfg.CoreVersion,
		Features:    cfg.Features,
		SocketPath:  socket,
		Token:       token,
		InstanceID:  filepath.Base(i.dir),
		LogLevel:    strings.ToLower(cfg.Log.GetLevel().String()),
	})
}

// enter counts a request in; false if the instance takes no more.
func (i *instance) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.draining {
		return false
	}
	i.count++
	i.inFlight.Add(1)
	return true
}

func (i *instance) leave() {
	i.mu.Lock()
	i.count--
	i.mu.Unlock()
	i.inFlight.Done()
}

func (i *instance) working() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

// alive is false as soon as the process has ended.
func (i *instance) alive() bool {
	select {
	case <-i.process.gone:
		return false
	default:
		return true
	}
}

// retire lets requests under way end, and then the process.
func (i *instance) retire(ctx context.Context) {
	i.mu.Lock()
	i.draining = true
	i.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	idle := make(chan struct{})
	go func() { i.inFlight.Wait(); close(idle) }()
	select {
	case <-idle:
		if _, err := i.client.Drain(ctx, time.Second); err != nil && !errors.Is(err, context.Canceled) {
			i.log.Debug("plugin did not drain", "error", err)
		}
	case <-i.process.gone:
	case <-ctx.Done():
		i.log.Warn("plugin was ended with requests under way", "in_flight", i.working())
	}
	i.kill()
}

// kill ends the process and everything that belonged to it. It may be called at any stage, and again.
func (i *instance) kill() {
	i.killed.Do(func() {
		if i.plugin != nil {
			i.plugin.Kill()
		}
		if i.process != nil {
			_ = i.process.Kill(context.Background()) //nolint:forbidigo // must happen whatever ended the request
		}
		if i.server != nil {
			i.server.Stop()
		}
		_ = os.RemoveAll(i.dir)
	})
}
