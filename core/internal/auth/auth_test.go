package auth_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakhus/pakhus/core/internal/accounts"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/pgtest"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// world is a registry with a nested group and a project.
type world struct {
	*pgtest.Database
	accounts *accounts.Accounts
	auth     *auth.Authenticator
	top, sub registry.Group
	project  registry.Project
}

func setup(t testing.TB) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{Database: db, accounts: accounts.New(db.Pool), auth: auth.New(db.Pool)}
	var err error
	if w.top, err = w.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "top"}); err != nil {
		t.Fatal(err)
	}
	if w.sub, err = w.accounts.CreateGroup(t.Context(), accounts.NewGroup{FullPath: "top/sub"}); err != nil {
		t.Fatal(err)
	}
	if w.project, err = w.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: "top/sub/Web.App"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) user(t testing.TB, name string) accounts.User {
	t.Helper()
	u, err := w.accounts.CreateUser(t.Context(), accounts.NewUser{Username: name, Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) token(t testing.TB, u accounts.User, expires *time.Time, scopes ...string) (string, accounts.Token) {
	t.Helper()
	secret, token, err := w.accounts.CreatePersonalToken(t.Context(), u, accounts.NewPersonalToken{Name: "test", Scopes: scopes, ExpiresAt: expires})
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

func (w *world) resolve(t testing.TB, via auth.Transport, secret string) (auth.Caller, error) {
	t.Helper()
	return w.auth.Resolve(t.Context(), auth.Credentials{Transport: via, Username: "any", Secret: secret}, true, auth.ProjectRef{ID: w.project.ID})
}

func TestAPersonalTokenIsItsUserByEveryTransport(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	secret, _ := w.token(t, u, nil, "api")
	for _, via := range []auth.Transport{auth.PrivateToken, auth.Bearer, auth.Basic} {
		c, err := w.resolve(t, via, secret)
		if err != nil {
			t.Fatalf("%s: %v", via, err)
		}
		if c.Actor.Kind != registry.User || c.Actor.UserID != u.ID || c.Actor.Username != "ann" || !c.Actor.Has(registry.ScopeAPI) {
			t.Errorf("%s: got %+v", via, c.Actor)
		}
	}
	if _, err := w.resolve(t, auth.DeployToken, secret); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("in a Deploy-Token header: %v", err)
	}
}

func TestTheHighestRoleCounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	secret, _ := w.token(t, u, nil, "api")
	want := registry.NoAccess
	for _, step := range []struct {
		group, project int64
		level          registry.AccessLevel
		want           registry.AccessLevel
	}{
		{w.top.ID, 0, registry.Reporter, registry.Reporter},     // inherited from the top
		{0, w.project.ID, registry.Guest, registry.Reporter},    // a lower one does not lower it
		{w.sub.ID, 0, registry.Maintainer, registry.Maintainer}, // a higher one between
		{w.sub.ID, 0, registry.Developer, registry.Developer},   // a role can be changed
	} {
		c, err := w.resolve(t, auth.Bearer, secret)
		if err != nil || c.Level != want {
			t.Fatalf("level %d, want %d: %v", c.Level, want, err)
		}
		if err := w.accounts.AddMember(t.Context(), u.ID, step.group, step.project, step.level); err != nil {
			t.Fatal(err)
		}
		want = step.want
	}
	if c, err := w.resolve(t, auth.Bearer, secret); err != nil || c.Level != want {
		t.Fatalf("level %d, want %d: %v", c.Level, want, err)
	}
}

func TestTheProjectIsFoundByNumberAndByPathWithoutCase(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for ref, found := range map[auth.ProjectRef]bool{
		{ID: w.project.ID}:           true,
		{Path: "top/sub/Web.App"}:    true,
		{Path: "TOP/sub/web.app"}:    true,
		{Path: "top/sub"}:            false,
		{Path: "top/sub/Web"}:        false,
		{ID: w.project.ID + 1}:       false,
		{Path: "top/sub/Web.App'--"}: false,
	} {
		c, err := w.auth.Resolve(t.Context(), auth.Credentials{}, false, ref)
		if err != nil {
			t.Fatal(err)
		}
		if (c.Project != nil) != found {
			t.Errorf("%+v: found %t", ref, c.Project != nil)
		}
		if found && !slices.Equal(c.Project.GroupAncestorIDs, []int64{w.top.ID, w.sub.ID}) {
			t.Errorf("%+v: ancestors %v", ref, c.Project.GroupAncestorIDs)
		}
		if c.Actor.Kind != registry.Anonymous {
			t.Errorf("%+v: actor %+v", ref, c.Actor)
		}
	}
}

func TestWrongCredentialsAreNeverAnonymous(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	expired, over := w.token(t, u, nil, "api")
	if _, err := w.Pool.Exec(t.Context(), "update tokens set expires_at = now() - interval '1 minute' where id = $1", over.ID); err != nil {
		t.Fatal(err)
	}
	revoked, token := w.token(t, u, nil, "api")
	if err := w.accounts.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"unknown": auth.NewToken(auth.PersonalPrefix), "expired": expired, "revoked": revoked,
		"malformed": "glpat-nonsense", "a password": "correct horse", "nothing": "",
	} {
		if _, err := w.resolve(t, auth.Bearer, secret); registry.CodeOf(err) != registry.CodeUnauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABlockedUserIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	secret, _ := w.token(t, w.user(t, "ann"), nil, "api")
	if err := w.accounts.BlockUser(t.Context(), "ANN", true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.resolve(t, auth.Bearer, secret); registry.CodeOf(err) != registry.CodeForbidden {
		t.Errorf("by token: %v", err)
	}
	if _, err := w.auth.Login(t.Context(), "ann", "correct horse"); registry.CodeOf(err) != registry.CodeForbidden {
		t.Errorf("by password: %v", err)
	}
	if err := w.accounts.BlockUser(t.Context(), "ann", false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.resolve(t, auth.Bearer, secret); err != nil {
		t.Errorf("unblocked: %v", err)
	}
}

func TestADeployTokenIsNoUser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	if err := w.accounts.AddMember(t.Context(), u.ID, w.top.ID, 0, registry.Owner); err != nil {
		t.Fatal(err)
	}
	secret, token, err := w.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{ProjectID: w.project.ID, Scopes: []string{"read_package_registry"}})
	if err != nil {
		t.Fatal(err)
	}
	if token.Username == "" {
		t.Error("the token has no user name")
	}
	for _, via := range []auth.Transport{auth.DeployToken, auth.Bearer, auth.Basic} {
		c, err := w.auth.Resolve(t.Context(), auth.Credentials{Transport: via, Username: strings.ToUpper(token.Username), Secret: secret}, true, auth.ProjectRef{ID: w.project.ID})
		if err != nil || c.Actor.Kind != registry.DeployToken || c.Actor.UserID != 0 || c.Level != registry.NoAccess || c.Actor.ProjectID != w.project.ID {
			t.Errorf("%s: %+v, level %d, %v", via, c.Actor, c.Level, err)
		}
	}
	if _, err := w.resolve(t, auth.PrivateToken, secret); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("in PRIVATE-TOKEN: %v", err)
	}
	if _, err := w.resolve(t, auth.Basic, secret); registry.CodeOf(err) != registry.CodeUnauthenticated {
		t.Errorf("by another user name: %v", err)
	}
}

// An application's access token is its user, within its scopes; it is no personal
// token, and what a client has made of it ends with it.
func TestAnOAuthTokenActsForItsUser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	secret := auth.NewToken(auth.OAuthPrefix)
	digest := auth.Digest(secret)
	if _, err := w.Pool.Exec(t.Context(), `
		with a as (insert into oauth_applications (uid, name, redirect_uris, scopes) values ('a', 'a', '{}', '{read_api}') returning id),
		     g as (insert into oauth_grants (application_id, user_id, scopes) select id, $1, '{read_api}' from a returning id)
		insert into tokens (kind, digest, user_id, scopes, expires_at, oauth_grant_id)
		select 'oauth', $2, $1, '{read_api}', now() + interval '1 hour', id from g`, u.ID, digest[:]); err != nil {
		t.Fatal(err)
	}
	for via, ok := range map[auth.Transport]bool{auth.Bearer: true, auth.Basic: true, auth.APIKey: true, auth.PrivateToken: false, auth.DeployToken: false} {
		c, err := w.resolve(t, via, secret)
		if ok != (err == nil) || (!ok && registry.CodeOf(err) != registry.CodeUnauthenticated) {
			t.Errorf("%s: %v", via, err)
		}
		if a := c.Actor; ok && (a.Kind != registry.User || a.UserID != u.ID || !a.OAuth || a.Has(registry.ScopeAPI) || !a.Has(registry.ScopeReadAPI) || a.ExpiresAt.IsZero()) {
			t.Errorf("%s: %+v", via, a)
		}
	}
	c, err := w.resolve(t, auth.Bearer, secret)
	if err != nil {
		t.Fatal(err)
	}
	child, err := w.auth.Issue(t.Context(), c.Actor, "conan")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.resolve(t, auth.Bearer, child); err != nil || !got.Actor.OAuth || got.Actor.ExpiresAt.After(c.Actor.ExpiresAt) || got.Actor.Has(registry.ScopeAPI) {
		t.Errorf("what was made of it: %+v, %v", got.Actor, err)
	}
	if err := w.accounts.RevokeToken(t.Context(), c.Actor.TokenID); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{secret, child} {
		if _, err := w.resolve(t, auth.Bearer, s); registry.CodeOf(err) != registry.CodeUnauthenticated {
			t.Errorf("revoked: %v", err)
		}
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	u := w.user(t, "ann")
	w.user(t, "bob")
	secret, _ := w.token(t, u, nil, "read_api")
	for _, c := range []struct {
		name, user, secret string
		ok                 bool
	}{
		{"password", "ann", "correct horse", true},
		{"password, other case of the name", "ANN", "correct horse", true},
		{"token", "ann", secret, true},
		{"token, other case of the name", "Ann", secret, true},
		{"somebody else's token", "bob", secret, false},
		{"wrong password", "ann", "battery staple", false},
		{"nobody", "eve", "correct horse", false},
		{"empty", "ann", "", false},
		{"a name that PostgreSQL does not take", "ann\x00", "correct horse", false},
		{"a name that is no text", "ann\xff", "correct horse", false},
	} {
		actor, err := w.auth.Login(t.Context(), c.user, c.secret)
		if (err == nil) != c.ok || (err != nil && registry.CodeOf(err) != registry.CodeUnauthenticated) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.ok && actor.UserID != u.ID {
			t.Errorf("%s: %+v", c.name, actor)
		}
	}
}

func TestAnIssuedTokenIsNeitherWiderNorLongerLived(t *testing.T) {
	t.Parallel()
	w := setup(t)
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	secret, _ := w.token(t, w.user(t, "ann"), &until, "read_api")
	actor, err := w.auth.Login(t.Context(), "ann", secret)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := w.auth.Issue(t.Context(), actor, "npm login")
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.resolve(t, auth.Bearer, issued)
	if err != nil {
		t.Fatal(err)
	}
	if c.Actor.Has(registry.ScopeAPI) || !c.Actor.Has(registry.ScopeReadAPI) || !c.Actor.ExpiresAt.Equal(until) {
		t.Errorf("got %+v", c.Actor)
	}
}

// A token that a client had made with a token is that one's, as long as that one is good.
func TestAnIssuedTokenEndsWithTheOneItWasMadeWith(t *testing.T) {
	t.Parallel()
	w := setup(t)
	soon := time.Now().Add(time.Hour).Truncate(time.Second)
	personal, parent := w.token(t, w.user(t, "ann"), nil, "read_api")
	deploy, deployParent, err := w.accounts.CreateDeployToken(t.Context(), accounts.NewDeployToken{
		ProjectID: w.project.ID, Scopes: []string{"read_package_registry"}, ExpiresAt: &soon,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		secret string
		parent int64
		name   string
	}{{personal, parent.ID, parent.Username}, {deploy, deployParent.ID, deployParent.Username}} {
		// Of a token, and of a token that was made so itself.
		issued := []string{c.secret}
		for range 2 {
			from, err := w.resolve(t, auth.Bearer, issued[len(issued)-1])
			if err != nil {
				t.Fatal(err)
			}
			next, err := w.auth.Issue(t.Context(), from.Actor, "conan")
			if err != nil {
				t.Fatal(err)
			}
			issued = append(issued, next)
		}
		first, err := w.resolve(t, auth.Bearer, c.secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range issued[1:] {
			got, err := w.auth.Resolve(t.Context(), auth.Credentials{Transport: auth.Basic, Username: c.name, Secret: secret}, true, auth.ProjectRef{})
			if err != nil {
				t.Fatal(err)
			}
			a, b := got.Actor, first.Actor
			if a.Kind != b.Kind || a.UserID != b.UserID || a.Username != b.Username || a.ProjectID != b.ProjectID || !slices.Equal(a.Scopes, b.Scopes) ||
				a.OwnTokenID() != c.parent || b.OwnTokenID() != c.parent {
				t.Errorf("%+v, want what %+v may", a, b)
			}
			if latest := time.Now().Add(91 * 24 * time.Hour); a.ExpiresAt.IsZero() || a.ExpiresAt.After(latest) || (!b.ExpiresAt.IsZero() && a.ExpiresAt.After(b.ExpiresAt)) {
				t.Errorf("it ends at %s, its parent at %s", a.ExpiresAt, b.ExpiresAt)
			}
		}
		if err := w.accounts.RevokeToken(t.Context(), c.parent); err != nil {
			t.Fatal(err)
		}
		for _, secret := range issued {
			if _, err := w.resolve(t, auth.Bearer, secret); registry.CodeOf(err) != registry.CodeUnauthenticated {
				t.Errorf("after the first was revoked: %v", err)
			}
		}
		if _, err := w.auth.Issue(t.Context(), registry.Actor{Kind: registry.User, TokenID: 1 << 40}, "x"); registry.CodeOf(err) != registry.CodeUnauthenticated {
			t.Errorf("of a token that went: %v", err)
		}
	}
}

// What was taken away is gone within the time that answers are believed, however
// often the token is used meanwhile.
func TestARevocationTakesEffectInTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const while = 300 * time.Millisecond
	var err error
	if w.auth, err = auth.Remembering(w.Pool, while); err != nil {
		t.Fatal(err)
	}
	secret, token := w.token(t, w.user(t, "ann"), nil, "api")
	if _, err := w.resolve(t, auth.Bearer, secret); err != nil {
		t.Fatal(err)
	}
	if err := w.accounts.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	revoked := time.Now()
	for {
		_, err := w.resolve(t, auth.Bearer, secret)
		if registry.CodeOf(err) == registry.CodeUnauthenticated {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// Twice the time, for a machine that is busy with other tests.
		if time.Since(revoked) > 2*while {
			t.Fatalf("still let in %s after it was revoked", time.Since(revoked))
		}
	}
}

// What does not exist is not remembered: a project is there as soon as it was made.
func TestAProjectIsFoundOnceItIsMade(t *testing.T) {
	t.Parallel()
	w := setup(t)
	remembering, err := auth.Remembering(w.Pool, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ref := auth.ProjectRef{Path: "top/late"}
	for _, made := range []bool{false, true} {
		if made {
			if _, err := w.accounts.CreateProject(t.Context(), accounts.NewProject{FullPath: ref.Path}); err != nil {
				t.Fatal(err)
			}
		}
		c, err := remembering.Resolve(t.Context(), auth.Credentials{}, false, ref)
		if err != nil || (c.Project != nil) != made {
			t.Errorf("made %t: %+v, %v", made, c.Project, err)
		}
	}
}

// When a token was used is noted without the request waiting, and at most once a minute.
func TestTheLastUseIsNoted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	secret, token := w.token(t, w.user(t, "ann"), nil, "api")
	lastUse := func() (at *time.Time) {
		t.Helper()
		if err := w.Pool.QueryRow(t.Context(), "select last_used_at from tokens where id = $1", token.ID).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	// use resolves the token, and ends the Authenticator, which writes what it has noted.
	use := func() {
		t.Helper()
		w.auth = auth.New(w.Pool)
		if _, err := w.resolve(t, auth.Bearer, secret); err != nil {
			t.Fatal(err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		w.auth.Run(ended)
	}
	if at := lastUse(); at != nil {
		t.Fatalf("used at %s before its first use", at)
	}
	use()
	first := lastUse()
	if first == nil {
		t.Fatal("the first use is not noted")
	}
	use()
	if again := lastUse(); !again.Equal(*first) {
		t.Errorf("written twice within a minute: %s, %s", first, again)
	}
	if _, err := w.Pool.Exec(t.Context(), "update tokens set last_used_at = now() - interval '61 seconds'"); err != nil {
		t.Fatal(err)
	}
	use()
	if at := lastUse(); !at.After(*first) {
		t.Errorf("a use a minute later is not noted: %s", at)
	}
}

func BenchmarkResolve(b *testing.B) {
	w := setup(b)
	u := w.user(b, "ann")
	if err := w.accounts.AddMember(b.Context(), u.ID, w.top.ID, 0, registry.Developer); err != nil {
		b.Fatal(err)
	}
	secret, _ := w.token(b, u, nil, "api")
	for b.Loop() {
		if _, err := w.resolve(b, auth.Bearer, secret); err != nil {
			b.Fatal(err)
		}
	}
}

// A group of 2,000 projects in 50 groups, for somebody with a role on some of each.
func BenchmarkResolveGroup(b *testing.B) {
	w := setup(b)
	u := w.user(b, "ann")
	secret, _ := w.token(b, u, nil, "api")
	for _, sql := range []string{
		`insert into groups (parent_id, path, full_path, name) select id, 's' || n, 'top/s' || n, 's' from groups, generate_series(1, 50) n where full_path = 'top'`,
		`update groups set ancestor_ids = array[parent_id, id] where full_path like 'top/s%'`,
		`insert into projects (group_id, path, full_path, name) select id, 'p' || n, full_path || '/p' || n, 'p' from groups, generate_series(1, 40) n where full_path ~ '^top/s[0-9]'`,
		`insert into memberships (user_id, group_id, access_level) select u.id, g.id, 30 from users u, groups g where g.id % 10 = 0`,
		`insert into memberships (user_id, project_id, access_level) select u.id, p.id, 10 from users u, projects p where p.id % 100 = 0`,
		`insert into package_settings (group_id, format, keep_snapshots) select id, 'maven', 3 from groups`,
		`analyze`,
	} {
		if _, err := w.Pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		c, err := w.auth.ResolveGroup(b.Context(), auth.Credentials{Transport: auth.Bearer, Secret: secret}, true, auth.GroupRef{Path: "top"})
		if err != nil || len(c.Standings) != 2001 {
			b.Fatal(len(c.Standings), err)
		}
	}
}
