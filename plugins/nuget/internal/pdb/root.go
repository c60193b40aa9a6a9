package pdb

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The bounds of a metadata root (ECMA-335, II.24.2.1 and II.24.2.2).
const (
	maxVersion    = 256 // bytes of the version's text
	maxStreams    = 100 // there are nine names
	maxStreamName = 32  // bytes, with the zero at the end
)

// errCutOff is the error of every offset that leads out of the file.
var errCutOff = errors.New("the PDB is not valid: it ends too early")

// findID returns where the PDB's id is. All of its bytes are there.
func findID(data []byte) (int, error) {
	r := reader{rest: data}
	if string(r.next(4)) != "BSJB" {
		return 0, errors.New("the file is no portable PDB: it does not begin with BSJB")
	}
	r.next(8) // of the root's own version, and reserved
	length := r.uint32()
	if length > maxVersion {
		return 0, errors.New("the PDB is not valid: its version is too long")
	}
	r.next(int(length))
	r.next(2) // flags
	count := r.uint16()
	if count > maxStreams {
		return 0, errors.New("the PDB is not valid: it has too many streams")
	}
	at := -1
	for range count {
		offset, size, name := r.uint32(), r.uint32(), r.name()
		if r.failed {
			return 0, errCutOff
		}
		if name != "#Pdb" {
			continue
		}
		if at >= 0 {
			return 0, errors.New("the PDB is not valid: it has two #Pdb streams")
		}
		if size < idSize || uint64(offset)+uint64(size) > uint64(len(data)) {
			return 0, errors.New("the PDB is not valid: its #Pdb stream is cut off")
		}
		at = int(offset)
	}
	if r.failed {
		return 0, errCutOff
	}
	if at < 0 {
		return 0, errors.New("the file is no portable PDB: it has no #Pdb stream")
	}
	return at, nil
}

// reader reads from the front. Once it has failed, all that it returns is empty.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) next(n int) []byte {
	if r.failed || n > len(r.rest) {
		r.failed = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint16() uint16 {
	if b := r.next(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.next(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// name reads the name of a stream: it ends with a zero, and with more of them up
// to a multiple of four bytes.
func (r *reader) name() string {
	end := bytes.IndexByte(r.rest[:min(len(r.rest), maxStreamName)], 0)
	if end < 0 {
		r.failed = true
		return ""
	}
	b := r.next(end + 4 - end%4)
	if b == nil {
		return ""
	}
	return string(b[:end])
}
