package archive

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"slices"
	"strings"
)

// zip walks a zip by its central directory, and compares each local header with
// it: readers that stream see the one, readers that seek the other.
func (w *walk) zip(f File) error {
	r, err := zip.NewReader(f, w.size)
	if err != nil {
		return w.broken(err, "it is not a zip")
	}
	var spans []span
	for _, m := range r.File {
		s, err := w.zipMember(f, m)
		if err != nil {
			return w.broken(err, "it is damaged")
		}
		spans = append(spans, s)
	}
	return w.covered(spans)
}

// span is what a member takes of the file, header included.
type span struct{ from, to int64 }

// localHeader is the fixed part of a zip member's own header.
const localHeader = 30

func (w *walk) zipMember(f io.ReaderAt, m *zip.File) (span, error) {
	const encrypted = 1
	switch {
	case m.Flags&encrypted != 0:
		return span{}, refuse("member %q is encrypted", m.Name)
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return span{}, refuse("member %q is compressed in a way that not every reader knows (%d)", m.Name, m.Method)
	}
	s, err := agree(f, m)
	if err != nil {
		return span{}, err
	}
	if folder, ok := strings.CutSuffix(m.Name, "/"); ok {
		_, err := w.member(folder)
		return s, err
	}
	if !m.Mode().IsRegular() {
		return span{}, refuse("member %q is neither file nor folder", m.Name)
	}
	name, err := w.member(m.Name)
	if err != nil {
		return span{}, err
	}
	size := int64(min(m.UncompressedSize64, uint64(maxUnpacked)+1)) //nolint:gosec // bounded here
	if !w.wanted(name) {
		return s, w.file(name, size, nil)
	}
	content, err := m.Open()
	if err != nil {
		return span{}, err
	}
	defer func() { _ = content.Close() }()
	if err := w.file(name, size, content); err != nil {
		return span{}, err
	}
	// Reading to the end checks the member's checksum and that it has no more.
	if n, err := io.Copy(io.Discard, io.LimitReader(content, 1)); err != nil || n > 0 {
		return span{}, refuse("member %q is not as large as it says", m.Name)
	}
	return s, nil
}

// agree compares a member's local header with the central directory.
func agree(f io.ReaderAt, m *zip.File) (span, error) {
	data, err := m.DataOffset()
	if err != nil {
		return span{}, err
	}
	// The header's length is known only from the header, which ends where the data begins.
	var fixed [localHeader]byte
	start := data - localHeader - int64(len(m.Name))
	for extra := int64(0); extra <= 0xffff && start-extra >= 0; extra++ {
		if _, err := f.ReadAt(fixed[:], start-extra); err != nil {
			return span{}, err
		}
		if binary.LittleEndian.Uint32(fixed[:]) == 0x04034b50 &&
			int64(binary.LittleEndian.Uint16(fixed[26:])) == int64(len(m.Name)) &&
			int64(binary.LittleEndian.Uint16(fixed[28:])) == extra {
			name := make([]byte, len(m.Name))
			if _, err := f.ReadAt(name, start-extra+localHeader); err != nil {
				return span{}, err
			}
			if string(name) != m.Name || binary.LittleEndian.Uint16(fixed[8:]) != m.Method {
				return span{}, refuse("member %q is another one in the archive's own directory", m.Name)
			}
			end := data + int64(m.CompressedSize64) //nolint:gosec // zip.NewReader has checked it against the file
			return span{from: start - extra, to: end}, nil
		}
	}
	return span{}, refuse("member %q is another one in the archive's own directory", m.Name)
}

// covered refuses members that share bytes, and bytes before the first member:
// both make an archive that two readers read differently.
func (w *walk) covered(spans []span) error {
	slices.SortFunc(spans, func(a, b span) int { return int(min(max(a.from-b.from, -1), 1)) })
	if len(spans) > 0 && spans[0].from != 0 {
		return refuse("the archive does not begin with its first member")
	}
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return refuse("members of the archive overlap")
		}
	}
	return nil
}
