package ratelimit_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const npm, list = "/api/v4/projects/1/packages/npm/demo", "/api/v4/projects/1/packages"

var (
	here  = netip.MustParseAddr("203.0.113.9")
	there = netip.MustParseAddr("203.0.113.10")

	anonymous = registry.Actor{Kind: registry.Anonymous}
	ann       = registry.Actor{Kind: registry.User, UserID: 7, Username: "Ann", TokenID: 70}
	bob       = registry.Actor{Kind: registry.User, UserID: 8, Username: "bob"}
	deploy    = registry.Actor{Kind: registry.DeployToken, TokenID: 7}
)

// clock stands still until it is moved.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(1_700_000_007) // three seconds before a window of 15 ends
	return c
}

func (c *clock) now() time.Time        { return time.Unix(c.at.Load(), 0) }
func (c *clock) forward(seconds int64) { c.at.Add(seconds) }

// setup makes a limiter with a fake clock, and what it logs.
func setup(t *testing.T, cfg ratelimit.Config) (*ratelimit.Limiter, *clock, *bytes.Buffer) {
	t.Helper()
	clock, log := newClock(), &bytes.Buffer{}
	cfg.Now, cfg.Log = clock.now, hclog.New(&hclog.LoggerOptions{Output: log, Mutex: &sync.Mutex{}})
	l, err := ratelimit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, clock, log
}

func throttles(requests int, period time.Duration, names ...ratelimit.Name) map[ratelimit.Name]ratelimit.Throttle {
	all := map[ratelimit.Name]ratelimit.Throttle{}
	for _, n := range names {
		all[n] = ratelimit.Throttle{Requests: requests, Period: period}
	}
	return all
}

// passed sends n requests, and returns how many passed.
func passed(t *testing.T, l *ratelimit.Limiter, n int, path string, from netip.Addr, who registry.Actor) (ok int) {
	t.Helper()
	for range n {
		if l.Count(t.Context(), path, from, who) == nil {
			ok++
		}
	}
	return ok
}

// The names of the throttles that a request counts in, by what it is refused with.
func TestTheThrottleOfARequest(t *testing.T) {
	t.Parallel()
	const pkg, general, none = "packages_api", "api", ""
	for path, want := range map[string]string{
		"/api/v4/projects/1/packages/npm/demo":                 pkg,
		"/api/v4/projects/1/packages/npm":                      pkg,
		"/api/v4/projects/acme%2Fweb/packages/maven/a/b":       pkg,
		"/api/v4/groups/1/-/packages/npm/demo":                 pkg,
		"/api/v4/group/1/-/packages/composer/p":                pkg,
		"/api/v4/packages/conan/v1/ping":                       pkg,
		"/api/v5/packages/npm/demo":                            pkg,
		"/api/v4/projects/1/packages":                          general,
		"/api/v4/projects/1/packages/":                         general,
		"/api/v4/projects/1/packages/12":                       general,
		"/api/v4/projects/1/packages/12/package_files":         general,
		"/api/v4/groups/1/packages":                            general,
		"/api/v4/groups/1/packages/npm/demo":                   general,
		"/api/v4/projects/1/-/packages/npm/demo":               general,
		"/api/v4/projects/acme/web/packages/npm/demo":          general,
		"/api/v4/virtual_registries/packages/maven/1/a":        general,
		"/api/v4/projects/1/dependency_proxy/packages/maven/a": general,
		"/api/v4/user":                general,
		"/-/liveness":                 none,
		"/x/api/v4/packages/npm/demo": none,
		"/-/login/x":                  none,
	} {
		for _, who := range []struct {
			actor  registry.Actor
			prefix string
		}{{anonymous, "throttle_unauthenticated_"}, {ann, "throttle_authenticated_"}, {deploy, "throttle_authenticated_"}} {
			l, _, _ := setup(t, ratelimit.Config{Throttles: throttles(1, time.Minute,
				ratelimit.AuthenticatedPackagesAPI, ratelimit.UnauthenticatedPackagesAPI, ratelimit.AuthenticatedAPI, ratelimit.UnauthenticatedAPI)})
			_ = l.Count(t.Context(), path, here, who.actor)
			over, refused := errors.AsType[*ratelimit.ExceededError](l.Count(t.Context(), path, here, who.actor))
			switch {
			case want == none && refused:
				t.Errorf("%s is limited by %s", path, over.Name)
			case want != none && (!refused || string(over.Name) != who.prefix+want):
				t.Errorf("%s of %s: %+v, want %s", path, who.actor.Kind, over, who.prefix+want)
			}
		}
	}
}

func TestAPackagesThrottleTakesThePlaceOfTheGeneralOne(t *testing.T) {
	t.Parallel()
	limits := throttles(2, time.Minute, ratelimit.AuthenticatedAPI)
	l, _, _ := setup(t, ratelimit.Config{Throttles: limits})
	if n := passed(t, l, 2, npm, here, ann) + passed(t, l, 2, list, here, ann); n != 2 {
		t.Errorf("without it, %d of 2 passed", n)
	}
	limits[ratelimit.AuthenticatedPackagesAPI] = ratelimit.Throttle{Requests: 5, Period: time.Minute}
	l, _, _ = setup(t, ratelimit.Config{Throttles: limits})
	if n, m := passed(t, l, 9, npm, here, ann), passed(t, l, 9, list, here, ann); n != 5 || m != 2 {
		t.Errorf("with it, %d of 5 and %d of 2 passed", n, m)
	}
	if n := passed(t, l, 99, npm, here, anonymous); n != 99 {
		t.Errorf("of throttles that are off, %d of 99 passed", n)
	}
}

func TestEverybodyHasACountOfTheirOwn(t *testing.T) {
	t.Parallel()
	l, _, _ := setup(t, ratelimit.Config{Throttles: throttles(3, time.Minute, ratelimit.AuthenticatedAPI, ratelimit.UnauthenticatedAPI)})
	child, other := deploy, deploy
	child.TokenID, child.ParentID = 71, deploy.TokenID
	other.TokenID = 9
	otherToken := ann
	otherToken.TokenID, otherToken.ParentID = 72, 70
	for _, c := range []struct {
		what string
		from netip.Addr
		who  registry.Actor
		want int
	}{
		{"a user", here, ann, 3},
		{"the same from elsewhere", there, ann, 0},
		{"the same with another token", here, otherToken, 0},
		{"another user", here, bob, 3},
		{"a deploy token of a user's number", here, deploy, 3},
		{"a token made with it", here, child, 0},
		{"another deploy token", here, other, 3},
		{"nobody", here, anonymous, 3},
		{"nobody, from elsewhere", there, anonymous, 3},
		{"an IPv4 address in IPv6", netip.MustParseAddr("::ffff:203.0.113.9"), anonymous, 0},
		{"IPv6", netip.MustParseAddr("2001:db8::1"), anonymous, 3},
		{"the same network", netip.MustParseAddr("2001:db8::ffff:2"), anonymous, 0},
		{"the next network", netip.MustParseAddr("2001:db8:0:1::1"), anonymous, 3},
		{"an unknown address", netip.Addr{}, anonymous, 3},
	} {
		if n := passed(t, l, 5, list, c.from, c.who); n != c.want {
			t.Errorf("%s: %d passed, want %d", c.what, n, c.want)
		}
	}
}

func TestWindowsBeginAtMultiplesOfTheirPeriod(t *testing.T) {
	t.Parallel()
	l, clock, _ := setup(t, ratelimit.Config{Throttles: throttles(2, 15*time.Second, ratelimit.AuthenticatedAPI)})
	if n := passed(t, l, 3, list, here, ann); n != 2 {
		t.Fatalf("%d passed", n)
	}
	over, ok := errors.AsType[*ratelimit.ExceededError](l.Count(t.Context(), list, here, ann))
	if !ok {
		t.Fatal("not refused")
	}
	h := http.Header{}
	over.SetHeader(h)
	for name, want := range map[string]string{
		"RateLimit-Name": "throttle_authenticated_api", "RateLimit-Limit": "8", "RateLimit-Observed": "4", "RateLimit-Remaining": "0",
		"RateLimit-Reset": "1700000010", "RateLimit-ResetTime": "Tue, 14 Nov 2023 22:13:30 GMT", "Retry-After": "3",
	} {
		if got := h[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	clock.forward(2)
	if n := passed(t, l, 1, list, here, ann); n != 0 {
		t.Error("passed before the window ended")
	}
	clock.forward(1)
	if n := passed(t, l, 3, list, here, ann); n != 2 {
		t.Errorf("%d passed in the next window", n)
	}
}

func TestTheLimitAMinuteIsRoundedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		requests int
		period   time.Duration
		want     string
	}{{1000, 15 * time.Second, "4000"}, {10, time.Minute, "10"}, {7200, time.Hour, "120"}, {1, time.Hour, "1"}, {100, 7 * time.Second, "858"}} {
		h := http.Header{}
		(&ratelimit.ExceededError{Throttle: ratelimit.Throttle{Requests: c.requests, Period: c.period}}).SetHeader(h)
		name := "RateLimit-Limit"
		if got := h[name]; len(got) != 1 || got[0] != c.want {
			t.Errorf("%d in %s: %s, want %s", c.requests, c.period, got, c.want)
		}
	}
}

func TestManyAtOncePassExactlyAsOftenAsAllowed(t *testing.T) {
	t.Parallel()
	l, _, log := setup(t, ratelimit.Config{Throttles: throttles(100, time.Minute, ratelimit.AuthenticatedAPI)})
	var ok atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { ok.Add(int64(passed(t, l, 100, list, here, ann))) })
	}
	all.Wait()
	if ok.Load() != 100 {
		t.Errorf("%d passed", ok.Load())
	}
	if n := strings.Count(log.String(), "rate limit exceeded"); n != 1 {
		t.Errorf("%d lines in the log", n)
	}
}

func TestTheAllowedAreNotCounted(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]map[string]bool{
		"203.0.113.0/24": {"ann": true, "nobody": true, "deploy": true},
		"203.0.113.9":    {"ann": true, "nobody": true, "deploy": true},
		"203.0.113.10":   {},
		"ann":            {"ann": true},
		"user:7":         {"ann": true},
		"user:8":         {},
		"deploy_token:7": {"deploy": true},
	} {
		one, err := ratelimit.ParseAllowed(entry)
		if err != nil {
			t.Fatal(err)
		}
		l, _, _ := setup(t, ratelimit.Config{Allow: []ratelimit.Allowed{one}, Throttles: throttles(1, time.Minute, ratelimit.AuthenticatedAPI, ratelimit.UnauthenticatedAPI)})
		for name, who := range map[string]registry.Actor{"ann": ann, "nobody": anonymous, "deploy": deploy} {
			if got := passed(t, l, 3, list, here, who) == 3; got != want[name] {
				t.Errorf("%s and %s: %t", entry, name, got)
			}
		}
	}
	for _, entry := range []string{"", "7", "user:", "user:0", "user:ann", "role:7", "10.0.0.0/33", "a b", "fe80::1%eth0"} {
		if a, err := ratelimit.ParseAllowed(entry); err == nil {
			t.Errorf("%q is %+v", entry, a)
		}
	}
}

func TestADryRunRefusesNothing(t *testing.T) {
	t.Parallel()
	l, _, log := setup(t, ratelimit.Config{DryRun: true, Throttles: throttles(2, time.Minute, ratelimit.AuthenticatedAPI, ratelimit.Login)})
	if n := passed(t, l, 50, list, here, ann); n != 50 {
		t.Errorf("%d of 50 passed", n)
	}
	wrong := registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
	for range 20 {
		if err := l.SignIn(t.Context(), here, func() error { return wrong }); !errors.Is(err, wrong) {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"throttle=throttle_authenticated_api client=user:7 limit=2 period=1m0s dry_run=true", "client=ip:203.0.113.9"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%q is not once in\n%s", want, log)
		}
	}
}

func TestNoLimiterRefusesNothing(t *testing.T) {
	t.Parallel()
	var l *ratelimit.Limiter
	if err := errors.Join(l.Count(t.Context(), npm, here, ann), l.SignIn(t.Context(), here, func() error { return nil }), l.SigningIn(here), l.Close()); err != nil {
		t.Error(err)
	}
}

func BenchmarkCount(b *testing.B) {
	l, err := ratelimit.New(ratelimit.Config{Throttles: throttles(1_000_000_000, time.Minute, ratelimit.AuthenticatedPackagesAPI, ratelimit.UnauthenticatedPackagesAPI)})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("user", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Count(b.Context(), npm, here, ann)
		}
	})
	b.Run("address", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Count(b.Context(), npm, here, anonymous)
		}
	})
	b.Run("another address each time", func(b *testing.B) {
		b.ReportAllocs()
		from := here
		for b.Loop() {
			from = from.Next()
			_ = l.Count(b.Context(), npm, from, anonymous)
		}
	})
	b.Run("users at once", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = l.Count(b.Context(), npm, here, ann)
			}
		})
	})
}
