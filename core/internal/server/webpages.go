package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/core/internal/webpage"
	"github.com/pakhus/pakhus/core/internal/websession"
)

// pageCall is one request for a page that people see, on its way through the
// steps of page. Its request's context has the browser's session.
type pageCall struct {
	c      *gin.Context
	user   *websession.User // nil: nobody has signed in
	secure bool             // the browser came by https
	loaded bool             // the context has the session
}

// byMethod answers a path's methods, and names them to who uses another.
func (s *Server) byMethod(methods map[string]gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		answer, err := methodOf(c.Request, methods)
		if err != nil {
			s.fail(c, err)
			return
		}
		answer(c)
	}
}

// maxForm is the most bytes of a page's form.
const maxForm = 64 << 10

// page answers requests for a page. Who asks is found by their session, not by a
// credential as in who: tokens are for the API, and sessions are for pages. No page
// takes a form that another site has sent.
func (s *Server) page(answer func(*pageCall) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		s.pages.Protect(c.Writer.Header())
		r := &pageCall{c: c, secure: s.secure(c.Request)}
		if err := s.pageSteps(r, answer); err != nil {
			s.failPage(r, err)
		}
	}
}

func (s *Server) pageSteps(r *pageCall, answer func(*pageCall) error) error {
	if err := s.ownForms().Check(r.c.Request); err != nil {
		return registry.Errorf(registry.CodeForbidden, "Forbidden - the form was sent by another site").Because(err)
	}
	if err := s.visit(r); err != nil {
		return err
	}
	attemptOf(r.c.Request.Context()).Actor = r.actor()
	if err := s.count(r.c, r.actor()); err != nil {
		return err
	}
	r.c.Request.Body = http.MaxBytesReader(r.c.Writer, r.c.Request.Body, maxForm)
	if err := r.c.Request.ParseForm(); err != nil {
		return registry.Errorf(registry.CodeInvalid, "the form is invalid").Because(err)
	}
	return answer(r)
}

// ownForms refuses forms of other sites. A proxy may have called this registry by
// another name than browsers do.
func (s *Server) ownForms() *http.CrossOriginProtection {
	p := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.ExternalURL); err == nil && u.Host != "" {
		_ = p.AddTrustedOrigin(u.Scheme + "://" + u.Host) // which is one
	}
	return p
}

// visit finds who is before the browser.
func (s *Server) visit(r *pageCall) error {
	ctx, user, err := s.sessions.Load(r.c.Request, r.secure)
	if err != nil {
		return err
	}
	r.c.Request = r.c.Request.WithContext(ctx)
	r.user, r.loaded = user, true
	return nil
}

// secure reports whether browsers come by https.
func (s *Server) secure(r *http.Request) bool { return strings.HasPrefix(s.origin(r), "https://") }

// actor is who has signed in, with everything that they may.
func (r *pageCall) actor() registry.Actor {
	if r.user == nil {
		return registry.Actor{Kind: registry.Anonymous}
	}
	return registry.Actor{
		Kind: registry.User, UserID: r.user.ID, Username: r.user.Username, Admin: r.user.Admin, Scopes: []registry.Scope{registry.ScopeAPI},
	}
}

// show answers with a page.
func (s *Server) show(r *pageCall, status int, page any) error {
	if err := s.sessions.Save(r.c.Request.Context(), r.c.Writer, r.secure); err != nil {
		return err
	}
	return s.pages.Write(r.c.Writer, status, page)
}

// sendTo has the browser ask for something else.
func (s *Server) sendTo(r *pageCall, to string) error {
	if err := s.sessions.Save(r.c.Request.Context(), r.c.Writer, r.secure); err != nil {
		return err
	}
	r.c.Header("Location", to)
	r.c.Status(http.StatusSeeOther)
	r.c.Writer.WriteHeaderNow()
	return nil
}

// failPage is fail, for people.
func (s *Server) failPage(r *pageCall, err error) {
	if _, over := errors.AsType[*ratelimit.ExceededError](err); over {
		s.fail(r.c, err)
		return
	}
	if _, method := errors.AsType[*routes.MethodError](err); method {
		s.fail(r.c, err)
		return
	}
	status, sentence := s.wordsFor(r.c, err)
	attemptOf(r.c.Request.Context()).Reason = sentence
	if r.c.Writer.Written() {
		return
	}
	if r.loaded {
		// What the session has forgotten stays forgotten.
		if err := s.sessions.Save(r.c.Request.Context(), r.c.Writer, r.secure); err != nil {
			s.Log.Error("session was not saved", "request_id", requestID(r.c), "error", err)
		}
	}
	if err := s.pages.Write(r.c.Writer, status, webpage.Message{Text: sentence}); err != nil {
		s.Log.Error("page was not written", "request_id", requestID(r.c), "error", err)
	}
}

// signInFirst sends somebody to the sign-in page, and back here afterwards.
func (s *Server) signInFirst(r *pageCall) error {
	return s.sendTo(r, signInPath+"?"+url.Values{"return_to": {r.c.Request.URL.RequestURI()}}.Encode())
}

// ownPath is where on this registry a sign-in leads back to; empty of anything
// else: nobody is sent to another site by a link that looks like ours.
func ownPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(text, "\\\r\n\t") {
		return ""
	}
	for _, prefix := range []string{"/oauth/", "/-/login/"} {
		if strings.HasPrefix(text, prefix) && strings.HasPrefix(u.Path, prefix) {
			return text
		}
	}
	return ""
}
