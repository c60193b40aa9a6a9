package server

import (
	"io"
	"net/http"
	"time"

	"github.com/pakhus/pakhus/core/internal/registry"
	"github.com/pakhus/pakhus/core/internal/upload"
)

// receive consumes the request's body as the route's policy says. File bytes
// go to storage; nothing of them reaches the plugin.
func (s *Server) receive(r *call) (*upload.Body, error) {
	limits := r.manifest.Limits
	tooLarge := registry.CodeTooLarge
	if limits.TooLargeStatus == http.StatusBadRequest {
		tooLarge = registry.CodeInvalid
	}
	if most := s.MaxFileBytes(r.manifest.Format); most > 0 {
		limits.MaxFileBytes = most
	}
	if own := r.about.maxFileSize(r.manifest.Format); own > 0 && (limits.MaxFileBytes == 0 || own < limits.MaxFileBytes) {
		limits.MaxFileBytes = own // a project's own limit is never above the registry's
	}
	req := r.c.Request
	// The deadline is the body's only: passed later, it would look as if the
	// client had gone away from what is done with the body.
	defer func() { _ = http.NewResponseController(r.c.Writer).SetReadDeadline(time.Time{}) }()
	return upload.Receive(req.Context(), s.Blobs, upload.Incoming{
		Header:        req.Header,
		Body:          progress(r.c.Writer, req.Body),
		ContentLength: req.ContentLength,
	}, r.route.Body, upload.Limits{
		MaxFileBytes: limits.MaxFileBytes,
		Digests:      limits.Digests,
		TooLarge:     tooLarge,

		SmallFileBytes: s.SmallFileBytes,
	})
}

// stall is how long an upload may stand still.
const stall = 60 * time.Second

// progress gives a body a deadline that moves while bytes arrive: a slow upload
// is welcome, a silent one is not.
func progress(w http.ResponseWriter, body io.Reader) io.Reader {
	return &progressReader{control: http.NewResponseController(w), body: body}
}

type progressReader struct {
	control *http.ResponseController
	body    io.Reader
	moved   time.Time
}

func (p *progressReader) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(p.moved) > stall/10 {
		p.moved = now
		// A connection that has no deadlines (HTTP/2 in tests) is read without.
		_ = p.control.SetReadDeadline(now.Add(stall))
	}
	return p.body.Read(b)
}
