package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/publishers"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/urlpath"
)

// jobTokensAPI mounts what a CI job asks with the ID token of its issuer.
func (s *Server) jobTokensAPI(e *gin.Engine) {
	e.POST("/api/v4/projects/:id/oidc/token", s.exchangeIDToken)
	e.POST("/api/v4/oidc/token", s.exchangeIDToken)
}

// jobTokenDocument is what a job gets.
type jobTokenDocument struct {
	Token       string               `json:"token"`
	TokenType   string               `json:"token_type"`
	Username    string               `json:"username"` // over Basic
	ExpiresAt   apiTime              `json:"expires_at"`
	ExpiresIn   int64                `json:"expires_in"` // seconds
	ProjectID   int64                `json:"project_id"`
	ProjectPath string               `json:"project_path"`
	AccessLevel registry.AccessLevel `json:"access_level"`
}

// exchangeIDToken answers an ID token with a job token. Who sends it is found out
// by what stands in it, not by server.who: until then it is nobody's request, and
// counted as such. One that is refused counts as a sign-in that failed.
func (s *Server) exchangeIDToken(c *gin.Context) {
	err := s.exchange(c)
	if err == nil {
		return
	}
	switch code := registry.CodeOf(err); code {
	case registry.CodeUnauthenticated:
		c.Header("WWW-Authenticate", `Bearer realm="GitLab Packages Registry", error="invalid_token"`)
		err = refusedAs("invalid_token", err)
	case registry.CodeForbidden:
		err = refusedAs("access_denied", err)
	default:
	}
	s.fail(c, err)
}

// refusedAs has a refusal said in the shape of OAuth 2.
func refusedAs(code string, err error) error {
	var sentence string
	if e, ok := errors.AsType[*registry.Error](err); ok {
		sentence = e.Message
	}
	return &shapedError{Err: err, document: shapedDocument{Error: code, Description: sentence}}
}

func (s *Server) exchange(c *gin.Context) error {
	ctx := c.Request.Context()
	noted := attemptOf(ctx)
	noted.writes = true
	path, err := urlpath.Parse(c.Request.URL.EscapedPath())
	if err != nil {
		return err
	}
	from := s.clientIP(c.Request)
	if err := s.count(c, registry.Actor{Kind: registry.Anonymous}); err != nil {
		return err
	}
	if err := s.Limits.SigningIn(from); err != nil {
		return err
	}
	fields, err := fieldsOf(c)
	if err != nil {
		return err
	}
	of := fields.text("project")
	if len(path.Segments) > 4 { // /api/v4/projects/:id/oidc/token
		of = path.Segments[3].Text
	} else if of == "" {
		fields.wrong = append(fields.wrong, "project is missing")
	}
	if err := fields.err(); err != nil {
		return err
	}
	raw, err := idToken(c.Request, fields)
	if err != nil {
		return err
	}
	var issued publishers.Issued
	var caller auth.Caller
	err = s.Limits.SignIn(ctx, from, func() error {
		token, err := s.Publishers.Verify(ctx, raw)
		if err != nil {
			return err
		}
		// Only who is somebody to an issuer has the database asked.
		if caller, err = s.Auth.Resolve(ctx, auth.Credentials{}, false, auth.ParseProjectRef(of)); err != nil {
			return err
		}
		noted.of(caller)
		noted.Fields = map[string]string{"issuer": token.Issuer.Name, "subject": token.Subject}
		issued, err = s.Publishers.Exchange(ctx, caller.Project, token, s.JobTokenLife())
		return err
	})
	if err != nil {
		return err
	}
	noted.Actor = issued.Actor
	if err := s.auditDone(ctx, http.StatusCreated, audit.Change{Type: "job_token.created", Name: issued.Publisher.Name}); err != nil {
		return err
	}
	body, err := json.Marshal(jobTokenDocument{
		Token: issued.Secret, TokenType: "Bearer", Username: auth.JobUsername,
		ExpiresAt: apiTime(issued.ExpiresAt), ExpiresIn: int64(time.Until(issued.ExpiresAt).Round(time.Second).Seconds()),
		ProjectID: caller.Project.ID, ProjectPath: caller.Project.FullPath, AccessLevel: issued.Publisher.AccessLevel,
	})
	if err != nil {
		return err
	}
	privately(c.Writer.Header())
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusCreated, "application/json", body)
	return nil
}

// idToken takes the ID token out of a request: a Bearer token, or the field
// id_token. Two different ones are one too many.
func idToken(r *http.Request, fields *parameters) (string, error) {
	token, _ := fields.last("id_token")
	for _, header := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
		rest = strings.TrimSpace(rest)
		if !strings.EqualFold(scheme, "Bearer") || rest == "" {
			return "", registry.Errorf(registry.CodeUnauthenticated, "The ID token was refused: it must be a Bearer token, or the field id_token")
		}
		if token != "" && token != rest {
			return "", registry.Errorf(registry.CodeInvalid, "Found more than one set of credentials")
		}
		token = rest
	}
	if token == "" {
		return "", registry.Errorf(registry.CodeUnauthenticated, "The ID token was refused: there is none")
	}
	return token, nil
}

// forbiddenTo is the refusal of what somebody may not do where they see the
// project, or, being a job, are told that they are not let in.
func forbiddenTo(c auth.Caller) error {
	if !authz.ShutOut(c.Actor, c.Project, c.Level) {
		return registry.Errorf(registry.CodeForbidden, "Forbidden")
	}
	return registry.Errorf(registry.CodeForbidden, "Authentication by CI/CD job token not allowed from %s to project #%d.", c.Actor.Job.ProjectPath, c.Project.ID)
}
