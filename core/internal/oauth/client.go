package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/postgres"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// client is an application as the library sees it.
type client struct {
	id        int64
	uid       string
	name      string
	secret    []byte // its digest; nil: a public client
	redirects []string
	scopes    []string
}

var errNoClient = errors.New("there is no such application")

// client finds an application by its client_id; errNoClient if there is none.
func (s *Server) client(ctx context.Context, uid string) (*client, error) {
	if !utf8.ValidString(uid) || strings.ContainsRune(uid, 0) {
		return nil, errNoClient
	}
	c := &client{}
	err := s.Pool.QueryRow(ctx, "select id, uid, name, secret_digest, redirect_uris, scopes from oauth_applications where uid = $1", uid).
		Scan(&c.id, &c.uid, &c.name, &c.secret, &c.redirects, &c.scopes)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNoClient
	}
	if err != nil {
		return nil, fmt.Errorf("find application: %w", postgres.Translate(err))
	}
	return c, nil
}

// verified is the client that credentials are of: a confidential one has to show
// its secret, and a public one has none to show.
func (s *Server) verified(ctx context.Context, credentials *op.ClientCredentials) (*client, error) {
	refused := op.NewStatusError(oidc.ErrInvalidClient().WithDescription("Client authentication failed due to unknown client, "+
		"no client authentication included, or unsupported authentication method."), http.StatusUnauthorized)
	if credentials.ClientAssertion != "" {
		return nil, refused
	}
	c, err := s.client(ctx, credentials.ClientID)
	if errors.Is(err, errNoClient) {
		return nil, refused
	}
	if err != nil {
		return nil, s.fault("find client", err)
	}
	shown := auth.Digest(credentials.ClientSecret)
	switch {
	case c.secret == nil && credentials.ClientSecret == "":
		return c, nil
	case c.secret != nil && subtle.ConstantTimeCompare(shown[:], c.secret) == 1:
		return c, nil
	}
	return nil, refused
}

// asked are the scopes that a client may have of those it asks for. As in GitLab,
// who asks for none means api.
func (c *client) asked(scopes []string) ([]string, error) {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "" })
	if len(scopes) == 0 {
		scopes = []string{string(registry.ScopeAPI)}
	}
	for _, scope := range scopes {
		if !c.IsScopeAllowed(scope) {
			return nil, oidc.ErrInvalidScope().WithDescription("The requested scope is invalid, unknown, or malformed.")
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}

// The rest is what the library wants to know of a client.

// GetID implements op.Client.
func (c *client) GetID() string { return c.uid }

// RedirectURIs implements op.Client.
func (c *client) RedirectURIs() []string { return c.redirects }

// PostLogoutRedirectURIs implements op.Client.
func (c *client) PostLogoutRedirectURIs() []string { return nil }

// ApplicationType implements op.Client. A native client may be called back on any
// port of the machine it runs on (RFC 8252).
func (c *client) ApplicationType() op.ApplicationType {
	if c.secret == nil {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

// AuthMethod implements op.Client.
func (c *client) AuthMethod() oidc.AuthMethod {
	if c.secret == nil {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

// ResponseTypes implements op.Client.
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

// GrantTypes implements op.Client.
func (c *client) GrantTypes() []oidc.GrantType { return grantTypes() }

func grantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}
}

// LoginURL implements op.Client; people are sent to the sign-in page by package server.
func (c *client) LoginURL(string) string { return "" }

// AccessTokenType implements op.Client.
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }

// IDTokenLifetime implements op.Client; there are no ID tokens.
func (c *client) IDTokenLifetime() time.Duration { return 0 }

// DevMode implements op.Client.
func (c *client) DevMode() bool { return false }

// RestrictAdditionalIdTokenScopes implements op.Client.
//
//nolint:revive,staticcheck // the library's name
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// RestrictAdditionalAccessTokenScopes implements op.Client.
func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(scopes []string) []string { return scopes }
}

// IsScopeAllowed implements op.Client.
func (c *client) IsScopeAllowed(scope string) bool { return slices.Contains(c.scopes, scope) }

// IDTokenUserinfoClaimsAssertion implements op.Client.
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return false }

// ClockSkew implements op.Client.
func (c *client) ClockSkew() time.Duration { return 0 }
