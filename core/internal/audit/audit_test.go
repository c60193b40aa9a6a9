package audit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

func list(t *testing.T, db *pgtest.Database, q audit.Query) []audit.Event {
	t.Helper()
	if q.Page.Size == 0 {
		q.Page = packages.Page{Number: 1, Size: 100}
	}
	all, _, err := audit.List(t.Context(), db.Pool, q)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnEventComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	long := strings.Repeat("é", audit.MaxText)
	err := audit.Insert(t.Context(), db.Pool, audit.Event{
		RequestID: "r", Status: 201, Method: "PUT", Action: "npm/publish", RemoteAddress: "192.0.2.1",
		Actor:  registry.Actor{Kind: registry.User, UserID: 7, TokenID: 9, Username: "ann"},
		Entity: audit.Entity{Type: audit.Project, ID: 3, Path: "acme/web"}, PackageName: "pad\x00\xff", PackageVersion: long,
		Changes: []audit.Change{{Type: "package.created"}, {Type: "package_file.attached", File: "pad.tgz"}},
		Fields:  map[string]string{"path": "/x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := list(t, db, audit.Query{})
	if len(all) != 1 {
		t.Fatalf("%d events", len(all))
	}
	e := all[0]
	if e.Outcome != audit.Done || e.Status != 201 || e.Action != "npm/publish" || e.Actor.UserID != 7 || e.Actor.Username != "ann" ||
		audit.TokenKind(e.Actor) != "personal" || e.Entity.Path != "acme/web" || e.RemoteAddress != "192.0.2.1" || e.Changes[1].File != "pad.tgz" ||
		e.Fields["path"] != "/x" || time.Since(e.At) > time.Minute {
		t.Errorf("got %+v", e)
	}
	if e.PackageName != "pad\uFFFD\uFFFD" || len(e.PackageVersion) > audit.MaxText+2 {
		t.Errorf("hostile texts: %q, %d bytes", e.PackageName, len(e.PackageVersion))
	}
	if _, err := db.Pool.Exec(t.Context(), "update audit_events set actor_username = 'bob'"); err == nil {
		t.Error("an event was changed")
	}
	if got, err := audit.Find(t.Context(), db.Pool, e.ID, e.Entity); err != nil || got.ID != e.ID {
		t.Errorf("found %+v, %v", got, err)
	}
	if _, err := audit.Find(t.Context(), db.Pool, e.ID, audit.Entity{Type: audit.Project, ID: 4}); registry.CodeOf(err) != registry.CodeNotFound {
		t.Errorf("found in another project: %v", err)
	}
}

// What somebody typed for a name may be a password: it is kept only if it is a name.
func TestOnlyNamesOfUsersAreKeptOfFailedSignIns(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ann, err := accounts.New(db.Pool).CreateUser(t.Context(), accounts.NewUser{Username: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := audit.Insert(t.Context(), db.Pool, audit.Event{Action: "a", Outcome: audit.Refused, Attempted: "ANN"}, audit.Event{Action: "b", Outcome: audit.Refused, Attempted: "hunter2 hunter2"}); err != nil {
		t.Fatal(err)
	}
	all := list(t, db, audit.Query{Outcome: audit.Refused})
	if len(all) != 2 || all[1].Actor.Username != "ann" || all[1].Actor.UserID != ann.ID || all[0].Actor.Username != "" {
		t.Errorf("got %+v", all)
	}
	var text string
	if err := db.Pool.QueryRow(t.Context(), "select string_agg(e::text, '') from audit_events e").Scan(&text); err != nil || strings.Contains(text, "hunter2") {
		t.Errorf("kept %s, %v", text, err)
	}
}

func TestListNarrows(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i := range 5 {
		e := audit.Event{Action: fmt.Sprint(i), Actor: registry.Actor{Kind: registry.User, UserID: int64(i % 2)}, Entity: audit.Entity{Type: audit.Group, ID: int64(i)}}
		if i == 4 {
			e.Outcome = audit.Refused
		}
		if err := audit.Insert(t.Context(), db.Pool, e); err != nil {
			t.Fatal(err)
		}
	}
	for want, q := range map[string]audit.Query{
		"43210": {},
		"3":     {EntityType: audit.Group, EntityID: 3},
		"31":    {AuthorID: 1},
		"4":     {Outcome: audit.Refused},
		"21":    {Page: packages.Page{Number: 2, Size: 2}},
		"":      {Before: time.Now().Add(-time.Hour)},
	} {
		got := ""
		for _, e := range list(t, db, q) {
			got += e.Action
		}
		if got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
}

// Whoever is refused without end fills neither the memory nor the disk.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	var log strings.Builder
	r := audit.NewRecorder(db.Pool, hclog.New(&hclog.LoggerOptions{Output: &log}))
	for range 5000 {
		r.Refused(audit.Event{Action: "npm/publish", Status: 401})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	r.Run(ended) // what is left when the server ends
	if n := len(list(t, db, audit.Query{Page: packages.Page{Number: 1, Size: 10_000}})); n == 0 || n >= 5000 {
		t.Errorf("%d of 5000 were written", n)
	}
	if !strings.Contains(log.String(), "counted only") {
		t.Errorf("nobody was told: %s", log.String())
	}
	if removed, err := audit.Expire(t.Context(), db.Pool, audit.Retention{MaxRefused: 7}); err != nil || removed == 0 {
		t.Errorf("removed %d, %v", removed, err)
	}
	if n := len(list(t, db, audit.Query{})); n != 7 {
		t.Errorf("%d are left", n)
	}
}

func TestEventsExpire(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if err := audit.Insert(t.Context(), db.Pool, audit.Event{Action: "new"}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Pool.Exec(t.Context(), `
		insert into audit_events (created_at, outcome, action, actor_kind, entity_type)
		select now() - interval '40 days', 'done', 'old', 'user', 'Project' from generate_series(1, 25000)`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keep audit.Retention
		want int64
	}{{audit.Retention{}, 0}, {audit.Retention{Days: 50}, 0}, {audit.Retention{Days: 30}, 25000}, {audit.Retention{Days: 30}, 0}} {
		if got, err := audit.Expire(t.Context(), db.Pool, c.keep); err != nil || got != c.want {
			t.Errorf("%+v: removed %d, want %d, %v", c.keep, got, c.want, err)
		}
	}
	if all := list(t, db, audit.Query{}); len(all) != 1 || all[0].Action != "new" {
		t.Errorf("left %+v", all)
	}
}

func TestANilRecorderRecordsNothing(t *testing.T) {
	t.Parallel()
	var r *audit.Recorder
	r.Refused(audit.Event{})
	if err := r.Done(t.Context(), audit.Event{}); err != nil {
		t.Error(err)
	}
}
