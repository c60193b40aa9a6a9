package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/plan"
)

// housekeep removes what has outlived its use.
type housekeep struct{}

// Kind names the job to River.
func (housekeep) Kind() string { return "housekeep" }

func housekeeping() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(housekeepEvery), func() (river.JobArgs, *river.InsertOpts) {
		// One at a time in the whole cluster, and no pile of them after a pause.
		return housekeep{}, &river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByPeriod: housekeepEvery}}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

type housekeeper struct {
	river.WorkerDefaults[housekeep]
	cfg Config
}

// Timeout is none: a large store takes its time.
func (*housekeeper) Timeout(*river.Job[housekeep]) time.Duration { return -1 }

// staleStaging is older than any upload that still moves: one that stands
// still is ended after a minute.
const staleStaging = 24 * time.Hour

// Work does one pass. What fails does not keep the rest from being done.
func (h *housekeeper) Work(ctx context.Context, _ *river.Job[housekeep]) error {
	collected, err := plan.Collect(ctx, h.cfg.Pool, h.cfg.Blobs, h.cfg.Grace)
	swept, sweepErr := h.cfg.Blobs.Sweep(ctx, time.Now().Add(-staleStaging))
	if sweepErr != nil {
		err = errors.Join(err, fmt.Errorf("sweep staging: %w", sweepErr))
	}
	for _, sql := range []string{
		// An intent answers for a commit whose answer was lost; that is asked at once or never.
		"delete from intents where created_at < now() - interval '1 day'",
		"delete from web_logins where expires_at < now()",
		// What clients had made for themselves: nobody looks for these in a list.
		"delete from tokens t using tokens p where p.id = t.parent_id and (t.expires_at < now() or p.expires_at < now() or p.revoked_at is not null)",
		// Refresh tokens that were used are kept until they would have ended: one that comes
		// again is known. Of OAuth, nothing is ever listed: what is over can go.
		"delete from web_sessions where expires_at < now()",
		"delete from oauth_device_codes where expires_at < now() - interval '1 hour'",
		"delete from oauth_refresh_tokens where expires_at < now()",
		"delete from tokens where kind = 'oauth' and (expires_at < now() - interval '1 day' or revoked_at < now() - interval '1 day')",
		`delete from oauth_grants g
		 where g.created_at < now() - interval '1 day'
		   and (g.revoked_at < now() - interval '90 days'
		        or not exists (select from oauth_refresh_tokens r where r.grant_id = g.id)
		           and not exists (select from tokens t where t.oauth_grant_id = g.id))`,
	} {
		if _, sqlErr := h.cfg.Pool.Exec(ctx, sql); sqlErr != nil {
			err = errors.Join(err, fmt.Errorf("housekeeping: %w", sqlErr))
		}
	}
	expired, expireErr := audit.Expire(ctx, h.cfg.Pool, h.cfg.Audit)
	if err = errors.Join(err, expireErr); expired > 0 {
		h.cfg.Log.Info("audit events that need not be kept any longer were removed", "count", expired)
	}
	if collected+swept > 0 {
		h.cfg.Log.Info("bytes that nothing refers to were removed", "blobs", collected, "staged", swept)
	}
	return err
}
