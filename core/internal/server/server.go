// Package server is the HTTP side of the core: one request from the socket to
// the plugin and back. Read routes.go first, then format.go, which is a
// request top to bottom.
package server

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/federation"
	"github.com/pakhus/pakhus/core/internal/host"
	"github.com/pakhus/pakhus/core/internal/metadata"
	"github.com/pakhus/pakhus/core/internal/oauth"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/plan"
	"github.com/pakhus/pakhus/core/internal/plugins"
	"github.com/pakhus/pakhus/core/internal/protection"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/weblogin"
	"github.com/pakhus/pakhus/core/internal/webpage"
	"github.com/pakhus/pakhus/core/internal/websession"
)

// Config is what a Server needs; all fields but ExternalURL, TrustedProxies,
// LoginPage, SignIn, Limits and Audit are required.
type Config struct {
	Pool *pgxpool.Pool
	Auth *auth.Authenticator
	// Accounts are what the management API makes and changes.
	Accounts *accounts.Accounts
	Plugins  *plugins.Manager
	// Schemas returns what is known of a format's tables.
	Schemas   func(format string) *metadata.Schema
	Host      *host.Host
	Plans     *plan.Executor
	Packages  *packages.Packages
	Downloads *packages.Downloads
	// Protection is the rules; plans are held against them by themselves.
	Protection *protection.Rules
	Blobs      storage.Blobs
	Answers    *cache.Answers
	WebLogins  *weblogin.Logins
	// Publishers let CI jobs in, for as long as JobTokenLife says.
	Publishers   *publishers.Publishers
	JobTokenLife func() time.Duration
	// Features are the switches of formats' routes.
	Features *features.Flags
	// SmallFileBytes is up to what size a file is kept in the database; 0: none is.
	SmallFileBytes int64
	// MaxFileBytes overrides a format's own limit on uploaded files; 0 does not.
	MaxFileBytes func(format string) int64
	// SignIn are the OpenID providers with which people may sign in; nil: none.
	SignIn *federation.Providers
	// LoginPage serves /-/login/{id}.
	LoginPage http.Handler
	// Limits counts requests and failed sign-ins; nil limits nothing.
	Limits *ratelimit.Limiter
	// ExternalURL is what clients call this registry, without a trailing slash.
	// Empty: taken from each request's scheme and Host.
	ExternalURL string
	// UsersCanCreateGroups: not only administrators make groups at the root.
	UsersCanCreateGroups bool
	// TrustedProxies may say who the client is and how it connected.
	TrustedProxies []netip.Prefix
	// Audit is told of what is done and refused; nil: nobody is.
	Audit *audit.Recorder
	Log   hclog.Logger
}

// Server answers HTTP requests.
type Server struct {
	Config
	fills    fills
	sessions *websession.Sessions
	oauth    *oauth.Server
	pages    *webpage.Pages
	// What Handler has mounted; see listing.go.
	takes  map[string][]string // the methods that a path of the APIs takes
	mounts map[string]bool     // the paths that are formats'
	paths  []listedPath
}

// New makes a Server.
func New(cfg Config) *Server {
	s := &Server{Config: cfg, sessions: websession.New(cfg.Pool), pages: webpage.New()}
	s.oauth = oauth.New(oauth.Config{Pool: cfg.Pool, Done: s.oauthDone, Log: cfg.Log})
	return s
}

// HTTPServer returns an http.Server with the limits of a server on the open
// internet. There is no WriteTimeout, which would end honest slow downloads;
// uploads have a deadline on progress instead (progress.go).
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          s.Log.Named("http").StandardLogger(&hclog.StandardLoggerOptions{InferLevels: false}),
	}
}
