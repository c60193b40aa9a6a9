package audit

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How many refusals wait to be written, and how many are in a second. Whoever is
// refused more often than that fills neither the memory nor the disk: what does
// not fit is counted, and the log says how many there were.
const (
	waiting   = 2048
	perSecond = 200
)

// Recorder writes events. A nil Recorder records nothing.
type Recorder struct {
	pool    *pgxpool.Pool
	log     hclog.Logger
	refused chan Event
	dropped atomic.Int64
}

// NewRecorder makes a Recorder; Run writes the refusals that it is told of.
func NewRecorder(pool *pgxpool.Pool, log hclog.Logger) *Recorder {
	return &Recorder{pool: pool, log: log, refused: make(chan Event, waiting)}
}

// Done writes what was done, at once: whoever did it is told so only if that
// succeeds.
func (r *Recorder) Done(ctx context.Context, e Event) error {
	if r == nil {
		return nil
	}
	e.Outcome = Done
	// It was done, whether the client still waits or not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	return Insert(ctx, r.pool, e)
}

// Refused notes a refusal, and never waits.
func (r *Recorder) Refused(e Event) {
	if r == nil {
		return
	}
	e.Outcome = Refused
	select {
	case r.refused <- e:
	default:
		r.dropped.Add(1)
	}
}

// writeTime bounds a write that does not end with a request.
const writeTime = 5 * time.Second

// Run writes what was refused, every second, until ctx ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.flush(ctx, perSecond)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
			r.flush(last, waiting)
			cancel()
			return
		}
	}
}

// flush writes at most limit refusals. Those that cannot be written are lost: a
// database that is away must not be found full of them.
func (r *Recorder) flush(ctx context.Context, limit int) {
	var batch []Event
	for len(batch) < limit {
		select {
		case e := <-r.refused:
			batch = append(batch, e)
			continue
		default:
		}
		break
	}
	if n := r.dropped.Swap(0); n > 0 {
		r.log.Warn("more requests were refused than can be audited; the rest were counted only", "count", n)
	}
	if err := Insert(ctx, r.pool, batch...); err != nil {
		r.log.Error("refusals were not audited", "count", len(batch), "error", err)
	}
}
