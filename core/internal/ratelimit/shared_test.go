package ratelimit_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/ratelimit/redistest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func TestNodesCountTogether(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	cfg := ratelimit.Config{RedisURL: redis.URL, Throttles: throttles(10, time.Minute, ratelimit.AuthenticatedAPI, ratelimit.Login)}
	one, clock, _ := setup(t, cfg)
	two, other, _ := setup(t, cfg)
	if n := passed(t, one, 6, list, here, ann) + passed(t, two, 6, list, here, ann); n != 10 {
		t.Errorf("%d of 10 passed", n)
	}
	if n := passed(t, two, 3, list, here, bob); n != 3 {
		t.Errorf("another user: %d of 3 passed", n)
	}
	for range 10 {
		_ = one.SignIn(t.Context(), here, wrong)
	}
	if err := two.SignIn(t.Context(), here, wrong); registry.CodeOf(err) != registry.CodeTooManyRequests {
		t.Errorf("the eleventh failed sign-in, on another node: %v", err)
	}
	clock.forward(60)
	other.forward(60)
	if n := passed(t, one, 6, list, here, ann) + passed(t, two, 6, list, here, ann); n != 10 {
		t.Errorf("in the next window %d of 10 passed", n)
	}
}

// A client that hangs up is no reason to stop counting.
func TestACancelledRequestIsCounted(t *testing.T) {
	t.Parallel()
	l, _, log := setup(t, ratelimit.Config{RedisURL: redistest.Start(t).URL, Throttles: throttles(2, time.Minute, ratelimit.AuthenticatedAPI)})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if err := l.Count(gone, list, here, ann); err != nil {
			t.Fatal(err)
		}
	}
	if n := passed(t, l, 1, list, here, ann); n != 0 || strings.Contains(log.String(), "Redis") {
		t.Errorf("%d passed; %s", n, log)
	}
}

func TestWithoutItsRedisRequestsPassAndSignInsDoNot(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	l, _, log := setup(t, ratelimit.Config{RedisURL: redis.URL, Throttles: throttles(2, time.Minute, ratelimit.AuthenticatedAPI, ratelimit.Login)})
	if n := passed(t, l, 3, list, here, ann); n != 2 {
		t.Fatalf("%d passed", n)
	}
	redis.Stop()
	began := time.Now()
	if n := passed(t, l, 500, list, here, ann); n != 500 {
		t.Errorf("without a Redis %d of 500 passed", n)
	}
	for range 2 {
		_ = l.SignIn(t.Context(), here, wrong)
	}
	if err := l.SignIn(t.Context(), here, right); registry.CodeOf(err) != registry.CodeTooManyRequests {
		t.Errorf("the third sign-in: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("that took %s", took)
	}
	redis.Start(t)
	for began := time.Now(); passed(t, l, 1, list, here, ann) == 1; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("nothing is counted after it came back")
		}
	}
	for text, want := range map[string]int{"cannot be reached": 1, "is back": 1} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%q is %d times in the log:\n%s", text, n, log)
		}
	}
}

// A Redis that takes the connection and says nothing costs one request its
// patience, not every request.
func TestASilentRedisIsLeftAlone(t *testing.T) {
	t.Parallel()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	l, _, log := setup(t, ratelimit.Config{RedisURL: "redis://" + silent.Addr().String(), Throttles: throttles(2, time.Minute, ratelimit.AuthenticatedAPI)})
	began := time.Now()
	if n := passed(t, l, 100, list, here, ann); n != 100 {
		t.Errorf("%d of 100 passed", n)
	}
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("that took %s", took)
	}
	if n := strings.Count(log.String(), "cannot be reached"); n != 1 {
		t.Errorf("the log: %s", log)
	}
}

func TestAURLThatIsNoneIsSaid(t *testing.T) {
	t.Parallel()
	_, err := ratelimit.New(ratelimit.Config{RedisURL: "http://x", Log: hclog.NewNullLogger()})
	if err == nil || !strings.Contains(err.Error(), "redis.url") {
		t.Error(err)
	}
}

func BenchmarkCountTogether(b *testing.B) {
	log := &bytes.Buffer{}
	l, err := ratelimit.New(ratelimit.Config{
		RedisURL: redistest.Start(b).URL, Throttles: throttles(1_000_000_000, time.Minute, ratelimit.AuthenticatedPackagesAPI),
		Log: hclog.New(&hclog.LoggerOptions{Output: log, Mutex: &sync.Mutex{}}),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	b.Run("one at a time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Count(b.Context(), npm, here, ann)
		}
	})
	b.Run("at once", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = l.Count(b.Context(), npm, here, ann)
			}
		})
	})
	if log.Len() > 0 {
		b.Error(log)
	}
}
