package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/spec"
)

// packed is a member of a zip.
type packed struct {
	zip.FileHeader
	content string
}

func stored(name, content string) packed {
	return packed{FileHeader: zip.FileHeader{Name: name, Method: zip.Store}, content: content}
}

func deflated(name, content string) packed {
	return packed{FileHeader: zip.FileHeader{Name: name, Method: zip.Deflate}, content: content}
}

func withMode(m packed, mode fs.FileMode) packed {
	m.SetMode(mode)
	return m
}

// zipOf makes a zip as Go's writer does: sizes follow the content.
func zipOf(tb testing.TB, members ...packed) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		f, err := w.CreateHeader(&m.FileHeader)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(f, m.content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// Where the records of a zip with one member begin.
func central(b []byte) int { return bytes.LastIndex(b, []byte("PK\x01\x02")) }
func ending(b []byte) int  { return bytes.LastIndex(b, []byte("PK\x05\x06")) }

func put16(b []byte, at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }
func put32(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }

func TestZip_members(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("text ", 1000)
	found := read(t, spec.Zip, zipOf(t,
		stored("demo.nuspec", "<package/>"), packed{FileHeader: zip.FileHeader{Name: "lib/"}}, deflated("lib/a.txt", text), deflated("empty", ""),
	), "*.nuspec", "lib/*", "empty")
	if found.Refusal != "" {
		t.Fatal(found.Refusal)
	}
	if found.FileCount != 3 || found.UnpackedBytes != int64(10+len(text)) || len(found.Members) != 3 ||
		found.Members[0].Name != "demo.nuspec" || string(found.Members[0].Data) != "<package/>" || string(found.Members[1].Data) != text {
		t.Errorf("got %+v", found)
	}
}

func TestZip_empty(t *testing.T) {
	t.Parallel()
	if found := read(t, spec.Zip, zipOf(t)); found.Refusal != "" || found.FileCount != 0 {
		t.Errorf("got %+v", found)
	}
}

func TestZip_64bitRecords(t *testing.T) {
	t.Parallel()
	b := zip64(zipOf(t, stored("a", "x")))
	if found := read(t, spec.Zip, b, "a"); found.Refusal != "" || len(found.Members) != 1 {
		t.Errorf("got %+v", found)
	}
	for name, change := range map[string]func(record, locator []byte){
		"another count":              func(r, _ []byte) { r[24], r[32] = 2, 2 },
		"two counts":                 func(r, _ []byte) { r[24] = 2 },
		"another size":               func(r, _ []byte) { r[40]++ },
		"another directory":          func(r, _ []byte) { r[48]++ },
		"a longer record":            func(r, _ []byte) { r[4]++ },
		"a locator to another place": func(_, l []byte) { l[8]++ },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := bytes.Clone(b)
			i := bytes.LastIndex(b, []byte("PK\x06\x06"))
			change(b[i:], b[i+56:])
			refused(t, spec.Zip, b, "the archive")
		})
	}
}

// zip64 puts a 64-bit end record before the end of a zip.
func zip64(b []byte) []byte {
	at := ending(b)
	end := b[at:]
	record := make([]byte, 56+20)
	copy(record, "PK\x06\x06")
	record[4] = 44
	put16(record, 12, 45)
	put16(record, 14, 45)
	copy(record[24:], end[8:10])
	copy(record[32:], end[10:12])
	copy(record[40:], end[12:16])
	copy(record[48:], end[16:20])
	copy(record[56:], "PK\x06\x07")
	put32(record, 64, uint32(at))
	put32(record, 72, 1)
	return append(append(bytes.Clone(b[:at]), record...), end...)
}

func TestZip_refusedMembers(t *testing.T) {
	t.Parallel()
	good := stored("package.json", "{}")
	for name, c := range map[string]struct {
		members []packed
		words   string
	}{
		"a way up":           {[]packed{stored("../a", "x")}, "leaves the archive"},
		"an absolute path":   {[]packed{stored("/a", "x")}, "absolute path"},
		"a backslash":        {[]packed{stored(`a\b`, "x")}, "backslash"},
		"NUL":                {[]packed{stored("a\x00b", "x")}, "control character"},
		"twice":              {[]packed{good, good}, "there twice"},
		"a link":             {[]packed{withMode(good, fs.ModeSymlink|0o777)}, "is a link"},
		"a device":           {[]packed{withMode(good, fs.ModeDevice|0o666)}, "neither file nor folder"},
		"a folder's mode":    {[]packed{withMode(good, fs.ModeDir|0o777)}, "neither file nor folder"},
		"an unknown method":  {nil, "not every reader knows"},
		"a folder's content": {nil, "a size that cannot be"},
		"a large member":     {[]packed{deflated("a", strings.Repeat("x", 4<<20+1))}, "larger than"},
		"a bomb":             {[]packed{deflated("a", strings.Repeat("x", 65<<20))}, "unpacks to too much"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := zipOf(t, append(c.members, stored("z", "x"))...)
			switch name {
			case "an unknown method":
				put16(b, 8, 12)
				put16(b, central(b)+10, 12)
			case "a folder's content":
				b = bytes.ReplaceAll(zipOf(t, stored("aaa", "x")), []byte("aaa"), []byte("aa/"))
			}
			refused(t, spec.Zip, b, c.words)
		})
	}
}

// One byte here or there, and two readers see two packages.
func TestZip_ambiguous(t *testing.T) {
	t.Parallel()
	const local = 0
	plain := func(t *testing.T) []byte { // without descriptors
		t.Helper()
		b, err := os.ReadFile("testdata/info-zip.zip")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	streamed := func(t *testing.T) []byte {
		t.Helper()
		return zipOf(t, deflated("package.json", strings.Repeat("x", 100)))
	}
	for name, c := range map[string]struct {
		make   func(*testing.T) []byte
		change func(b []byte) []byte
		words  string
	}{
		"bytes before":            {plain, func(b []byte) []byte { return append([]byte("#!/bin/sh\n"), b...) }, "before or after"},
		"bytes after":             {plain, func(b []byte) []byte { return append(b, "more"...) }, "does not end where it says"},
		"an end in the comment":   {plain, endInComment, "two ends"},
		"an end around the end":   {plain, endAroundEnd, "two ends"},
		"another name":            {streamed, func(b []byte) []byte { b[local+30] = 'P'; return b }, "described differently"},
		"another method":          {streamed, func(b []byte) []byte { b[local+8] = 0; return b }, "described differently"},
		"another size":            {plain, func(b []byte) []byte { b[local+22]++; return b }, "described differently"},
		"another packed size":     {plain, func(b []byte) []byte { b[local+18]++; return b }, "described differently"},
		"another checksum":        {plain, func(b []byte) []byte { b[local+14]++; return b }, "described differently"},
		"encrypted here":          {streamed, func(b []byte) []byte { b[local+6] |= 1; return b }, "described differently"},
		"encrypted":               {streamed, func(b []byte) []byte { b[local+6] |= 1; b[central(b)+8] |= 1; return b }, "encrypted"},
		"no header":               {streamed, func(b []byte) []byte { b[local] = 'Q'; return b }, "described differently"},
		"another descriptor":      {streamed, func(b []byte) []byte { b[central(b)-1]++; return b }, "described differently after"},
		"no descriptor":           {streamed, func(b []byte) []byte { b[central(b)-16]++; return b }, "described differently after"},
		"a header elsewhere":      {streamed, func(b []byte) []byte { put32(b, central(b)+42, 1<<30); return b }, "is not in the archive"},
		"more than there is":      {streamed, func(b []byte) []byte { put32(b, central(b)+20, 1<<20); return b }, "not whole"},
		"another part":            {streamed, func(b []byte) []byte { b[ending(b)+4] = 1; return b }, "several parts"},
		"more members":            {streamed, func(b []byte) []byte { b[ending(b)+8]++; b[ending(b)+10]++; return b }, "the archive"},
		"no members":              {streamed, func(b []byte) []byte { b[ending(b)+8]--; b[ending(b)+10]--; return b }, "goes on after its end"},
		"a wrong checksum":        {streamed, wrongChecksum, "checksum"},
		"content that is longer":  {streamed, func(b []byte) []byte { return resize(b, 99) }, "not as large as it says"},
		"content that is shorter": {streamed, func(b []byte) []byte { return resize(b, 101) }, "cut short"},
		"another unicode name": {unicodeName, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("\x01\x00\x00\x00\x00other"), []byte("\x01\x00\x00\x00\x00Other"))
		}, "two names"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := c.make(t)
			if found := read(t, spec.Zip, b, "*"); found.Refusal != "" {
				t.Fatalf("refused before the change: %s", found.Refusal)
			}
			refused(t, spec.Zip, c.change(bytes.Clone(b)), c.words)
		})
	}
}

func endInComment(b []byte) []byte {
	put16(b, ending(b)+20, 22)
	return append(b, append([]byte("PK\x05\x06"), make([]byte, 18)...)...)
}

// endAroundEnd makes a member's content look like an end record with a comment that holds the true one.
func endAroundEnd([]byte) []byte {
	fake := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "a", Method: zip.Store, UncompressedSize64: 22, CompressedSize64: 22}
	f, _ := w.CreateRaw(h)
	_, _ = f.Write(fake)
	_ = w.Close()
	b := out.Bytes()
	i := bytes.Index(b, fake[:4])
	put16(b, i+20, uint16(len(b)-i-22))
	return b
}

func wrongChecksum(b []byte) []byte {
	put32(b, central(b)+16, 1)
	put32(b, central(b)-12, 1)
	return b
}

func resize(b []byte, size uint32) []byte {
	put32(b, central(b)+24, size)
	put32(b, central(b)-4, size)
	return b
}

func unicodeName(t *testing.T) []byte {
	t.Helper()
	extra := append([]byte{0x75, 0x70, 10, 0, 1, 0, 0, 0, 0}, "other"...)
	return zipOf(t, packed{FileHeader: zip.FileHeader{Name: "other", Extra: extra}})
}

func TestZip_overlaps(t *testing.T) {
	t.Parallel()
	b := zipOf(t, stored("a", "x"), stored("b", "x"))
	// The second entry of the directory becomes another one for the first member.
	i := central(b)
	b[i+46] = 'a'
	put32(b, i+42, 0)
	refused(t, spec.Zip, b, "there twice")

	inner := zipOf(t, stored("in", "x"))
	outer := zipOf(t, stored("out", string(inner)), stored("in", "x"))
	// The entry points at the member that is inside another one's content.
	put32(outer, central(outer)+42, uint32(bytes.Index(outer, inner)))
	refused(t, spec.Zip, outer, "the archive")
}

// FuzzZip compares with Go's reader: what we accept it reads too, with the same members.
func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, deflated("package.json", strings.Repeat("x", 50)), stored("lib/a", "a")))
	f.Add(zip64(zipOf(f, stored("a", "x"))))
	for _, name := range []string{"info-zip.zip", "python.zip", "python-stream.zip"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := read(t, spec.Zip, data, "*", "*/*")
		if found.Refusal != "" {
			return
		}
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("accepted, and Go's reader says %v", err)
		}
		files := map[string]*zip.File{}
		for _, m := range r.File {
			if !strings.HasSuffix(m.Name, "/") {
				files[strings.TrimPrefix(m.Name, "./")] = m
			}
		}
		if int64(len(files)) != found.FileCount {
			t.Fatalf("found %d files, Go's reader %d", found.FileCount, len(files))
		}
		for _, m := range found.Members {
			g := files[m.Name]
			if g == nil {
				continue // spelled otherwise
			}
			c, err := g.Open()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(c); err != nil || !bytes.Equal(b, m.Data) {
				t.Fatalf("member %q is %q, Go's reader says %q, %v", m.Name, m.Data, b, err)
			}
		}
	})
}
