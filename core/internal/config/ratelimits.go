package config

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
)

// RateLimits say how many requests a client may send. The throttles are GitLab's,
// and so are their defaults.
type RateLimits struct {
	AuthenticatedPackagesAPI   Throttle `koanf:"authenticated_packages_api" yaml:"authenticated_packages_api"`
	UnauthenticatedPackagesAPI Throttle `koanf:"unauthenticated_packages_api" yaml:"unauthenticated_packages_api"`
	AuthenticatedAPI           Throttle `koanf:"authenticated_api" yaml:"authenticated_api"`
	UnauthenticatedAPI         Throttle `koanf:"unauthenticated_api" yaml:"unauthenticated_api"`
	// Login bounds the attempts to sign in that failed.
	Login Throttle `koanf:"login" yaml:"login"`

	// DryRun counts and logs, and refuses nothing.
	DryRun bool `koanf:"dry_run" yaml:"dry_run"`
	// Allow are networks, addresses and users that are never counted; see ratelimit.ParseAllowed.
	Allow []string `koanf:"allow" yaml:"allow"`
	Redis Redis    `koanf:"redis" yaml:"redis"`
}

// Throttle is how many requests may come in how many seconds.
type Throttle struct {
	Enabled       bool `koanf:"enabled" yaml:"enabled"`
	Requests      int  `koanf:"requests" yaml:"requests"`
	PeriodSeconds int  `koanf:"period_seconds" yaml:"period_seconds"`
}

// Redis is where nodes count together.
type Redis struct {
	// URL of a Redis; empty: each node counts for itself.
	URL string `koanf:"url" yaml:"url"`
}

func defaultRateLimits() RateLimits {
	return RateLimits{
		AuthenticatedPackagesAPI:   Throttle{Requests: 1000, PeriodSeconds: 15},
		UnauthenticatedPackagesAPI: Throttle{Requests: 800, PeriodSeconds: 15},
		AuthenticatedAPI:           Throttle{Requests: 7200, PeriodSeconds: 3600},
		UnauthenticatedAPI:         Throttle{Requests: 3600, PeriodSeconds: 3600},
		Login:                      Throttle{Enabled: true, Requests: 10, PeriodSeconds: 60},
	}
}

// throttle is one by the name of its key.
type throttle struct {
	key  string
	name ratelimit.Name
	Throttle
}

func (r RateLimits) all() []throttle {
	return []throttle{
		{"authenticated_packages_api", ratelimit.AuthenticatedPackagesAPI, r.AuthenticatedPackagesAPI},
		{"unauthenticated_packages_api", ratelimit.UnauthenticatedPackagesAPI, r.UnauthenticatedPackagesAPI},
		{"authenticated_api", ratelimit.AuthenticatedAPI, r.AuthenticatedAPI},
		{"unauthenticated_api", ratelimit.UnauthenticatedAPI, r.UnauthenticatedAPI},
		{"login", ratelimit.Login, r.Login},
	}
}

// mostRequests and longestPeriod (a day) bound a throttle: beyond them it is none.
const (
	mostRequests  = 1_000_000_000
	longestPeriod = 24 * 60 * 60
)

func (r RateLimits) validate(bad func(field, format string, args ...any)) {
	for _, t := range r.all() {
		if t.Requests < 1 || t.Requests > mostRequests {
			bad("rate_limits."+t.key+".requests", "%d is not between 1 and %d", t.Requests, mostRequests)
		}
		if t.PeriodSeconds < 1 || t.PeriodSeconds > longestPeriod {
			bad("rate_limits."+t.key+".period_seconds", "%d is not between 1 and %d", t.PeriodSeconds, longestPeriod)
		}
	}
	for _, entry := range r.Allow {
		if _, err := ratelimit.ParseAllowed(entry); err != nil {
			bad("rate_limits.allow", "%v", err)
		}
	}
	if r.Redis.URL != "" {
		if _, err := redis.ParseURL(r.Redis.URL); err != nil { // which may have quoted the password
			bad("rate_limits.redis.url", "is not a redis://, rediss:// or unix:// URL")
		}
	}
}

// Limiter is what validated limits mean to the limiter, but for its log.
func (r RateLimits) Limiter() ratelimit.Config {
	cfg := ratelimit.Config{Throttles: map[ratelimit.Name]ratelimit.Throttle{}, DryRun: r.DryRun, RedisURL: r.Redis.URL}
	for _, t := range r.all() {
		if t.Enabled {
			cfg.Throttles[t.name] = ratelimit.Throttle{Requests: t.Requests, Period: time.Duration(t.PeriodSeconds) * time.Second}
		}
	}
	for _, entry := range r.Allow {
		if one, err := ratelimit.ParseAllowed(entry); err == nil {
			cfg.Allow = append(cfg.Allow, one)
		}
	}
	return cfg
}
