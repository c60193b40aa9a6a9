package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/sdk/spec"
)

// entry is a member of a tar: a header, content, and what is changed in the raw block afterwards.
type entry struct {
	tar.Header
	content string
	raw     func(block []byte)
}

func regular(name, content string) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content: content}
}

func ofType(kind byte, name string) entry {
	return entry{Header: tar.Header{Typeflag: kind, Name: name, Linkname: "target", Mode: 0o644}}
}

// tarOf makes an uncompressed tar.
func tarOf(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, e := range entries {
		out.Write(member(tb, e))
	}
	out.Write(make([]byte, 1024))
	return out.Bytes()
}

// member makes one member: header and content, padded.
func member(tb testing.TB, e entry) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	e.Size = int64(len(e.content))
	if err := w.WriteHeader(&e.Header); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(w, e.content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	b := out.Bytes()
	if e.raw != nil {
		block := b[len(b)-(len(e.content)+511)/512*512-512:][:512]
		e.raw(block)
		checksum(block)
	}
	return b
}

func checksum(block []byte) {
	copy(block[148:156], "        ")
	sum := 0
	for _, b := range block[:512] {
		sum += int(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

func gz(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// extension makes a raw meta member: a POSIX one for 'x' and 'g', a GNU one for 'L'.
func extension(tb testing.TB, kind byte, content string) []byte {
	tb.Helper()
	return member(tb, entry{Header: tar.Header{Typeflag: tar.TypeReg, Name: "meta"}, content: content, raw: func(b []byte) { b[156] = kind }})
}

// record is one record of a POSIX extension.
func record(key, value string) string {
	n := len(key) + len(value) + 3
	for len(fmt.Sprint(n))+len(key)+len(value)+3 != n {
		n++
	}
	return fmt.Sprintf("%d %s=%s\n", n, key, value)
}

func TestTarGzip_members(t *testing.T) {
	t.Parallel()
	found := read(t, spec.TarGzip, gz(t, tarOf(t,
		ofType(tar.TypeDir, "package/"), regular("package/package.json", "{}"), ofType(tar.TypeDir, "package/"),
		regular("./package/lib/a.js", "aaa"), regular("package/empty", ""),
	)), "package/package.json", "package/*/*.js")
	if found.Refusal != "" {
		t.Fatal(found.Refusal)
	}
	if found.FileCount != 3 || found.UnpackedBytes != 5 {
		t.Errorf("%d files of %d bytes, want 3 of 5", found.FileCount, found.UnpackedBytes)
	}
	got := fmt.Sprintf("%s", found.Members)
	if want := "[{package/package.json {}} {package/lib/a.js aaa}]"; got != want {
		t.Errorf("members %s, want %s", got, want)
	}
}

func TestTarGzip_severalGzipMembersAreOneStream(t *testing.T) {
	t.Parallel()
	b := tarOf(t, regular("package/package.json", "{}"))
	found := read(t, spec.TarGzip, append(gz(t, b[:700]), gz(t, b[700:])...), "package/*")
	if found.Refusal != "" || len(found.Members) != 1 {
		t.Errorf("got %+v", found)
	}
}

func TestTarGzip_refusedMembers(t *testing.T) {
	t.Parallel()
	good := regular("package/package.json", "{}")
	for name, c := range map[string]struct {
		entries []entry
		words   string
	}{
		"a way up":             {[]entry{regular("package/../../etc/passwd", "x")}, "leaves the archive"},
		"a way up and back":    {[]entry{regular("package/../package/a", "x")}, "leaves the archive"},
		"a folder's way up":    {[]entry{ofType(tar.TypeDir, "../")}, "leaves the archive"},
		"an absolute path":     {[]entry{regular("/etc/passwd", "x")}, "absolute path"},
		"a drive":              {[]entry{regular("C:/windows", "x")}, "absolute path"},
		"a backslash":          {[]entry{regular(`package\..\a`, "x")}, "backslash"},
		"a line break":         {[]entry{regular("package/a\nb", "x")}, "control character"},
		"an invisible control": {[]entry{regular("package/a\u009bb", "x")}, "control character"},
		"not UTF-8":            {[]entry{regular("package/a\xff", "x")}, "not UTF-8"},
		"no name":              {[]entry{{Header: tar.Header{Typeflag: tar.TypeReg, Name: "x"}, raw: func(b []byte) { b[0] = 0 }}}, "without a name"},
		"the root as a file":   {[]entry{regular(".", "x")}, "named like a folder"},
		"a file named like a folder": {
			[]entry{{Header: tar.Header{Typeflag: tar.TypeReg, Name: "package/a"}, content: "x", raw: func(b []byte) { b[9] = '/' }}}, "named like a folder",
		},
		"a long name":              {[]entry{regular(strings.Repeat("d/", 2050)+"a", "x")}, "longer than"},
		"twice":                    {[]entry{good, good}, "there twice"},
		"twice, spelled otherwise": {[]entry{good, regular("./package//package.json", "{}")}, "there twice"},
		"a file and a folder":      {[]entry{good, ofType(tar.TypeDir, "package/package.json/")}, "there twice"},
		"a folder and a file":      {[]entry{ofType(tar.TypeDir, "package/package.json/"), good}, "there twice"},
		"a symbolic link":          {[]entry{ofType(tar.TypeSymlink, "package/a")}, "is a link"},
		"a hard link":              {[]entry{good, ofType(tar.TypeLink, "package/a")}, "is a link"},
		"a device":                 {[]entry{ofType(tar.TypeBlock, "package/a")}, "neither file nor folder"},
		"a terminal":               {[]entry{ofType(tar.TypeChar, "package/a")}, "neither file nor folder"},
		"a pipe":                   {[]entry{ofType(tar.TypeFifo, "package/a")}, "neither file nor folder"},
		"an unknown kind": {
			[]entry{{Header: tar.Header{Typeflag: tar.TypeReg, Name: "package/a"}, raw: func(b []byte) { b[156] = '7' }}}, "neither file nor folder",
		},
		"a folder with content": {
			[]entry{{Header: tar.Header{Typeflag: tar.TypeDir, Name: "package/"}, raw: func(b []byte) { copy(b[124:], "00000001000") }}}, "is said to have",
		},
		"more members than are handed out": {many(1001), "too many members"},
		"a large member":                   {[]entry{regular("package/a", strings.Repeat("x", 4<<20+1))}, "larger than"},
		"large members":                    {large(3), "too many members"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, spec.TarGzip, gz(t, tarOf(t, c.entries...)), c.words)
		})
	}
}

func many(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		all[i] = regular(fmt.Sprintf("package/%d", i), "")
	}
	return all
}

func large(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		all[i] = regular(fmt.Sprintf("package/%d", i), strings.Repeat("x", 3<<20))
	}
	return all
}

// What one reader takes for one package and another for another.
func TestTarGzip_ambiguousHeaders(t *testing.T) {
	t.Parallel()
	good := member(t, regular("package/package.json", "{}"))
	end := make([]byte, 1024)
	for name, c := range map[string]struct {
		parts [][]byte
		words string
	}{
		"a size that hides members": {[][]byte{extension(t, 'x', record("size", "1024")), good, good, end}, "is said to have 1024 bytes, and 2"},
		"a sparse map":              {[][]byte{extension(t, 'x', record("GNU.sparse.numblocks", "1")+record("GNU.sparse.size", "2")+record("GNU.sparse.map", "0,2")), good, end}, "sparse"},
		"two extensions":            {[][]byte{extension(t, 'x', record("path", "package/a")), extension(t, 'x', record("path", "package/b")), good, end}, "more than once"},
		"two long names":            {[][]byte{extension(t, 'L', "package/a\x00"), extension(t, 'L', "package/b\x00"), good, end}, "more than once"},
		"a long name of each kind":  {[][]byte{extension(t, 'L', "package/a\x00"), extension(t, 'x', record("path", "package/b")), good, end}, "more than once"},
		"a name for all":            {[][]byte{extension(t, 'g', record("path", "package/package.json")), good, end}, `global header sets "path"`},
		"a size for all":            {[][]byte{extension(t, 'g', record("size", "0")), good, end}, `global header sets "size"`},
		"an extension of the global header": {
			[][]byte{extension(t, 'x', record("path", "package/evil")), extension(t, 'g', record("comment", "x")), good, end}, "global header is described",
		},
		"a second archive": {[][]byte{good, end, good, end}, "goes on after its end"},
		"half an end":      {[][]byte{good, end[:512], good, end}, "not a tar"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, spec.TarGzip, gz(t, bytes.Join(c.parts, nil)), c.words)
		})
	}
	t.Run("an extension that agrees", func(t *testing.T) {
		t.Parallel()
		found := read(t, spec.TarGzip, gz(t, bytes.Join([][]byte{
			extension(t, 'g', record("comment", "0123")), extension(t, 'x', record("size", "2")+record("path", "package/other.json")), good, end,
		}, nil)), "package/*")
		if found.Refusal != "" || len(found.Members) != 1 || found.Members[0].Name != "package/other.json" {
			t.Errorf("got %+v", found)
		}
	})
}

func TestTarGzip_damaged(t *testing.T) {
	t.Parallel()
	good := gz(t, tarOf(t, regular("package/package.json", strings.Repeat("x", 1000))))
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 0xff
		return b
	}
	refused(t, spec.TarGzip, nil, "not gzip")
	refused(t, spec.TarGzip, []byte("PK\x03\x04 and more"), "not gzip")
	refused(t, spec.TarGzip, gz(t, []byte("hello")), "cut short")
	refused(t, spec.TarGzip, gz(t, bytes.Repeat([]byte("hello"), 1000)), "not a tar")
	refused(t, spec.TarGzip, flip(len(good)-6), "checksum")
	refused(t, spec.TarGzip, flip(20), "the archive")
	refused(t, spec.TarGzip, append(bytes.Clone(good), "trailing"...), "the archive")
}

// Kilobytes of zeroes in, gigabytes out: refused long before it is unpacked.
func TestTarGzip_bombs(t *testing.T) {
	t.Parallel()
	bomb := func(head []byte, zeroes int) []byte {
		var out bytes.Buffer
		w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(head); err != nil {
			t.Fatal(err)
		}
		block := make([]byte, 1<<20)
		for range zeroes >> 20 {
			if _, err := w.Write(block); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	t.Run("in a member", func(t *testing.T) {
		t.Parallel()
		head := member(t, regular("package/a", "x"))[:512]
		copy(head[124:136], fmt.Sprintf("%011o\x00", 80<<20))
		checksum(head)
		refused(t, spec.TarGzip, bomb(head, 80<<20), "unpacks to too much")
	})
	t.Run("after the end", func(t *testing.T) {
		t.Parallel()
		refused(t, spec.TarGzip, bomb(tarOf(t, regular("package/a", "x")), 80<<20), "unpacks to too much")
	})
	t.Run("in a header", func(t *testing.T) {
		t.Parallel()
		head := bytes.Repeat(extension(t, 'x', record("comment", strings.Repeat("x", 1000<<10))), 4)
		refused(t, spec.TarGzip, bomb(append(head, tarOf(t, regular("package/a", "x"))...), 0), "header of more than")
	})
	t.Run("in a size alone", func(t *testing.T) {
		t.Parallel()
		head := member(t, regular("package/a", "x"))[:512]
		copy(head[124:136], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
		checksum(head)
		refused(t, spec.TarGzip, gz(t, append(head, head...)), "unpacks to too much")
	})
	t.Run("what compresses well is no bomb", func(t *testing.T) {
		t.Parallel()
		found := read(t, spec.TarGzip, gz(t, tarOf(t, regular("package/a", strings.Repeat("x", 60<<20)))))
		if found.Refusal != "" {
			t.Error(found.Refusal)
		}
	})
}

func TestTarGzip_tooManyMembers(t *testing.T) {
	t.Parallel()
	one := member(t, regular("package/a", ""))
	var b bytes.Buffer
	for i := range 200_001 {
		copy(one, fmt.Sprintf("package/%d\x00", i))
		checksum(one)
		b.Write(one)
	}
	b.Write(make([]byte, 1024))
	if found := read(t, spec.TarGzip, gz(t, b.Bytes())); !strings.Contains(found.Refusal, "more than 200000 members") {
		t.Errorf("got %+v", found)
	}
}

// FuzzTarGzip compares with Go's reader: what we accept it reads too, with the same files.
func FuzzTarGzip(f *testing.F) {
	good := regular("package/package.json", `{"name":"demo"}`)
	f.Add(tarOf(f, good, ofType(tar.TypeDir, "package/lib/"), regular("package/lib/a.js", "a")))
	f.Add(append(extension(f, 'x', record("path", "package/b")), tarOf(f, good)...))
	f.Add(append(extension(f, 'L', "package/c\x00"), tarOf(f, good)...))
	f.Add(append(extension(f, 'g', record("comment", "c")), tarOf(f, good)...))
	f.Add(tarOf(f, ofType(tar.TypeSymlink, "package/a")))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Without right checksums no change to a header gets any further.
		for i := 0; i+512 <= len(data); i += 512 {
			if string(data[i+257:i+262]) == "ustar" {
				checksum(data[i:])
			}
		}
		found := read(t, spec.TarGzip, gz(t, data), "*", "*/*")
		if found.Refusal != "" {
			return
		}
		files, bytes_ := int64(0), int64(0)
		r := tar.NewReader(bytes.NewReader(data))
		for {
			h, err := r.Next()
			if err == io.EOF { //nolint:errorlint // a tar's end
				break
			}
			if err != nil {
				t.Fatalf("accepted, and Go's reader says %v", err)
			}
			if h.Typeflag == tar.TypeReg {
				files++
				bytes_ += h.Size
			}
			if strings.Contains("/"+h.Name+"/", "/../") || strings.HasPrefix(h.Name, "/") {
				t.Fatalf("accepted %q", h.Name)
			}
		}
		if files != found.FileCount || bytes_ != found.UnpackedBytes {
			t.Fatalf("found %d files of %d bytes, Go's reader %d of %d", found.FileCount, found.UnpackedBytes, files, bytes_)
		}
	})
}
