package accounts

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// The tree of groups and projects is grown by many at once, and bent by one at a
// time: what is made below a group takes its path and its visibility from it,
// which must not change meanwhile. Each lock is a statement of its own, because a
// statement sees what was committed before it began to wait.

func growTree(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "select pg_advisory_xact_lock_shared(hashtextextended('tree', 0))")
	return postgres.Translate(err)
}

func bendTree(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('tree', 0))")
	return postgres.Translate(err)
}

// checkWithin: nothing is more visible than the group that it is in, as in GitLab.
func checkWithin(v registry.Visibility, parent registry.Group) error {
	if v.Wider(parent.Visibility) {
		return registry.Wrong("visibility", "%s is not allowed in the group %q, which is %s", v, parent.FullPath, parent.Visibility)
	}
	return nil
}

// movePaths gives all that lies at or below a path another beginning. Answers that
// were made of the old paths are made again.
func movePaths(ctx context.Context, tx pgx.Tx, old, full string) error {
	for _, table := range []string{"groups", "projects"} {
		_, err := tx.Exec(ctx, "update "+table+` set full_path = $2 || substr(full_path, length($1) + 1)
			where lower(full_path) = lower($1) or starts_with(lower(full_path), lower($1) || '/')`, old, full)
		if err != nil {
			return taken(err, full)
		}
	}
	_, err := tx.Exec(ctx, `
		update cache_generations c set generation = nextval('cache_generation')
		from projects p
		where c.project_id = p.id and (lower(p.full_path) = lower($1) or starts_with(lower(p.full_path), lower($1) || '/'))`, full)
	return postgres.Translate(err)
}
