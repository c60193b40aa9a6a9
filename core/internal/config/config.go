// Package config reads what an operator wants: defaults, then one YAML file,
// then PAKHUS_* environment variables, then flags. A key that does not exist is
// an error that names it.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/features"
	"github.com/pakhus/pakhus/core/internal/storage"
)

// Config is the whole configuration. The keys are those of the YAML file; the
// environment's are the same in capitals, with PAKHUS_ before and "__" for each
// dot: database.url is PAKHUS_DATABASE__URL.
type Config struct {
	// Listen is host:port. Port 0 takes a free one.
	Listen string `koanf:"listen" yaml:"listen"`
	// ExternalURL is what clients call the registry; empty: what each request's Host says.
	ExternalURL string `koanf:"external_url" yaml:"external_url"`
	// DataDir holds the blobs and, without a database URL, the embedded PostgreSQL.
	DataDir string `koanf:"data_dir" yaml:"data_dir"`
	// TrustedProxies are networks whose X-Forwarded-Proto and X-Forwarded-For are believed.
	TrustedProxies []string `koanf:"trusted_proxies" yaml:"trusted_proxies"`
	// UsersCanCreateGroups: everybody makes groups at the root, not only administrators.
	UsersCanCreateGroups bool              `koanf:"users_can_create_groups" yaml:"users_can_create_groups"`
	Database             Database          `koanf:"database" yaml:"database"`
	Log                  Log               `koanf:"log" yaml:"log"`
	Cache                Cache             `koanf:"cache" yaml:"cache"`
	Storage              Storage           `koanf:"storage" yaml:"storage"`
	RateLimits           RateLimits        `koanf:"rate_limits" yaml:"rate_limits"`
	Formats              map[string]Format `koanf:"formats" yaml:"formats"`
	Audit                Audit             `koanf:"audit" yaml:"audit"`
	// FeatureFlags switch routes of formats where nothing was set by API: "npm",
	// "npm/publish", or the flag that a format declares. What is not here is on.
	FeatureFlags map[string]bool `koanf:"feature_flags" yaml:"feature_flags"`
	// OIDCProviders are OpenID providers with which people may sign in, by their names in URLs.
	OIDCProviders map[string]OIDCProvider `koanf:"oidc_providers" yaml:"oidc_providers"`
}

// Database says which PostgreSQL to use.
type Database struct {
	// URL of a PostgreSQL; empty: an embedded one in DataDir.
	URL string `koanf:"url" yaml:"url"`
	// MaxConnections of this node; more than 16 is slower, not faster.
	MaxConnections int32 `koanf:"max_connections" yaml:"max_connections"`
}

// Log says what is logged, and how.
type Log struct {
	Level  string `koanf:"level" yaml:"level"`   // trace, debug, info, warn, error
	Format string `koanf:"format" yaml:"format"` // json, text
}

// Cache bounds the answers kept in memory.
type Cache struct {
	MaxBytes int64 `koanf:"max_bytes" yaml:"max_bytes"`
}

// Storage says how bytes are kept.
type Storage struct {
	// GraceHours is how long bytes stay that nothing refers to.
	GraceHours int `koanf:"grace_hours" yaml:"grace_hours"`
	// SmallFileBytes is up to what size a file is kept in the database; 0: none is.
	SmallFileBytes int64 `koanf:"small_file_bytes" yaml:"small_file_bytes"`
}

// Audit says how long audit events are kept.
type Audit struct {
	// RetentionDays is for how long; 0: for ever.
	RetentionDays int `koanf:"retention_days" yaml:"retention_days"`
	// MaxRefused is how many refusals are kept at most, the latest: strangers can
	// make any number of them. 0: all.
	MaxRefused int `koanf:"max_refused" yaml:"max_refused"`
}

// Format enables a package format and names its plugin.
type Format struct {
	Enabled bool `koanf:"enabled" yaml:"enabled"`
	// Path of the plugin; empty: pakhus-plugin-<format> beside the pakhus binary.
	Path string `koanf:"path" yaml:"path"`
	// SHA256 of the plugin; empty: what SHA256SUMS beside the plugin says.
	SHA256 string `koanf:"sha256" yaml:"sha256"`
	// MaxFileBytes bounds one uploaded file; 0: the format's own limit.
	MaxFileBytes int64 `koanf:"max_file_bytes" yaml:"max_file_bytes"`
}

// Default returns the configuration of a registry that nobody has configured.
func Default() Config {
	return Config{
		Listen:     "127.0.0.1:8080",
		DataDir:    "data",
		Database:   Database{MaxConnections: 16},
		Log:        Log{Level: "info", Format: "text"},
		Cache:      Cache{MaxBytes: 64 << 20},
		Storage:    Storage{GraceHours: 24, SmallFileBytes: 16 << 10},
		RateLimits: defaultRateLimits(),
		Audit:      Audit{RetentionDays: 365, MaxRefused: 1_000_000},
		Formats:    map[string]Format{"conan": {Enabled: true}, "maven": {Enabled: true}, "npm": {Enabled: true}, "nuget": {Enabled: true}},
	}
}

// Validate names every field that cannot be, and why.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is not host:port", c.Listen)
	}
	if c.ExternalURL != "" {
		if u, err := url.Parse(c.ExternalURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" {
			bad("external_url", "%q is not an http or https URL", c.ExternalURL)
		}
	}
	if c.DataDir == "" {
		bad("data_dir", "is empty")
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad("trusted_proxies", "%q is not a network such as 10.0.0.0/8", p)
		}
	}
	if u := c.Database.URL; u != "" && !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
		bad("database.url", "is not a postgres:// URL")
	}
	if n := c.Database.MaxConnections; n < 2 || n > 1000 {
		bad("database.max_connections", "%d is not between 2 and 1000", n)
	}
	if hclog.LevelFromString(c.Log.Level) == hclog.NoLevel {
		bad("log.level", "%q: choose trace, debug, info, warn or error", c.Log.Level)
	}
	if !slices.Contains([]string{"json", "text"}, c.Log.Format) {
		bad("log.format", "%q: choose json or text", c.Log.Format)
	}
	if c.Cache.MaxBytes < 1<<20 {
		bad("cache.max_bytes", "%d is less than 1 MiB", c.Cache.MaxBytes)
	}
	if c.Storage.GraceHours < 1 {
		bad("storage.grace_hours", "%d is less than 1: a publish under way could lose its bytes", c.Storage.GraceHours)
	}
	if n := c.Storage.SmallFileBytes; n < 0 || n > storage.MaxSmallFile {
		bad("storage.small_file_bytes", "%d is not between 0 (none) and %d", n, storage.MaxSmallFile)
	}
	c.RateLimits.validate(bad)
	if n := c.Audit.RetentionDays; n < 0 || n > 36500 {
		bad("audit.retention_days", "%d is not between 0 (for ever) and 36500", n)
	}
	if n := c.Audit.MaxRefused; n < 0 {
		bad("audit.max_refused", "%d is negative", n)
	}
	for name, f := range c.Formats {
		if !regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`).MatchString(name) {
			bad("formats."+name, "a format's name has only small letters and digits")
		}
		if name == "protection" {
			bad("formats."+name, "the packages API has this name for its protection rules")
		}
		if f.Path != "" && !filepath.IsAbs(f.Path) {
			bad("formats."+name+".path", "%q is not absolute", f.Path)
		}
		if f.MaxFileBytes < 0 {
			bad("formats."+name+".max_file_bytes", "%d is negative", f.MaxFileBytes)
		}
		if f.SHA256 != "" && !regexp.MustCompile(`^[0-9A-Fa-f]{64}$`).MatchString(f.SHA256) {
			bad("formats."+name+".sha256", "%q is not a sha256 in hex", f.SHA256)
		}
	}
	for name := range c.FeatureFlags {
		if !features.ValidName(name) {
			bad("feature_flags."+name, "is neither a format, nor <format>/<route>, nor a flag that a format declares")
		}
	}
	for name, p := range c.OIDCProviders {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`).MatchString(name) {
			bad("oidc_providers."+name, "a provider's name has only small letters, digits, '_' and '-'")
		}
		p.validate("oidc_providers."+name, bad)
	}
	return errors.Join(errs...)
}

// Proxies returns the networks of TrustedProxies, which Validate has checked.
func (c Config) Proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range c.TrustedProxies {
		if prefix, err := netip.ParsePrefix(p); err == nil {
			all = append(all, prefix)
		}
	}
	return all
}

// Redacted returns the configuration as it may be shown: without passwords.
func (c Config) Redacted() Config {
	c.Database.URL = redacted(c.Database.URL)
	c.RateLimits.Redis.URL = redacted(c.RateLimits.Redis.URL)
	c.OIDCProviders = maps.Clone(c.OIDCProviders)
	for name, p := range c.OIDCProviders {
		if p.ClientSecret != "" {
			p.ClientSecret = "xxxxx"
		}
		c.OIDCProviders[name] = p
	}
	return c
}

func redacted(text string) string {
	if text == "" {
		return ""
	}
	const secret = "xxxxx" // as url.URL.Redacted writes it
	u, err := url.Parse(text)
	if err != nil { // where its password stands, nobody knows
		return secret
	}
	if u.RawQuery != "" {
		query := u.Query()
		for _, key := range []string{"password", "sslpassword"} {
			if query.Has(key) {
				query.Set(key, secret)
			}
		}
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}
