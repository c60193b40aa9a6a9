package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// Asked is what an application asks somebody to allow. All of it has been checked.
type Asked struct {
	Application string // its name
	Scopes      []string
	RedirectURI string
	// Fields are what makes the same request again.
	Fields map[string]string

	client    *client
	state     string
	challenge string
}

// RequestError is a request whose answer cannot go to the application, because it
// cannot be known for one: the person before the browser is told instead.
type RequestError struct{ Sentence string }

// Error implements error.
func (e *RequestError) Error() string { return e.Sentence }

// Authorize reads and checks a request for authorization. If it was wrong, but
// from an application that is known, answer is where the browser is to take the
// refusal. The error is a *RequestError, or a fault.
func (s *Server) Authorize(r *http.Request) (asked *Asked, answer string, err error) {
	request, err := op.ParseAuthorizeRequest(r, s.decoder)
	if err != nil {
		return nil, "", &RequestError{"The request cannot be read."}
	}
	ctx := r.Context()
	c, err := s.client(ctx, request.ClientID)
	if errors.Is(err, errNoClient) {
		return nil, "", &RequestError{"Client authentication failed due to unknown client."}
	}
	if err != nil {
		return nil, "", err
	}
	// Everything that is wrong from here on may be told to the redirect URI.
	if err := op.ValidateAuthReqRedirectURI(c, request.RedirectURI, request.ResponseType); err != nil {
		return nil, "", &RequestError{"The redirect URI included is not valid."}
	}
	asked, err = check(c, request)
	if err != nil {
		answer, err = s.refusal(err, request.RedirectURI, request.State)
		return nil, answer, err
	}
	return asked, "", nil
}

func check(c *client, r *oidc.AuthRequest) (*Asked, error) {
	switch {
	case r.RequestParam != "":
		return nil, oidc.ErrRequestNotSupported()
	case r.ResponseMode != "" && r.ResponseMode != oidc.ResponseModeQuery:
		return nil, oidc.ErrInvalidRequest().WithDescription("The response_mode is not supported: choose query.")
	case r.ResponseType != oidc.ResponseTypeCode:
		return nil, unsupportedResponseType()
	case c.secret == nil && r.CodeChallenge == "":
		return nil, oidc.ErrInvalidRequest().WithDescription("Code challenge is required.")
	case r.CodeChallenge != "" && r.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("The code_challenge_method must be S256.")
	case len(r.CodeChallenge) > 128:
		return nil, oidc.ErrInvalidRequest().WithDescription("The code_challenge is too long.")
	}
	if _, err := op.ValidateAuthReqPrompt(r.Prompt, nil); err != nil {
		return nil, err
	}
	if slices.Contains(r.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrInteractionRequired().WithDescription("Applications are allowed by people.")
	}
	scopes, err := c.asked(r.Scopes)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{
		"client_id": c.uid, "redirect_uri": r.RedirectURI, "response_type": string(r.ResponseType), "scope": oidc.SpaceDelimitedArray(scopes).String(),
		"state": r.State, "code_challenge": r.CodeChallenge, "code_challenge_method": string(r.CodeChallengeMethod),
	}
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	return &Asked{
		Application: c.name, Scopes: scopes, RedirectURI: r.RedirectURI, Fields: fields,
		client: c, state: r.State, challenge: r.CodeChallenge,
	}, nil
}

// unsupportedResponseType: the library has no name for this error of RFC 6749.
func unsupportedResponseType() *oidc.Error {
	e := oidc.ErrInvalidRequest().WithDescription("The authorization server does not support this response type.")
	e.ErrorType = "unsupported_response_type"
	return e
}

// Allow makes a code for what was asked, in somebody's name. The answer is where
// the browser is to take it.
func (s *Server) Allow(ctx context.Context, a *Asked, by registry.Actor) (answer string, err error) {
	code, err := s.allow(ctx, a, by.UserID)
	if err != nil {
		return "", err
	}
	if err := s.Done(ctx, by, audit.Change{Type: "oauth_grant.created", Name: a.Application}); err != nil {
		return "", err
	}
	return op.AuthResponseURL(a.RedirectURI, oidc.ResponseTypeCode, oidc.ResponseModeQuery, &op.CodeResponseType{Code: code, State: a.state}, s.encoder)
}

// Deny refuses what was asked.
func (s *Server) Deny(a *Asked) (answer string, err error) {
	denied := oidc.ErrAccessDenied().WithDescription("The resource owner or authorization server denied the request.")
	return s.refusal(denied, a.RedirectURI, a.state)
}

func (s *Server) refusal(err error, redirectURI, state string) (string, error) {
	e, ok := errors.AsType[*oidc.Error](err)
	if !ok {
		return "", err
	}
	e.State = state
	return op.AuthResponseURL(redirectURI, oidc.ResponseTypeCode, oidc.ResponseModeQuery, e, s.encoder)
}
