package server

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/sdk/spec"
)

// attempt is what the audit learns of a request on its way through the steps.
type attempt struct {
	audit.Event

	writes bool // or signs somebody in
	denied bool // by authorization: a 404 hides something
}

type attemptKey struct{}

// withAttempt begins to take notes, in the request's context: what signs people
// in knows no more of the request.
func (s *Server) withAttempt(c *gin.Context) *attempt {
	a := &attempt{Event: audit.Event{RequestID: requestID(c), Method: c.Request.Method, Action: c.FullPath()}, writes: !isRead(c.Request)}
	if ip := s.clientIP(c.Request); ip.IsValid() {
		a.RemoteAddress = ip.String()
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), attemptKey{}, a))
	return a
}

// attemptOf returns the notes on a request; notes that nobody reads if it has none.
func attemptOf(ctx context.Context) *attempt {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		return a
	}
	return &attempt{}
}

// auditRefusal tells the audit of a request that was refused: of every 401 and
// 403, and of a 404 that hides something from who wanted to change it. What is
// simply not there is no refusal, and what is read with success is not audited.
func (s *Server) auditRefusal(c *gin.Context, a *attempt) {
	switch status := c.Writer.Status(); {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
	case status == http.StatusNotFound && a.denied && a.writes:
	default:
		return
	}
	e := a.Event
	e.Status = c.Writer.Status()
	e.Reason = cmp.Or(e.Reason, http.StatusText(e.Status)) // a format's own words are in its shape
	e.Fields = map[string]string{"path": unsecret(c.Request.URL.EscapedPath())}
	s.Audit.Refused(e)
}

// of notes who asks, and about what.
func (a *attempt) of(c auth.Caller) {
	a.Actor = c.Actor
	if a.Entity = audit.OfProject(c.Project); c.Project == nil {
		a.Entity = audit.OfGroup(c.Group)
	}
}

// ofRoute notes what is asked of a format. Which parameters name the package is
// the format's affair; those of most are called so.
func (a *attempt) ofRoute(r *call) {
	a.Action = r.manifest.Format + "/" + r.route.ID
	a.writes = r.route.BodyCredentials != nil || r.route.Action == spec.ActionCreatePackage || r.route.Action == spec.ActionDestroyPackage ||
		(r.route.Action == spec.ActionNone && !isRead(r.c.Request))
	a.PackageName, a.PackageVersion = r.params["name"], r.params["version"]
}

// auditDone writes what a request has done, before it is answered.
func (s *Server) auditDone(ctx context.Context, status int, changes ...audit.Change) error {
	e := attemptOf(ctx).Event
	e.Status, e.Changes = status, changes
	return s.Audit.Done(ctx, e)
}

// Login is the authenticator's, told to the audit. It is for whoever takes a
// name with a secret: routes of formats, and the sign-in page.
func (s *Server) Login(ctx context.Context, username, secret string) (registry.Actor, error) {
	a := attemptOf(ctx)
	a.writes = true
	actor, err := s.Auth.Login(ctx, username, secret)
	if err != nil {
		a.Attempted = username
		return actor, err
	}
	a.Actor = actor
	return actor, s.auditDone(ctx, http.StatusOK, audit.Change{Type: "user.signed_in"})
}

// asked are the fields of a request to the management API, for the audit: without
// what is secret by its name or by its looks.
func (r *manageCall) asked() map[string]string {
	fields := map[string]string{"path": unsecret(r.c.Request.URL.EscapedPath())}
	if r.parameters == nil {
		return fields
	}
	for name, values := range r.values {
		value := unsecret(strings.Join(values, ","))
		if secretName.MatchString(name) {
			value = redacted
		}
		fields[name] = value
	}
	return fields
}

const redacted = "[redacted]"

var (
	secretName = regexp.MustCompile(`(?i)password|token|secret|key|credential`)
	secretText = regexp.MustCompile(`gl(?:pat|dt|oat|ort|oas|cbt)-[0-9A-Za-z_-]+|\b[A-Z2-7]{26}\b`)
)

// unsecret takes out of a text what looks like a token or like the id of a
// sign-in (of package weblogin), which is as good as one: people put them into
// URLs, and clients have to.
func unsecret(text string) string {
	return secretText.ReplaceAllString(text, redacted)
}
