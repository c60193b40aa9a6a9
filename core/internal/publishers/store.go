package publishers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

const columns = `
	r.id, r.project_id, r.name, r.issuer, r.subject, r.claims, r.environment, r.access_level, r.bot_id, u.username,
	coalesce(r.created_by_id, 0), r.created_at, r.updated_at`

const from = ` from trusted_publishers r join users u on u.id = r.bot_id where r.project_id = $1`

func scan(row pgx.CollectableRow) (p Publisher, err error) {
	return p, row.Scan(&p.ID, &p.ProjectID, &p.Name, &p.Issuer, &p.Subject, &p.Claims, &p.Environment, &p.AccessLevel, &p.BotID, &p.BotUsername,
		&p.CreatedByID, &p.CreatedAt, &p.UpdatedAt)
}

// querier is the pool, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func collect(ctx context.Context, q querier, sql string, args ...any) ([]Publisher, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read trusted publishers: %w", postgres.Translate(err))
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read trusted publishers: %w", postgres.Translate(err))
	}
	return found, nil
}

// List returns a page of a project's rules, the oldest first.
func (p *Publishers) List(ctx context.Context, projectID int64, at packages.Page) ([]Publisher, packages.Extent, error) {
	var extent packages.Extent
	err := p.db.QueryRow(ctx, "select count(*) from trusted_publishers where project_id = $1", projectID).Scan(&extent.Total)
	if err != nil {
		return nil, extent, fmt.Errorf("count trusted publishers: %w", postgres.Translate(err))
	}
	found, err := collect(ctx, p.db, "select "+columns+from+" order by r.id limit $2 offset $3", projectID, at.Size, int64(at.Number-1)*int64(at.Size))
	extent.More = at.Number*at.Size < extent.Total
	return found, extent, err
}

// Find returns a rule of a project; one of another is CodeNotFound.
func (p *Publishers) Find(ctx context.Context, projectID, id int64) (Publisher, error) {
	return find(ctx, p.db, projectID, id, "")
}

func find(ctx context.Context, q querier, projectID, id int64, lock string) (Publisher, error) {
	found, err := collect(ctx, q, "select "+columns+from+" and r.id = $2"+lock, projectID, id)
	if err != nil {
		return Publisher{}, err
	}
	if len(found) == 0 {
		return Publisher{}, registry.Errorf(registry.CodeNotFound, "Trusted Publisher Not Found")
	}
	return found[0], nil
}

// mostRules bounds a project's rules: an ID token is held against all of them.
const mostRules = 100

// Create makes a rule, and the bot that its jobs act as.
func (p *Publishers) Create(ctx context.Context, r Publisher) (Publisher, error) {
	if err := p.check(&r); err != nil {
		return Publisher{}, err
	}
	err := p.inTx(ctx, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, "select count(*) from trusted_publishers where project_id = $1", r.ProjectID).Scan(&n); err != nil {
			return postgres.Translate(err)
		}
		if n >= mostRules {
			return registry.Errorf(registry.CodeInvalid, "a project has at most %d trusted publishers", mostRules)
		}
		// The bot is one of the project, as those of its access tokens.
		err := tx.QueryRow(ctx, "insert into users (username, name, kind) values ($1, $2, 'project_bot') returning id, username",
			fmt.Sprintf("project_%d_publisher_%s", r.ProjectID, strings.ToLower(rand.Text()[:12])), r.Name).Scan(&r.BotID, &r.BotUsername)
		if err != nil {
			return postgres.Translate(err)
		}
		if err := accounts.In(tx).AddMember(ctx, r.BotID, 0, r.ProjectID, r.AccessLevel); err != nil {
			return err
		}
		return postgres.Translate(tx.QueryRow(ctx, `
			insert into trusted_publishers (project_id, name, issuer, subject, claims, environment, access_level, bot_id, created_by_id)
			values ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9::bigint, 0)) returning id, created_at, updated_at`,
			r.ProjectID, r.Name, r.Issuer, r.Subject, given(r.Claims), r.Environment, r.AccessLevel, r.BotID, r.CreatedByID).
			Scan(&r.ID, &r.CreatedAt, &r.UpdatedAt))
	})
	if err != nil {
		return Publisher{}, err
	}
	return r, nil
}

// given is never null.
func given(claims map[string]string) map[string]string {
	if claims == nil {
		return map[string]string{}
	}
	return claims
}

// Update changes a rule. The role counts at once; if whom it lets in has changed,
// the tokens of those who were let in before end.
func (p *Publishers) Update(ctx context.Context, projectID, id int64, change func(*Publisher)) (Publisher, error) {
	var r Publisher
	err := p.inTx(ctx, func(tx pgx.Tx) error {
		before, err := find(ctx, tx, projectID, id, " for update of r")
		if err != nil {
			return err
		}
		r = before
		change(&r)
		if err := p.check(&r); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			update trusted_publishers
			set name = $2, issuer = $3, subject = $4, claims = $5, environment = $6, access_level = $7, updated_at = now()
			where id = $1 returning updated_at`,
			id, r.Name, r.Issuer, r.Subject, given(r.Claims), r.Environment, r.AccessLevel).Scan(&r.UpdatedAt)
		if err != nil {
			return postgres.Translate(err)
		}
		if r.Issuer != before.Issuer || r.Subject != before.Subject || r.Environment != before.Environment || !maps.Equal(r.Claims, before.Claims) {
			if _, err := tx.Exec(ctx, "delete from tokens where publisher_id = $1", id); err != nil {
				return postgres.Translate(err)
			}
		}
		if _, err := tx.Exec(ctx, "update users set name = $2 where id = $1", r.BotID, r.Name); err != nil {
			return postgres.Translate(err)
		}
		return accounts.In(tx).AddMember(ctx, r.BotID, 0, projectID, r.AccessLevel)
	})
	if err != nil {
		return Publisher{}, err
	}
	return r, nil
}

// Delete takes a rule away, and with it its jobs' tokens and its bot's roles,
// wherever it had some. The bot stays, as who has published what there is.
func (p *Publishers) Delete(ctx context.Context, projectID, id int64) error {
	return p.inTx(ctx, func(tx pgx.Tx) error {
		var bot int64
		err := tx.QueryRow(ctx, "delete from trusted_publishers where project_id = $1 and id = $2 returning bot_id", projectID, id).Scan(&bot)
		if errors.Is(err, pgx.ErrNoRows) {
			return registry.Errorf(registry.CodeNotFound, "Trusted Publisher Not Found")
		}
		if err != nil {
			return postgres.Translate(err)
		}
		_, err = tx.Exec(ctx, "delete from memberships where user_id = $1", bot)
		return postgres.Translate(err)
	})
}
