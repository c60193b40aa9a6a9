// Package download sends stored files.
package download

import (
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// Meta is what a file's answer says beside its bytes.
type Meta struct {
	SHA256      [32]byte
	ContentType string
	FileName    string // for Content-Disposition; may be empty
	ModTime     time.Time
}

// Serve answers a GET or HEAD with a blob: ranges, conditions and lengths are
// http.ServeContent's, the entity tag is the content's sha256. On plain HTTP
// the kernel sends the file itself.
//
// If the bytes cannot be read to their end, the connection is aborted: a short
// answer must never look like a whole one.
func Serve(w http.ResponseWriter, r *http.Request, blob storage.Blob, m Meta) {
	h := w.Header()
	h.Set("ETag", `"`+hex.EncodeToString(m.SHA256[:])+`"`)
	h.Set("Content-Type", m.ContentType)
	h.Set("Content-Disposition", disposition(m.FileName))
	// A package's content must not act as a page of this origin.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	watched := &watchedBlob{Blob: blob}
	var content io.ReadSeeker = watched
	if hasFile(blob) {
		// sendfile needs the file itself; its errors show as a short write.
		content = blob
	}
	out := &sendfileWriter{ResponseWriter: w, method: r.Method}
	http.ServeContent(out, r, "", m.ModTime, content)
	if watched.failed || out.short() {
		panic(http.ErrAbortHandler)
	}
}

// disposition offers the file under its name, whatever characters it has.
func disposition(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	if name == "" {
		return "attachment"
	}
	if v := mime.FormatMediaType("attachment", map[string]string{"filename": name}); v != "" {
		return v
	}
	return "attachment"
}
