package spec

import "net/http"

// RequestContext is common to requests, jobs and events.
type RequestContext struct {
	RequestID string
	Scope     string // opaque, for calls back to the core
	Project   Project
	Group     Group // of a request about all readable projects of a group; Project is zero then
	Actor     Actor
	BaseURL   string // of the format's mount that the request came through, without a trailing slash
	Attempt   int    // 1, and one more each time the core asks again

	Settings PackageSettings // of the format in the project's group
}

// Request is one HTTP request after the core's work: matched, permitted, its body consumed.
type Request struct {
	RequestContext
	RouteID    string
	Level      Level
	Params     map[string]string
	Query      map[string][]string
	Header     http.Header // allow-listed; never credentials
	MediaType  string      // of Route.Produces
	Body       []byte
	Form       map[string][]string
	Uploads    []Upload
	Prefetched [][]FoundPackage // one for each of the route's prefetch finders

	PrefetchedRows [][]Row // one for each of the route's prefetch queries
}

// Upload is a file the core has stored for this request.
type Upload struct {
	Handle      string // valid only within this request's scope
	Part        string // multipart part, or JSON path joined by "/"
	FileName    string
	ContentType string
	Size        int64
	Digests     Digests
	Inline      []byte // only under BodyPolicy.InlineBelow
	Head        []byte // the first HeadBytes of a file that is not inline
}

// HeadBytes is how much of a file comes with its request: enough to tell what it is.
const HeadBytes = 512

// First returns the file's first bytes, n of them or all that there are, if they
// have come with the request; nil: they must be read. A core before contract 1.6
// sends none but those of files that are inline.
func (u Upload) First(n int) []byte {
	for _, known := range [][]byte{u.Inline, u.Head} {
		if len(known) >= n || len(known) > 0 && int64(len(known)) == u.Size {
			return known[:min(n, len(known))]
		}
	}
	return nil
}

// Response is what a plugin answers: exactly one outcome, and perhaps a plan.
type Response struct {
	Outcome Outcome
	Plan    *Plan
}

// Outcome is one of *HTTPResponse, *SendFile, *Redirect, *IssueToken, *StartLogin, *PollLogin.
type Outcome interface{ outcome() }

// HTTPResponse is an answer made by the plugin.
type HTTPResponse struct {
	Status int
	Header http.Header
	Body   []byte
}

// SendFile answers with a stored file: one of FileID and UploadHandle.
type SendFile struct {
	FileID       int64
	UploadHandle string
	ContentType  string
	FileName     string // for Content-Disposition; empty: the stored name
	Header       http.Header
}

// Redirect sends the client elsewhere below the request's base URL.
type Redirect struct {
	Status   int
	Location string
}

// IssueToken answers a login with a new token of the request's actor, which the
// core puts where Template's body has Placeholder.
type IssueToken struct {
	Template    HTTPResponse
	Placeholder string
	Name        string
}

// StartLogin begins a sign-in in the browser.
type StartLogin struct {
	Template            HTTPResponse
	LoginURLPlaceholder string
	LoginIDPlaceholder  string
	Name                string
}

// PollLogin asks how a sign-in stands.
type PollLogin struct {
	LoginID     string
	Pending     HTTPResponse
	Template    HTTPResponse
	Placeholder string
	Gone        HTTPResponse
}

func (*HTTPResponse) outcome() {}
func (*SendFile) outcome()     {}
func (*Redirect) outcome()     {}
func (*IssueToken) outcome()   {}
func (*StartLogin) outcome()   {}
func (*PollLogin) outcome()    {}
