package pdb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/plugins/nuget/internal/pdb"
)

// demo is the PDB that the C# compiler made of testdata/Demo.cs (csc
// -debug:portable -deterministic -optimize+ -target:library, of SDK 3.1.102).
func demo(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "Demo.pdb"))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// The debug directory of the assembly has, in its CodeView entry, the bytes
// acf35ddcb3188a45928727375f9c42f0, and the checksum below.
func TestParse(t *testing.T) {
	t.Parallel()
	got, err := pdb.Parse(demo(t))
	want := pdb.PDB{
		Signature: "dc5df3ac18b3458a928727375f9c42f0ffffffff",
		Checksum:  "acf35ddcb3188a15128727375f9c42f02ebc5e06b8e4dc792cc75d317c208e52",
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestTheChecksumIsOfTheWholeFileButTheID(t *testing.T) {
	t.Parallel()
	before, _ := pdb.Parse(demo(t))
	other := demo(t)
	other[0x7c+19]++ // the id's last byte
	if got, err := pdb.Parse(other); err != nil || got != before {
		t.Errorf("%+v, %v", got, err)
	}
	other[0x7c]++ // the GUID's first
	if got, err := pdb.Parse(other); err != nil || got.Checksum != before.Checksum || got.Signature != "dc5df3ad18b3458a928727375f9c42f0ffffffff" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := pdb.Parse(append(other, 0)); err != nil || got.Checksum == before.Checksum {
		t.Errorf("%+v, %v", got, err)
	}
}

// root makes a metadata root of streams with names, each of 24 bytes.
func root(names ...string) []byte {
	b := []byte("BSJB\x01\x00\x01\x00\x00\x00\x00\x00\x0c\x00\x00\x00PDB v1.0\x00\x00\x00\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(names)))
	for _, name := range names {
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint32(b, 24)
		b = append(b, name...)
		b = append(b, make([]byte, 4-len(name)%4)...)
	}
	return b
}

// at returns a copy of b with other bytes at an offset.
func at(b []byte, offset int, other ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[offset:], other)
	return b
}

func TestRefused(t *testing.T) {
	t.Parallel()
	whole := root("#~", "#Pdb", "#Blob")
	stream := bytes.Index(whole, []byte("#Pdb")) - 8
	for _, c := range []struct {
		name   string
		data   []byte
		reason string
	}{
		{"nothing", nil, "it does not begin with BSJB"},
		{"an assembly", []byte("MZ\x90\x00"), "it does not begin with BSJB"},
		{"three bytes", []byte("BSJ"), "it does not begin with BSJB"},
		{"the beginning only", []byte("BSJB"), "it ends too early"},
		{"a long version", at(whole, 12, 1, 1), "its version is too long"},
		{"the longest version", at(whole, 12, 0xff, 0xff, 0xff, 0xff), "its version is too long"},
		{"a version that ends behind the file", at(root(), 12, 0, 1), "it ends too early"},
		{"no streams", root(), "it has no #Pdb stream"},
		{"other streams", root("#~", "#Strings", "#pdb", "#Pdb2"), "it has no #Pdb stream"},
		{"two of them", root("#Pdb", "#Pdb"), "it has two #Pdb streams"},
		{"too many streams", at(whole, 30, 0xff, 0xff), "it has too many streams"},
		{"fewer streams than it says", at(whole, 30, 90), "it ends too early"},
		{"a name without end", append(at(root(), 30, 1), bytes.Repeat([]byte("#"), 90)...), "it ends too early"},
		{"a name that is cut off", root("#Pdb")[:len(root("#Pdb"))-1], "it ends too early"},
		{"an offset behind the file", at(whole, stream, 0xff), "its #Pdb stream is cut off"},
		{"the largest offset", at(whole, stream, 0xff, 0xff, 0xff, 0xff), "its #Pdb stream is cut off"},
		{"the largest size", at(whole, stream+4, 0xff, 0xff, 0xff, 0xff), "its #Pdb stream is cut off"},
		{"both", at(whole, stream, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "its #Pdb stream is cut off"},
		{"no place for the id", at(whole, stream+4, 19), "its #Pdb stream is cut off"},
		{"a Windows PDB", []byte("Microsoft C/C++ MSF 7.00\r\n\x1aDS\x00\x00\x00"), "the PDB is a Windows PDB"},
		{"an older one", []byte("Microsoft C/C++ program database 2.00\r\n\x1aJG\x00\x00"), "the PDB is a Windows PDB"},
	} {
		if _, err := pdb.Parse(c.data); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %q", c.name, err, c.reason)
		}
	}
	if _, err := pdb.Parse(whole); err != nil {
		t.Errorf("what they are made from is refused too: %v", err)
	}
	if _, err := pdb.Parse([]byte("Microsoft C/C++ MSF 7.00")); !errors.Is(err, pdb.ErrWindows) {
		t.Errorf("%v is not ErrWindows", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(demo(f))
	f.Add(root("#Pdb"))
	f.Add(root("#~", "#Pdb", "#Blob"))
	f.Add([]byte("Microsoft C/C++ MSF 7.00"))
	form := regexp.MustCompile(`^[0-9a-f]{32}f{8} [0-9a-f]{64}$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got, err := pdb.Parse(data)
		if !bytes.Equal(data, before) {
			t.Fatal("the file is written to")
		}
		if err == nil && !form.MatchString(got.Signature+" "+got.Checksum) {
			t.Fatalf("%+v", got)
		}
	})
}
