package features

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Setting is a switch as somebody has set it: for a project, for a group, or if
// both are 0 for the instance.
type Setting struct {
	Name      string `json:"name"`
	ProjectID int64  `json:"project_id,omitempty"`
	GroupID   int64  `json:"group_id,omitempty"`
	Path      string `json:"path,omitempty"` // the project's or group's full path
	Enabled   bool   `json:"enabled"`
}

// Actor is what GitLab's API calls the place of a setting: "Project:7", "Group:3".
// It is empty for the instance.
func (s Setting) Actor() string {
	switch {
	case s.ProjectID != 0:
		return fmt.Sprintf("Project:%d", s.ProjectID)
	case s.GroupID != 0:
		return fmt.Sprintf("Group:%d", s.GroupID)
	}
	return ""
}

// DB is a pool, or a transaction that a caller has begun.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Store holds the settings.
type Store struct{ db DB }

// NewStore makes a Store on a pool, or within a transaction.
func NewStore(db DB) *Store { return &Store{db: db} }

// List returns all settings, by name and within one by place. They are few: each
// was made by hand.
func (s *Store) List(ctx context.Context) ([]Setting, error) {
	rows, err := s.db.Query(ctx, `
		select f.name, coalesce(f.project_id, 0), coalesce(f.group_id, 0), coalesce(p.full_path, g.full_path, ''), f.enabled
		from feature_flags f
		left join projects p on p.id = f.project_id
		left join groups g on g.id = f.group_id
		order by f.name collate "C", f.group_id nulls first, f.project_id nulls first`)
	if err != nil {
		return nil, fmt.Errorf("read feature flags: %w", postgres.Translate(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x Setting, err error) {
		err = row.Scan(&x.Name, &x.ProjectID, &x.GroupID, &x.Path, &x.Enabled)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read feature flags: %w", postgres.Translate(err))
	}
	return all, nil
}

// Put makes or changes settings, all or none. CodeInvalid names one that no
// switch can be called, CodeNotFound is a project or group that is not there any more.
func (s *Store) Put(ctx context.Context, all ...Setting) error {
	batch := &pgx.Batch{}
	for _, x := range all {
		if !ValidName(x.Name) {
			return registry.Errorf(registry.CodeInvalid, "feature flag %q: a name is that of a format, of a route as <format>/<route>, or the flag that a format declares", x.Name)
		}
		batch.Queue(`
			insert into feature_flags (name, group_id, project_id, enabled) values ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), $4)
			on conflict (name, group_id, project_id) do update set enabled = excluded.enabled, updated_at = now()`,
			x.Name, x.GroupID, x.ProjectID, x.Enabled)
	}
	// Without a transaction of its own a batch is one.
	err := s.db.SendBatch(ctx, batch).Close()
	if postgres.IsForeignKeyViolation(err) {
		return registry.Errorf(registry.CodeNotFound, "there is no such project or group").Because(err)
	}
	if err != nil {
		return fmt.Errorf("set feature flag: %w", postgres.Translate(err))
	}
	return nil
}

// Remove removes the settings of a name in one place each, and returns how many
// there were. What is of no place that has any is no error.
func (s *Store) Remove(ctx context.Context, all ...Setting) (removed int64, err error) {
	for _, x := range all {
		tag, err := s.db.Exec(ctx, `
			delete from feature_flags
			where name = $1 and group_id is not distinct from nullif($2::bigint, 0) and project_id is not distinct from nullif($3::bigint, 0)`,
			x.Name, x.GroupID, x.ProjectID)
		if err != nil {
			return removed, fmt.Errorf("remove feature flag: %w", postgres.Translate(err))
		}
		removed += tag.RowsAffected()
	}
	return removed, nil
}

// RemoveAll removes the settings of a name in every place, and returns how many there were.
func (s *Store) RemoveAll(ctx context.Context, name string) (removed int64, err error) {
	tag, err := s.db.Exec(ctx, "delete from feature_flags where name = $1", name)
	if err != nil {
		return 0, fmt.Errorf("remove feature flag: %w", postgres.Translate(err))
	}
	return tag.RowsAffected(), nil
}
