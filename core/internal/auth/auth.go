package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Caller is who asks, about which project or group, with what role.
type Caller struct {
	Actor   registry.Actor
	Project *registry.Project // nil: there is none of that name
	Level   registry.AccessLevel

	// Of a request about a group; see ResolveGroup.
	Group     *registry.Group // nil: there is none of that name
	Standings []registry.Standing
}

// Authenticator resolves credentials.
type Authenticator struct {
	pool      *pgxpool.Pool
	used      *used
	recent    *recent // nil: every request asks the database
	passwords *passwords
}

// New makes an Authenticator that asks the database about every request; Run
// keeps its notes of when tokens were used.
func New(pool *pgxpool.Pool) *Authenticator {
	return &Authenticator{pool: pool, used: newUsed(pool), passwords: newPasswords()}
}

// Remembering makes an Authenticator that believes an answer for a while: a
// client that installs a thousand packages is looked up once a second, not a
// thousand times. A revocation, a role or a visibility takes effect within that
// time on every node. Refusals are not remembered.
func Remembering(pool *pgxpool.Pool, while time.Duration) (*Authenticator, error) {
	kept, err := newRecent(while)
	if err != nil {
		return nil, err
	}
	a := New(pool)
	a.recent = kept
	return a, nil
}

// Run writes when tokens were last used, until ctx ends.
func (a *Authenticator) Run(ctx context.Context) { a.used.run(ctx) }

const (
	// projectColumns are what scanProject reads first, of a project p and its group g.
	projectColumns = `
		       p.id, p.group_id, g.ancestor_ids, p.path, p.full_path, p.name, p.visibility, p.package_access_level, p.archived,
		       coalesce(p.allow_reuse_after_delete, g.reuse, false)`
	// reuseColumn is what the nearest group says of reuse that says anything, from g up.
	reuseColumn = `
		       (select r.allow_reuse_after_delete
		        from groups r
		        where r.id = any (g.ancestor_ids) and r.allow_reuse_after_delete is not null
		        order by cardinality(r.ancestor_ids) desc
		        limit 1) as reuse`
	// settingsColumn comes after them: by format, what the project has decided, or the
	// nearest group that decides anything. "offset 0": looked up group by group, by index.
	settingsColumn = `
		       (select jsonb_object_agg(s.format, jsonb_build_object(
		                 'Decided', true, 'RefuseDuplicates', not s.duplicates_allowed, 'DuplicateException', s.duplicate_exception_regex,
		                 'KeepSnapshots', s.keep_snapshots, 'MaxFileSize', s.max_file_size))
		        from (select distinct on (s.format) s.*
		              from (select id, depth from unnest(g.ancestor_ids) with ordinality a (id, depth) union all select 0, 1000) a
		              cross join lateral (select * from package_settings s where s.group_id = a.id
		                                  union all
		                                  select * from package_settings s where a.id = 0 and s.project_id = p.id
		                                  offset 0) s
		              order by s.format, a.depth desc) s)`
	// live is of a membership m that has not ended.
	live = `(m.expires_at is null or m.expires_at > (now() at time zone 'utc')::date)`
)

const (
	//nolint:gosec // a query, no credential
	tokenSQL = `
		select t.id, t.kind, coalesce(t.username, u.username, ''), t.scopes, t.expires_at,
		       coalesce(t.project_id, 0), coalesce(t.group_id, 0), coalesce(t.parent_id, 0),
		       coalesce(u.id, 0), coalesce(u.is_admin, false), coalesce(u.kind, 'human') <> 'human', coalesce(u.state, 'active')
		from tokens t left join users u on u.id = t.user_id
		where t.digest = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
		  and not exists (select from tokens p where p.id = t.parent_id and (p.revoked_at is not null or p.expires_at <= now()))`
	projectSQL = `
		select ` + projectColumns + `,` + settingsColumn + `
		from projects p
		join lateral (select g.id, g.ancestor_ids, ` + reuseColumn + ` from groups g where g.id = p.group_id) g on true
		where p.id = $1 or ($2 <> '' and lower(p.full_path) = lower($2))`
	levelSQL = `
		select coalesce(max(m.access_level), 0)
		from tokens t
		join memberships m on m.user_id = t.user_id and ` + live + `
		join projects p on p.id = $2 or ($3 <> '' and lower(p.full_path) = lower($3))
		join groups g on g.id = p.group_id
		where t.digest = $1 and (m.project_id = p.id or m.group_id = any (g.ancestor_ids))`
)

// Resolve finds the caller in one round trip. Credentials that are present but
// wrong, expired or revoked are CodeUnauthenticated, never anonymous; a blocked
// user is CodeForbidden. The database's clock decides on expiry.
func (a *Authenticator) Resolve(ctx context.Context, c Credentials, present bool, ref ProjectRef) (Caller, error) {
	return a.resolve(ctx, c, present, recentKey{project: ref})
}

// ResolveGroup is Resolve for a request about a group: with all projects in it
// and in the groups below it, and what the caller is to each.
func (a *Authenticator) ResolveGroup(ctx context.Context, c Credentials, present bool, ref GroupRef) (Caller, error) {
	return a.resolve(ctx, c, present, recentKey{group: ref})
}

func (a *Authenticator) resolve(ctx context.Context, c Credentials, present bool, key recentKey) (Caller, error) {
	if present && !WellFormed(c.Secret) {
		return Caller{}, unauthorized()
	}
	key.transport, key.username = c.Transport, strings.ToLower(c.Username)
	if present {
		key.digest = Digest(c.Secret)
	}
	if caller, ok := a.recent.get(key); ok {
		a.used.note(caller.Actor.TokenID)
		return caller, nil
	}
	asked := time.Now()
	caller, err := a.ask(ctx, c, present, key)
	if err != nil {
		return Caller{}, err
	}
	a.recent.put(key, caller, asked)
	a.used.note(caller.Actor.TokenID)
	return caller, nil
}

func (a *Authenticator) ask(ctx context.Context, c Credentials, present bool, key recentKey) (Caller, error) {
	caller := Caller{Actor: registry.Actor{Kind: registry.Anonymous}}
	batch := &pgx.Batch{}
	var found tokenRow
	var digest [32]byte
	if present {
		digest = Digest(c.Secret)
		batch.Queue(tokenSQL, digest[:]).QueryRow(found.scan)
	}
	if key.group != (GroupRef{}) {
		queueGroup(batch, digest, key.group, &caller)
	}
	if ref := key.project; ref != (ProjectRef{}) {
		batch.Queue(projectSQL, ref.ID, ref.Path).QueryRow(func(row pgx.Row) (err error) {
			caller.Project, err = scanProject(row)
			return err
		})
		if present {
			batch.Queue(levelSQL, digest[:], ref.ID, ref.Path).QueryRow(func(row pgx.Row) error {
				return row.Scan(&caller.Level)
			})
		}
	}
	if batch.Len() == 0 {
		return caller, nil
	}
	if err := a.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Caller{}, fmt.Errorf("resolve caller: %w", postgres.Translate(err))
	}
	if !present {
		return caller, nil
	}
	var err error
	caller.Actor, err = found.actor(c.Transport, c.Username)
	return caller, err
}

func scanProject(row pgx.Row) (*registry.Project, error) {
	var p registry.Project
	err := row.Scan(append(projectTargets(&p), &p.PackageSettings)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no project is an answer
	}
	return &p, err
}

// projectTargets are where projectColumns go.
func projectTargets(p *registry.Project) []any {
	return []any{
		&p.ID, &p.GroupID, &p.GroupAncestorIDs, &p.Path, &p.FullPath, &p.Name, &p.Visibility, &p.PackageAccess,
		&p.Archived, &p.AllowReuseAfterDelete,
	}
}

// tokenRow is a valid token with its owner; ok is false if there is none.
type tokenRow struct {
	ok      bool
	kind    string
	state   string
	expires *time.Time
	value   registry.Actor
}

func (t *tokenRow) scan(row pgx.Row) error {
	v := &t.value
	err := row.Scan(&v.TokenID, &t.kind, &v.Username, &v.Scopes, &t.expires, &v.ProjectID, &v.GroupID, &v.ParentID, &v.UserID, &v.Admin, &v.Bot, &t.state)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	t.ok = err == nil
	return err
}

func (t *tokenRow) actor(via Transport, username string) (registry.Actor, error) {
	deploy, oauth := t.kind == "deploy", t.kind == "oauth"
	switch {
	case !t.ok,
		oauth && via == PrivateToken,
		deploy && via == PrivateToken, // as in GitLab: each header takes its own kind
		!deploy && via == DeployToken:
		return registry.Actor{}, unauthorized()
	case t.state == "blocked":
		return registry.Actor{}, blocked()
	}
	v := t.value
	if deploy && via == Basic && !strings.EqualFold(username, v.Username) {
		return registry.Actor{}, unauthorized() // a deploy token has a name of its own; to others, any will do
	}
	v.Kind = registry.User
	if deploy {
		v.Kind = registry.DeployToken
	}
	v.OAuth = oauth
	if t.expires != nil {
		v.ExpiresAt = *t.expires
	}
	return v, nil
}

func blocked() error {
	return registry.Errorf(registry.CodeForbidden, "Forbidden - Your account has been blocked.")
}

// Login is for routes whose credentials stand in the body: the secret is a
// token, or the user's password. A name that is not the token's owner's is
// refused; names have no case. A user who does not exist costs as much time as
// one who does.
func (a *Authenticator) Login(ctx context.Context, username, secret string) (registry.Actor, error) {
	if WellFormed(secret) {
		caller, err := a.Resolve(ctx, Credentials{Transport: Bearer, Secret: secret}, true, ProjectRef{})
		if err != nil {
			return registry.Actor{}, err
		}
		if !strings.EqualFold(caller.Actor.Username, username) {
			return registry.Actor{}, unauthorized()
		}
		return caller.Actor, nil
	}
	actor := registry.Actor{Kind: registry.User, Scopes: []registry.Scope{registry.ScopeAPI}}
	var (
		hash  *string
		state string
	)
	// PostgreSQL has no text like that, and so nobody is called it.
	if utf8.ValidString(username) && !strings.ContainsRune(username, 0) {
		err := a.pool.QueryRow(ctx, "select id, username, is_admin, password_hash, state from users where lower(username) = lower($1)", username).
			Scan(&actor.UserID, &actor.Username, &actor.Admin, &hash, &state)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return registry.Actor{}, fmt.Errorf("find user: %w", postgres.Translate(err))
		}
	}
	match, err := a.passwords.match(ctx, secret, hash)
	switch {
	case err != nil:
		return registry.Actor{}, err
	case !match:
		return registry.Actor{}, unauthorized()
	case state == "blocked":
		return registry.Actor{}, blocked()
	}
	return actor, nil
}

// How long a token lives that a client had made for itself: by a sign-in with a
// password, or with another token, which then is its parent. The latter is
// GitLab's for Conan, three months.
const (
	issuedLife = 365 * 24 * time.Hour
	childLife  = 90 * 24 * time.Hour
)

// Issue makes a token for the actor: never wider than the credential the actor
// came with, and never longer-lived. If that was a token, the new one ends with
// it, by expiry or revocation.
func (a *Authenticator) Issue(ctx context.Context, actor registry.Actor, name string) (string, error) {
	var token string
	switch {
	case actor.OAuth:
		token = NewToken(OAuthPrefix)
	case actor.Kind == registry.User:
		token = NewToken(PersonalPrefix)
	case actor.Kind == registry.DeployToken && actor.TokenID != 0:
		token = NewToken(DeployPrefix)
	default:
		return "", registry.Errorf(registry.CodeForbidden, "Forbidden - only a user or a token can have a token made")
	}
	digest := Digest(token)
	var made int64
	var err error
	if actor.TokenID != 0 {
		// All of it is the parent's own. A child's parent is that of the one it came with.
		err = a.pool.QueryRow(ctx, `
			insert into tokens (kind, digest, name, user_id, project_id, group_id, username, scopes, expires_at, parent_id)
			select kind, $2, $3, user_id, project_id, group_id, username, scopes, least(expires_at, now() + $4::interval), coalesce(parent_id, id)
			from tokens where id = $1 returning id`, actor.TokenID, digest[:], name, childLife).Scan(&made)
	} else {
		scopes := make([]string, len(actor.Scopes))
		for i, s := range actor.Scopes {
			scopes[i] = string(s)
		}
		expires := time.Now().Add(issuedLife)
		if !actor.ExpiresAt.IsZero() && actor.ExpiresAt.Before(expires) {
			expires = actor.ExpiresAt
		}
		err = a.pool.QueryRow(ctx, `
			insert into tokens (kind, digest, name, user_id, scopes, expires_at) values ('personal', $1, $2, $3, $4, $5) returning id`,
			digest[:], name, actor.UserID, scopes, expires).Scan(&made)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return "", unauthorized() // the parent went meanwhile
	}
	if err != nil {
		return "", fmt.Errorf("issue token: %w", postgres.Translate(err))
	}
	return token, nil
}
