package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/archive"
	"github.com/pakhus/pakhus/sdk/spec"
)

func read(t *testing.T, kind spec.ArchiveKind, data []byte, globs ...string) spec.Archive {
	t.Helper()
	found, err := archive.Read(t.Context(), bytes.NewReader(data), int64(len(data)), spec.ArchiveRead{Kind: kind, Globs: globs})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return found
}

// refused checks that the archive is refused in words that hold the given ones.
func refused(t *testing.T, kind spec.ArchiveKind, data []byte, words string) {
	t.Helper()
	found := read(t, kind, data, "*", "*/*")
	if !strings.Contains(found.Refusal, words) || found.Refusal == "" {
		t.Errorf("refusal %q, want one with %q", found.Refusal, words)
	}
	if len(found.Members) > 0 || found.FileCount > 0 {
		t.Errorf("a refused archive hands out %+v", found)
	}
}

// What the tools of the trade make is read. See testdata/README.md for how.
func TestRead_realArchives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file    string
		kind    spec.ArchiveKind
		glob    string
		files   int64
		content string
	}{
		{"npm-pack.tgz", spec.TarGzip, "package/package.json", 5, `"name":"demo"`},
		{"npm-pack-long-names.tgz", spec.TarGzip, "package/package.json", 3, `"@scope/long"`},
		{"git-archive.tgz", spec.TarGzip, "package/package.json", 2, `"name":"demo"`},
		{"gnu-tar.tgz", spec.TarGzip, "package.json", 2, `"name":"demo"`},
		{"info-zip.zip", spec.Zip, "package.json", 3, `"name":"demo"`},
		{"python.zip", spec.Zip, "big.txt", 2, strings.Repeat("x", 1000)},
		{"python-stream.zip", spec.Zip, "big.txt", 2, strings.Repeat("x", 1000)},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", c.file))
			if err != nil {
				t.Fatal(err)
			}
			found := read(t, c.kind, data, c.glob)
			if found.Refusal != "" {
				t.Fatalf("refused: %s", found.Refusal)
			}
			if found.FileCount != c.files || len(found.Members) != 1 || found.Members[0].Name != c.glob ||
				!strings.Contains(string(found.Members[0].Data), c.content) {
				t.Errorf("found %d files, members %q; want %d and one with %q", found.FileCount, found.Members, c.files, c.content)
			}
		})
	}
}

// Every way in which a file can be cut short is a refusal, and none a package with fewer members.
func TestRead_everyTruncation(t *testing.T) {
	t.Parallel()
	for file, kind := range map[string]spec.ArchiveKind{"npm-pack.tgz": spec.TarGzip, "info-zip.zip": spec.Zip, "python-stream.zip": spec.Zip} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if found := read(t, kind, data[:n]); found.Refusal == "" {
				t.Errorf("%s: the first %d of %d bytes are accepted", file, n, len(data))
			}
		}
	}
}

func TestRead_faultsAreNoRefusals(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/npm-pack.tgz")
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := os.ReadFile("testdata/info-zip.zip")
	if err != nil {
		t.Fatal(err)
	}
	disk := errors.New("input/output error")
	for name, c := range map[string]struct {
		kind spec.ArchiveKind
		data []byte
	}{"tar": {spec.TarGzip, data}, "zip": {spec.Zip, zipped}} {
		t.Run(name+": a disk that cannot be read", func(t *testing.T) {
			t.Parallel()
			f := &badDisk{Reader: bytes.NewReader(c.data), good: 100, err: disk}
			found, err := archive.Read(t.Context(), f, int64(len(c.data)), spec.ArchiveRead{Kind: c.kind})
			if !errors.Is(err, disk) || found.Refusal != "" {
				t.Errorf("got %+v, %v; want the disk's error", found, err)
			}
		})
		t.Run(name+": a request that is over", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			found, err := archive.Read(ctx, bytes.NewReader(c.data), int64(len(c.data)), spec.ArchiveRead{Kind: c.kind})
			if !errors.Is(err, context.Canceled) || found.Refusal != "" {
				t.Errorf("got %+v, %v; want the context's error", found, err)
			}
		})
	}
	t.Run("a glob that is none", func(t *testing.T) {
		t.Parallel()
		if _, err := archive.Read(t.Context(), bytes.NewReader(data), int64(len(data)), spec.ArchiveRead{Kind: spec.TarGzip, Globs: []string{"["}}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a kind that is none", func(t *testing.T) {
		t.Parallel()
		if _, err := archive.Read(t.Context(), bytes.NewReader(data), int64(len(data)), spec.ArchiveRead{}); err == nil {
			t.Error("no error")
		}
	})
}

// badDisk fails after the first good bytes.
type badDisk struct {
	*bytes.Reader
	good int64
	err  error
}

func (d *badDisk) Read(p []byte) (int, error) {
	at := d.Size() - int64(d.Len())
	if at >= d.good {
		return 0, d.err
	}
	return d.Reader.Read(p[:min(int64(len(p)), d.good-at)])
}

func (d *badDisk) ReadAt(p []byte, at int64) (int, error) {
	if at >= d.good {
		return d.Reader.ReadAt(p, at)
	}
	return 0, d.err
}
