// Package download sends stored files.
package download

import (
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// Meta is what a file's answer says beside its bytes.
type Meta struct {
	SHA256      [32]byte
	Size        int64  // as recorded; 0: not known
	ContentType string // empty: application/octet-stream
	FileName    string // for Content-Disposition; may be empty
	ModTime     time.Time
}

// Serve answers a GET or HEAD with a blob: ranges, conditions and lengths are
// http.ServeContent's, the entity tag is the content's sha256. On plain HTTP
// the kernel sends the file itself.
//
// If the blob is not as long as recorded, or its bytes cannot be read to their
// end, the connection is aborted (panic with http.ErrAbortHandler): a short
// answer must never look like a whole one.
func Serve(w http.ResponseWriter, r *http.Request, blob storage.Blob, m Meta) {
	if m.Size > 0 && blob.Size() != m.Size {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	h.Set("ETag", `"`+hex.EncodeToString(m.SHA256[:])+`"`)
	if m.ContentType == "" {
		m.ContentType = "application/octet-stream"
	}
	h.Set("Content-Type", m.ContentType)
	h.Set("Content-Disposition", disposition(m.FileName))
	// A package's content must not act as a page of this origin.
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	content := &content{blob: blob}
	out := &sendfileWriter{ResponseWriter: w, method: r.Method}
	http.ServeContent(out, r, "", m.ModTime, content)
	if content.failed.Load() || out.short() {
		panic(http.ErrAbortHandler)
	}
}

// disposition offers the file under its name, whatever characters it has: as
// RFC 6266 and RFC 5987 have it.
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

// content is a blob as http.ServeContent reads it. It is as long as the blob was
// when it was opened, and remembers whether a read failed; of several ranges,
// http.ServeContent reads on another goroutine and keeps the error to itself.
type content struct {
	blob   storage.Blob
	failed atomic.Bool
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	n, err := c.blob.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's end is bare
		c.failed.Store(true)
	}
	return n, err
}

// Seek implements io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset, whence = c.blob.Size()+offset, io.SeekStart
	}
	return c.blob.Seek(offset, whence)
}
