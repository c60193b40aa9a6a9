package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/config"
	"github.com/pakhus/pakhus/core/internal/ratelimit"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pakhus.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachSourceIsOverTheOneBefore(t *testing.T) {
	t.Parallel()
	path := file(t, "listen: 0.0.0.0:1\nlog: {level: warn}\ncache: {max_bytes: 2097152}\ndatabase: {max_connections: 8}\n")
	env := []string{"PAKHUS_RATE_LIMITS__ALLOW=10.0.0.0/8,ann", "PAKHUS_RATE_LIMITS__AUTHENTICATED_PACKAGES_API__ENABLED=true", "PAKHUS_LOG__LEVEL=debug", "PAKHUS_LISTEN=0.0.0.0:2", "PAKHUS_TRUSTED_PROXIES=10.0.0.0/8,192.168.0.0/16", "HOME=/x"}
	c, err := config.Load(path, env, map[string]any{"listen": "127.0.0.1:3"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.Log.Level != "debug" || c.Cache.MaxBytes != 2<<20 || c.Database.MaxConnections != 8 || c.Log.Format != "text" {
		t.Errorf("got %+v", c)
	}
	limits := c.RateLimits.Limiter()
	if len(limits.Allow) != 2 || len(limits.Throttles) != 2 || limits.Throttles[ratelimit.AuthenticatedPackagesAPI] != (ratelimit.Throttle{Requests: 1000, Period: 15 * time.Second}) {
		t.Errorf("limits %+v", limits)
	}
	if len(c.Proxies()) != 2 || !filepath.IsAbs(c.DataDir) || !c.Formats["npm"].Enabled {
		t.Errorf("got %+v", c)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"lisen: x":                               "lisen: there is no such setting",
		"log: {levle: x}":                        "log.levle",
		"log: {level: loud}":                     "log.level",
		"log: {format: xml}":                     "log.format",
		"listen: nowhere":                        "listen",
		"external_url: ftp://x":                  "external_url",
		"database: {url: mysql://x}":             "database.url",
		"database: {max_connections: 1}":         "database.max_connections",
		"trusted_proxies: [here]":                "trusted_proxies",
		"cache: {max_bytes: 1}":                  "cache.max_bytes",
		"storage: {grace_hours: 0}":              "storage.grace_hours",
		"storage: {small_file_bytes: 65537}":     "storage.small_file_bytes",
		"formats: {npm: {pfad: x}}":              "formats.npm.pfad",
		"formats: {npm: {path: relative}}":       "formats.npm.path",
		"formats: {npm: {sha256: short}}":        "formats.npm.sha256",
		"formats: {Npm: {enabled: true}}":        "formats.Npm",
		"formats: {protection: {enabled: true}}": "formats.protection",
		"audit: {retention_days: -1}":            "audit.retention_days",
		"audit: {max_refused: -1}":               "audit.max_refused",
		"feature_flags: {NPM: false}":            "feature_flags.NPM",
		"feature_flags: {npm: perhaps}":          "feature_flags",
		"feature_flags: {npm: {x: false}}":       "feature_flags.npm.x",
		"listen: [":                              "yaml",

		"oidc_providers: {x: {issuer: 'http://x.example', client_id: a}}":                                           "oidc_providers.x.issuer",
		"oidc_providers: {x: {issuer: 'https://x.example'}}":                                                        "oidc_providers.x.client_id",
		"oidc_providers: {X: {issuer: 'https://x.example', client_id: a}}":                                          "oidc_providers.X",
		"oidc_providers: {x: {issuer: 'https://x.example', client_id: a, nonsense: 1}}":                             "oidc_providers.x.nonsense",
		"oidc_providers: {x: {issuer: 'https://x.example', client_id: a, scopes: [email]}}":                         "oidc_providers.x.scopes",
		"oidc_providers: {x: {issuer: 'https://x.example', client_id: a, client_secret: b, client_secret_file: c}}": "oidc_providers.x.client_secret_file",
	} {
		_, err := config.Load(file(t, text), nil, nil)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := config.Load("", []string{"PAKHUS_NONSENSE=1"}, nil); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("environment: %v", err)
	}
}

func TestFeatureFlags(t *testing.T) {
	t.Parallel()
	c, err := config.Load(file(t, "feature_flags: {npm/publish: false, maven: true}\n"), []string{"PAKHUS_FEATURE_FLAGS__NUGET=false"}, nil)
	if err != nil || len(c.FeatureFlags) != 3 || c.FeatureFlags["npm/publish"] || !c.FeatureFlags["maven"] || c.FeatureFlags["nuget"] {
		t.Errorf("got %v, %v", c.FeatureFlags, err)
	}
}

func TestOIDCProviders(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file(t, "oidc_providers: {one: {issuer: 'https://one.example', client_id: a, client_secret_file: "+secret+"}}\n"), []string{
		"PAKHUS_OIDC_PROVIDERS__TWO__ISSUER=https://two.example", "PAKHUS_OIDC_PROVIDERS__TWO__CLIENT_ID=b", "PAKHUS_OIDC_PROVIDERS__TWO__CLIENT_SECRET=from the environment",
		"PAKHUS_OIDC_PROVIDERS__TWO__ALLOWED_DOMAINS=a.example,b.example", "PAKHUS_OIDC_PROVIDERS__TWO__ALLOW_SIGNUP=true", "PAKHUS_OIDC_PROVIDERS__TWO__LABEL=Two",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.SignInProviders()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	one, two := all[0], all[1]
	if one.Name != "one" {
		one, two = two, one
	}
	if one.Label != "one" || one.ClientSecret != "from a file" || one.UsernameClaim != "preferred_username" || one.GroupsClaim != "groups" || len(one.Scopes) != 3 || one.AllowSignup {
		t.Errorf("got %+v", one)
	}
	if two.Label != "Two" || two.ClientSecret != "from the environment" || !two.AllowSignup || strings.Join(two.AllowedDomains, " ") != "a.example b.example" {
		t.Errorf("got %+v", two)
	}
	if shown := c.Redacted().OIDCProviders["two"].ClientSecret; shown != "xxxxx" || c.OIDCProviders["two"].ClientSecret != "from the environment" {
		t.Errorf("shown as %q, kept as %q", shown, c.OIDCProviders["two"].ClientSecret)
	}
	c.OIDCProviders["one"] = config.OIDCProvider{ClientSecretFile: secret + ".gone"}
	if _, err := c.SignInProviders(); err == nil || !strings.Contains(err.Error(), "oidc_providers.one.client_secret_file") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestAPluginWithoutADigestIsNotRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "pakhus-plugin-x")
	c := config.Config{Formats: map[string]config.Format{"x": {Enabled: true, Path: path}, "off": {}}}
	if _, err := c.PluginEntries(); err == nil || !strings.Contains(err.Error(), "formats.x.sha256") {
		t.Errorf("got %v", err)
	}
	sum := strings.Repeat("ab", 32)
	if err := os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(strings.Repeat("00", 32)+"  other\n"+sum+"  pakhus-plugin-x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	entries, err := c.PluginEntries()
	if err != nil || len(entries) != 1 || entries[0].SHA256 != sum || entries[0].Path != path {
		t.Errorf("got %+v, %v", entries, err)
	}
	c.Formats["x"] = config.Format{Enabled: true, Path: path, SHA256: strings.Repeat("cd", 32)}
	if entries, err = c.PluginEntries(); err != nil || entries[0].SHA256 != strings.Repeat("cd", 32) {
		t.Errorf("the configured digest does not count: %+v, %v", entries, err)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                 "",
		"postgres://pakhus@db/pakhus":      "postgres://pakhus@db/pakhus",
		"postgres://pakhus:hush@db/pakhus": "postgres://pakhus:xxxxx@db/pakhus",
		"postgres:///pakhus?host=/run&password=hush":             "postgres:///pakhus?host=%2Frun&password=xxxxx",
		"postgres://db/pakhus?sslpassword=hush&sslmode=require":  "postgres://db/pakhus?sslmode=require&sslpassword=xxxxx",
		"postgres://pakhus:hush@db1:1,db2:2/pakhus":              "postgres://pakhus:xxxxx@db1:1,db2:2/pakhus",
		"postgres://pakhus:hush@db:port/pakhus":                  "xxxxx",
		"postgres://pakhus:hush@db/pakhus?password=hush;x=%zzzz": "postgres://pakhus:xxxxx@db/pakhus",
	} {
		c := config.Config{Database: config.Database{URL: in}}
		if got := c.Redacted().Database.URL; got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
		c.RateLimits.Redis.URL = in
		if got := c.Redacted().RateLimits.Redis.URL; got != want {
			t.Errorf("%q of Redis is shown as %q, want %q", in, got, want)
		}
		if c.Database.URL != in {
			t.Errorf("%q was changed to %q", in, c.Database.URL)
		}
	}
}

// Every setting is in the reference, and the reference names no other.
func TestTheReferenceIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operators/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"listen", "external_url", "data_dir", "trusted_proxies", "users_can_create_groups", "database.url", "database.max_connections", "log.level", "log.format",
		"cache.max_bytes", "storage.grace_hours", "storage.small_file_bytes", "rate_limits.<throttle>.enabled", "rate_limits.<throttle>.requests",
		"rate_limits.<throttle>.period_seconds", "rate_limits.dry_run", "rate_limits.allow", "rate_limits.redis.url", "formats.<name>.enabled", "formats.<name>.path", "formats.<name>.sha256",
		"formats.<name>.max_file_bytes", "feature_flags.<name>", "audit.retention_days", "audit.max_refused",
		"oidc_providers.<name>.<setting>", "label", "issuer", "client_id", "client_secret", "client_secret_file", "scopes", "username_claim", "groups_claim",
		"allow_signup", "link_by_username", "allowed_domains", "allowed_groups",
	} {
		if !strings.Contains(string(page), "| `"+key+"` |") {
			t.Errorf("%s is missing", key)
		}
	}
	settings, _, _ := strings.Cut(string(page), "\n## ") // what follows is not in the file
	if rows := strings.Count(settings, "\n| `"); rows != 25 {
		t.Errorf("the reference has %d settings, the test 25", rows)
	}
}
