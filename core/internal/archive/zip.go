package archive

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"strings"
)

// A zip says everything twice, in a directory at its end and in a header before
// each member, and may have bytes that neither speaks of. Readers that seek and
// readers that stream then see two packages (CVE-2025-54368). archive/zip reads
// the directory alone, so this is a reader of our own, for zips in which both
// agree and nothing is left over. Section numbers are those of PKWARE's
// APPNOTE.TXT 6.3.10.

// The methods that every reader knows.
const (
	zipStore   = 0
	zipDeflate = 8
)

// Bits of a member's flags.
const (
	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3 // sizes follow the content
	flagPatch      = 1 << 5
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
)

// zipMember is a member as the directory describes it.
type zipMember struct {
	name       string
	madeBy     uint16
	flags      uint16
	method     uint16
	crc        uint32
	packed     int64
	size       int64
	offset     int64 // of its own header
	attributes uint32
}

func (w *walk) zip(f *source) error {
	end, err := findZipEnd(f, w.size)
	if err != nil {
		return err
	}
	directory := bufio.NewReaderSize(io.NewSectionReader(f, end.directory, end.size), int(min(max(end.size, 16), 64<<10)))
	spans := make([]span, 0, end.count)
	read := int64(0)
	for range end.count {
		m, n, err := readZipMember(directory)
		if err != nil {
			return err
		}
		if read += n; read > end.size {
			return io.ErrUnexpectedEOF
		}
		s, err := w.zipMember(f, m, end.directory)
		if err != nil {
			return err
		}
		spans = append(spans, s)
	}
	if read != end.size {
		return refuse("the archive's directory goes on after its end")
	}
	return covered(f, spans, end.directory)
}

func (w *walk) zipMember(f *source, m zipMember, directory int64) (span, error) {
	if err := m.plain(); err != nil {
		return span{}, err
	}
	s, err := localSpan(f, m, directory)
	if err != nil {
		return span{}, err
	}
	if strings.HasSuffix(m.name, "/") {
		return s, w.folder(m.name)
	}
	name, err := w.file(m.name, m.size)
	if err != nil || !w.wanted(name) {
		return s, err
	}
	content := openZipMember(f, m, s)
	if err := w.keep(name, m.size, content); err != nil {
		return s, err
	}
	return s, content.end()
}

// plain refuses members that are not simply files or folders.
func (m zipMember) plain() error {
	const (
		unix, darwin          = 3, 19
		format, folder, plain = 0xf000, 0x4000, 0x8000 // of st_mode
	)
	switch {
	case m.flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return refuse("member %q is encrypted", m.name)
	case m.flags&flagPatch != 0, m.method != zipStore && m.method != zipDeflate:
		return refuse("member %q is compressed in a way that not every reader knows", m.name)
	case m.method == zipStore && m.packed != m.size, strings.HasSuffix(m.name, "/") && m.size != 0:
		return refuse("member %q has a size that cannot be", m.name)
	}
	if host := m.madeBy >> 8; host != unix && host != darwin {
		return nil
	}
	switch kind := m.attributes >> 16 & format; {
	case kind == 0:
		return nil
	case kind == folder && strings.HasSuffix(m.name, "/"), kind == plain && !strings.HasSuffix(m.name, "/"):
		return nil
	case kind == 0xa000:
		return refuse("member %q is a link; a package holds files only", m.name)
	}
	return refuse("member %q is neither file nor folder", m.name)
}

// readZipMember reads one entry of the directory (section 4.3.12) and returns how long it is.
func readZipMember(r *bufio.Reader) (zipMember, int64, error) {
	var b [46]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return zipMember{}, 0, err
	}
	if binary.LittleEndian.Uint32(b[:]) != 0x02014b50 {
		return zipMember{}, 0, refuse("the archive's directory is damaged")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	names := make([]byte, u16(28)+u16(30))
	if _, err := io.ReadFull(r, names); err != nil {
		return zipMember{}, 0, err
	}
	if _, err := r.Discard(u16(32)); err != nil { // the comment
		return zipMember{}, 0, err
	}
	m := zipMember{
		name: string(names[:u16(28)]), madeBy: uint16(u16(4)), flags: uint16(u16(8)), method: uint16(u16(10)), //nolint:gosec // they were uint16
		crc: uint32(u32(16)), packed: u32(20), size: u32(24), offset: u32(42), attributes: uint32(u32(38)), //nolint:gosec // they were uint32
	}
	if u16(34) != 0 {
		return m, 0, refuse("the archive is in several parts")
	}
	err := readExtra(names[u16(28):], m.name, &m.size, &m.packed, &m.offset)
	return m, int64(len(b) + len(names) + u16(32)), err
}

// readExtra looks through a header's extra fields. The 64-bit forms of numbers
// stand there, in order, for those that did not fit (section 4.5.3). Another
// spelling of the name may too, which only some readers take (4.6.9).
func readExtra(extra []byte, name string, numbers ...*int64) error {
	const zip64, unicodePath = 0x0001, 0x7075
	seen64 := false
	for len(extra) >= 4 {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; size > len(extra) {
			return refuse("member %q has a damaged header", name)
		}
		field := extra[:size]
		extra = extra[size:]
		switch {
		case id == unicodePath && (size < 5 || string(field[5:]) != name):
			return refuse("member %q has two names", name)
		case id != zip64:
			continue
		case seen64:
			return refuse("member %q has two sizes", name)
		}
		seen64 = true
		for _, n := range numbers {
			if *n != math.MaxUint32 {
				continue
			}
			if len(field) < 8 || binary.LittleEndian.Uint64(field) > math.MaxInt64 {
				return refuse("member %q has a size that cannot be", name)
			}
			*n = int64(binary.LittleEndian.Uint64(field)) //nolint:gosec // checked above
			field = field[8:]
		}
	}
	return nil
}

// zipContent is a member's content, unpacked and checked.
type zipContent struct {
	io.Reader
	packed *bufio.Reader
	sum    func() uint32
	member zipMember
}

func openZipMember(f *source, m zipMember, s span) *zipContent {
	packed := bufio.NewReaderSize(io.NewSectionReader(f, s.content, m.packed), int(min(max(m.packed, 16), 32<<10)))
	var content io.Reader = packed
	if m.method == zipDeflate {
		content = flate.NewReader(packed)
	}
	crc := crc32.NewIEEE()
	return &zipContent{Reader: io.TeeReader(content, crc), packed: packed, sum: crc.Sum32, member: m}
}

// end checks that the content is over, and was what the directory says.
func (c *zipContent) end() error {
	var one [1]byte
	if n, err := io.ReadFull(c.Reader, one[:]); n > 0 || !errors.Is(err, io.EOF) {
		return refuse("member %q is not as large as it says", c.member.name)
	}
	if _, err := c.packed.Peek(1); !errors.Is(err, io.EOF) {
		return refuse("member %q goes on after its end", c.member.name)
	}
	if c.sum() != c.member.crc {
		return refuse("member %q is damaged: its checksum is wrong", c.member.name)
	}
	return nil
}
