package auth

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/alexedwards/argon2id"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// The time that a sign-in takes must not tell whether the user exists.
func TestNobodysPasswordCostsAsMuchAsSomebodys(t *testing.T) {
	t.Parallel()
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	somebody, _, _, err := argon2id.DecodeHash(hash)
	if err != nil {
		t.Fatal(err)
	}
	nobody, _, _, err := argon2id.DecodeHash(nobodysHash)
	if err != nil {
		t.Fatal(err)
	}
	if *somebody != *nobody {
		t.Errorf("somebody's password costs %+v, nobody's %+v", *somebody, *nobody)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	broken := "$argon2id$v=19$m=19456"
	p := newPasswords()
	for _, c := range []struct {
		name, password string
		hash           *string
		want           bool
	}{
		{"right", "correct horse", &hash, true},
		{"wrong", "battery staple", &hash, false},
		{"empty", "", &hash, false},
		{"nobody", "correct horse", nil, false},
		{"a hash that cannot be read", "correct horse", &broken, false},
	} {
		if got, err := p.match(t.Context(), c.password, c.hash); got != c.want || err != nil {
			t.Errorf("%s: %t, %v", c.name, got, err)
		}
	}
}

// However many sign in at once, a few passwords are compared at a time, and who
// does not want to wait any longer leaves the queue.
func TestPasswordsQueue(t *testing.T) {
	t.Parallel()
	p := newPasswords()
	if !p.slots.TryAcquire(maxComparisons) || p.slots.TryAcquire(1) {
		t.Fatal("there are not as many slots as promised")
	}
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			match, err := p.match(ctx, "x", nil)
			if match || registry.CodeOf(err) != registry.CodeUnavailable || !errors.Is(err, context.Canceled) {
				t.Errorf("%t, %v", match, err)
			}
		})
	}
	leave()
	wg.Wait()
	p.slots.Release(maxComparisons)
	if _, err := p.match(t.Context(), "x", nil); err != nil {
		t.Error(err)
	}
}
