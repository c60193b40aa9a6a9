package auth

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

// recent holds the answers of the last moment.
type recent struct {
	store *otter.Cache[recentKey, Caller]
}

type recentKey struct {
	digest    [32]byte // zero: no credentials
	transport Transport
	ref       ProjectRef
}

// maxRecent bounds the answers held, each of some hundred bytes.
const maxRecent = 20_000

func newRecent(while time.Duration) (*recent, error) {
	store, err := otter.New(&otter.Options[recentKey, Caller]{
		MaximumSize: maxRecent,
		// From the answer on, however often it is used meanwhile.
		ExpiryCalculator: otter.ExpiryCreating[recentKey, Caller](while),
	})
	if err != nil {
		return nil, fmt.Errorf("remember callers for %s: %w", while, err)
	}
	return &recent{store: store}, nil
}

func (r *recent) get(key recentKey) (Caller, bool) {
	if r == nil {
		return Caller{}, false
	}
	return r.store.GetIfPresent(key)
}

func (r *recent) put(key recentKey, c Caller) {
	if r == nil {
		return
	}
	// An answer that came meanwhile is as good, and its time runs already.
	r.store.SetIfAbsent(key, c)
}
