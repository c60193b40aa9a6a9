package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/jobs"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/sdk/spec"
)

// runner is a format's side: it does what the test says, in a transaction.
type runner struct {
	db   *pgtest.Database
	do   func(jobs.FormatJob, int) error
	done chan jobs.FormatJob
}

func (r *runner) RunFormatJob(ctx context.Context, j jobs.FormatJob, attempt int, done func(context.Context, pgx.Tx) error) error {
	if err := r.do(j, attempt); err != nil {
		return err
	}
	if err := postgres.InTx(ctx, r.db.Pool, func(tx pgx.Tx) error { return done(ctx, tx) }); err != nil {
		return err
	}
	r.done <- j
	return nil
}

func setup(t *testing.T, do func(jobs.FormatJob, int) error) (*runner, *jobs.Queue) {
	t.Helper()
	db := pgtest.New(t)
	r := &runner{db: db, do: do, done: make(chan jobs.FormatJob, 16)}
	queue, err := jobs.NewQueue(db.Pool)
	if err != nil {
		t.Fatal(err)
	}
	workers, err := jobs.NewWorkers(jobs.Config{Pool: db.Pool, Runner: r, Blobs: memory.New(), Grace: time.Hour, Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	if err := workers.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := workers.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r, queue
}

func enqueue(t *testing.T, r *runner, q *jobs.Queue, fail error, all ...spec.EnqueueJob) {
	t.Helper()
	err := postgres.InTx(t.Context(), r.db.Pool, func(tx pgx.Tx) error {
		for _, j := range all {
			if err := q.Enqueue(t.Context(), tx, "npm", 7, j); err != nil {
				return err
			}
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

func wait(t *testing.T, r *runner) jobs.FormatJob {
	t.Helper()
	select {
	case j := <-r.done:
		return j
	case <-time.After(30 * time.Second):
		t.Fatal("the job was not done")
		return jobs.FormatJob{}
	}
}

func TestAJobIsDoneIfItsTransactionWasCommitted(t *testing.T) {
	t.Parallel()
	r, q := setup(t, func(jobs.FormatJob, int) error { return nil })
	enqueue(t, r, q, errors.New("rolled back"), spec.EnqueueJob{Kind: "never", ArgsJSON: []byte(`{}`)})
	enqueue(t, r, q, nil, spec.EnqueueJob{Kind: "extract", ArgsJSON: []byte(`{"a":1}`)})
	j := wait(t, r)
	if j.Format != "npm" || j.JobKind != "extract" || j.ProjectID != 7 || string(j.Args) != `{"a":1}` {
		t.Fatalf("got %+v", j)
	}
}

func TestAJobThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	r, q := setup(t, func(_ jobs.FormatJob, attempt int) error {
		if tries.Add(1) == 1 {
			return errors.New("not yet")
		}
		if attempt != 2 {
			return errors.New("the second try says it is another")
		}
		return nil
	})
	enqueue(t, r, q, nil, spec.EnqueueJob{Kind: "extract", ArgsJSON: []byte(`{}`)})
	wait(t, r)
	if tries.Load() != 2 {
		t.Fatalf("%d tries", tries.Load())
	}
}

func TestWaitingJobsWithOneKeyAreOneJob(t *testing.T) {
	t.Parallel()
	r, q := setup(t, func(jobs.FormatJob, int) error { return nil })
	same := spec.EnqueueJob{Kind: "rebuild", ArgsJSON: []byte(`{}`), UniqueKey: "demo"}
	other := spec.EnqueueJob{Kind: "rebuild", ArgsJSON: []byte(`{}`), UniqueKey: "other"}
	enqueue(t, r, q, nil, same, same, other, same)
	seen := map[string]int{}
	for range 2 {
		seen[wait(t, r).UniqueKey]++
	}
	var n int
	if err := r.db.Pool.QueryRow(t.Context(), "select count(*) from river_job where kind = 'format'").Scan(&n); err != nil || n != 2 || seen["demo"] != 1 {
		t.Fatalf("%d jobs, %v, %v", n, seen, err)
	}
}

// TestAJobThatHasBegunIsNotWaiting: it may have read what was there before.
func TestAJobThatHasBegunIsNotWaiting(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}, 8), make(chan struct{})
	r, q := setup(t, func(jobs.FormatJob, int) error {
		begun <- struct{}{}
		<-goOn
		return nil
	})
	same := spec.EnqueueJob{Kind: "rebuild", ArgsJSON: []byte(`{}`), UniqueKey: "demo"}
	enqueue(t, r, q, nil, same)
	<-begun
	enqueue(t, r, q, nil, same, same) // in one transaction: between two, a worker could have begun the first
	close(goOn)
	wait(t, r)
	wait(t, r)
	enqueue(t, r, q, nil, same) // nor is one that is done
	wait(t, r)
	var n int
	if err := r.db.Pool.QueryRow(t.Context(), "select count(*) from river_job where kind = 'format'").Scan(&n); err != nil || n > 3 {
		t.Fatalf("%d jobs, %v", n, err)
	}
}

func TestADelayedJobWaits(t *testing.T) {
	t.Parallel()
	r, q := setup(t, func(jobs.FormatJob, int) error { return nil })
	enqueue(t, r, q, nil, spec.EnqueueJob{Kind: "later", Delay: time.Hour}, spec.EnqueueJob{Kind: "now"})
	if j := wait(t, r); j.JobKind != "now" {
		t.Fatalf("got %+v", j)
	}
	var later bool
	if err := r.db.Pool.QueryRow(t.Context(), "select scheduled_at > now() + interval '59 minutes' from river_job where args ->> 'kind' = 'later'").Scan(&later); err != nil || !later {
		t.Fatal(later, err)
	}
}

// oauthThatIsOver makes, of all that OAuth keeps, some that is over and some that is not.
const oauthThatIsOver = `;
	insert into users (username) values ('ann');
	insert into oauth_applications (uid, name, redirect_uris, scopes) values ('a', 'a', '{}', '{api}');
	insert into oauth_grants (application_id, user_id, scopes, redirect_uri, created_at, revoked_at)
	select a.id, u.id, '{api}', g.redirect_uri, now() - g.age, now() - g.revoked
	from oauth_applications a, users u, (values
	    ('waiting', interval '1 minute', null), ('never used', interval '2 days', null), ('used', interval '2 days', null),
	    ('refreshed', interval '50 days', null), ('revoked', interval '100 days', interval '91 days')) g (redirect_uri, age, revoked)
	where u.username = 'ann';
	insert into tokens (kind, digest, name, user_id, scopes, expires_at, oauth_grant_id)
	select 'oauth', sha256(v.name::bytea), v.name, g.user_id, '{api}', now() + v.life, g.id
	from oauth_grants g join (values ('used', 'fresh', interval '1 hour'), ('refreshed', 'stale', interval '-2 days')) v (redirect_uri, name, life) using (redirect_uri);
	insert into oauth_refresh_tokens (digest, grant_id, used_at, expires_at)
	select sha256(g.redirect_uri::bytea || v.n), g.id, v.used, now() + v.life
	from oauth_grants g join (values ('refreshed', '1'::bytea, now(), interval '40 days'), ('refreshed', '2', null, interval '90 days'),
	                                 ('revoked', '3', now(), interval '1 day'), ('used', '4', now(), interval '-1 day')) v (redirect_uri, n, used, life) using (redirect_uri);
	insert into oauth_device_codes (digest, user_code_digest, application_id, scopes, poll_interval, expires_at)
	select sha256(n::text::bytea), sha256(('u' || n)::bytea), a.id, '{api}', 5, now() + n * interval '1 hour' from oauth_applications a, (values (-2), (1)) v (n)`

func TestHousekeepingRemovesWhatIsOver(t *testing.T) {
	t.Parallel()
	r, _ := setup(t, func(jobs.FormatJob, int) error { return nil })
	if _, err := r.db.Pool.Exec(t.Context(), `
		insert into intents (id, created_at) values (gen_random_uuid(), now() - interval '2 days'), (gen_random_uuid(), now());
		insert into web_logins (page_digest, poll_digest, name, expires_at) values ('a', 'b', '', now() - interval '1 minute');
		insert into web_sessions (digest, data, expires_at) values ('over', '', now() - interval '1 minute'), ('good', '', now() + interval '1 hour')`+oauthThatIsOver); err != nil {
		t.Fatal(err)
	}
	// The first pass may have been before; ask for another by its own door.
	if _, err := r.db.Pool.Exec(t.Context(), "update river_job set state = 'available', finalized_at = null, attempt = 0 where kind = 'housekeep'"); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for {
		var intents, logins int
		var rest string
		if err := r.db.Pool.QueryRow(t.Context(), `
			select (select count(*) from intents), (select count(*) from web_logins),
			       concat_ws(' ', (select string_agg(digest, ',') from web_sessions),
			                 (select string_agg(state || redirect_uri, ',' order by redirect_uri) from (select 'grant:' as state, redirect_uri from oauth_grants) g),
			                 (select string_agg(name, ',' order by name) from tokens),
			                 (select count(*) from oauth_refresh_tokens), (select count(*) from oauth_device_codes))`).Scan(&intents, &logins, &rest); err != nil {
			t.Fatal(err)
		}
		if intents == 1 && logins == 0 && rest == "good grant:refreshed,grant:used,grant:waiting fresh 2 1" {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%d intents, %d sign-ins, %s", intents, logins, rest)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Job tokens last minutes, and there are many of them. What a run has published is
// never forgotten.
func TestHousekeepingRemovesWhatJobsLeave(t *testing.T) {
	t.Parallel()
	r, _ := setup(t, func(jobs.FormatJob, int) error { return nil })
	if _, err := r.db.Pool.Exec(t.Context(), `
		with g as (insert into groups (path, full_path, name) values ('jg', 'jg', 'jg') returning id),
		     p as (insert into projects (group_id, path, full_path, name) select id, 'jp', 'jg/jp', 'jp' from g returning id),
		     u as (insert into users (username, kind) values ('bot', 'project_bot') returning id),
		     r as (insert into trusted_publishers (project_id, name, issuer, subject, access_level, bot_id) select p.id, 'x', 'i', 's', 30, u.id from p, u returning id),
		     b as (insert into build_infos (project_id, provider, issuer, run_key, created_at)
		           select p.id, 'generic', 'i', k, case when k = 'new' then now() else now() - interval '2 days' end from p, unnest('{published,of a file,running,forgotten,new}'::text[]) k
		           returning id, run_key),
		     q as (insert into packages (project_id, format, name, name_key, version_key) select id, 'f', 'n', 'n', 'v' from p returning id, project_id),
		     o as (insert into blobs (sha256, size) values (sha256('x'), 1) returning sha256),
		     f as (insert into package_files (project_id, package_id, format, file_name, file_key, size, sha256) select q.project_id, q.id, 'f', 'n', 'n', 1, o.sha256 from q, o returning id, project_id),
		     l as (insert into package_build_infos (project_id, package_id, build_info_id) select q.project_id, q.id, b.id from q, b where b.run_key = 'published'),
		     m as (insert into package_file_build_infos (project_id, package_file_id, build_info_id) select f.project_id, f.id, b.id from f, b where b.run_key = 'of a file'),
		     t as (insert into tokens (kind, digest, user_id, project_id, publisher_id, build_info_id, scopes, expires_at)
		           select 'job', sha256(e::text::bytea), u.id, p.id, r.id, b.id, '{}', now() + e from u, p, r, b, unnest('{-1 minute,10 minutes}'::interval[]) e where b.run_key = 'running')
		insert into oidc_replays (issuer, token_key, expires_at) values ('i', 'over', now() - interval '1 second'), ('i', 'good', now() + interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.db.Pool.Exec(t.Context(), "update river_job set state = 'available', finalized_at = null, attempt = 0 where kind = 'housekeep'"); err != nil {
		t.Fatal(err)
	}
	const want = "new, of a file, published, running; 1 tokens; good"
	var got string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		err := r.db.Pool.QueryRow(t.Context(), `
			select (select string_agg(run_key, ', ' order by run_key collate "C") from build_infos) || '; ' || (select count(*) from tokens where kind = 'job') || ' tokens; '
			       || (select string_agg(token_key, ', ') from oidc_replays)`).Scan(&got)
		if err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	t.Errorf("got  %s\nwant %s", got, want)
}
