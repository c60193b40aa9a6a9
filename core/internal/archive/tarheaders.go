package archive

import (
	"archive/tar"
	"strconv"
	"strings"
)

const tarBlock = 512

// tarHeaders is what a tar says of one member before its content: a block, and
// before that any number of extensions. Go's reader tells what they come to by
// its own rules; other readers have others (CVE-2025-62518). So whatever is
// said twice must be the same.
type tarHeaders struct {
	size      int64 // in the member's own block
	pax, long int   // extensions of the POSIX and the GNU kind
}

// parseTarHeaders reads the raw blocks that Go's reader has accepted.
func parseTarHeaders(raw []byte) (tarHeaders, error) {
	var t tarHeaders
	for len(raw) >= tarBlock {
		size, ok := tarNumber(raw[124:136])
		if !ok || size < 0 {
			return t, tar.ErrHeader
		}
		switch raw[156] {
		case tar.TypeXHeader:
			t.pax++
		case tar.TypeGNULongName, tar.TypeGNULongLink:
			t.long++
		default:
			t.size = size
			return t, nil
		}
		blocks := (size + tarBlock - 1) / tarBlock
		if blocks >= int64(len(raw)/tarBlock) {
			return t, tar.ErrHeader
		}
		raw = raw[(1+blocks)*tarBlock:]
	}
	return t, tar.ErrHeader
}

// agree refuses a member that is said to be two things.
func (t tarHeaders) agree(h *tar.Header) error {
	if t.pax > 1 || t.long > 1 || t.pax > 0 && t.long > 0 {
		return refuse("member %q is described more than once", h.Name)
	}
	if h.Typeflag == tar.TypeXGlobalHeader && t.pax+t.long > 0 {
		// Go forgets the extension; some clients give it to the next member.
		return refuse("the archive's global header is described as if it were a member")
	}
	if h.Typeflag == tar.TypeReg && t.size != h.Size || h.Typeflag == tar.TypeDir && t.size != 0 {
		return refuse("member %q is said to have %d bytes, and %d", h.Name, h.Size, t.size)
	}
	return nil
}

// tarNumber reads a numeric field: octal, or binary where the first bit is set.
func tarNumber(field []byte) (int64, bool) {
	if field[0]&0x80 != 0 {
		var n uint64
		for i, b := range field {
			if i == 0 {
				b &= 0x7f
			}
			if n >= 1<<55 {
				return 0, false
			}
			n = n<<8 | uint64(b)
		}
		return int64(n), true //nolint:gosec // below 1<<63
	}
	text := strings.Trim(string(field), " \x00")
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 8, 64)
	return n, err == nil
}
