package sdk

import (
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/pakhus/pakhus/sdk/spec"
)

// Outcome is what to answer: a *Response, *Send, *Redirect, *TokenIssue,
// *LoginStart or *LoginPoll, each with an optional plan.
type Outcome interface {
	render(style ErrorStyle) (*spec.Response, error)
}

// Response is an answer the plugin made.
type Response struct {
	status int
	header http.Header
	body   []byte
	err    error
	plan   *Plan
}

// JSON answers with v as a JSON document. Object members of maps are sorted; a
// nil slice is [] and a nil map is {}. A v that cannot be encoded is an error of
// the handler.
func JSON(status int, v any) *Response {
	body, err := json.Marshal(v, json.Deterministic(true))
	r := JSONBytes(status, body)
	r.err = err
	return r
}

// JSONBytes answers with a JSON document that is made already.
func JSONBytes(status int, body []byte) *Response {
	return newResponse(status, "application/json", body)
}

// Text answers with plain text.
func Text(status int, s string) *Response {
	return newResponse(status, "text/plain; charset=utf-8", []byte(s))
}

// Empty answers without a body.
func Empty(status int) *Response { return &Response{status: status, header: http.Header{}} }

func newResponse(status int, contentType string, body []byte) *Response {
	return &Response{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

// With has the plan committed before the answer is sent.
func (r *Response) With(p *Plan) *Response { r.plan = p; return r }

// Header sets a response header. The core drops those a plugin may not set.
func (r *Response) Header(key, value string) *Response { r.header.Set(key, value); return r }

func (r *Response) render(style ErrorStyle) (*spec.Response, error) {
	answer, err := r.http()
	return withPlan(answer, r.plan, style, err)
}

func (r *Response) http() (*spec.HTTPResponse, error) {
	if r == nil {
		return nil, errors.New("sdk: a nil *Response")
	}
	return &spec.HTTPResponse{Status: r.status, Header: r.header, Body: r.body}, r.err
}

// Send answers with a file; the core handles HEAD, ranges and If-None-Match.
type Send struct {
	file spec.SendFile
	plan *Plan
}

// SendFile answers with a stored file.
func SendFile(f PackageFile) *Send { return newSend(spec.SendFile{FileID: f.ID}) }

// SendUpload answers with an upload of this very request.
func SendUpload(u Upload) *Send { return newSend(spec.SendFile{UploadHandle: u.Handle}) }

func newSend(file spec.SendFile) *Send {
	file.Header = http.Header{}
	return &Send{file: file}
}

// ContentType sets the file's media type; the default is application/octet-stream.
func (s *Send) ContentType(mediaType string) *Send { s.file.ContentType = mediaType; return s }

// As sets the file name that the client is told; the default is the stored name.
func (s *Send) As(fileName string) *Send { s.file.FileName = fileName; return s }

// With has the plan committed before the file is sent.
func (s *Send) With(p *Plan) *Send { s.plan = p; return s }

// Header sets a response header. The core drops those a plugin may not set.
func (s *Send) Header(key, value string) *Send { s.file.Header.Set(key, value); return s }

func (s *Send) render(style ErrorStyle) (*spec.Response, error) {
	file := s.file
	return withPlan(&file, s.plan, style, nil)
}

// Redirect sends the client elsewhere below the request's base URL.
type Redirect struct {
	status   int
	location string
	plan     *Plan
}

// RedirectTo redirects with a 3xx status to an absolute URL below Request.BaseURL.
func RedirectTo(status int, location string) *Redirect {
	return &Redirect{status: status, location: location}
}

// With has the plan committed before the redirect is sent.
func (r *Redirect) With(p *Plan) *Redirect { r.plan = p; return r }

func (r *Redirect) render(style ErrorStyle) (*spec.Response, error) {
	return withPlan(&spec.Redirect{Status: r.status, Location: r.location}, r.plan, style, nil)
}

// withPlan completes the rendering of any outcome.
func withPlan(o spec.Outcome, p *Plan, style ErrorStyle, err error) (*spec.Response, error) {
	if err != nil {
		return nil, err
	}
	plan, err := p.render(style)
	if err != nil {
		return nil, err
	}
	return &spec.Response{Outcome: o, Plan: plan}, nil
}
