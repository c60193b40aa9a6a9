package archive

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// span is what a member takes of the file.
type span struct {
	from    int64 // its header
	content int64
	to      int64 // the content's end; what describes it may follow
	member  zipMember
}

// localLength is the fixed part of a member's own header (section 4.3.7).
const localLength = 30

// localSpan reads a member's own header and compares it with the directory.
func localSpan(f *source, m zipMember, directory int64) (span, error) {
	if m.offset < 0 || m.offset > directory-localLength-int64(len(m.name)) {
		return span{}, refuse("member %q is not in the archive", m.name)
	}
	b := make([]byte, localLength+len(m.name))
	if _, err := f.ReadAt(b, m.offset); err != nil {
		return span{}, err
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	differs := refuse("member %q is described differently by its header and the archive's directory", m.name)
	if u32(0) != 0x04034b50 || int(u16(26)) != len(m.name) || string(b[localLength:]) != m.name || u16(8) != m.method ||
		(u16(6)^m.flags)&(flagEncrypted|flagDescriptor|flagUTF8) != 0 {
		return span{}, differs
	}
	extra := make([]byte, u16(28))
	if _, err := f.ReadAt(extra, m.offset+int64(len(b))); err != nil {
		return span{}, err
	}
	crc, packed, size := u32(14), u32(18), u32(22)
	if err := readExtra(extra, m.name, &size, &packed); err != nil {
		return span{}, err
	}
	if packed != m.packed || size != m.size || crc != int64(m.crc) {
		// With a descriptor they are not known yet, and zero.
		if m.flags&flagDescriptor == 0 || !unknown(packed, m.packed) || !unknown(size, m.size) || !unknown(crc, int64(m.crc)) {
			return span{}, differs
		}
	}
	content := m.offset + int64(len(b)+len(extra))
	if m.packed > directory-content {
		return span{}, refuse("member %q is not whole in the archive", m.name)
	}
	return span{from: m.offset, content: content, to: content + m.packed, member: m}, nil
}

// unknown reports whether a header leaves a number to the descriptor. Python
// fills in the largest number for a 64-bit one that it does not know.
func unknown(local, central int64) bool {
	return local == 0 || local == math.MaxUint32 || local == central
}

// covered refuses members that share bytes, and bytes that are no member's.
func covered(f *source, spans []span, directory int64) error {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	at := int64(0)
	for i, s := range spans {
		if s.from != at {
			return refuse("the archive has bytes that belong to no member, or to two")
		}
		next := directory
		if i+1 < len(spans) {
			next = spans[i+1].from
		}
		if next < s.to {
			return refuse("members of the archive overlap")
		}
		if err := descriptor(f, s, next-s.to); err != nil {
			return err
		}
		at = next
	}
	if at != directory {
		return refuse("the archive has bytes that belong to no member")
	}
	return nil
}

// descriptor checks the length bytes between a member's content and what
// follows: nothing, or the sizes that its header left open (section 4.3.9).
func descriptor(f *source, s span, length int64) error {
	m := s.member
	if m.flags&flagDescriptor == 0 {
		if length != 0 {
			return refuse("the archive has bytes after member %q that belong to no member", m.name)
		}
		return nil
	}
	odd := refuse("member %q is described differently after its content", m.name)
	// With or without a signature, with numbers of 32 or of 64 bits.
	if length != 12 && length != 16 && length != 20 && length != 24 {
		return odd
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, s.to); err != nil {
		return err
	}
	if length == 16 || length == 24 {
		if binary.LittleEndian.Uint32(b) != 0x08074b50 {
			return odd
		}
		b = b[4:]
	}
	crc, b := binary.LittleEndian.Uint32(b), b[4:]
	var packed, size uint64
	if len(b) == 8 {
		packed, size = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:]))
	} else {
		packed, size = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	}
	if crc != m.crc || packed != uint64(m.packed) || size != uint64(m.size) {
		return odd
	}
	return nil
}
