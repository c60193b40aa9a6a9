package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/weblogin"
)

// who finds the caller by the request's headers, with the project or group that
// the request names, and counts the request: as nobody's before anything is
// looked up, as somebody's as soon as it is known whose it is, and in both cases
// before anything is received or done. With forgiving, a credential that is no
// good is nobody's. Too many requests are a *ratelimit.ExceededError.
func (s *Server) who(c *gin.Context, where place, forgiving bool) (auth.Caller, auth.Credentials, error) {
	credentials, present, err := auth.Parse(c.Request)
	if err == nil && !present {
		caller, err := s.nobody(c, where)
		return caller, credentials, err
	}
	var caller auth.Caller
	attempt := func() error {
		if err != nil {
			return err
		}
		caller, err = s.resolve(c.Request.Context(), credentials, true, where)
		return err
	}
	if forgiving {
		err = attempt()
	} else {
		err = s.Limits.Credential(c.Request.Context(), s.clientIP(c.Request), called(credentials), attempt)
	}
	switch registry.CodeOf(err) {
	case registry.CodeUnauthenticated:
		if forgiving {
			caller, err = s.nobody(c, where)
			return caller, credentials, err
		}
	case registry.CodeInvalid, registry.CodeForbidden: // refused, as the above
	default:
		if err == nil {
			err = s.count(c, caller.Actor)
		}
		return caller, credentials, err
	}
	if over := s.count(c, registry.Actor{Kind: registry.Anonymous}); over != nil {
		err = over
	}
	return auth.Caller{}, credentials, err
}

// nobody is the caller of a request without credentials.
func (s *Server) nobody(c *gin.Context, where place) (auth.Caller, error) {
	if err := s.count(c, registry.Actor{Kind: registry.Anonymous}); err != nil {
		return auth.Caller{}, err
	}
	return s.resolve(c.Request.Context(), auth.Credentials{}, false, where)
}

func (s *Server) resolve(ctx context.Context, c auth.Credentials, present bool, where place) (auth.Caller, error) {
	if where.group != (auth.GroupRef{}) {
		return s.Auth.ResolveGroup(ctx, c, present, where.group)
	}
	return s.Auth.Resolve(ctx, c, present, where.project)
}

const countedKey = "counted"

// count counts a request in the throttle of its path and sender. The caller of a
// long upload is looked for twice, and counted once.
func (s *Server) count(c *gin.Context, actor registry.Actor) error {
	if c.GetBool(countedKey) {
		return nil
	}
	c.Set(countedKey, true)
	return s.Limits.Count(c.Request.Context(), c.Request.URL.EscapedPath(), s.clientIP(c.Request), actor)
}

// called tells a client's credentials apart without giving anything of them
// away. What is not even a token may be a password: nothing is made of it.
func called(c auth.Credentials) string {
	if !auth.WellFormed(c.Secret) {
		return "malformed"
	}
	secret := auth.Digest(c.Secret)
	sum := sha256.Sum256([]byte(string(secret[:]) + string(c.Transport) + ":" + strings.ToLower(c.Username)))
	return hex.EncodeToString(sum[:8])
}

// signInPage serves /-/login/{id}, and counts the sign-ins that fail.
func (s *Server) signInPage(c *gin.Context) {
	r := &pageCall{c: c, secure: s.secure(c.Request)}
	if err := s.visit(r); err != nil {
		s.failPage(r, err)
		return
	}
	visitor := weblogin.Visitor{Actor: r.actor()}
	if len(s.SignIn.List()) > 0 {
		visitor.SignIn = signInPath + "?" + url.Values{"return_to": {c.Request.URL.EscapedPath()}}.Encode()
	}
	c.Request = c.Request.WithContext(weblogin.WithVisitor(c.Request.Context(), visitor))
	if c.Request.Method != http.MethodPost {
		s.LoginPage.ServeHTTP(c.Writer, c.Request)
		return
	}
	// Sign-ins take turns: who sends a form slowly must not do so during theirs. One
	// that cannot be read has no name in it, and the page says so.
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, weblogin.MaxForm)
	_ = c.Request.PostFormValue("username")
	err := s.Limits.SignIn(c.Request.Context(), s.clientIP(c.Request), func() error {
		s.LoginPage.ServeHTTP(c.Writer, c.Request)
		if c.Writer.Status() == http.StatusUnauthorized {
			return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
		}
		return nil
	})
	if err != nil && !c.Writer.Written() {
		s.fail(c, err)
	}
}
