package server

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/auth"
	"github.com/pakhus/pakhus/core/internal/authz"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/urlpath"
)

// subject is what a path of the management API is about.
type subject int

const (
	ofInstance subject = iota // nothing that has members
	ofProject                 // /api/v4/projects/:id…
	ofGroup                   // /api/v4/groups/:id…
)

// managed is one method of one path of the management API: what it takes, and
// what it answers.
type managed struct {
	authz.Management

	subject subject
	answer  func(*manageCall) error
}

// manageCall is one request to the management API on its way through the steps
// of manage.
type manageCall struct {
	c      *gin.Context
	path   urlpath.Path // the one canonical path; see segment
	caller auth.Caller  // Project or Group is set where the path names one
	*parameters
	// done audits what was written, before it is answered; nil: nothing is, or it has been.
	done func(status int) error
}

// audited is for what answers in other ways than json and empty: whoever does so
// after a write calls it first.
func (r *manageCall) audited(status int) error {
	if r.done == nil {
		return nil
	}
	err := r.done(status)
	r.done = nil
	return err
}

// manage answers the requests for one path: this is a request from top to
// bottom. Each step either hands on or answers.
func (s *Server) manage(e *gin.Engine, path string, methods map[string]managed) {
	s.takes[path] = methodsOf(methods)
	e.Any(path, func(c *gin.Context) {
		r := &manageCall{c: c}
		if err := s.manageSteps(r, methods); err != nil {
			s.fail(c, err)
		}
	})
}

func (s *Server) manageSteps(r *manageCall, methods map[string]managed) (err error) {
	if r.path, err = urlpath.Parse(r.c.Request.URL.EscapedPath()); err != nil {
		return err
	}
	m, err := methodOf(r.c.Request, methods)
	if err != nil {
		return err
	}
	if err := s.identifyManager(r, m); err != nil {
		return err
	}
	noted := attemptOf(r.c.Request.Context())
	noted.of(r.caller)
	noted.writes = m.Writes
	r.peopleOnly()
	if err := r.authorize(m); err != nil {
		noted.denied = true
		return err
	}
	if r.parameters, err = fieldsOf(r.c); err != nil {
		return err
	}
	if m.Writes {
		noted.Fields = r.asked()
		r.done = func(status int) error { return s.auditDone(r.c.Request.Context(), status) }
	}
	return inField(m.answer(r))
}

// peopleOnly: deploy tokens and job tokens are for packages; here who sends one is nobody.
func (r *manageCall) peopleOnly() {
	if c := &r.caller; c.Actor.Kind == registry.DeployToken || c.Actor.Job != nil {
		c.Actor, c.Level = registry.Actor{Kind: registry.Anonymous}, registry.NoAccess
	}
}

// inField says what is wrong with a field of a thing that was to be made or
// changed as GitLab says of its models: 400, under the field's name.
func inField(err error) error {
	e, ok := errors.AsType[*registry.Error](err)
	if !ok || e.Field == "" {
		return err
	}
	return &shapedError{
		Err:      registry.Errorf(registry.CodeInvalid, "%s", e.Message).Because(err),
		document: shapedDocument{Messages: map[string][]string{e.Field: {strings.TrimPrefix(e.Message, e.Field+" ")}}},
	}
}

// segment is an unescaped segment of the path, counted from "api", which is 0.
func (r *manageCall) segment(n int) string {
	if n >= len(r.path.Segments) {
		return ""
	}
	return r.path.Segments[n].Text
}

// id is a segment that is a number; anything else names nothing.
func (r *manageCall) id(n int) (int64, error) {
	id, err := strconv.ParseUint(r.segment(n), 10, 63)
	if err != nil || id == 0 {
		return 0, registry.Errorf(registry.CodeNotFound, "Not Found")
	}
	return int64(id), nil
}

// identifyManager finds the caller, and the project or group that the path names.
func (s *Server) identifyManager(r *manageCall, m managed) (err error) {
	var where place
	switch m.subject {
	case ofGroup:
		where.group = auth.ParseGroupRef(r.segment(3))
	case ofProject:
		where.project = auth.ParseProjectRef(r.segment(3))
	case ofInstance:
	}
	var credentials auth.Credentials
	r.caller, credentials, err = s.who(r.c, where, false)
	if err == nil && r.caller.Actor.Job != nil && credentials.Transport == auth.Bearer {
		return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized") // a person's is looked for there
	}
	return err
}

// authorize applies what the method takes. A project or group that must look as
// if it did not exist is 404, also to the anonymous, as in GitLab.
func (r *manageCall) authorize(m managed) error {
	c := r.caller
	if c.Actor.Has(registry.ScopeGranular) {
		return registry.InsufficientGranularScope("Access denied: granular tokens are for packages, and manage nothing.")
	}
	if !authz.CoversManagement(c.Actor, m.Writes) {
		return insufficientScope(m.Writes)
	}
	seen, missing := true, "Not Found"
	switch m.subject {
	case ofProject:
		seen, missing = authz.Visible(c.Actor, c.Project, c.Level), "Project Not Found"
	case ofGroup:
		seen, missing = authz.VisibleGroup(c.Actor, c.Group, c.Level, c.Standings), "Group Not Found"
	case ofInstance:
	}
	switch verdict := authz.Manage(c.Actor, seen, c.Level, m.Management); {
	case verdict == authz.Allowed:
		return nil
	case verdict == authz.Forbidden:
		return registry.Errorf(registry.CodeForbidden, "Forbidden")
	case verdict == authz.Unauthenticated && (seen || m.SignedIn || m.Writes || m.Admin || m.Least > registry.NoAccess):
		return registry.Errorf(registry.CodeUnauthenticated, "Unauthorized")
	}
	return registry.Errorf(registry.CodeNotFound, "%s", missing)
}

// json answers with a document, which is the caller's only.
func (r *manageCall) json(status int, document any) error {
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	if err := r.audited(status); err != nil {
		return err
	}
	h := r.c.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	privately(h)
	r.c.Writer.WriteHeader(status)
	r.c.Writer.WriteHeaderNow()
	if r.c.Request.Method != http.MethodHead {
		_, _ = r.c.Writer.Write(body)
	}
	return nil
}

// empty answers without a body.
func (r *manageCall) empty(status int) error { //nolint:unparam // which status it is stands where it is answered
	if err := r.audited(status); err != nil {
		return err
	}
	r.c.Status(status)
	r.c.Writer.WriteHeaderNow()
	return nil
}
