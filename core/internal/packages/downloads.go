package packages

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Downloads notes when packages were last downloaded. The notes are written in
// batches: a download does not wait for them, and a crash loses at most one batch.
type Downloads struct {
	pool *pgxpool.Pool
	log  hclog.Logger

	mu   sync.Mutex
	last map[int64]time.Time
}

// NewDownloads makes a Downloads; Run writes what it notes.
func NewDownloads(pool *pgxpool.Pool, log hclog.Logger) *Downloads {
	return &Downloads{pool: pool, log: log, last: map[int64]time.Time{}}
}

// Note remembers that a package was downloaded now.
func (d *Downloads) Note(packageID int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[packageID] = time.Now()
}

// Run writes the notes every interval until ctx ends, and then once more.
func (d *Downloads) Run(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			d.flush(last)
			cancel()
			return
		}
	}
}

func (d *Downloads) flush(ctx context.Context) {
	if _, err := d.Flush(ctx); err != nil {
		d.log.Error("download times were not written", "error", err)
	}
}

// Flush writes the notes taken so far and returns how many packages they were about.
// Notes that could not be written are dropped: they are worth less than the memory.
func (d *Downloads) Flush(ctx context.Context) (int, error) {
	d.mu.Lock()
	notes := d.last
	d.last = map[int64]time.Time{}
	d.mu.Unlock()
	if len(notes) == 0 {
		return 0, nil
	}
	ids := make([]int64, 0, len(notes))
	times := make([]time.Time, 0, len(notes))
	for id, at := range notes {
		ids = append(ids, id)
		times = append(times, at)
	}
	_, err := d.pool.Exec(ctx, `
		update packages p set last_downloaded_at = n.at
		from unnest($1::bigint[], $2::timestamptz[]) as n (id, at)
		where p.id = n.id and (p.last_downloaded_at is null or p.last_downloaded_at < n.at)`, ids, times)
	if err != nil {
		return 0, fmt.Errorf("note downloads of %d packages: %w", len(ids), err)
	}
	return len(ids), nil
}
