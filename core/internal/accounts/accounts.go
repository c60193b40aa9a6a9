// Package accounts makes and changes who and where: users, groups, projects,
// members and tokens.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// DB is a pool, or a transaction that a caller has begun.
type DB interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Accounts makes and finds accounts.
type Accounts struct{ db DB }

// New makes an Accounts on a pool.
func New(pool *pgxpool.Pool) *Accounts { return &Accounts{db: pool} }

// In returns an Accounts within a transaction.
func In(tx pgx.Tx) *Accounts { return &Accounts{db: tx} }

// User is a person or a bot.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
}

// NewUser is a user to be made.
type NewUser struct {
	Username string
	Name     string
	Password string // empty: cannot sign in with a password
	Admin    bool
}

// names of users, and segments of paths: GitLab's rule.
const (
	segment      = `^(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*[A-Za-z0-9_-]|[A-Za-z0-9_])$`
	maxSegment   = 255
	maxDepth     = 20
	minPassword  = 8
	defaultLevel = registry.Private
)

// reserved words cannot be paths: they are, or may become, parts of URLs.
func reserved(s string) bool {
	return slices.Contains([]string{"-", "api", "admin", "dashboard", "explore", "groups", "help", "login", "projects", "search", "users", "v2"}, strings.ToLower(s))
}

// CheckSegment says what is wrong with a path's segment or a user's name; field is what to call it.
func CheckSegment(field, s string) error {
	switch {
	case s == "":
		return registry.Errorf(registry.CodeInvalid, "%s is empty", field)
	case len(s) > maxSegment:
		return registry.Errorf(registry.CodeInvalid, "%s is longer than %d characters", field, maxSegment)
	case !regexp.MustCompile(segment).MatchString(s), strings.HasSuffix(s, ".git"), strings.HasSuffix(s, ".atom"), strings.Trim(s, ".") == "":
		return registry.Errorf(registry.CodeInvalid, "%s %q can contain only letters, digits, '_', '-' and '.', cannot start with '-', and cannot end in '.', '.git' or '.atom'", field, s)
	case reserved(s):
		return registry.Errorf(registry.CodeInvalid, "%s %q is a reserved name", field, s)
	}
	return nil
}

// CreateUser makes a user.
func (a *Accounts) CreateUser(ctx context.Context, n NewUser) (User, error) {
	if err := CheckSegment("username", n.Username); err != nil {
		return User{}, err
	}
	var hash *string
	if n.Password != "" {
		if len(n.Password) < minPassword {
			return User{}, registry.Errorf(registry.CodeInvalid, "password is shorter than %d characters", minPassword)
		}
		h, err := auth.HashPassword(n.Password)
		if err != nil {
			return User{}, err
		}
		hash = &h
	}
	u := User{Username: n.Username, Name: n.Name, Admin: n.Admin}
	if u.Name == "" {
		u.Name = u.Username
	}
	err := a.db.QueryRow(ctx, "insert into users (username, name, password_hash, is_admin) values ($1, $2, $3, $4) returning id",
		u.Username, u.Name, hash, u.Admin).Scan(&u.ID)
	if postgres.IsUniqueViolation(err, "") {
		return User{}, registry.Errorf(registry.CodeConflict, "username %q has already been taken", n.Username)
	}
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", postgres.Translate(err))
	}
	return u, nil
}

// FindUser finds a user by name, without case.
func (a *Accounts) FindUser(ctx context.Context, username string) (User, error) {
	var u User
	err := a.db.QueryRow(ctx, "select id, username, name, is_admin from users where lower(username) = lower($1)", username).
		Scan(&u.ID, &u.Username, &u.Name, &u.Admin)
	return u, missing(err, "user %q", username)
}

// BlockUser blocks a user, or lets a blocked one in again. Every token of a
// blocked user is refused from the next request on.
func (a *Accounts) BlockUser(ctx context.Context, username string, blocked bool) error {
	state := "active"
	if blocked {
		state = "blocked"
	}
	var id int64
	err := a.db.QueryRow(ctx, "update users set state = $2 where lower(username) = lower($1) returning id", username, state).Scan(&id)
	return missing(err, "user %q", username)
}

// NewGroup is a group to be made.
type NewGroup struct {
	FullPath   string // "parent/child"; the parent must exist
	Name       string // empty: the last segment
	Visibility registry.Visibility
}

// CreateGroup makes a group, at the root or below an existing one.
func (a *Accounts) CreateGroup(ctx context.Context, n NewGroup) (registry.Group, error) {
	g := registry.Group{FullPath: n.FullPath, Name: n.Name, Visibility: n.Visibility}
	parentPath, path := split(n.FullPath)
	g.Path = path
	if err := CheckSegment("path", path); err != nil {
		return g, err
	}
	if g.Name == "" {
		g.Name = path
	}
	if err := checkVisibility(&g.Visibility); err != nil {
		return g, err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		var parent *int64
		if parentPath != "" {
			p, err := In(tx).FindGroup(ctx, parentPath)
			if err != nil {
				return err
			}
			if len(p.AncestorIDs) >= maxDepth {
				return registry.Errorf(registry.CodeInvalid, "path %q is nested deeper than %d groups", n.FullPath, maxDepth)
			}
			parent, g.ParentID, g.AncestorIDs = &p.ID, p.ID, p.AncestorIDs
			g.FullPath = p.FullPath + "/" + path
		}
		if err := pathIsFree(ctx, tx, g.FullPath); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			with made as (
				insert into groups (parent_id, path, full_path, name, visibility) values ($1, $2, $3, $4, $5) returning id
			)
			select id from made`, parent, g.Path, g.FullPath, g.Name, g.Visibility).Scan(&g.ID)
	}, func(ctx context.Context, tx pgx.Tx) error {
		g.AncestorIDs = append(slices.Clone(g.AncestorIDs), g.ID)
		_, err := tx.Exec(ctx, "update groups set ancestor_ids = $2 where id = $1", g.ID, g.AncestorIDs)
		return err
	})
	return g, taken(err, n.FullPath)
}

// FindGroup finds a group by full path, without case.
func (a *Accounts) FindGroup(ctx context.Context, fullPath string) (registry.Group, error) {
	var g registry.Group
	err := a.db.QueryRow(ctx, `
		select id, coalesce(parent_id, 0), path, full_path, name, visibility, ancestor_ids
		from groups where lower(full_path) = lower($1)`, fullPath).
		Scan(&g.ID, &g.ParentID, &g.Path, &g.FullPath, &g.Name, &g.Visibility, &g.AncestorIDs)
	return g, missing(err, "group %q", fullPath)
}

// NewProject is a project to be made.
type NewProject struct {
	FullPath      string // "group/project"; the group must exist
	Name          string // empty: the last segment
	Visibility    registry.Visibility
	PackageAccess registry.PackageAccess // empty: enabled
}

// CreateProject makes a project in an existing group.
func (a *Accounts) CreateProject(ctx context.Context, n NewProject) (registry.Project, error) {
	groupPath, path := split(n.FullPath)
	p := registry.Project{Path: path, Name: n.Name, Visibility: n.Visibility, PackageAccess: n.PackageAccess}
	if err := CheckSegment("path", path); err != nil {
		return p, err
	}
	if groupPath == "" {
		return p, registry.Errorf(registry.CodeInvalid, "path %q names no group: a project's path is <group>/<project>", n.FullPath)
	}
	if p.Name == "" {
		p.Name = path
	}
	if err := checkVisibility(&p.Visibility); err != nil {
		return p, err
	}
	switch p.PackageAccess {
	case "":
		p.PackageAccess = registry.PackagesEnabled
	case registry.PackagesDisabled, registry.PackagesPrivate, registry.PackagesEnabled, registry.PackagesPublic:
	default:
		return p, registry.Errorf(registry.CodeInvalid, "package access %q: choose disabled, private, enabled or public", p.PackageAccess)
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		g, err := In(tx).FindGroup(ctx, groupPath)
		if err != nil {
			return err
		}
		p.GroupID, p.GroupAncestorIDs, p.FullPath = g.ID, g.AncestorIDs, g.FullPath+"/"+path
		if err := pathIsFree(ctx, tx, p.FullPath); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			insert into projects (group_id, path, full_path, name, visibility, package_access_level)
			values ($1, $2, $3, $4, $5, $6) returning id`,
			p.GroupID, p.Path, p.FullPath, p.Name, p.Visibility, p.PackageAccess).Scan(&p.ID)
	})
	return p, taken(err, n.FullPath)
}

// FindProject finds a project by full path, without case.
func (a *Accounts) FindProject(ctx context.Context, fullPath string) (registry.Project, error) {
	var p registry.Project
	err := a.db.QueryRow(ctx, `
		select p.id, p.group_id, g.ancestor_ids, p.path, p.full_path, p.name, p.visibility, p.package_access_level
		from projects p join groups g on g.id = p.group_id where lower(p.full_path) = lower($1)`, fullPath).
		Scan(&p.ID, &p.GroupID, &p.GroupAncestorIDs, &p.Path, &p.FullPath, &p.Name, &p.Visibility, &p.PackageAccess)
	return p, missing(err, "project %q", fullPath)
}

// AddMember gives a user a role on a group or a project (exactly one id is
// set); one they have already is changed.
func (a *Accounts) AddMember(ctx context.Context, userID, groupID, projectID int64, level registry.AccessLevel) error {
	switch level {
	case registry.Guest, registry.Planner, registry.Reporter, registry.Developer, registry.Maintainer, registry.Owner:
	default:
		return registry.Errorf(registry.CodeInvalid, "access level %d is not one", level)
	}
	if (groupID == 0) == (projectID == 0) {
		return registry.Errorf(registry.CodeInvalid, "a member belongs to either a group or a project")
	}
	target := "(user_id, group_id) where group_id is not null"
	if projectID != 0 {
		target = "(user_id, project_id) where project_id is not null"
	}
	var id int64
	err := a.db.QueryRow(ctx, `
		insert into memberships (user_id, group_id, project_id, access_level)
		values ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), $4)
		on conflict `+target+` do update set access_level = excluded.access_level returning id`,
		userID, groupID, projectID, level).Scan(&id)
	if err != nil {
		return fmt.Errorf("add member: %w", postgres.Translate(err))
	}
	return nil
}

// Token is a token without its secret.
type Token struct {
	ID        int64      `json:"id"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	Username  string     `json:"username"`
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expires_at"`
}

// CreatePersonalToken makes a token that acts as a user. The secret is returned
// here and never again.
func (a *Accounts) CreatePersonalToken(ctx context.Context, u User, name string, scopes []string, expires *time.Time) (secret string, t Token, err error) {
	if err := checkScopes(scopes, registry.ScopeAPI, registry.ScopeReadAPI); err != nil {
		return "", t, err
	}
	secret = auth.NewToken(auth.PersonalPrefix)
	digest := auth.Digest(secret)
	t = Token{Kind: "personal", Name: name, Username: u.Username, Scopes: scopes, ExpiresAt: expires}
	err = a.db.QueryRow(ctx, "insert into tokens (kind, digest, name, user_id, scopes, expires_at) values ('personal', $1, $2, $3, $4, $5) returning id",
		digest[:], name, u.ID, scopes, expires).Scan(&t.ID)
	if err != nil {
		return "", Token{}, fmt.Errorf("create token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}

// NewDeployToken is a deploy token to be made; exactly one of GroupID and
// ProjectID is set.
type NewDeployToken struct {
	Name      string
	Username  string // empty: gitlab+deploy-token-<id>
	GroupID   int64
	ProjectID int64
	Scopes    []string
	ExpiresAt *time.Time
}

// CreateDeployToken makes a token of a project or a group. The secret is
// returned here and never again.
func (a *Accounts) CreateDeployToken(ctx context.Context, n NewDeployToken) (secret string, t Token, err error) {
	if err := checkScopes(n.Scopes, registry.ScopeReadPackageRegistry, registry.ScopeWritePackageRegistry); err != nil {
		return "", t, err
	}
	if (n.GroupID == 0) == (n.ProjectID == 0) {
		return "", t, registry.Errorf(registry.CodeInvalid, "a deploy token belongs to either a group or a project")
	}
	if n.Username != "" && !regexp.MustCompile(`^[A-Za-z0-9.+_-]{1,255}$`).MatchString(n.Username) {
		return "", t, registry.Errorf(registry.CodeInvalid, "username %q can contain only letters, digits, '.', '+', '_' and '-'", n.Username)
	}
	secret = auth.NewToken(auth.DeployPrefix)
	digest := auth.Digest(secret)
	t = Token{Kind: "deploy", Name: n.Name, Scopes: n.Scopes, ExpiresAt: n.ExpiresAt}
	err = a.db.QueryRow(ctx, `
		with next as (select nextval(pg_get_serial_sequence('tokens', 'id')) as id)
		insert into tokens (id, kind, digest, name, username, group_id, project_id, scopes, expires_at) overriding system value
		select id, 'deploy', $1, $2, coalesce(nullif($3, ''), 'gitlab+deploy-token-' || id), nullif($4::bigint, 0), nullif($5::bigint, 0), $6, $7 from next
		returning id, username`,
		digest[:], n.Name, n.Username, n.GroupID, n.ProjectID, n.Scopes, n.ExpiresAt).Scan(&t.ID, &t.Username)
	if err != nil {
		return "", Token{}, fmt.Errorf("create deploy token: %w", postgres.Translate(err))
	}
	return secret, t, nil
}

// RevokeToken ends a token at once.
func (a *Accounts) RevokeToken(ctx context.Context, id int64) error {
	err := a.db.QueryRow(ctx, "update tokens set revoked_at = now() where id = $1 and revoked_at is null returning id", id).Scan(&id)
	return missing(err, "token %d", id)
}

func checkScopes(scopes []string, allowed ...registry.Scope) error {
	if len(scopes) == 0 {
		return registry.Errorf(registry.CodeInvalid, "scopes are missing: choose from %v", allowed)
	}
	for _, s := range scopes {
		if !slices.Contains(allowed, registry.Scope(s)) {
			return registry.Errorf(registry.CodeInvalid, "scope %q: choose from %v", s, allowed)
		}
	}
	return nil
}

func checkVisibility(v *registry.Visibility) error {
	switch *v {
	case "":
		*v = defaultLevel
	case registry.Private, registry.Internal, registry.Public:
	default:
		return registry.Errorf(registry.CodeInvalid, "visibility %q: choose private, internal or public", *v)
	}
	return nil
}

// pathIsFree: a group and a project cannot share a path. The lock keeps two
// creations at once from both finding it free; it is a statement of its own,
// because a statement sees what was committed before it began to wait.
func pathIsFree(ctx context.Context, tx pgx.Tx, fullPath string) error {
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('path ' || lower($1), 0))", fullPath); err != nil {
		return err
	}
	var used bool
	err := tx.QueryRow(ctx, `
		select exists (select from groups where lower(full_path) = lower($1)) or exists (select from projects where lower(full_path) = lower($1))`,
		fullPath).Scan(&used)
	if err != nil {
		return err
	}
	if used {
		return registry.Errorf(registry.CodeConflict, "path %q has already been taken", fullPath)
	}
	return nil
}

// inTx runs the steps in one transaction of the Accounts' own.
func (a *Accounts) inTx(ctx context.Context, first func(pgx.Tx) error, more ...func(context.Context, pgx.Tx) error) error {
	tx, err := a.db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", postgres.Translate(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := first(tx); err != nil {
		return err
	}
	for _, step := range more {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

func split(fullPath string) (parent, last string) {
	if i := strings.LastIndexByte(fullPath, '/'); i >= 0 {
		return fullPath[:i], fullPath[i+1:]
	}
	return "", fullPath
}

func missing(err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return registry.Errorf(registry.CodeNotFound, "there is no "+format, args...)
	}
	return postgres.Translate(err)
}

func taken(err error, path string) error {
	if postgres.IsUniqueViolation(err, "") {
		return registry.Errorf(registry.CodeConflict, "path %q has already been taken", path)
	}
	return postgres.Translate(err)
}
