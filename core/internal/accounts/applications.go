package accounts

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/packages"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Application is an OAuth application, without its secret.
type Application struct {
	ID           int64     `json:"id"`
	UID          string    `json:"application_id"` // OAuth's client_id
	Name         string    `json:"application_name"`
	RedirectURIs []string  `json:"redirect_uris"`
	Scopes       []string  `json:"scopes"`
	Confidential bool      `json:"confidential"` // it can keep a secret, and has one
	CreatedAt    time.Time `json:"created_at"`
}

// NewApplication is an application to be made, of the whole instance.
type NewApplication struct {
	Name         string
	RedirectURIs []string // none: for devices only
	Scopes       []string
	Confidential bool
}

const applicationColumns = "a.id, a.uid, a.name, a.redirect_uris, a.scopes, a.secret_digest is not null as confidential, a.created_at"

func applicationTargets(a *Application) []any {
	return []any{&a.ID, &a.UID, &a.Name, &a.RedirectURIs, &a.Scopes, &a.Confidential, &a.CreatedAt}
}

// CreateApplication makes an application. The secret is returned here and never
// again; a public application has none.
func (a *Accounts) CreateApplication(ctx context.Context, n NewApplication) (secret string, app Application, err error) {
	if n.Name == "" {
		return "", app, registry.Wrong("name", "can't be blank")
	}
	if err := checkTokenName(n.Name); err != nil {
		return "", app, err
	}
	if err := checkScopes(n.Scopes, registry.ScopeAPI, registry.ScopeReadAPI); err != nil {
		return "", app, registry.Wrong("scopes", "doesn't match configured on the server.").Because(err)
	}
	for _, uri := range n.RedirectURIs {
		if err := checkRedirectURI(uri, n.Confidential); err != nil {
			return "", app, err
		}
	}
	var digest []byte
	if n.Confidential {
		secret, digest = newApplicationSecret()
	}
	uid := make([]byte, 32)
	_, _ = rand.Read(uid) // it never fails
	app = Application{UID: hex.EncodeToString(uid), Name: n.Name, RedirectURIs: append([]string{}, n.RedirectURIs...), Scopes: n.Scopes, Confidential: n.Confidential}
	err = a.db.QueryRow(ctx, `
		insert into oauth_applications (uid, name, secret_digest, redirect_uris, scopes) values ($1, $2, $3, $4, $5) returning id, created_at`,
		app.UID, app.Name, digest, app.RedirectURIs, app.Scopes).Scan(&app.ID, &app.CreatedAt)
	if err != nil {
		return "", Application{}, fmt.Errorf("create application: %w", postgres.Translate(err))
	}
	return secret, app, nil
}

func newApplicationSecret() (secret string, digest []byte) {
	secret = auth.NewToken(auth.ApplicationSecretPrefix)
	sum := auth.Digest(secret)
	return secret, sum[:]
}

// checkRedirectURI refuses what codes must not be sent to. What an application on
// somebody's own machine opens is public: no other has a scheme of its own, and
// only to that machine is http good enough for it.
func checkRedirectURI(text string, confidential bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return registry.Wrong("redirect_uri", "must be an absolute URI.")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return registry.Wrong("redirect_uri", "cannot contain a fragment.")
	case u.Scheme == "" || strings.ContainsAny(text, " \t\r\n\\") || u.User != nil:
		return registry.Wrong("redirect_uri", "must be an absolute URI.")
	case slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about"}, u.Scheme):
		return registry.Wrong("redirect_uri", "is forbidden by the server.")
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && u.Host != "":
		if confidential || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback() {
			return nil
		}
		return registry.Wrong("redirect_uri", "must be an HTTPS/SSL URI.")
	case confidential || u.Scheme == "http" || u.Scheme == "https":
		return registry.Wrong("redirect_uri", "must be an absolute URI.")
	}
	return nil
}

// Applications returns a page of all applications.
func (a *Accounts) Applications(ctx context.Context, p Part) ([]Application, packages.Extent, error) {
	apps, extent, err := list(ctx, a.db, p, "select "+applicationColumns+" from oauth_applications a", nil, nil, scanApplication)
	if err != nil {
		return nil, extent, fmt.Errorf("list applications: %w", err)
	}
	return apps, extent, nil
}

func scanApplication(row pgx.CollectableRow) (app Application, err error) {
	return app, row.Scan(applicationTargets(&app)...)
}

// RenewApplicationSecret gives an application a new secret; the old one ends at once.
func (a *Accounts) RenewApplicationSecret(ctx context.Context, id int64) (secret string, app Application, err error) {
	secret, digest := newApplicationSecret()
	err = a.db.QueryRow(ctx, `
		update oauth_applications a set secret_digest = case when a.secret_digest is null then null else $2::bytea end
		where a.id = $1 returning `+applicationColumns, id, digest).Scan(applicationTargets(&app)...)
	if err != nil {
		return "", app, missing(err, "application %d", id)
	}
	if !app.Confidential {
		return "", app, registry.Errorf(registry.CodeInvalid, "application %d is public: it has no secret", id)
	}
	return secret, app, nil
}

// DeleteApplication deletes an application, with all that it was allowed: its
// tokens end at once.
func (a *Accounts) DeleteApplication(ctx context.Context, id int64) (app Application, err error) {
	err = a.db.QueryRow(ctx, "delete from oauth_applications a where a.id = $1 returning "+applicationColumns, id).Scan(applicationTargets(&app)...)
	return app, missing(err, "application %d", id)
}
