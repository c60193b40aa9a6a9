package publishers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/oidc"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Issued is a job token that was made, and by which rule.
type Issued struct {
	Secret    string // shown this once
	ExpiresAt time.Time
	Publisher Publisher
	Actor     registry.Actor // who comes with it
}

// Verify checks an ID token; see [oidc.Verifier.Verify].
func (p *Publishers) Verify(ctx context.Context, raw string) (oidc.Token, error) {
	return p.verifier.Verify(ctx, raw)
}

// Exchange gives a job token for an ID token that was verified, if it fits a rule
// of the project; nil is one that does not exist, and has none. One that fits no
// rule is CodeForbidden; one that was used before is CodeUnauthenticated. What is
// refused for its rules alone is not used up.
func (p *Publishers) Exchange(ctx context.Context, project *registry.Project, t oidc.Token, life time.Duration) (Issued, error) {
	if project == nil {
		return Issued{}, p.unfit(t, "no such project", nil)
	}
	var out Issued
	err := p.inTx(ctx, func(tx pgx.Tx) error {
		// A rule that is being changed or taken away is waited for.
		rules, err := collect(ctx, tx, "select "+columns+from+" order by r.id for share of r", project.ID)
		if err != nil {
			return err
		}
		rule, why := best(rules, t)
		if rule == nil {
			return p.unfit(t, project.FullPath, why)
		}
		out.Publisher = *rule
		if err := use(ctx, tx, t); err != nil {
			return err
		}
		build, err := findOrCreateBuild(ctx, tx, project.ID, rule.BotID, t)
		if err != nil {
			return err
		}
		return out.make(ctx, tx, project, build, life)
	})
	if err != nil {
		return Issued{}, err
	}
	return out, nil
}

// unfit says what the token says, and not what the rules say: who asks may be
// nobody's. The operators read the rest in the log.
func (p *Publishers) unfit(t oidc.Token, project string, why []string) error {
	p.log.Info("an ID token fits no trusted publisher", "project", project, "issuer", t.Issuer.Name, "subject", t.Subject, "differs", strings.Join(why, "; "))
	says := fmt.Sprintf("issuer %q, subject %q", t.Issuer.Name, t.Subject)
	if e := t.Text("environment"); e != "" {
		says += fmt.Sprintf(", environment %q", e)
	}
	return registry.Errorf(registry.CodeForbidden, "No trusted publisher of this project fits the ID token, which has %s", says)
}

// use notes that a token was used, once.
func use(ctx context.Context, tx pgx.Tx, t oidc.Token) error {
	tag, err := tx.Exec(ctx, "insert into oidc_replays (issuer, token_key, expires_at) values ($1, $2, $3) on conflict do nothing",
		t.Issuer.URL, t.Key, t.Until)
	if err != nil {
		return fmt.Errorf("note a token: %w", postgres.Translate(err))
	}
	if tag.RowsAffected() == 0 {
		return registry.Errorf(registry.CodeUnauthenticated, "The ID token was refused: it was used before")
	}
	return nil
}

// findOrCreateBuild returns the build info of the token's run. A run has one in a
// project, however many of its jobs publish; a token that names none is its own.
func findOrCreateBuild(ctx context.Context, tx pgx.Tx, projectID, botID int64, t oidc.Token) (id int64, err error) {
	b := t.Build()
	key := "run:" + b.RunID
	if b.RunID == "" {
		key = "token:" + t.Key
	}
	// An update of nothing, so that there is a row to return.
	err = tx.QueryRow(ctx, `
		insert into build_infos (project_id, provider, issuer, run_key, run_id, run_number, run_url, repository, ref, sha, workflow, actor, event, environment, user_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		on conflict (project_id, issuer, run_key) do update set run_key = excluded.run_key
		returning id`,
		projectID, t.Issuer.Kind, t.Issuer.URL, key, b.RunID, b.RunNumber, b.RunURL, b.Repository, b.Ref, b.SHA, b.Workflow, b.Actor, b.Event, b.Environment, botID).
		Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("find or create build info: %w", postgres.Translate(err))
	}
	return id, nil
}

// make makes the token. Its scopes are none: what it may do is said of job tokens
// as such, by package authz.
func (i *Issued) make(ctx context.Context, tx pgx.Tx, project *registry.Project, build int64, life time.Duration) error {
	i.Secret = auth.NewToken(auth.JobPrefix)
	digest := auth.Digest(i.Secret)
	r := i.Publisher
	i.Actor = registry.Actor{
		Kind: registry.User, UserID: r.BotID, Username: r.BotUsername, Bot: true, ProjectID: project.ID,
		Job: &registry.Job{ProjectID: project.ID, ProjectPath: project.FullPath, PublisherID: r.ID, BuildID: build},
	}
	err := tx.QueryRow(ctx, `
		insert into tokens (kind, digest, name, user_id, project_id, scopes, publisher_id, build_info_id, expires_at)
		select 'job', $1, $2, u.id, $4, '{}', $5, $6, now() + $7::interval from users u where u.id = $3 and u.state = 'active'
		returning id, expires_at`,
		digest[:], r.Name, r.BotID, project.ID, r.ID, build, life).Scan(&i.Actor.TokenID, &i.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - The bot of this trusted publisher has been blocked.")
	}
	i.Actor.ExpiresAt = i.ExpiresAt
	return postgres.Translate(err)
}
