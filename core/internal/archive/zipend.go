package archive

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// zipEnd is where a zip's directory is.
type zipEnd struct {
	directory int64 // offset
	size      int64
	count     int64
}

// The lengths of the records at a zip's end.
const (
	endLength       = 22
	locatorLength   = 20
	end64Length     = 56
	maxComment      = math.MaxUint16
	minMemberLength = 46 // in the directory
	maxDirectory    = 64 << 20
)

// findZipEnd finds the one end record (section 4.3.16). Where a comment could
// be taken for another end record, readers disagree about which is meant.
func findZipEnd(f *source, size int64) (zipEnd, error) {
	if size < endLength {
		return zipEnd{}, refuse("the archive is not a zip")
	}
	start := max(size-endLength-maxComment-locatorLength-end64Length, 0)
	tail := make([]byte, size-start)
	if _, err := f.ReadAt(tail, start); err != nil && len(tail) > 0 && err != io.EOF { //nolint:errorlint // io.ReaderAt gives it bare
		return zipEnd{}, err
	}
	signature := []byte("PK\x05\x06")
	at := bytes.LastIndex(tail, signature)
	if at < 0 {
		return zipEnd{}, refuse("the archive is not a zip, or cut short")
	}
	if !endFits(tail, at) {
		return zipEnd{}, refuse("the archive does not end where it says")
	}
	for other := 0; ; other++ {
		i := bytes.Index(tail[other:at], signature)
		if i < 0 {
			break
		}
		if other += i; endFits(tail, other) {
			return zipEnd{}, refuse("the archive has two ends")
		}
	}
	return parseZipEnd(f, tail, at, start)
}

// endFits reports whether an end record there would end with the file.
func endFits(tail []byte, at int) bool {
	return len(tail)-at >= endLength &&
		at+endLength+int(binary.LittleEndian.Uint16(tail[at+20:])) == len(tail)
}

func parseZipEnd(f *source, tail []byte, at int, start int64) (zipEnd, error) {
	b := tail[at:]
	u16 := func(i int) int64 { return int64(binary.LittleEndian.Uint16(b[i:])) }
	u32 := func(i int) int64 { return int64(binary.LittleEndian.Uint32(b[i:])) }
	if u16(4) != 0 || u16(6) != 0 || u16(8) != u16(10) {
		return zipEnd{}, refuse("the archive is in several parts")
	}
	end := zipEnd{count: u16(10), size: u32(12), directory: u32(16)}
	// Where the directory must end: here, or where a 64-bit end record begins.
	stop := start + int64(at)
	if at >= locatorLength && bytes.HasPrefix(tail[at-locatorLength:], []byte("PK\x06\x07")) {
		var err error
		if stop, err = parseEnd64(f, tail[at-locatorLength:at], stop-locatorLength, &end); err != nil {
			return zipEnd{}, err
		}
	}
	switch {
	case end.count > maxMembers, end.size > maxDirectory:
		return zipEnd{}, refuse("the archive has more than %d members, or their names are too long", maxMembers)
	case end.count*minMemberLength > end.size, end.size > stop, end.directory != stop-end.size:
		return zipEnd{}, refuse("the archive's directory is not where it says; are there bytes before or after the archive?")
	}
	return end, nil
}

// parseEnd64 reads the 64-bit end record (section 4.3.14), which must stand
// right before its locator, and returns where it begins.
func parseEnd64(f *source, locator []byte, before int64, end *zipEnd) (int64, error) {
	odd := refuse("the archive has two ends")
	at := before - end64Length
	if at < 0 || binary.LittleEndian.Uint64(locator[8:]) != uint64(at) ||
		binary.LittleEndian.Uint32(locator[4:]) != 0 || binary.LittleEndian.Uint32(locator[16:]) > 1 {
		return 0, odd
	}
	var b [end64Length]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		return 0, err
	}
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	u64 := func(i int) int64 { return int64(min(binary.LittleEndian.Uint64(b[i:]), math.MaxInt64)) } //nolint:gosec // bounded here
	if u32(0) != 0x06064b50 || u64(4) != end64Length-12 || u32(16) != 0 || u32(20) != 0 || u64(24) != u64(32) {
		return 0, odd
	}
	for _, n := range []struct {
		short *int64
		full  int64
		most  int64
	}{{&end.count, u64(32), math.MaxUint16}, {&end.size, u64(40), math.MaxUint32}, {&end.directory, u64(48), math.MaxUint32}} {
		if *n.short != n.most && *n.short != n.full {
			return 0, odd
		}
		*n.short = n.full
	}
	return at, nil
}
