package download

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/pakhus/pakhus/core/internal/storage"
)

// sendfileWriter passes a file on to the connection without copying it through
// this process. net/http does that when it is handed an *os.File through
// io.ReaderFrom; gin's writer hides that method.
type sendfileWriter struct {
	http.ResponseWriter
	method string
	status int
	sent   int64
	err    error
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
	w.note(err)
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
	w.note(err)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *sendfileWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *sendfileWriter) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// short reports whether fewer bytes were sent than promised.
func (w *sendfileWriter) short() bool {
	if w.method == http.MethodHead || w.status == http.StatusNotModified {
		return false
	}
	promised, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	return errors.Is(w.err, io.ErrUnexpectedEOF) || (err == nil && w.sent < promised)
}

// osFile is what a blob on disk offers.
type osFile interface{ OSFile() *os.File }

func hasFile(b storage.Blob) bool { _, ok := b.(osFile); return ok }

// unwrapFile finds the *os.File in what http.ServeContent copies from.
func unwrapFile(r io.Reader) io.Reader {
	switch v := r.(type) {
	case *io.LimitedReader:
		if f, ok := v.R.(osFile); ok {
			return &io.LimitedReader{R: f.OSFile(), N: v.N}
		}
	case osFile:
		return v.OSFile()
	}
	return r
}

// watchedBlob notes whether a read failed.
type watchedBlob struct {
	storage.Blob
	failed bool
}

// Read reads from the blob.
func (b *watchedBlob) Read(p []byte) (int, error) {
	n, err := b.Blob.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = true
	}
	return n, err
}
