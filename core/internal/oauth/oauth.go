// Package oauth is the OAuth 2 authorization server: people allow applications to
// act for them, and applications get tokens for it.
//
//	client.go    who asks for tokens: an application, by its secret or without one
//	authorize.go the browser's part: what is asked for, and where the answer goes
//	grants.go    what was allowed: codes, refresh tokens, and the end of both
//	device.go    the part of those who have no browser
//	endpoints.go the library's interface, over all of the above
//
// The protocol is the library's (zitadel/oidc's op): it reads requests,
// authenticates clients' headers, compares redirect URIs and code challenges and
// writes answers. What is kept, and for how long, is decided here. An access token
// is a row of the table tokens and is resolved by package auth, like all others.
//
// No secret is stored: of codes and tokens, there are digests.
package oauth

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"github.com/zitadel/schema"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// How long things live. Access tokens are GitLab's two hours.
const (
	codeLife    = 2 * time.Minute
	accessLife  = 2 * time.Hour
	refreshLife = 90 * 24 * time.Hour // after its last use, an application has to ask anew
	deviceLife  = 10 * time.Minute
)

// Config is what a Server needs.
type Config struct {
	Pool *pgxpool.Pool
	// Done is told what was done for whom, before it is answered; an error refuses the answer.
	Done func(ctx context.Context, by registry.Actor, what audit.Change) error
	Log  hclog.Logger
}

// Server is the authorization server.
type Server struct {
	Config

	decoder *schema.Decoder
	encoder *schema.Encoder
}

// New makes a Server.
func New(cfg Config) *Server {
	s := &Server{Config: cfg, decoder: schema.NewDecoder(), encoder: oidc.NewEncoder()}
	s.decoder.IgnoreUnknownKeys(true)
	return s
}

// WithOrigin says in a request's context what clients call this registry.
func WithOrigin(ctx context.Context, origin string) context.Context {
	return op.ContextWithIssuer(ctx, origin)
}

// fault is what a client is told when it is not to blame; the log has the reason.
func (s *Server) fault(what string, err error) error {
	s.Log.Error(what+" failed", "error", err)
	return oidc.ErrServerError().WithDescription("The registry cannot answer at the moment. Try again later.")
}
