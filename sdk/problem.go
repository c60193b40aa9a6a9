package sdk

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pakhus/pakhus/sdk/spec"
)

// ErrNotFound says that nothing of what was asked for exists. A handler that
// returns it answers 404 "Package not found". It never stands for a fault.
var ErrNotFound = errors.New("not found")

// ProblemError is a refusal meant for the client.
type ProblemError struct {
	Status  int
	Message string // a sentence that says what was wrong
	Title   string // GitLab's heading, "404 Package Not Found"; empty: made from Status and Message
	Header  http.Header

	cause error
}

// Problem refuses a request with a status and a sentence for the person who sent it.
func Problem(status int, format string, args ...any) error {
	return &ProblemError{Status: status, Message: fmt.Sprintf(format, args...)}
}

// NotFound is a 404: "Package not found" for NotFound("Package").
func NotFound(what string) error {
	return &ProblemError{Status: http.StatusNotFound, Message: what + " not found", Title: "404 " + what + " Not Found"}
}

// BadRequest is a 400.
func BadRequest(format string, args ...any) error {
	return Problem(http.StatusBadRequest, format, args...)
}

// Forbidden is a 403.
func Forbidden(format string, args ...any) error {
	return Problem(http.StatusForbidden, format, args...)
}

// Conflict is a 409.
func Conflict(format string, args ...any) error { return Problem(http.StatusConflict, format, args...) }

// Because gives a problem a cause, which is kept out of the answer.
func Because(problem, cause error) error {
	p, ok := errors.AsType[*ProblemError](problem)
	if !ok {
		return fmt.Errorf("%w: %w", problem, cause)
	}
	c := *p
	c.cause = cause
	return &c
}

// Error implements error.
func (p *ProblemError) Error() string { return strconv.Itoa(p.Status) + " " + p.Message }

// Unwrap returns the cause.
func (p *ProblemError) Unwrap() error { return p.cause }

// asProblem returns what a handler's error says to the client; nil for an error
// that says nothing to it.
func asProblem(err error) *ProblemError {
	if p, ok := errors.AsType[*ProblemError](err); ok {
		return p
	}
	if errors.Is(err, ErrNotFound) {
		p, _ := errors.AsType[*ProblemError](NotFound("Package"))
		return p
	}
	return nil
}

// render writes the problem as the format's clients expect it: GitLab's shapes
// for the first two styles, npm printing "error" alone; Conan prints the text;
// newer Maven prints "detail".
func (p *ProblemError) render(style ErrorStyle) *spec.HTTPResponse {
	var contentType string
	var body any
	switch style {
	case ErrorText:
		return p.response("text/plain; charset=utf-8", []byte(p.Message))
	case ErrorProblem:
		contentType = "application/problem+json"
		if p.Status == http.StatusNotFound {
			// Maven's resolver takes a problem document for a failure, whatever its
			// status; what is not there is none.
			contentType = "application/json"
		}
		body = struct {
			Type   string `json:"type"`
			Status int    `json:"status"`
			Title  string `json:"title"`
			Detail string `json:"detail"`
		}{"about:blank", p.Status, http.StatusText(p.Status), p.Message}
	case ErrorMessageAndError:
		contentType = "application/json"
		message := p.Title
		if message == "" {
			message = p.Message
		}
		body = struct {
			Message string `json:"message"`
			Error   string `json:"error"`
		}{message, p.Message}
	default:
		contentType = "application/json"
		body = struct {
			Message string `json:"message"`
		}{p.heading()}
	}
	// Invalid UTF-8, which a sentence may quote from a request, must not turn a refusal into a fault.
	data, err := json.Marshal(body, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return p.response("text/plain; charset=utf-8", []byte(p.Message))
	}
	return p.response(contentType, data)
}

// heading is GitLab's "<code> <text> - <reason>".
func (p *ProblemError) heading() string {
	if p.Title != "" {
		return p.Title
	}
	text := strings.TrimSpace(strconv.Itoa(p.Status) + " " + http.StatusText(p.Status))
	if p.Message == "" {
		return text
	}
	return text + " - " + p.Message
}

func (p *ProblemError) response(contentType string, body []byte) *spec.HTTPResponse {
	header := p.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", contentType)
	return &spec.HTTPResponse{Status: p.Status, Header: header, Body: body}
}
