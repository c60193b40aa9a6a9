package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pakhus/pakhus/core/internal/audit"
	"github.com/pakhus/pakhus/core/internal/cache"
	"github.com/pakhus/pakhus/core/internal/download"
	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// answer is what a request comes to: an outcome of the plugin, an answer that
// was kept, or "you have it already".
type answer struct {
	outcome     spec.Outcome
	prefetched  [][]spec.FoundPackage // files the core itself has found for the request
	uploads     []*upload.File
	kept        *cache.Answer
	notModified bool
	tag         string // of kept and notModified
}

// respond sends an answer. Everything that should last is committed by now.
func (s *Server) respond(r *call, a *answer) {
	var err error
	switch o := a.outcome.(type) {
	case nil:
		err = s.respondKept(r, a)
	case *spec.HTTPResponse:
		s.write(r, *o)
	case *spec.SendFile:
		err = s.respondFile(r, a, o)
	case *spec.Redirect:
		err = s.redirect(r, o)
	case *spec.IssueToken:
		err = s.issueToken(r, o)
	case *spec.StartLogin:
		err = s.startLogin(r, o)
	case *spec.PollLogin:
		err = s.pollLogin(r, o)
	default:
		err = fmt.Errorf("plugin sent an outcome the core does not know: %T", o)
	}
	if err != nil {
		s.refuse(r, err)
	}
}

// write sends a response made by a plugin.
func (s *Server) write(r *call, o spec.HTTPResponse) {
	if o.Status < 200 || o.Status > 599 {
		s.refuse(r, fmt.Errorf("plugin sent status %d", o.Status))
		return
	}
	h := r.c.Writer.Header()
	maps.Copy(h, responseHeader(o.Header))
	privately(h)
	if o.Status >= http.StatusBadRequest {
		o.Body = withRequestID(h.Get("Content-Type"), o.Body, requestID(r.c))
	}
	bodiless := o.Status == http.StatusNoContent || o.Status == http.StatusNotModified
	if !bodiless {
		h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	}
	r.c.Writer.WriteHeader(o.Status)
	r.c.Writer.WriteHeaderNow()
	if r.c.Request.Method != http.MethodHead && !bodiless {
		_, _ = r.c.Writer.Write(o.Body)
	}
}

// withRequestID adds the request's id to a plugin's refusal, as the core's own
// have it: a JSON object gets one more member, anything else stays as it is.
func withRequestID(contentType string, body []byte, id string) []byte {
	mediaType, _, _ := strings.Cut(contentType, ";")
	if mediaType != "application/json" && mediaType != "application/problem+json" {
		return body
	}
	text := bytes.TrimSpace(body)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' || bytes.Contains(text, []byte(`"request_id":`)) {
		return body
	}
	members := bytes.TrimSpace(text[1 : len(text)-1])
	out := append([]byte{'{'}, members...)
	if len(members) > 0 {
		out = append(out, ',')
	}
	return append(out, `"request_id":"`+id+`"}`...)
}

// respondKept sends an answer from the cache, or 304 to a client that has it.
func (s *Server) respondKept(r *call, a *answer) error {
	h := r.c.Writer.Header()
	if a.kept != nil && a.kept.File != nil {
		maps.Copy(h, a.kept.Header)
		privately(h)
		return s.sendBlob(r, *a.kept.File)
	}
	h.Set("ETag", a.tag)
	h.Set("Vary", "Accept, Accept-Encoding")
	privately(h)
	if a.notModified {
		r.c.Writer.WriteHeader(http.StatusNotModified)
		r.c.Writer.WriteHeaderNow()
		return nil
	}
	maps.Copy(h, a.kept.Header)
	body := a.kept.Body
	if acceptsGzip(r.c.Request.Header) {
		if zip := a.kept.Gzip(); zip != nil {
			h.Set("Content-Encoding", "gzip")
			body = zip
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	r.c.Writer.WriteHeader(http.StatusOK)
	r.c.Writer.WriteHeaderNow()
	if r.c.Request.Method != http.MethodHead {
		_, _ = r.c.Writer.Write(body)
	}
	return nil
}

func (s *Server) respondFile(r *call, a *answer, o *spec.SendFile) error {
	maps.Copy(r.c.Writer.Header(), responseHeader(o.Header))
	privately(r.c.Writer.Header())
	file, err := s.file(r.c.Request.Context(), r, a, o)
	if err != nil {
		return err
	}
	return s.sendBlob(r, file)
}

// file finds what a SendFile means. A file that the core itself prefetched for
// this request is known to be the project's; any other is looked up.
func (s *Server) file(ctx context.Context, r *call, a *answer, o *spec.SendFile) (cache.File, error) {
	file := cache.File{Name: o.FileName, ContentType: o.ContentType}
	if o.UploadHandle != "" {
		i := slices.IndexFunc(a.uploads, func(u *upload.File) bool { return u.Handle == o.UploadHandle })
		if i < 0 {
			return cache.File{}, errors.New("plugin sent a file that was not uploaded with this request")
		}
		file.SHA256, file.Size = a.uploads[i].Key(), a.uploads[i].Size
		file.Name = cmp.Or(file.Name, a.uploads[i].FileName)
		return file, nil
	}
	for _, page := range a.prefetched {
		for _, p := range page {
			for _, f := range p.Files {
				if f.ID == o.FileID {
					copy(file.SHA256[:], f.Digests.SHA256)
					file.PackageID, file.Name, file.Size, file.ModTime = p.Package.ID, cmp.Or(file.Name, f.FileName), f.Size, f.CreatedAt
					file.Data = r.contents[f.ID]
					return file, nil
				}
			}
		}
	}
	if r.about.nothing() {
		return cache.File{}, errors.New("plugin sent a file on a route without a project")
	}
	f, err := s.Packages.FindFile(ctx, r.about.projectIDs(), r.manifest.Format, o.FileID)
	if err != nil {
		return cache.File{}, err
	}
	file.PackageID, file.SHA256, file.Size, file.Name, file.ModTime = f.PackageID, f.SHA256, f.Size, cmp.Or(file.Name, f.Name), f.CreatedAt
	return file, nil
}

// sendBlob sends the bytes: those at hand, or the stored ones.
func (s *Server) sendBlob(r *call, f cache.File) error {
	blob := storage.InMemory(f.Data)
	if f.Data == nil {
		stored, err := s.Blobs.Open(r.c.Request.Context(), storage.Key(f.SHA256))
		if err != nil {
			return unreadable(err)
		}
		blob = stored
	}
	defer func() { _ = blob.Close() }()
	if f.Size > 0 && blob.Size() != f.Size {
		return unreadable(fmt.Errorf("the blob has %d bytes, and %d are recorded", blob.Size(), f.Size))
	}
	// HEAD asks about a file, it does not download it (as GitLab counts).
	if r.c.Request.Method == http.MethodGet && f.PackageID != 0 {
		s.Downloads.Note(f.PackageID)
	}
	download.Serve(r.c.Writer, r.c.Request, blob, download.Meta{
		SHA256:      f.SHA256,
		Size:        f.Size,
		ContentType: cmp.Or(f.ContentType, "application/octet-stream"),
		FileName:    f.Name,
		ModTime:     f.ModTime,
	})
	return nil
}

func (s *Server) redirect(r *call, o *spec.Redirect) error {
	switch o.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return fmt.Errorf("plugin sent a redirect with status %d", o.Status)
	}
	if !strings.HasPrefix(o.Location, s.baseURL(r)+"/") {
		return errors.New("plugin sent a redirect out of its own routes")
	}
	s.write(r, spec.HTTPResponse{Status: o.Status, Header: http.Header{"Location": {o.Location}}})
	return nil
}

// issueToken makes the token and puts it where the template says. The plugin never sees it.
func (s *Server) issueToken(r *call, o *spec.IssueToken) error {
	ctx := r.c.Request.Context()
	secret, err := s.Auth.Issue(ctx, r.caller.Actor, o.Name)
	if err != nil {
		return err
	}
	if err := s.auditDone(ctx, o.Template.Status, audit.Change{Type: "token.created", Name: o.Name}); err != nil {
		return err
	}
	s.write(r, filled(o.Template, o.Placeholder, secret))
	return nil
}

func (s *Server) startLogin(r *call, o *spec.StartLogin) error {
	page, poll, err := s.WebLogins.Start(r.c.Request.Context(), o.Name)
	if err != nil {
		return err
	}
	answer := filled(o.Template, o.LoginURLPlaceholder, s.origin(r.c.Request)+"/-/login/"+page)
	s.write(r, filled(answer, o.LoginIDPlaceholder, poll))
	return nil
}

// filled returns a copy of a template with a value in place of the placeholder.
// Values are tokens, ids and URLs of this registry: nothing JSON would escape.
func filled(t spec.HTTPResponse, placeholder, value string) spec.HTTPResponse {
	t.Body = bytes.ReplaceAll(t.Body, []byte(placeholder), []byte(value))
	return t
}

// responseHeader is what a plugin's headers come to: no header that speaks for
// the whole origin or for the connection, and a document that cannot act.
func responseHeader(from http.Header) http.Header {
	h := http.Header{}
	for name, values := range from {
		name = http.CanonicalHeaderKey(name)
		if !ownedByCore(name) {
			h[name] = slices.Clone(values)
		}
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	return h
}

func ownedByCore(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Content-Encoding",
		"Set-Cookie", "Strict-Transport-Security", "Content-Security-Policy", "Clear-Site-Data", "Refresh",
		"Www-Authenticate", "X-Request-Id", "Etag", "Vary", "Date", "Server":
		return true
	}
	return strings.HasPrefix(name, "Access-Control-") || strings.HasPrefix(name, "Proxy-")
}

// privately keeps shared caches from storing an answer that depended on who
// asked, whatever the plugin said of it. Clients may keep it and ask whether it
// is still right.
func privately(h http.Header) {
	directives := []string{"private"}
	for _, v := range h.Values("Cache-Control") {
		for d := range strings.SplitSeq(v, ",") {
			d = strings.TrimSpace(d)
			switch name, _, _ := strings.Cut(strings.ToLower(d), "="); name {
			case "", "public", "private", "s-maxage":
			default:
				directives = append(directives, d)
			}
		}
	}
	if len(directives) == 1 {
		directives = append(directives, "no-cache")
	}
	h.Set("Cache-Control", strings.Join(directives, ", "))
}

func formatID(id int64) string { return strconv.FormatInt(id, 10) }
