// Package pdb reads of a portable PDB what a debugger asks a symbol server by.
//
// The form is "Portable PDB v1.0" of dotnet/runtime: the metadata root of
// ECMA-335 (II.24.2.1) with a stream named #Pdb, which begins with the PDB's id.
// Only that is read; whether the rest can be is left to debuggers.
package pdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// PDB is what symbols are found by.
type PDB struct {
	// Signature is the id as it stands in a symbol server's URL, in lower case: the
	// GUID's 32 hex digits and the age, which is always ffffffff.
	Signature string
	// Checksum is the SHA-256 of the file with the 20 bytes of its id zeroed, in 64
	// hex digits of lower case. Compilers write it into the assembly (PE/COFF
	// specification of dotnet/runtime, "PDB Checksum").
	Checksum string
}

// ErrWindows is the error of a PDB in the older form.
var ErrWindows = errors.New("the PDB is a Windows PDB: only portable ones are taken (DebugType portable)")

// idSize is of the id at the start of the #Pdb stream: a GUID and four bytes more.
const idSize = 20

// Parse reads a PDB, of which data is the whole file. The error is a sentence.
func Parse(data []byte) (PDB, error) {
	for _, form := range []string{"Microsoft C/C++ MSF 7.00", "Microsoft C/C++ program database 2.00"} {
		if bytes.HasPrefix(data, []byte(form)) {
			return PDB{}, ErrWindows
		}
	}
	at, err := findID(data)
	if err != nil {
		return PDB{}, err
	}
	sum := sha256.New()
	sum.Write(data[:at])
	sum.Write(make([]byte, idSize))
	sum.Write(data[at+idSize:])
	return PDB{
		Signature: guid(data[at:at+16]) + "ffffffff",
		Checksum:  hex.EncodeToString(sum.Sum(nil)),
	}, nil
}

// guid returns the hex digits of a GUID, whose first three fields are stored with
// the low byte first.
func guid(b []byte) string {
	mixed := binary.BigEndian.AppendUint32(nil, binary.LittleEndian.Uint32(b))
	mixed = binary.BigEndian.AppendUint16(mixed, binary.LittleEndian.Uint16(b[4:]))
	mixed = binary.BigEndian.AppendUint16(mixed, binary.LittleEndian.Uint16(b[6:]))
	return hex.EncodeToString(append(mixed, b[8:16]...))
}
