package ratelimit_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func wrong() error { return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized") }

func right() error { return nil }

func TestFailedSignInsAreCountedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	l, clock, _ := setup(t, ratelimit.Config{Throttles: throttles(3, time.Minute, ratelimit.Login)})
	for range 20 {
		if err := l.SignIn(t.Context(), here, right); err != nil {
			t.Fatalf("a good one: %v", err)
		}
	}
	for range 3 {
		if err := l.SignIn(t.Context(), here, wrong); registry.CodeOf(err) != registry.CodeUnauthenticated {
			t.Fatalf("a wrong one: %v", err)
		}
	}
	untried := func() error { t.Error("it was tried all the same"); return nil }
	over, ok := errors.AsType[*ratelimit.ExceededError](l.SignIn(t.Context(), here, untried))
	if !ok || over.Name != ratelimit.Login || over.Observed != 4 {
		t.Fatalf("the fourth: %+v", over)
	}
	if registry.CodeOf(l.SigningIn(here)) != registry.CodeTooManyRequests {
		t.Error("it is not said before")
	}
	if err := errors.Join(l.SigningIn(there), l.SignIn(t.Context(), there, right)); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	clock.forward(60)
	if err := errors.Join(l.SigningIn(here), l.SignIn(t.Context(), here, right)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestAStaleCredentialStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	l, _, _ := setup(t, ratelimit.Config{Throttles: throttles(3, time.Minute, ratelimit.Login)})
	for range 10 {
		_ = l.Credential(t.Context(), here, "stale", wrong)
	}
	if err := l.Credential(t.Context(), here, "stale", right); registry.CodeOf(err) != registry.CodeTooManyRequests {
		t.Errorf("the stale one: %v", err)
	}
	if err := errors.Join(l.Credential(t.Context(), here, "good", right), l.Credential(t.Context(), there, "stale", right), l.SignIn(t.Context(), here, right)); err != nil {
		t.Errorf("others: %v", err)
	}
}

func TestManySignInsAtOnceAreTriedNoMoreOftenThanAllowed(t *testing.T) {
	t.Parallel()
	l, _, _ := setup(t, ratelimit.Config{Throttles: throttles(3, time.Minute, ratelimit.Login)})
	var tried atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_ = l.SignIn(t.Context(), here, func() error { tried.Add(1); return wrong() })
		})
	}
	all.Wait()
	if tried.Load() != 3 {
		t.Errorf("%d were tried", tried.Load())
	}
}

func BenchmarkCredential(b *testing.B) {
	l, err := ratelimit.New(ratelimit.Config{Throttles: throttles(10, time.Minute, ratelimit.Login)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Credential(b.Context(), here, "0123456789abcdef", right)
	}
}
