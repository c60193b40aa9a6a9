package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pakhus/pakhus/core/internal/audit"
)

// Paths of the authorization server, GitLab's.
const (
	AuthorizePath           = "/oauth/authorize"
	TokenPath               = "/oauth/token" //nolint:gosec // a path
	RevokePath              = "/oauth/revoke"
	IntrospectPath          = "/oauth/introspect"
	DeviceAuthorizationPath = "/oauth/authorize_device"
	DevicePath              = "/oauth/device"
	MetadataPath            = "/.well-known/oauth-authorization-server"
)

// Handler serves what applications ask themselves: tokens, their end, and what is
// known of them. What people see is package server's.
func (s *Server) Handler() http.Handler {
	return op.RegisterServer(&endpoints{server: s}, op.Endpoints{
		Token: op.NewEndpoint(TokenPath), Revocation: op.NewEndpoint(RevokePath), Introspection: op.NewEndpoint(IntrospectPath),
		DeviceAuthorization: op.NewEndpoint(DeviceAuthorizationPath),
	}, op.WithServerCORSOptions(nil), op.WithDecoder(s.decoder), op.WithEncoder(s.encoder))
}

// endpoints are what the library calls when it has read a request.
type endpoints struct {
	op.UnimplementedServer

	server *Server
}

var _ op.Server = (*endpoints)(nil)

// VerifyClient implements op.Server.
func (e *endpoints) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	c, err := e.server.verified(ctx, r.Data)
	if err != nil {
		return nil, err // and no *client that is nil
	}
	return c, nil
}

// CodeExchange implements op.Server.
func (e *endpoints) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	c, err := of(r.Client)
	if err != nil {
		return nil, err
	}
	t, err := e.server.exchange(ctx, c, r.Data, func(challenge *oidc.CodeChallenge) error {
		return op.AuthorizeCodeChallenge(r.Data.CodeVerifier, challenge)
	})
	return e.given(ctx, c, t, err)
}

// RefreshToken implements op.Server.
func (e *endpoints) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	c, err := of(r.Client)
	if err != nil {
		return nil, err
	}
	t, err := e.server.refresh(ctx, c, r.Data.RefreshToken, r.Data.Scopes)
	return e.given(ctx, c, t, err)
}

// DeviceToken implements op.Server.
func (e *endpoints) DeviceToken(ctx context.Context, r *op.ClientRequest[oidc.DeviceAccessTokenRequest]) (*op.Response, error) {
	c, err := of(r.Client)
	if err != nil {
		return nil, err
	}
	t, err := e.server.redeem(ctx, c, r.Data.DeviceCode)
	return e.given(ctx, c, t, err)
}

func of(c op.Client) (*client, error) {
	if c, ok := c.(*client); ok {
		return c, nil
	}
	return nil, oidc.ErrServerError()
}

// tokenDocument is GitLab's answer with tokens.
type tokenDocument struct {
	AccessToken  string                   `json:"access_token"`
	TokenType    string                   `json:"token_type"`
	ExpiresIn    int                      `json:"expires_in"`
	RefreshToken string                   `json:"refresh_token"`
	Scope        oidc.SpaceDelimitedArray `json:"scope"`
	CreatedAt    int64                    `json:"created_at"`
}

func (e *endpoints) given(ctx context.Context, c *client, t Tokens, err error) (*op.Response, error) {
	if err != nil {
		return nil, err
	}
	if err := e.server.Done(ctx, t.by, audit.Change{Type: "token.created", Name: c.name}); err != nil {
		return nil, e.server.fault("audit a token", err)
	}
	return op.NewResponse(tokenDocument{
		AccessToken: t.Access, TokenType: oidc.BearerToken, ExpiresIn: int(accessLife / time.Second), RefreshToken: t.Refresh,
		Scope: t.Scopes, CreatedAt: t.Made.Unix(),
	}), nil
}

// DeviceAuthorization implements op.Server.
func (e *endpoints) DeviceAuthorization(ctx context.Context, r *op.ClientRequest[oidc.DeviceAuthorizationRequest]) (*op.Response, error) {
	c, err := of(r.Client)
	if err != nil {
		return nil, err
	}
	scopes, err := c.asked(r.Data.Scopes)
	if err != nil {
		return nil, err
	}
	device, user, err := e.server.newDevice(ctx, c, scopes)
	if err != nil {
		return nil, e.server.fault("start a device's authorization", err)
	}
	page := op.IssuerFromContext(ctx) + DevicePath
	return op.NewResponse(oidc.DeviceAuthorizationResponse{
		DeviceCode: device, UserCode: user, VerificationURI: page, VerificationURIComplete: page + "?user_code=" + url.QueryEscape(user),
		ExpiresIn: int(deviceLife / time.Second), Interval: int(pollInterval / time.Second),
	}), nil
}

// Introspect implements op.Server. An application learns of its own tokens, if it
// has a secret by which it is known.
func (e *endpoints) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	c, err := e.server.verified(ctx, r.Data.ClientCredentials)
	if err != nil {
		return nil, err
	}
	t, err := e.server.find(ctx, r.Data.Token)
	if err != nil {
		return nil, e.server.fault("introspect a token", err)
	}
	answer := &oidc.IntrospectionResponse{}
	if t == nil || t.ClientID != c.uid {
		return op.NewResponse(answer), nil
	}
	answer.Active, answer.Scope, answer.ClientID, answer.TokenType = true, t.Scopes, t.ClientID, oidc.BearerToken
	answer.Expiration, answer.IssuedAt = oidc.FromTime(t.ExpiresAt), oidc.FromTime(t.Made)
	answer.Subject, answer.Username = strconv.FormatInt(t.UserID, 10), t.Username
	if t.Refresh {
		answer.TokenType = "refresh_token"
	}
	return op.NewResponse(answer), nil
}

// Revocation implements op.Server: all ends that came of what was allowed once. Of
// a token that is no good, that has been so before.
func (e *endpoints) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	c, err := of(r.Client)
	if err != nil {
		return nil, err
	}
	t, err := e.server.find(ctx, r.Data.Token)
	if err != nil {
		return nil, e.server.fault("revoke a token", err)
	}
	if t == nil {
		return op.NewResponse(struct{}{}), nil
	}
	if t.ClientID != c.uid {
		return nil, op.NewStatusError(oidc.ErrUnauthorizedClient().WithDescription("You are not authorized to revoke this token"), http.StatusForbidden)
	}
	if err := e.server.revoke(ctx, t); err != nil {
		return nil, e.server.fault("revoke a token", err)
	}
	return op.NewResponse(struct{}{}), nil
}

// Metadata is RFC 8414's description of this server, under the URL that clients call it.
func Metadata(origin string) any {
	basic := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost}
	return &oidc.DiscoveryConfiguration{
		Issuer:                                    origin,
		AuthorizationEndpoint:                     origin + AuthorizePath,
		TokenEndpoint:                             origin + TokenPath,
		RevocationEndpoint:                        origin + RevokePath,
		IntrospectionEndpoint:                     origin + IntrospectPath,
		DeviceAuthorizationEndpoint:               origin + DeviceAuthorizationPath,
		ScopesSupported:                           []string{"api", "read_api"},
		ResponseTypesSupported:                    []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:                    []string{string(oidc.ResponseModeQuery)},
		GrantTypesSupported:                       grantTypes(),
		TokenEndpointAuthMethodsSupported:         append(basic, oidc.AuthMethodNone),
		RevocationEndpointAuthMethodsSupported:    append(basic, oidc.AuthMethodNone),
		IntrospectionEndpointAuthMethodsSupported: basic,
		CodeChallengeMethodsSupported:             []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
	}
}
