package auth

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// used notes when tokens were used. A request does not wait for it, and a
// token is written at most once in each interval.
type used struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	ids  map[int64]struct{}
}

const usedInterval = 10 * time.Second

func newUsed(pool *pgxpool.Pool) *used { return &used{pool: pool, ids: map[int64]struct{}{}} }

func (u *used) note(id int64) {
	if id == 0 {
		return // nobody's token
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ids[id] = struct{}{}
}

func (u *used) run(ctx context.Context) {
	tick := time.NewTicker(usedInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			u.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			u.flush(last)
			cancel()
			return
		}
	}
}

func (u *used) flush(ctx context.Context) {
	u.mu.Lock()
	ids := u.ids
	u.ids = map[int64]struct{}{}
	u.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	list := make([]int64, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	// What could not be written is noted again by the token's next use. A token
	// that was made with another is used in its name.
	_, _ = u.pool.Exec(ctx, `
		update tokens set last_used_at = now()
		where id in (select unnest(array[id, parent_id]) from tokens where id = any ($1)) and (last_used_at is null or last_used_at < now() - interval '1 minute')`, list)
}
