package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
	redislog "github.com/redis/go-redis/v9/logging"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/embedded"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/federation"
	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/jobs"
	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plugins"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/server"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
	"github.com/pakhus/pakhus/core/internal/storage/indatabase"
	"github.com/pakhus/pakhus/core/internal/weblogin"
	"github.com/pakhus/pakhus/sdk/spec"
)

// parts is everything that runs, in the order it was started.
type parts struct {
	cfg      config.Config
	log      hclog.Logger
	database *embedded.Server // nil with a database URL
	pool     *pgxpool.Pool
	plugins  *plugins.Manager
	features *features.Flags
	server   *server.Server
	closers  []func() // run backwards
}

// remember is how long a caller's rights are believed, and protection rules:
// "revoked everywhere within a second" with some room.
const remember = 900 * time.Millisecond

// assemble starts the parts. What it has started when something fails, it stops again.
func assemble(lasting, ctx context.Context, cfg config.Config, log hclog.Logger) (*parts, error) {
	p := &parts{cfg: cfg, log: log}
	if err := p.start(lasting, ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *parts) start(lasting, ctx context.Context) error {
	release, err := ownDataDir(p.cfg.DataDir)
	if err != nil {
		return err
	}
	p.onClose(release)
	url, err := p.startDatabase(ctx)
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, url); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if p.pool, err = postgres.Connect(ctx, url, postgres.Options{MaxConns: p.cfg.Database.MaxConnections, Log: p.log}); err != nil {
		return err
	}
	p.onClose(p.pool.Close)

	folder, err := filesystem.New(filepath.Join(p.cfg.DataDir, "blobs"))
	if err != nil {
		return fmt.Errorf("open blob store: %w", err)
	}
	// What lies in staging now belongs to an upload that a crash ended.
	if n, err := folder.Sweep(ctx, time.Now()); err != nil {
		return fmt.Errorf("sweep staging: %w", err)
	} else if n > 0 {
		p.log.Info("interrupted uploads removed", "count", n)
	}
	blobs := indatabase.Over(folder, p.pool)
	queue, err := jobs.NewQueue(p.pool)
	if err != nil {
		return err
	}
	schemas := &schemas{}
	reads := host.New(p.pool, blobs)
	guard, err := protection.Remembering(p.pool, remember)
	if err != nil {
		return err
	}
	plans := plan.NewGuarded(p.pool, queue, guard, p.log.Named("plan"))
	if err := p.startPlugins(lasting, ctx, url, schemas, reads); err != nil {
		return err
	}
	if err := p.startJobs(lasting, schemas, reads, plans, blobs); err != nil {
		return err
	}
	return p.newServer(lasting, schemas, reads, plans, blobs)
}

func (p *parts) startDatabase(ctx context.Context) (url string, err error) {
	if p.cfg.Database.URL != "" {
		return p.cfg.Database.URL, nil
	}
	p.database, err = embedded.Start(ctx, embedded.Config{
		Dir: filepath.Join(p.cfg.DataDir, "postgres"), Durable: true, Log: p.log.Named("postgres"),
	})
	if err != nil {
		return "", fmt.Errorf("start embedded PostgreSQL: %w", err)
	}
	p.onClose(func() {
		stop, cancel := context.WithTimeout(context.Background(), shutdown) //nolint:forbidigo // nothing is left to inherit from
		defer cancel()
		if err := p.database.Stop(stop); err != nil {
			p.log.Error("embedded PostgreSQL did not stop", "error", err)
		}
	})
	return p.database.URL(), nil
}

func (p *parts) startPlugins(lasting, ctx context.Context, url string, known *schemas, reads spec.Host) (err error) {
	entries, err := p.cfg.PluginEntries()
	if err != nil {
		return err
	}
	sockets, err := socketDir(p.cfg.DataDir)
	if err != nil {
		return err
	}
	p.plugins, err = plugins.New(plugins.Config{
		Entries:     entries,
		RunDir:      sockets,
		Host:        reads,
		CoreVersion: Version(),
		Prepare: func(ctx context.Context, m *spec.Manifest) error {
			schema, err := metadata.Install(ctx, url, m)
			if err != nil {
				return err
			}
			known.put(m.Format, schema)
			return nil
		},
		Log: p.log.Named("plugin"),
	})
	if err != nil {
		return err
	}
	if err := p.plugins.Start(ctx); err != nil {
		return err
	}
	p.onClose(func() { p.plugins.Stop(lasting) })
	return nil
}

func (p *parts) startJobs(lasting context.Context, known *schemas, reads *host.Host, plans *plan.Executor, blobs storage.Blobs) error {
	workers, err := jobs.NewWorkers(jobs.Config{
		Pool:   p.pool,
		Runner: &jobRunner{plugins: p.plugins, schemas: known, host: reads, plans: plans, stored: packages.New(p.pool)},
		Blobs:  blobs,
		Grace:  time.Duration(p.cfg.Storage.GraceHours) * time.Hour,
		Audit:  audit.Retention{Days: p.cfg.Audit.RetentionDays, MaxRefused: p.cfg.Audit.MaxRefused},
		Log:    p.log.Named("jobs"),
	})
	if err != nil {
		return err
	}
	if err := workers.Start(lasting); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	p.onClose(func() {
		stop, cancel := context.WithTimeout(lasting, shutdown)
		defer cancel()
		if err := workers.Stop(stop); err != nil {
			p.log.Warn("jobs did not stop in time", "error", err)
		}
	})
	return nil
}

func (p *parts) newServer(lasting context.Context, known *schemas, reads *host.Host, plans *plan.Executor, blobs storage.Blobs) error {
	answers, err := cache.New(p.cfg.Cache.MaxBytes)
	if err != nil {
		return err
	}
	authenticator, err := auth.Remembering(p.pool, remember)
	if err != nil {
		return err
	}
	limits, err := p.newLimiter()
	if err != nil {
		return err
	}
	providers, err := p.cfg.SignInProviders()
	if err != nil {
		return err
	}
	logins := weblogin.New(p.pool)
	p.features = features.New(p.pool, remember, p.cfg.FeatureFlags)
	downloads := packages.NewDownloads(p.pool, p.log)
	p.background(lasting, func(ctx context.Context) { downloads.Run(ctx, 5*time.Second) })
	p.background(lasting, authenticator.Run)
	audits := audit.NewRecorder(p.pool, p.log.Named("audit"))
	p.background(lasting, audits.Run)
	// The OAuth library logs to the default logger; what matters of it, the audit and
	// the server's log say.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	p.server = server.New(server.Config{
		Pool:           p.pool,
		Auth:           authenticator,
		Accounts:       accounts.New(p.pool),
		Plugins:        p.plugins,
		Schemas:        known.of,
		Host:           reads,
		Plans:          plans,
		Packages:       packages.New(p.pool),
		Downloads:      downloads,
		Protection:     protection.NewRules(p.pool),
		Blobs:          blobs,
		Answers:        answers,
		WebLogins:      logins,
		SignIn:         federation.New(p.pool, p.log.Named("signin"), providers...),
		Features:       p.features,
		Audit:          audits,
		SmallFileBytes: p.cfg.Storage.SmallFileBytes,
		MaxFileBytes:   func(format string) int64 { return p.cfg.Formats[format].MaxFileBytes },
		Limits:         limits,
		ExternalURL:    strings.TrimSuffix(p.cfg.ExternalURL, "/"),
		TrustedProxies: p.cfg.Proxies(),

		UsersCanCreateGroups: p.cfg.UsersCanCreateGroups,
		Log:                  p.log.Named("server"),
	})
	p.server.LoginPage = weblogin.Handler(logins, p.server, p.log)
	p.warnOfFeatures(p.cfg)
	return nil
}

func (p *parts) newLimiter() (*ratelimit.Limiter, error) {
	// The library has a log of its own, on stderr; what matters of it the limiter says.
	redislog.Disable()
	cfg := p.cfg.RateLimits.Limiter()
	cfg.Log = p.log.Named("limits")
	limits, err := ratelimit.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("rate_limits: %w", err)
	}
	p.onClose(func() { _ = limits.Close() })
	return limits, nil
}

// background runs fn until close, and waits for it there.
func (p *parts) background(lasting context.Context, fn func(context.Context)) {
	ctx, cancel := context.WithCancel(lasting)
	var wg sync.WaitGroup
	wg.Go(func() { fn(ctx) })
	p.onClose(func() { cancel(); wg.Wait() })
}

func (p *parts) onClose(fn func()) { p.closers = append(p.closers, fn) }

func (p *parts) close() {
	for _, fn := range slices.Backward(p.closers) {
		fn()
	}
	p.closers = nil
}

// watch ends with an error when the embedded database dies: without it nothing
// can be answered, and whoever runs the core starts both anew.
func (p *parts) watch(ctx context.Context) error {
	if p.database == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-p.database.Done():
		return errors.New("the embedded PostgreSQL has ended; its log is in the data directory")
	}
}

// reload takes the feature flags that the configuration now has, and swaps in
// the plugin binaries that it now names.
func (p *parts) reload(ctx context.Context, wishes <-chan func() (config.Config, error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case load := <-wishes:
			p.swapChanged(ctx, load)
		}
	}
}

func (p *parts) swapChanged(ctx context.Context, load func() (config.Config, error)) {
	cfg, err := load()
	if err != nil {
		p.log.Error("configuration was not reloaded", "error", err)
		return
	}
	p.features.Configure(cfg.FeatureFlags)
	p.log.Info("feature flags of the configuration are current", "count", len(cfg.FeatureFlags))
	defer p.warnOfFeatures(cfg) // what a new plugin has is defined, too
	entries, err := cfg.PluginEntries()
	if err != nil {
		p.log.Error("plugins were not reloaded", "error", err)
		return
	}
	for _, e := range entries {
		if err := p.plugins.Swap(ctx, e); err != nil {
			p.log.Error("plugin was not replaced", "format", e.Format, "error", err)
			continue
		}
		p.log.Info("plugin is current", "format", e.Format, "sha256", e.SHA256)
	}
}

// warnOfFeatures names what the configuration switches and nothing has: a name
// that is written wrongly leaves on what somebody believes to be off.
func (p *parts) warnOfFeatures(cfg config.Config) {
	for _, name := range p.server.UndefinedFeatures(cfg.FeatureFlags) {
		p.log.Warn("the configuration switches a feature that no enabled format has", "feature_flags", name)
	}
}

func (p *parts) url(l net.Listener) string {
	if p.cfg.ExternalURL != "" {
		return strings.TrimSuffix(p.cfg.ExternalURL, "/")
	}
	return urlOf(l.Addr())
}

// urlOf is how a client on this machine calls an address: "every interface" is
// none that a client could ask for.
func urlOf(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "http://localhost:" + strconv.Itoa(tcp.Port)
	}
	return "http://" + a.String()
}

func writeAddress(dataDir, address string) error {
	file := addressFile(dataDir)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // an address is no secret
		return fmt.Errorf("write address: %w", err)
	}
	if err := os.WriteFile(file, []byte(address+"\n"), 0o644); err != nil { //nolint:gosec // an address is no secret
		return fmt.Errorf("write address: %w", err)
	}
	return nil
}

// schemas is what is known of each format's tables; a plugin's start writes it.
type schemas struct {
	mu sync.RWMutex
	m  map[string]*metadata.Schema
}

func (s *schemas) put(format string, schema *metadata.Schema) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]*metadata.Schema{}
	}
	s.m[format] = schema
}

func (s *schemas) of(format string) *metadata.Schema {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[format]
}
