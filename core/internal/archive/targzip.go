package archive

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// tarGzip walks a compressed tar from beginning to end.
func (w *walk) tarGzip(f io.Reader) error {
	z, err := gzip.NewReader(f)
	if err != nil {
		return w.broken(err, "it is not gzip")
	}
	// tar passes over what it does not read; this counts that as well.
	counted := &counter{from: z, walk: w}
	t := tar.NewReader(counted)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return w.rest(counted)
		}
		if err != nil {
			return w.broken(err, "it is not a tar")
		}
		if err := w.tarMember(h, t); err != nil {
			return w.broken(err, "it is cut short")
		}
	}
}

func (w *walk) tarMember(h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return nil // git archive notes its commit so
	case tar.TypeDir:
		_, err := w.member(strings.TrimSuffix(h.Name, "/"))
		return err
	case tar.TypeReg:
	case tar.TypeSymlink, tar.TypeLink:
		return refuse("member %q is a link; a package holds files only", h.Name)
	default:
		return refuse("member %q is neither file nor folder", h.Name)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse") {
			return refuse("member %q is a sparse file", h.Name)
		}
	}
	name, err := w.member(h.Name)
	if err != nil {
		return err
	}
	return w.file(name, h.Size, content)
}

// rest reads what follows the end of the tar: zeroes are usual, and the gzip
// checksum stands behind them. Anything else would be a second archive.
func (w *walk) rest(from io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return refuse("the archive goes on after its end")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.broken(err, "it is cut short")
		}
	}
}

// broken tells an archive that is no good from a file that cannot be read.
func (w *walk) broken(err error, guess string) error {
	if _, ok := err.(refusal); ok { //nolint:errorlint // made here, never wrapped
		return err
	}
	if ctxErr := w.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	var corrupt interface{ Timeout() bool }
	if errors.As(err, &corrupt) {
		return err // an error of the system, not of the content
	}
	return refuse("the archive cannot be read: %s (%v)", guess, err)
}

// counter bounds what comes out of the decompressor, read or passed over.
type counter struct {
	from io.Reader
	walk *walk
	n    int64
}

// Read reads on, unless it has been too much.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	if bomb := c.walk.bomb(c.n); bomb != nil {
		return n, bomb
	}
	if ctxErr := c.walk.ctx.Err(); ctxErr != nil {
		return n, ctxErr
	}
	return n, err
}
