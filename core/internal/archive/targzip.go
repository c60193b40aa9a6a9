package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// tarGzip walks a compressed tar from beginning to end. Several gzip members
// in a row are one stream, as RFC 1952 has it and every client reads it.
func (w *walk) tarGzip(f *source) error {
	z, err := gzip.NewReader(bufio.NewReaderSize(f, int(min(max(w.size, 512), 64<<10))))
	if errors.Is(err, io.EOF) {
		return gzip.ErrHeader // an empty file
	}
	if err != nil {
		return err
	}
	from := &tape{from: z, walk: w}
	t := tar.NewReader(from)
	for {
		from.startHeaders()
		h, err := t.Next()
		if err == io.EOF { //nolint:errorlint // only this, bare, is a tar's end
			return w.rest(from)
		}
		if err != nil {
			return err
		}
		headers, err := from.endHeaders()
		if err != nil {
			return err
		}
		if err := w.tarMember(h, headers, t); err != nil {
			return err
		}
		// Read to the member's end here, so that the tape holds nothing but headers next.
		if _, err := io.Copy(io.Discard, t); err != nil { //nolint:gosec // the tape bounds it
			return err
		}
	}
}

func (w *walk) tarMember(h *tar.Header, headers tarHeaders, content io.Reader) error {
	if err := headers.agree(h); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return globalHeader(h)
	case tar.TypeDir:
		return w.folder(h.Name)
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
	name, err := w.file(h.Name, h.Size)
	if err != nil || !w.wanted(name) {
		return err
	}
	return w.keep(name, h.Size, content)
}

// globalHeader lets pass what says nothing about files: git archive notes its
// commit so. Go's reader does not apply the others to what follows; some
// clients do.
func globalHeader(h *tar.Header) error {
	for key := range h.PAXRecords {
		switch key {
		case "comment", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname":
		default:
			return refuse("the archive's global header sets %q for every member", key)
		}
	}
	return nil
}

// rest reads what follows the end of the tar: zeroes are usual, and the gzip
// checksum stands behind them. Anything else would be a second archive.
func (w *walk) rest(from *tape) error {
	from.noting = false
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
			return err
		}
	}
}

// maxHeaderBytes bounds what stands before one member. Go's own bound is 1 MiB
// for each of its headers.
const maxHeaderBytes = 3 << 20

// tape is the unpacked stream. It bounds what comes out of the decompressor,
// wanted or not, and keeps a member's raw headers.
type tape struct {
	from    io.Reader
	walk    *walk
	n       int64
	noting  bool
	padding int // of the member before, which the headers begin with
	headers []byte
}

func (t *tape) startHeaders() {
	t.noting, t.headers = true, t.headers[:0]
	t.padding = int(-t.n & (tarBlock - 1))
}

func (t *tape) endHeaders() (tarHeaders, error) {
	t.noting = false
	return parseTarHeaders(t.headers[min(t.padding, len(t.headers)):])
}

// Read reads on, unless it has been too much.
func (t *tape) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.n += int64(n)
	if bomb := t.walk.bomb(t.n); bomb != nil {
		return n, bomb
	}
	if t.noting {
		if len(t.headers)+n > maxHeaderBytes {
			return n, refuse("the archive has a member with a header of more than %d bytes", maxHeaderBytes)
		}
		t.headers = append(t.headers, p[:n]...)
	}
	return n, err
}
