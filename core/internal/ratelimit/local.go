package ratelimit

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// local is what one node has counted in one throttle.
type local struct {
	counts *otter.Cache[window, *atomic.Int64]
}

// window is somebody's, beginning at a unix time.
type window struct {
	who   string
	began int64
}

// maxClients bounds the clients counted at once in one throttle, each of some
// 150 bytes. Of more than that, those leave first who ask least.
const maxClients = 100_000

func newLocal(period time.Duration) (*local, error) {
	counts, err := otter.New(&otter.Options[window, *atomic.Int64]{
		MaximumSize: maxClients,
		// Only makes room: the window is part of the key.
		ExpiryCalculator: otter.ExpiryCreating[window, *atomic.Int64](period + time.Second),
	})
	if err != nil {
		return nil, fmt.Errorf("count for %s: %w", period, err)
	}
	return &local{counts: counts}, nil
}

// add counts one request more, and returns how many there are with it.
func (l *local) add(who string, began time.Time) int {
	key := window{who, began.Unix()}
	n, ok := l.counts.GetIfPresent(key)
	if !ok {
		fresh := &atomic.Int64{}
		var first bool
		if n, first = l.counts.SetIfAbsent(key, fresh); first {
			n = fresh
		}
	}
	return int(n.Add(1))
}

// bars are those whom this node refuses without a question.
type bars struct {
	all *otter.Cache[string, *bar]
}

// longest is longer than any window that somebody can be barred for.
const longest = 24 * time.Hour

func newBars() (*bars, error) {
	all, err := otter.New(&otter.Options[string, *bar]{
		MaximumSize:      maxClients,
		ExpiryCalculator: otter.ExpiryWriting[string, *bar](longest), // only makes room: until decides
	})
	if err != nil {
		return nil, fmt.Errorf("remember who is refused: %w", err)
	}
	return &bars{all: all}, nil
}

// get counts one more of a client that is barred.
func (b *bars) get(who string, now time.Time) (until time.Time, n int, ok bool) {
	found, ok := b.all.GetIfPresent(who)
	if !ok || !now.Before(found.until) {
		return time.Time{}, 0, false
	}
	return found.until, int(found.n.Add(1)), true
}

func (b *bars) put(who string, until time.Time, n int) {
	fresh := &bar{until: until}
	fresh.n.Store(int64(n))
	b.all.Set(who, fresh)
}

// bar is until when somebody is refused, and how often they have come.
type bar struct {
	until time.Time
	n     atomic.Int64
}
