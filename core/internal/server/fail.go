package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/core/internal/ratelimit"
	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/routes"
	"github.com/pakhus/pakhus/sdk/spec"
)

// refuse answers a request to a format that came to an error: with the
// challenge the route declares, in the shape the format's clients print.
func (s *Server) refuse(r *call, err error) {
	if registry.CodeOf(err) == registry.CodeUnauthenticated && r.route != nil {
		switch r.route.Challenge {
		case spec.ChallengeBasic:
			// The realm is GitLab's, to the letter: sbt is configured with it.
			r.c.Header("WWW-Authenticate", `Basic realm="GitLab Packages Registry"`)
		case spec.ChallengeBearer:
			r.c.Header("WWW-Authenticate", `Bearer realm="GitLab Packages Registry"`)
		case spec.ChallengeNone:
		}
	}
	s.failAs(r.c, r.manifest.Errors, r.manifest.ErrorHeader, err)
}

// fail turns an error into an answer, and logs those that are our fault. It is
// the one place where codes become statuses.
func (s *Server) fail(c *gin.Context, err error) { s.failAs(c, spec.ErrorMessage, "", err) }

// failAs also repeats the sentence in a header, if there is one for it.
func (s *Server) failAs(c *gin.Context, style spec.ErrorStyle, header string, err error) {
	status, sentence := s.wordsFor(c, err)
	attemptOf(c.Request.Context()).Reason = sentence
	if c.Writer.Written() {
		return // too late: the client sees a broken transfer
	}
	if header != "" {
		c.Header(header, spec.HeaderText(sentence))
	}
	if method, ok := errors.AsType[*routes.MethodError](err); ok {
		c.Header("Allow", strings.Join(method.Allowed, ", "))
	}
	if status == http.StatusServiceUnavailable {
		c.Header("Retry-After", "1")
	}
	// What was meant for the answer that did not come about.
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Etag", "Last-Modified", "Location", "Accept-Ranges", "Vary"} {
		c.Writer.Header().Del(name)
	}
	contentType, body := errorBody(style, status, sentence, requestID(c))
	if e, ok := errors.AsType[*registry.Error](err); ok && e.Word != "" {
		worded := shapedError{Err: e, document: shapedDocument{Error: e.Word, Description: e.Message}}
		contentType, body = worded.body(requestID(c))
	}
	if shaped, ok := errors.AsType[*shapedError](err); ok {
		contentType, body = shaped.body(requestID(c))
	}
	if over, ok := errors.AsType[*ratelimit.ExceededError](err); ok {
		contentType, body = ratelimit.ContentType, []byte(ratelimit.Body)
		over.SetHeader(c.Writer.Header())
	}
	c.Header("Content-Type", contentType)
	c.Header("Cache-Control", "private, no-store")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Content-Length", strconv.Itoa(len(body)))
	c.Status(status)
	c.Writer.WriteHeaderNow()
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body)
	}
	drain(c)
}

// wordsFor picks status and sentence. Faults are logged here, once, with their cause.
func (s *Server) wordsFor(c *gin.Context, err error) (int, string) {
	if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
		return 499, "the client closed the connection"
	}
	status, known := statuses()[registry.CodeOf(err)]
	if _, coded := errors.AsType[*registry.Error](err); !coded && errors.Is(err, context.DeadlineExceeded) {
		// The database or the store did not answer in time; nothing here is broken.
		err = registry.Errorf(registry.CodeUnavailable, "the registry cannot answer at the moment, try again later").Because(err)
		status = http.StatusServiceUnavailable
	}
	if !known {
		status = http.StatusInternalServerError
	}
	if status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "request_id", requestID(c), "method", c.Request.Method,
			"path", unsecret(c.Request.URL.EscapedPath()), "status", status, "error", err)
	}
	e, ok := errors.AsType[*registry.Error](err)
	if !ok || status == http.StatusInternalServerError {
		return status, http.StatusText(status)
	}
	return status, e.Message
}

func statuses() map[registry.Code]int {
	return map[registry.Code]int{
		registry.CodeInternal:        http.StatusInternalServerError,
		registry.CodeTooManyRequests: http.StatusTooManyRequests,
		registry.CodeInvalid:         http.StatusBadRequest,
		registry.CodeUnauthenticated: http.StatusUnauthorized,
		registry.CodeForbidden:       http.StatusForbidden,
		registry.CodeNotFound:        http.StatusNotFound,
		registry.CodeMethod:          http.StatusMethodNotAllowed,
		registry.CodeNotAcceptable:   http.StatusNotAcceptable,
		registry.CodeConflict:        http.StatusConflict,
		registry.CodePrecondition:    http.StatusPreconditionFailed,
		registry.CodeTooLarge:        http.StatusRequestEntityTooLarge,
		registry.CodeUnavailable:     http.StatusServiceUnavailable,
		registry.CodeTimeout:         http.StatusGatewayTimeout,
		registry.CodeUnprocessable:   http.StatusUnprocessableEntity,
	}
}

// errorBody writes the sentence where the format's clients look for it.
// "message" starts with the status, as GitLab's does.
func errorBody(style spec.ErrorStyle, status int, sentence, requestID string) (contentType string, body []byte) {
	message := strconv.Itoa(status) + " " + sentence
	if text := http.StatusText(status); status == http.StatusBadRequest && text != sentence {
		message = sentence // GitLab gives the sentence alone for what was wrong in a request
	} else if status == http.StatusForbidden && !strings.HasPrefix(sentence, text) {
		message = "403 Forbidden - " + sentence // GitLab's, of a reason
	}
	var doc any
	switch style {
	case spec.ErrorText:
		return "text/plain; charset=utf-8", []byte(sentence)
	case spec.ErrorProblem:
		doc = struct {
			Type      string `json:"type"`
			Status    int    `json:"status"`
			Title     string `json:"title"`
			Detail    string `json:"detail"`
			RequestID string `json:"request_id"`
		}{"about:blank", status, http.StatusText(status), sentence, requestID}
		body, _ = json.Marshal(doc)
		return problemType(status), body
	case spec.ErrorMessageAndError:
		doc = struct {
			Message   string `json:"message"`
			Error     string `json:"error"`
			RequestID string `json:"request_id"`
		}{message, sentence, requestID}
	default:
		doc = struct {
			Message   string `json:"message"`
			RequestID string `json:"request_id"`
		}{message, requestID}
	}
	body, _ = json.Marshal(doc)
	return "application/json", body
}

// problemType is the media type of an RFC 9457 document. Maven's resolver (1.9.24
// and 2.0) takes a problem document for a failure, whatever its status: what is
// not there must not look like one, or a first snapshot cannot be deployed.
func problemType(status int) string {
	if status == http.StatusNotFound {
		return "application/json"
	}
	return "application/problem+json"
}

// A refused upload is read on for a moment: a client that is still sending
// would otherwise meet a reset connection and never print why.
const (
	drainBytes = 64 << 20
	drainTime  = 10 * time.Second
)

func drain(c *gin.Context) {
	if c.Request.Body == nil || c.Request.Body == http.NoBody || awaited(c) {
		return
	}
	control := http.NewResponseController(c.Writer)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Request.Body, drainBytes)
}

// awaited reports whether the client has yet to be told that it may send: it was
// asked for nothing, sends nothing, and the connection ends with the answer.
func awaited(c *gin.Context) bool {
	return strings.EqualFold(c.Request.Header.Get("Expect"), "100-continue") && !c.GetBool(receivedKey)
}

// receivedKey is set as soon as a request's body is read.
const receivedKey = "received"
