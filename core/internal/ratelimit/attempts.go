package ratelimit

import (
	"context"
	"hash/maphash"
	"net/netip"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// SignIn runs an attempt to sign in with a name and a password. One that ends
// with registry.CodeUnauthenticated counts in the throttle Login, for the
// address; others cost nothing. Once there were too many, nothing is attempted
// any more in that window, and the error is an *ExceededError. Attempts from one
// address take turns on a node: many at once would all be made before the first
// has failed.
func (l *Limiter) SignIn(ctx context.Context, from netip.Addr, attempt func() error) error {
	if l == nil || l.throttles[Login] == nil || l.allowed(from, registry.Actor{}) {
		return attempt()
	}
	turn := &l.turns[maphash.String(l.seed, network(from))%uint64(len(l.turns))]
	turn.Lock()
	defer turn.Unlock()
	return l.attempt(ctx, "ip:"+network(from), attempt)
}

// SigningIn reports, as an *ExceededError, that SignIn would attempt nothing: it is
// for whoever has something to do before, such as reading a form.
func (l *Limiter) SigningIn(from netip.Addr) error {
	if l == nil || l.throttles[Login] == nil || l.allowed(from, registry.Actor{}) {
		return nil
	}
	return l.bar("ip:" + network(from))
}

// Credential runs an attempt to find out whose a credential is, as SignIn does,
// but counts for the address and what the credential is called there: a client
// with a stale token stands in nobody's way who calls from the same address.
// Nothing is lost by it: tokens, unlike passwords, cannot be guessed.
func (l *Limiter) Credential(ctx context.Context, from netip.Addr, called string, attempt func() error) error {
	if l == nil || l.throttles[Login] == nil || l.allowed(from, registry.Actor{}) {
		return attempt()
	}
	return l.attempt(ctx, "ip:"+network(from)+":"+called, attempt)
}

func (l *Limiter) attempt(ctx context.Context, who string, attempt func() error) error {
	if err := l.bar(who); err != nil {
		return err
	}
	err := attempt()
	if registry.CodeOf(err) != registry.CodeUnauthenticated {
		return err
	}
	t := l.throttles[Login]
	began := t.windowAt(l.now())
	n, ok := l.add(ctx, t, who, began)
	if !ok {
		// Requests may pass uncounted while the Redis is away; guesses may not.
		n = t.local.add(who, began)
	}
	if n >= t.Requests && !l.dryRun {
		l.barred.put(who, began.Add(t.Period), n)
	}
	if n <= t.Requests {
		return err
	}
	if over := l.exceeded(t, who, n, began); over != nil {
		return over
	}
	return err
}

// bar refuses who has been wrong too often in this window, as far as this node
// knows: it asks no Redis, or every request with a credential would have to.
func (l *Limiter) bar(who string) error {
	until, n, ok := l.barred.get(who, l.now())
	if !ok {
		return nil
	}
	t := l.throttles[Login]
	return l.exceeded(t, who, n, until.Add(-t.Period))
}
