// Package ratelimit counts requests, and refuses those of a client that sends
// too many: GitLab's throttles, with GitLab's names, numbers and headers. A
// window of time begins at each multiple of its length since 1970, so all nodes
// agree on it; what is counted in it is kept by the node, or in a Redis that
// several nodes share.
//
// Count is asked once about each request, as soon as it is known who sent it;
// SignIn and Credential bound how often somebody may be wrong about who they are.
package ratelimit

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// Config says what is limited, and how.
type Config struct {
	// Throttles are those that are on. A name that is not here limits nothing.
	Throttles map[Name]Throttle
	// DryRun counts and logs, and refuses nothing.
	DryRun bool
	// Allow are those who are never counted.
	Allow []Allowed
	// RedisURL is the redis://, rediss:// or unix:// URL of a Redis that nodes
	// share; empty: each node counts for itself.
	RedisURL string
	// Now is the clock; nil: the machine's.
	Now func() time.Time
	Log hclog.Logger
}

// Limiter counts. A nil Limiter refuses nothing. It is safe for concurrent use.
type Limiter struct {
	throttles map[Name]*counted
	dryRun    bool
	allow     []Allowed
	packages  *regexp.Regexp
	shared    *shared // nil: this node counts for itself
	barred    *bars
	turns     [64]sync.Mutex // of sign-ins; see SignIn
	seed      maphash.Seed
	now       func() time.Time
	log       hclog.Logger
}

// counted is a throttle that is on.
type counted struct {
	Throttle

	name  Name
	local *local
}

// New makes a Limiter. It does not wait for the Redis: one that cannot be reached
// is noticed, and logged, with the first request. The error is about RedisURL.
func New(cfg Config) (*Limiter, error) {
	l := &Limiter{
		throttles: map[Name]*counted{},
		dryRun:    cfg.DryRun,
		allow:     cfg.Allow,
		packages:  packagesPath(),
		seed:      maphash.MakeSeed(),
		now:       cfg.Now,
		log:       cfg.Log,
	}
	if l.now == nil {
		l.now = time.Now
	}
	for name, t := range cfg.Throttles {
		kept, err := newLocal(t.Period)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		l.throttles[name] = &counted{Throttle: t, name: name, local: kept}
	}
	var err error
	if l.barred, err = newBars(); err != nil {
		return nil, err
	}
	if cfg.RedisURL != "" {
		if l.shared, err = newShared(cfg.RedisURL, cfg.Log); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Close ends the connections to the Redis.
func (l *Limiter) Close() error {
	if l == nil || l.shared == nil {
		return nil
	}
	return l.shared.close()
}

// Count counts a request for a path, as it stands escaped in the URL, sent from
// an address by an actor: a user and a deploy token are counted wherever they
// are, everybody else by address. The error is an *ExceededError: there were too many.
func (l *Limiter) Count(ctx context.Context, path string, from netip.Addr, actor registry.Actor) error {
	if l == nil {
		return nil
	}
	who := subject(from, actor)
	t := l.throttleOf(path, actor.Kind == registry.User || actor.Kind == registry.DeployToken)
	if t == nil || l.allowed(from, actor) {
		return nil
	}
	began := t.windowAt(l.now())
	n, ok := l.add(ctx, t, who, began)
	if !ok || n <= t.Requests {
		return nil
	}
	return l.exceeded(t, who, n, began)
}

// throttleOf is the one throttle that a request counts in; nil is none. The
// packages' takes the place of the general one where it is on, as in GitLab.
func (l *Limiter) throttleOf(path string, authenticated bool) *counted {
	if (!strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/oauth/")) || len(l.throttles) == 0 {
		return nil
	}
	packages, general := UnauthenticatedPackagesAPI, UnauthenticatedAPI
	if authenticated {
		packages, general = AuthenticatedPackagesAPI, AuthenticatedAPI
	}
	if t := l.throttles[packages]; t != nil && l.packages.MatchString(path) {
		return t
	}
	return l.throttles[general]
}

// add counts one request more of somebody in a window; false if nobody has
// counted it.
func (l *Limiter) add(ctx context.Context, t *counted, who string, began time.Time) (int, bool) {
	if l.shared != nil {
		return l.shared.add(ctx, t, who, began)
	}
	return t.local.add(who, began), true
}

// exceeded refuses, unless it is a dry run. The log has one line for each client
// and window, not one for each request.
func (l *Limiter) exceeded(t *counted, who string, n int, began time.Time) error {
	if n == t.Requests+1 {
		l.log.Warn("rate limit exceeded", "throttle", string(t.name), "client", who, "limit", t.Requests,
			"period", t.Period.String(), "dry_run", l.dryRun)
	}
	if l.dryRun {
		return nil
	}
	return &ExceededError{Name: t.name, Throttle: t.Throttle, Observed: n, Now: l.now(), Reset: began.Add(t.Period)}
}

// subject is who is counted. The first two are GitLab's.
func subject(from netip.Addr, actor registry.Actor) string {
	switch actor.Kind {
	case registry.User:
		return "user:" + strconv.FormatInt(actor.UserID, 10)
	case registry.DeployToken:
		return "deploy_token:" + strconv.FormatInt(actor.OwnTokenID(), 10)
	}
	return "ip:" + network(from)
}

// network is the address that is counted. Who has one IPv6 address has 2^64 of
// them (RFC 6177 §2): their network is what tells them from others.
func network(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	if !from.Is6() {
		return from.String()
	}
	prefix, err := from.Prefix(64)
	if err != nil { // Prefix fails only for lengths that an address does not have
		return from.String()
	}
	return prefix.String()
}
