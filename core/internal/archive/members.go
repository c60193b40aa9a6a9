package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pakhus/pakhus/sdk/spec"
)

// The limits of an archive. Real packages are far below them.
const (
	maxMembers         = 200_000
	maxUnpacked        = 8 << 30
	maxRatio           = 200      // of unpacked to packed bytes,
	ratioFrom          = 64 << 20 // once this much is unpacked
	maxPath            = 4096
	maxKeptBytes       = 8 << 20
	maxMembersKept     = 1000
	defaultMemberBytes = 4 << 20
)

// walk is one archive being read.
type walk struct {
	ctx   context.Context //nolint:containedctx // lives as long as the call that got it
	size  int64
	read  spec.ArchiveRead
	found spec.Archive
	seen  map[nameKey]bool // true: a file, false: a folder
	count int
	kept  int64
}

// nameKey stands for a name: a hostile archive has long ones by the hundred
// thousand, which packed are next to nothing.
type nameKey [16]byte

func keyOf(name string) nameKey {
	sum := sha256.Sum256([]byte(name))
	return nameKey(sum[:16])
}

// folder takes note of a folder. It may be there more than once.
func (w *walk) folder(raw string) error {
	name, err := w.member(strings.TrimSuffix(raw, "/"))
	if err != nil {
		return err
	}
	key := keyOf(name)
	if w.seen[key] {
		return refuse("member %q is there twice", name)
	}
	w.seen[key] = false
	return nil
}

// file takes note of a regular file, counts it, and returns its one spelling.
func (w *walk) file(raw string, size int64) (string, error) {
	name, err := w.member(raw)
	if err != nil {
		return "", err
	}
	if name == "." || strings.HasSuffix(raw, "/") {
		return "", refuse("member %q is named like a folder and is none", raw)
	}
	key := keyOf(name)
	if _, ok := w.seen[key]; ok {
		return "", refuse("member %q is there twice", name)
	}
	w.seen[key] = true
	w.found.FileCount++
	if w.read.ListNames {
		if w.kept += int64(len(name)); w.kept > maxKeptBytes {
			return "", refuse("the archive has too many members")
		}
		w.found.Names = append(w.found.Names, name)
	}
	w.found.UnpackedBytes += min(size, maxUnpacked+1) // a size may be any number
	return name, w.bomb(w.found.UnpackedBytes)
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
	case path.IsAbs(name), hasDrive(name):
		return "", refuse("member %q has an absolute path", name)
	}
	for _, c := range name {
		if c < ' ' || c >= 0x7f && c <= 0x9f {
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

// hasDrive reports whether Windows would take the name for a path on a drive.
func hasDrive(name string) bool {
	return len(name) > 1 && name[1] == ':' && (name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z')
}

// bomb refuses an archive that unpacks to far more than it is.
func (w *walk) bomb(unpacked int64) error {
	if unpacked > maxUnpacked || (unpacked > ratioFrom && unpacked/maxRatio > w.size) {
		return refuse("the archive unpacks to too much: more than %d bytes from %d", unpacked-1, w.size)
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

// keep hands out a member's content.
func (w *walk) keep(name string, size int64, content io.Reader) error {
	if size > w.read.MaxMemberBytes {
		return refuse("member %q is larger than %d bytes", name, w.read.MaxMemberBytes)
	}
	if w.kept += size; w.kept > maxKeptBytes || len(w.found.Members) >= maxMembersKept {
		return refuse("the archive has too many members like %q", name)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	w.found.Members = append(w.found.Members, spec.ArchiveMember{Name: name, Data: data})
	return nil
}
