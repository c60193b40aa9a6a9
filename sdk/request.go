package sdk

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/hashicorp/go-hclog"

	"github.com/pakhus/pakhus/sdk/spec"
	"github.com/pakhus/pakhus/sdk/strictjson"
)

// Request is one HTTP request after the core's work: the route is matched, its
// parameters are valid, the caller may do what the route's action says, and the
// body's files are stored.
type Request struct {
	Reads

	RequestID string
	RouteID   string
	Level     Level
	Project   Project // zero for a request about several projects
	Group     Group   // whose readable projects a request is about: at group level, and at instance level by root group
	Actor     Actor
	BaseURL   string   // of the format's mount that the request came through, without a trailing slash
	MediaType string   // of Route.Produces; empty when the route names none
	Attempt   int      // 1, and one more each time the core asks again
	Uploads   []Upload // in the body's order
	Settings  PackageSettings
	Log       hclog.Logger

	in *spec.Request
}

// AllowsDuplicate reports whether a file that is stored already may be replaced:
// the operator's setting, turned round for names and versions that fit its
// exception (GitLab's <format>_duplicates_allowed and its exception regex). An
// exception that does not compile fits nothing.
func (r *Request) AllowsDuplicate(name, version string) bool {
	allowed := !r.Settings.RefuseDuplicates
	if r.Settings.DuplicateException == "" {
		return allowed
	}
	exception, err := regexp.Compile(`\A(?:` + r.Settings.DuplicateException + `)\z`)
	if err != nil {
		return allowed
	}
	if exception.MatchString(name) || exception.MatchString(version) {
		return !allowed
	}
	return allowed
}

// Param returns a parameter of the route's pattern, unescaped; "" if the
// pattern has none of that name.
func (r *Request) Param(name string) string { return r.in.Params[name] }

// Query returns the first value of a query parameter; "" if there is none.
func (r *Request) Query(name string) string {
	if values := r.in.Query[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// QueryValues returns all values of a query parameter.
func (r *Request) QueryValues(name string) []string { return r.in.Query[name] }

// Header returns the first value of an allow-listed header; see Plugin.RequestHeaders.
func (r *Request) Header(name string) string { return r.in.Header.Get(name) }

// Body returns what the route's body policy hands over: the whole of an inline
// body, or a JSON document with {"$upload":handle} in place of each attachment.
func (r *Request) Body() []byte { return r.in.Body }

// JSON decodes the body into v, strictly: see package strictjson. The error is a
// 400 [Problem] that says where the document is wrong.
func (r *Request) JSON(v any, opts ...strictjson.Option) error {
	if err := strictjson.Unmarshal(r.in.Body, v, opts...); err != nil {
		return Because(Problem(http.StatusBadRequest, "Invalid json: %v", err), err)
	}
	return nil
}

// Form returns the first value of a multipart field that is not a file.
func (r *Request) Form(name string) string {
	if values := r.in.Form[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// FormValues returns all values of a multipart field that is not a file.
func (r *Request) FormValues(name string) []string { return r.in.Form[name] }

// File returns the request's only upload. With any other number of uploads it
// returns a 400 [Problem].
func (r *Request) File() (Upload, error) {
	if len(r.Uploads) != 1 {
		return Upload{}, Problem(http.StatusBadRequest, "expected one file, got %d", len(r.Uploads))
	}
	return r.Uploads[0], nil
}

// Upload returns the upload that stands at a place in the body: the multipart
// part's name, or the JSON path joined by "/".
func (r *Request) Upload(part string) (Upload, bool) {
	for _, u := range r.Uploads {
		if u.Part == part {
			return u, true
		}
	}
	return Upload{}, false
}

// Attached is what a JSON document has in place of an attachment; decode into it
// and ask Request.Resolve for the upload.
type Attached struct {
	Handle string `json:"$upload"`
}

// Resolve returns the upload that an attachment became, or a 400 [Problem].
func (r *Request) Resolve(a Attached) (Upload, error) {
	for _, u := range r.Uploads {
		if u.Handle == a.Handle && a.Handle != "" {
			return u, nil
		}
	}
	return Upload{}, Problem(http.StatusBadRequest, "Attachment data is empty.")
}

// JobRun is one run of a job.
type JobRun struct {
	Reads

	RequestID string
	Kind      string
	Args      []byte // JSON, as given to Plan.Enqueue
	Project   Project
	Settings  PackageSettings
	Attempt   int
	Log       hclog.Logger
}

// Decode decodes the job's arguments into v, strictly.
func (j *JobRun) Decode(v any) error {
	if err := strictjson.Unmarshal(j.Args, v); err != nil {
		return fmt.Errorf("arguments of job %s: %w", j.Kind, err)
	}
	return nil
}

// EventRun is one event.
type EventRun struct {
	Reads

	spec.Event
	Log hclog.Logger
}
