// Package archive looks into packages without unpacking them: it walks a tar.gz
// or zip, refuses what is unsafe or ambiguous in any format, and hands out the
// few small members that a plugin asks for. Nothing is ever written to disk.
//
// Ambiguity is refused because two readers of one archive may take it for two
// different packages: what the registry shows must be what clients install.
//
//	archive.go     the call, and what becomes of each error
//	members.go     rules for every member, whatever the container
//	targzip.go     tar.gz, streamed
//	tarheaders.go  what a tar says twice
//	zip.go         zip, by its central directory
//	zipend.go      where a zip's directory is
//	ziplocal.go    each member's own header, and that nothing stands between members
package archive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/pakhus/pakhus/sdk/spec"
)

// File is an archive to read.
type File interface {
	io.Reader
	io.ReaderAt
}

// Read walks an archive of size bytes, from f's beginning. What is wrong with
// the archive itself is its Refusal, in words for whoever made it; an error
// means that it could not be read, and says nothing of the archive.
//
// A tar.gz is read to its end, checksum included. Of a zip, the directory and
// every member's header are read, and the content of the members that match.
func Read(ctx context.Context, f File, size int64, r spec.ArchiveRead) (spec.Archive, error) {
	if r.MaxMemberBytes <= 0 {
		r.MaxMemberBytes = defaultMemberBytes
	}
	for _, g := range r.Globs {
		if _, err := path.Match(g, ""); err != nil {
			return spec.Archive{}, fmt.Errorf("glob %q: %w", g, err)
		}
	}
	from := &source{ctx: ctx, file: f}
	w := &walk{ctx: ctx, size: size, read: r, seen: map[nameKey]bool{}}
	var err error
	switch r.Kind {
	case spec.TarGzip:
		err = w.tarGzip(from)
	case spec.Zip:
		err = w.zip(from)
	default:
		return spec.Archive{}, fmt.Errorf("archive kind %d", r.Kind)
	}
	if err == nil {
		return w.found, nil
	}
	if from.err != nil {
		return spec.Archive{}, fmt.Errorf("read archive: %w", from.err)
	}
	if cause := ctx.Err(); cause != nil {
		return spec.Archive{}, cause
	}
	return spec.Archive{Refusal: words(err)}, nil
}

// refusal is what is wrong with an archive.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// words says what is wrong with an archive whose file could be read.
func words(err error) string {
	if no, ok := errors.AsType[refusal](err); ok {
		return string(no)
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the archive is cut short"
	case errors.Is(err, gzip.ErrHeader):
		return "the archive is not gzip"
	case errors.Is(err, tar.ErrHeader):
		return "the archive is not a tar"
	case errors.Is(err, gzip.ErrChecksum):
		return "the archive is damaged: its checksum is wrong"
	}
	return "the archive is damaged"
}

// source is the file. It remembers a read that failed: without that, a bad disk
// would look like a bad archive.
type source struct {
	ctx  context.Context //nolint:containedctx // the call's
	file File
	err  error
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.file.Read(p)
	s.note(err)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.file.ReadAt(p, at)
	s.note(err)
	return n, err
}

func (s *source) note(err error) {
	if err != nil && !errors.Is(err, io.EOF) && s.err == nil {
		s.err = err
	}
}
