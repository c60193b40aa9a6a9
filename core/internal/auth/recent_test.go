package auth

import (
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
)

// The time a caller is believed runs from the question, not from a slow answer.
func TestASlowAnswerIsNotBelievedLonger(t *testing.T) {
	t.Parallel()
	r, err := newRecent(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	key := recentKey{transport: Bearer}
	r.put(key, Caller{Actor: registry.Actor{TokenID: 1}}, time.Now().Add(-2*time.Minute))
	if _, ok := r.get(key); ok {
		t.Error("an answer of two minutes ago is believed for a minute more")
	}
	r.put(key, Caller{Actor: registry.Actor{TokenID: 2}}, time.Now())
	if c, ok := r.get(key); !ok || c.Actor.TokenID != 2 {
		t.Errorf("an answer of now: %t %+v", ok, c)
	}
}

func TestACredentialIsNotBelievedPastItsEnd(t *testing.T) {
	t.Parallel()
	r, err := newRecent(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, asked := recentKey{transport: Bearer}, time.Now().Add(-time.Minute)
	r.put(key, Caller{Actor: registry.Actor{ExpiresAt: asked.Add(time.Second)}}, asked)
	if _, ok := r.get(key); ok {
		t.Error("believed after it expired")
	}
}
