package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// round is what was done to one target in one round.
type round struct {
	count   int64         // requests answered as they should be
	elapsed time.Duration // until the last answer was read
	cpu     time.Duration // of the server, its plugins and its PostgreSQL
	client  time.Duration // of this process, with the same processors
}

func (r round) perSecond() float64 { return float64(r.count) / r.elapsed.Seconds() }

// each is a request's share, in milliseconds.
func (r round) each(of time.Duration) float64 {
	return of.Seconds() * 1000 / float64(max(r.count, 1))
}

// loop calls do from several goroutines until the time is over or do has
// nothing left to do. do returns how many requests it made; none: nothing is
// left. The first error ends it.
func loop(ctx context.Context, workers int, length time.Duration, do func(ctx context.Context) (int, error)) (round, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg    sync.WaitGroup
		count atomic.Int64
		begin = time.Now()
	)
	for range workers {
		wg.Go(func() {
			for time.Since(begin) < length && ctx.Err() == nil {
				made, err := do(ctx)
				if err != nil {
					cancel(err)
					return
				}
				if made == 0 {
					return
				}
				count.Add(int64(made))
			}
		})
	}
	wg.Wait()
	return round{count: count.Load(), elapsed: time.Since(begin)}, context.Cause(ctx)
}
