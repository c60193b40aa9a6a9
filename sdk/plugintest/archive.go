package plugintest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pakhus/pakhus/sdk/spec"
)

// walk collects the members of an archive. The core's own walk refuses more
// (bombs, headers that disagree); these are the refusals a format meets in tests.
type walk struct {
	want  spec.ArchiveRead
	seen  map[string]bool
	found spec.Archive
}

// refusedError is a sentence for the client.
type refusedError struct{ sentence string }

func (e *refusedError) Error() string { return e.sentence }

func refusedf(format string, args ...any) error {
	return &refusedError{sentence: fmt.Sprintf(format, args...)}
}

func readArchive(content []byte, want spec.ArchiveRead) (spec.Archive, error) {
	w := &walk{want: want, seen: map[string]bool{}}
	var err error
	switch want.Kind {
	case spec.TarGzip:
		err = w.tarGzip(content)
	case spec.Zip:
		err = w.zip(content)
	default:
		return spec.Archive{}, errors.New("unknown kind of archive")
	}
	if refusal, ok := errors.AsType[*refusedError](err); ok {
		return spec.Archive{Refusal: refusal.sentence}, nil
	}
	return w.found, err
}

func (w *walk) tarGzip(content []byte) error {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return refusedf("the file is not a gzip archive")
	}
	members := tar.NewReader(z)
	for {
		h, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refusedf("the archive is broken")
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg:
		default:
			return refusedf("the archive has a link or special file: %q", h.Name)
		}
		if err := w.member(h.Name, members); err != nil {
			return err
		}
	}
}

func (w *walk) zip(content []byte) error {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return refusedf("the file is not a zip archive")
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !f.FileInfo().Mode().IsRegular() {
			return refusedf("the archive has a link or special file: %q", f.Name)
		}
		from, err := f.Open()
		if err != nil {
			return refusedf("the archive is broken")
		}
		err = w.member(f.Name, from)
		_ = from.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// member reads one regular file, and keeps it if a glob names it.
func (w *walk) member(name string, from io.Reader) error {
	if strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\\x00") || strings.HasPrefix(path.Clean(name), "..") {
		return refusedf("the archive has an unsafe path: %q", name)
	}
	if clean := path.Clean(name); w.seen[clean] {
		return refusedf("the archive has a path twice: %q", name)
	} else {
		w.seen[clean] = true
		if w.want.ListNames {
			w.found.Names = append(w.found.Names, clean)
		}
	}
	data, err := io.ReadAll(from)
	if err != nil {
		return refusedf("the archive is broken")
	}
	w.found.FileCount++
	w.found.UnpackedBytes += int64(len(data))
	for _, glob := range w.want.Globs {
		matched, err := path.Match(glob, name)
		if err != nil {
			return fmt.Errorf("glob %q: %w", glob, err)
		}
		if !matched {
			continue
		}
		if int64(len(data)) > w.want.MaxMemberBytes {
			return refusedf("%q in the archive is too large", name)
		}
		w.found.Members = append(w.found.Members, spec.ArchiveMember{Name: name, Data: data})
		return nil
	}
	return nil
}
