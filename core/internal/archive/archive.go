// Package archive looks into packages without unpacking them: it walks a tar.gz
// or zip, refuses what is unsafe or ambiguous in any format, and hands out the
// few small members that a plugin asks for. Nothing is ever written to disk.
//
// Ambiguity is refused because two readers of one archive may take it for two
// different packages: what the registry shows must be what clients install.
package archive

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/sdk/spec"
)

// File is an archive to read.
type File interface {
	io.Reader
	io.ReaderAt
}

// The limits of an archive. Real packages are far below them.
const (
	maxMembers      = 200_000
	maxUnpacked     = 8 << 30
	maxRatio        = 200      // of unpacked to packed bytes,
	ratioFrom       = 64 << 20 // once this much is unpacked
	maxPath         = 4096
	maxKeptBytes    = 8 << 20
	maxMembersKept  = 1000
	defaultMaxBytes = 4 << 20
)

// Read walks an archive of size bytes. What is wrong with the archive itself is
// its Refusal, in words for whoever made it; an error means that it could not
// be read, and says nothing of the archive.
func Read(ctx context.Context, f File, size int64, r spec.ArchiveRead) (spec.Archive, error) {
	if r.MaxMemberBytes <= 0 {
		r.MaxMemberBytes = defaultMaxBytes
	}
	for _, g := range r.Globs {
		if _, err := path.Match(g, ""); err != nil {
			return spec.Archive{}, fmt.Errorf("glob %q: %w", g, err)
		}
	}
	w := &walk{ctx: ctx, size: size, read: r, seen: map[string]bool{}}
	var err error
	switch r.Kind {
	case spec.TarGzip:
		err = w.tarGzip(f)
	case spec.Zip:
		err = w.zip(f)
	default:
		return spec.Archive{}, fmt.Errorf("archive kind %d", r.Kind)
	}
	if no, ok := err.(refusal); ok { //nolint:errorlint // made here, never wrapped
		return spec.Archive{Refusal: string(no)}, nil
	}
	if err != nil {
		return spec.Archive{}, err
	}
	return w.found, nil
}

// refusal is what is wrong with an archive.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// walk is one archive being read.
type walk struct {
	ctx   context.Context //nolint:containedctx // lives as long as the call that got it
	size  int64
	read  spec.ArchiveRead
	found spec.Archive
	seen  map[string]bool
	count int
	kept  int64
}

// member checks a member's name and returns its one spelling.
func (w *walk) member(name string) (string, error) {
	if err := w.ctx.Err(); err != nil {
		return "", err
	}
	if w.count++; w.count > maxMembers {
		return "", refuse("the archive has more than %d members", maxMembers)
	}
	switch {
	case name == "":
		return "", refuse("the archive has a member without a name")
	case len(name) > maxPath:
		return "", refuse("the archive has a member whose name is longer than %d bytes", maxPath)
	case !utf8.ValidString(name):
		return "", refuse("the name of member %q is not UTF-8", name)
	case strings.ContainsRune(name, '\\'):
		return "", refuse("the name of member %q has a backslash", name)
	case path.IsAbs(name), len(name) > 1 && name[1] == ':':
		return "", refuse("member %q has an absolute path", name)
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return "", refuse("the name of member %q has a control character", name)
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", refuse("member %q leaves the archive", name)
		}
	}
	return path.Clean(name), nil
}

// file takes a regular file's content: counted, and kept if asked for.
func (w *walk) file(name string, size int64, content io.Reader) error {
	if w.seen[name] {
		return refuse("member %q is there twice", name)
	}
	w.seen[name] = true
	w.found.FileCount++
	w.found.UnpackedBytes += size
	if err := w.bomb(w.found.UnpackedBytes); err != nil {
		return err
	}
	if !w.wanted(name) {
		return nil
	}
	if size > w.read.MaxMemberBytes {
		return refuse("member %q is larger than %d bytes", name, w.read.MaxMemberBytes)
	}
	if w.kept += size; w.kept > maxKeptBytes || len(w.found.Members) >= maxMembersKept {
		return refuse("the archive has too many members like %q", name)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		return err
	}
	w.found.Members = append(w.found.Members, spec.ArchiveMember{Name: name, Data: data})
	return nil
}

// bomb refuses an archive that unpacks to far more than it is.
func (w *walk) bomb(unpacked int64) error {
	if unpacked > maxUnpacked || (unpacked > ratioFrom && unpacked/maxRatio > w.size) {
		return refuse("the archive unpacks to too much (%d bytes from %d)", unpacked, w.size)
	}
	return nil
}

func (w *walk) wanted(name string) bool {
	for _, g := range w.read.Globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
	}
	return false
}
