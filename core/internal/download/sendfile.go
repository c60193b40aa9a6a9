package download

import (
	"io"
	"net/http"
	"strconv"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// sendfileWriter passes a file on to the connection without copying it through
// this process: four times the bytes for the same work. net/http does that when
// it is handed an *os.File through io.ReaderFrom; gin's writer hides that method.
type sendfileWriter struct {
	http.ResponseWriter
	method string
	status int
	sent   int64
}

// WriteHeader notes the status.
func (w *sendfileWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write sends bytes the ordinary way.
func (w *sendfileWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// ReadFrom sends what r has, by sendfile where that is possible. The file is
// unwrapped: the kernel sends an *os.File, or a limited one, and nothing around it.
func (w *sendfileWriter) ReadFrom(r io.Reader) (int64, error) {
	to := w.ResponseWriter
	// gin puts headers off until the first byte.
	if g, ok := to.(interface{ WriteHeaderNow() }); ok {
		g.WriteHeaderNow()
	}
	for {
		u, ok := to.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		to = u.Unwrap()
	}
	n, err := io.Copy(to, unwrapFile(r))
	w.sent += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sendfileWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// short reports whether fewer bytes were sent than promised.
func (w *sendfileWriter) short() bool {
	if w.method == http.MethodHead || w.status == http.StatusNotModified {
		return false
	}
	promised, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	return err == nil && w.sent < promised
}

// unwrapFile finds the *os.File in what http.ServeContent copies from.
func unwrapFile(r io.Reader) io.Reader {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return r
	}
	if c, ok := limited.R.(*content); ok {
		if f, ok := c.blob.(storage.OSFile); ok {
			return &io.LimitedReader{R: f.OSFile(), N: limited.N}
		}
	}
	return r
}
