package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/postgres"
)

// Reuse is whether a deleted version may be published again in a place.
type Reuse struct {
	Allowed   bool
	DecidedBy string // full path of whose decision it is; empty: nobody's, and it is not allowed
	Inherited bool   // the place says nothing itself
}

// ReuseIn returns whether deleted versions may be published again in a place.
func (a *Accounts) ReuseIn(ctx context.Context, in Place) (Reuse, error) {
	groupID, projectID, ancestors := in.ids()
	r := Reuse{Inherited: true}
	err := a.db.QueryRow(ctx, `
		select allowed, full_path, inherited
		from (select allow_reuse_after_delete as allowed, full_path, false as inherited, 1000 as depth from projects where id = $2
		      union all
		      select allow_reuse_after_delete, full_path, id <> $1, cardinality(ancestor_ids) from groups where id = any ($3::bigint[])) s
		where allowed is not null
		order by depth desc
		limit 1`, groupID, projectID, ancestors).Scan(&r.Allowed, &r.DecidedBy, &r.Inherited)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("read reuse: %w", postgres.Translate(err))
	}
	return r, nil
}

// AllowReuse decides in a place whether deleted versions may be published again;
// nil takes the decision back.
func (a *Accounts) AllowReuse(ctx context.Context, in Place, allowed *bool) (Reuse, error) {
	groupID, projectID, _ := in.ids()
	table := "groups"
	if projectID != 0 {
		table = "projects"
	}
	var id int64
	err := a.db.QueryRow(ctx, "update "+table+" set allow_reuse_after_delete = $2 where id = $1 returning id", groupID+projectID, allowed).Scan(&id)
	if err != nil {
		return Reuse{}, missing(err, "%q any more", in.fullPath())
	}
	return a.ReuseIn(ctx, in)
}
