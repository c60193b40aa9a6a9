package auth

import (
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
)

// recent holds the answers of the last moment.
type recent struct {
	while time.Duration
	store *otter.Cache[recentKey, heard]
}

// heard is an answer, and until when it is believed.
type heard struct {
	caller Caller
	until  time.Time
}

type recentKey struct {
	digest    [32]byte // zero: no credentials
	transport Transport
	username  string // of Basic: a deploy token has one
	project   ProjectRef
	group     GroupRef
}

// maxRecent bounds the answers held, each of some hundred bytes for each project in it.
const maxRecent = 20_000

func newRecent(while time.Duration) (*recent, error) {
	store, err := otter.New(&otter.Options[recentKey, heard]{
		MaximumWeight: maxRecent,
		Weigher:       func(_ recentKey, h heard) uint32 { return uint32(1 + len(h.caller.Standings)) },
		// Only makes room: until decides.
		ExpiryCalculator: otter.ExpiryWriting[recentKey, heard](while),
	})
	if err != nil {
		return nil, fmt.Errorf("remember callers for %s: %w", while, err)
	}
	return &recent{while: while, store: store}, nil
}

func (r *recent) get(key recentKey) (Caller, bool) {
	if r == nil {
		return Caller{}, false
	}
	h, ok := r.store.GetIfPresent(key)
	if !ok || !time.Now().Before(h.until) {
		return Caller{}, false
	}
	return h.caller, true
}

// put keeps an answer. Its time runs from when the question was asked: what a
// slow database says may have been overtaken before it arrives. A project that
// is not there is not kept: it is there as soon as it was made.
func (r *recent) put(key recentKey, c Caller, asked time.Time) {
	if r == nil || (key.project != ProjectRef{} && c.Project == nil) || (key.group != GroupRef{} && c.Group == nil) {
		return // there are as many paths of nothing as somebody likes to ask for
	}
	until := asked.Add(r.while)
	if c.Actor.ExpiresAt.After(asked) && c.Actor.ExpiresAt.Before(until) {
		until = c.Actor.ExpiresAt
	}
	r.store.Set(key, heard{caller: c, until: until})
}
