package upload_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/pakhus/pakhus/core/internal/storage"
	"github.com/pakhus/pakhus/core/internal/storage/filesystem"
	"github.com/pakhus/pakhus/core/internal/storage/memory"
	"github.com/pakhus/pakhus/core/internal/upload"
	"github.com/pakhus/pakhus/sdk/spec"
)

// nowhere is a store for bytes that nobody reads again.
type nowhere struct{ storage.Blobs }

func (nowhere) Stage(context.Context) (storage.Staged, error) { return &drop{}, nil }

type drop struct{ storage.Staged }

func (*drop) Write(p []byte) (int, error) { return len(p), nil }
func (*drop) Seal(context.Context) error  { return nil }
func (*drop) Discard() error              { return nil }

// endless makes an npm document with a tarball of so many bytes while it is read.
func endless(size int64) (io.Reader, int64) {
	const head, tail = `{"_attachments":{"demo-1.0.0.tgz":{"data":"`, `"}}}`
	chars := size / 3 * 4
	text := &repeater{text: []byte(base64.StdEncoding.EncodeToString(random(3 << 10)))}
	return io.MultiReader(strings.NewReader(head), io.LimitReader(text, chars), strings.NewReader(tail)), chars + int64(len(head)+len(tail))
}

type repeater struct {
	text []byte
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.text[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.text)
	}
	return n, nil
}

// peak samples the memory that is in use while it is read through.
type peak struct {
	from io.Reader
	next int64
	n    int64
	most uint64
}

func (p *peak) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if p.n += int64(n); p.n >= p.next {
		p.next += 8 << 20
		p.most = max(p.most, inUse())
	}
	return n, err
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A tarball of any size costs the same few hundred kilobytes.
//
//nolint:paralleltest // it measures the process
func TestMemory(t *testing.T) {
	onDisk, err := filesystem.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		blobs storage.Blobs
		size  int64
	}{{"1 GiB", nowhere{}, 1 << 30}, {"192 MiB on disk", onDisk, 192 << 20}} {
		t.Run(c.name, func(t *testing.T) {
			in := npm()
			in.blobs = c.blobs
			in.limits.MaxFileBytes = 2 << 30
			in.limits.Digests = []spec.Digest{spec.SHA1}
			if raceDetector {
				c.size >>= 4 // it makes everything ten times slower
			}
			from, length := endless(c.size)
			in.length = length
			runtime.GC()
			before := inUse()
			watched := &peak{from: from}
			body, err := in.from(t.Context(), watched)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Discard()
			if got, want := body.Files[0].Size, c.size/3*3; got != want {
				t.Errorf("%d bytes, want %d", got, want)
			}
			extra := int64(watched.most) - int64(before) //nolint:gosec // far from the edge
			if extra > 16<<20 {
				t.Errorf("it took %d KiB of memory", extra>>10)
			}
			t.Logf("%d KiB of extra memory", extra>>10)
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, c := range []struct {
		kind spec.BodyKind
		name string
		size int
	}{
		{spec.BodyJSONAttachments, "npm", 10 << 10},
		{spec.BodyJSONAttachments, "npm", 1 << 20},
		{spec.BodyJSONAttachments, "npm", 50 << 20},
		{spec.BodyRawFile, "raw", 200},
		{spec.BodyRawFile, "raw", 10 << 10},
		{spec.BodyRawFile, "raw", 50 << 20},
	} {
		b.Run(fmt.Sprintf("%s/%dKiB", c.name, c.size>>10), func(b *testing.B) {
			data := random(c.size)
			if c.kind == spec.BodyJSONAttachments {
				data = publish(quoted(data))
			}
			in := npm()
			in.policy.Kind = c.kind
			in.limits = upload.Limits{MaxFileBytes: 1 << 30, Digests: []spec.Digest{spec.SHA1, spec.SHA512}}
			in.blobs, in.length = nowhere{memory.New()}, int64(len(data))
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			for b.Loop() {
				body, err := in.from(b.Context(), bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				body.Discard()
			}
		})
	}
}
