package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/oauth"
	"github.com/pakhus/pakhus/core/internal/registry"
)

// oauthAPI mounts the authorization server, under GitLab's paths: what
// applications ask, and the pages where people allow it.
func (s *Server) oauthAPI(e *gin.Engine) {
	library := s.oauth.Handler()
	ask := s.byMethod(map[string]gin.HandlerFunc{http.MethodPost: func(c *gin.Context) { s.askOAuth(c, library) }})
	for _, path := range []string{oauth.TokenPath, oauth.RevokePath, oauth.IntrospectPath, oauth.DeviceAuthorizationPath} {
		e.Any(path, ask)
	}
	e.Any(oauth.AuthorizePath, s.byMethod(map[string]gin.HandlerFunc{
		http.MethodGet: s.page(s.showConsent), http.MethodPost: s.page(s.consent),
	}))
	e.Any(oauth.DevicePath, s.byMethod(map[string]gin.HandlerFunc{
		http.MethodGet: s.page(s.showDevice), http.MethodPost: s.page(s.device),
	}))
	e.Any(authorizedPath, s.byMethod(map[string]gin.HandlerFunc{http.MethodGet: s.page(s.showAuthorized)}))
	e.Any(authorizedPath+"/:application_id", s.byMethod(map[string]gin.HandlerFunc{http.MethodPost: s.page(s.withdraw)}))
	e.Any("/oauth/token/info", s.byMethod(map[string]gin.HandlerFunc{http.MethodGet: s.tokenInfo}))
	e.Any(oauth.MetadataPath, s.byMethod(map[string]gin.HandlerFunc{http.MethodGet: s.oauthMetadata}))
}

// oauthDone writes into the audit what the authorization server has done.
func (s *Server) oauthDone(ctx context.Context, by registry.Actor, what audit.Change) error {
	attemptOf(ctx).Actor = by
	return s.auditDone(ctx, http.StatusOK, what)
}

// askOAuth has the library answer an application. Who asks is a client with a
// secret of its own, which is no credential of the registry's: that is why who
// does not look for it. Wrong ones count as attempts, for the client they name.
func (s *Server) askOAuth(c *gin.Context, library http.Handler) {
	if err := s.count(c, registry.Actor{Kind: registry.Anonymous}); err != nil {
		s.fail(c, err)
		return
	}
	attemptOf(c.Request.Context()).writes = true
	r := c.Request.Clone(oauth.WithOrigin(c.Request.Context(), s.origin(c.Request)))
	// A URL is written into logs: what stands in its query is not read.
	r.URL.RawQuery = ""
	r.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)
	_ = r.ParseForm() // what is wrong with it, the library says
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	serve := func() error {
		library.ServeHTTP(&challenging{c.Writer}, r)
		if c.Writer.Status() == http.StatusUnauthorized {
			return registry.Errorf(registry.CodeUnauthenticated, "Client authentication failed")
		}
		return nil
	}
	var err error
	if secret == "" {
		err = serve() // nothing is guessed
	} else {
		err = s.Limits.Credential(r.Context(), s.clientIP(c.Request), clientCalled(id), serve)
	}
	if err != nil {
		s.fail(c, err) // unless it has been answered
	}
}

// clientCalled tells clients apart, whatever they call themselves.
func clientCalled(id string) string {
	sum := sha256.Sum256([]byte("OAuth client\x00" + id))
	return hex.EncodeToString(sum[:8])
}

// challenging names the way to authenticate in every 401, as RFC 6749 §5.2 wants it.
type challenging struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *challenging) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="Pakhus"`)
	}
	w.ResponseWriter.WriteHeader(status)
}

// tokenInfoDocument is what an application learns of its access token, GitLab's.
type tokenInfoDocument struct {
	ResourceOwnerID int64    `json:"resource_owner_id"`
	Scope           []string `json:"scope"`
	ExpiresIn       int64    `json:"expires_in"`
	Application     struct {
		UID string `json:"uid"`
	} `json:"application"`
	CreatedAt int64 `json:"created_at"`
	// Older names of the same.
	Scopes           []string `json:"scopes"`
	ExpiresInSeconds int64    `json:"expires_in_seconds"`
}

func (s *Server) tokenInfo(c *gin.Context) {
	caller, credentials, err := s.who(c, place{}, false)
	if err != nil {
		s.fail(c, err)
		return
	}
	attemptOf(c.Request.Context()).of(caller)
	var t *oauth.Token
	if caller.Actor.OAuth {
		if t, err = s.oauth.Info(c.Request.Context(), credentials.Secret); err != nil {
			s.fail(c, err)
			return
		}
	}
	if t == nil {
		const why = "The access token is invalid"
		c.Header("WWW-Authenticate", `Bearer realm="Pakhus", error="invalid_token"`)
		s.fail(c, &shapedError{
			Err: registry.Errorf(registry.CodeUnauthenticated, "%s", why), document: shapedDocument{Error: "invalid_token", Description: why},
		})
		return
	}
	left := int64(time.Until(t.ExpiresAt) / time.Second)
	d := tokenInfoDocument{ResourceOwnerID: t.UserID, Scope: t.Scopes, ExpiresIn: left, CreatedAt: t.Made.Unix(), Scopes: t.Scopes, ExpiresInSeconds: left}
	d.Application.UID = t.ClientID
	s.document(c, d)
}

// oauthMetadata describes the authorization server (RFC 8414). It is the same for
// everybody, who is not looked for.
func (s *Server) oauthMetadata(c *gin.Context) {
	if err := s.count(c, registry.Actor{Kind: registry.Anonymous}); err != nil {
		s.fail(c, err)
		return
	}
	s.document(c, oauth.Metadata(s.origin(c.Request)))
}

// document answers with JSON that is the caller's only.
func (s *Server) document(c *gin.Context, d any) {
	body, err := json.Marshal(d)
	if err != nil {
		s.fail(c, err)
		return
	}
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	privately(h)
	c.Data(http.StatusOK, "application/json", body)
}
