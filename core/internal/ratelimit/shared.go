package ratelimit

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/redis/go-redis/v9"
)

// shared counts in a Redis, for all nodes that use it.
type shared struct {
	client *redis.Client
	away   atomic.Int64 // unix nanoseconds until which the Redis is not asked; 0: it answers
	log    hclog.Logger
}

const (
	// patience is how long a request waits for the Redis. One that takes longer is
	// as good as none: counting must not cost more than what is counted.
	patience = 250 * time.Millisecond
	// pause is how long the Redis is left alone after it has not answered.
	pause = 2 * time.Second
)

func newShared(url string, log hclog.Logger) (*shared, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis.url: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = patience, patience, patience, patience
	// Trying again is what the next request does.
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	return &shared{client: redis.NewClient(options), log: log}, nil
}

func (s *shared) close() error { return s.client.Close() }

// add counts one request more in a window, in one round trip; false if the
// Redis does not answer.
func (s *shared) add(ctx context.Context, t *counted, who string, began time.Time) (int, bool) {
	away := s.away.Load()
	if away != 0 {
		// One request in each pause asks whether the Redis is back.
		now := time.Now()
		if now.UnixNano() < away || !s.away.CompareAndSwap(away, now.Add(pause).UnixNano()) {
			return 0, false
		}
	}
	// A client that hangs up must not look like a Redis that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	key := "pakhus:" + string(t.name) + ":" + who + ":" + strconv.FormatInt(began.Unix(), 10)
	pipe := s.client.Pipeline()
	count := pipe.Incr(ctx, key)
	// The clocks of nodes differ a little: a window is kept for one more.
	pipe.Expire(ctx, key, 2*t.Period)
	if _, err := pipe.Exec(ctx); err != nil {
		if s.away.Swap(time.Now().Add(pause).UnixNano()) == 0 {
			s.log.Error("the Redis of the rate limits cannot be reached: requests are not counted", "error", err)
		}
		return 0, false
	}
	if away != 0 && s.away.Swap(0) != 0 {
		s.log.Info("the Redis of the rate limits is back: requests are counted")
	}
	return int(count.Val()), true
}
